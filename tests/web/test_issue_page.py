"""An issue's page over a real newsletter: what its forms do, and what stands on it afterwards."""

from __future__ import annotations

import html
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.model.activity import Door
from digest.model.issue import Issue, IssueState
from digest.web.app import create_app
from digest.wiring import Container
from fakes.activity import actor, logged
from fakes.databases import NOW, store, subscribe
from fakes.processes import Process
from web.fake_views import SECRET
from web.test_home import SETTINGS

PAGE = "/desk/weekly/1"
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def parts(tmp_path: Path, template: Path) -> Iterator[Container]:
    """A draft of five articles, one left out, three subscribers."""
    shutil.copy(template, tmp_path / "digest.db")
    settings = SETTINGS.replace("min_articles = 3", "min_articles = 1\nmax_articles = 5")
    (tmp_path / "digest.toml").write_text(settings)
    made = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    with made.database.write() as connection:
        store(connection, 1, 2, 3, 4, 5, 6)
        subscribe(connection, "ann", "bo", "cy")
    yield made
    made.close()


class Desk:
    """A browser with the page open."""

    def __init__(self, client: TestClient, parts: Container) -> None:
        self.client = client
        self.parts = parts

    def page(self, query: str = "") -> str:
        answer = self.client.get(f"{PAGE}{query}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, what: str, query: str = "", *, script: bool = False, **fields: object):
        page = self.page()
        token = re.search(r'name="token" value="([^"]+)"', page)
        revision = re.search(r'data-revision="(\d+)"', page)
        assert token
        assert revision
        data = {"token": token[1], "revision": revision[1], **{k: str(v) for k, v in fields.items()}}
        return self.client.post(f"{PAGE}/{what}{query}", data=data, headers=SCRIPT if script else {})

    @property
    def issue(self) -> Issue:
        return self.parts.issue("weekly/1")[1]

    @property
    def stories(self) -> list[int]:
        return [teaser.article_id for teaser in self.issue.layout.teasers]

    @property
    def stamp(self) -> str:
        return self.client.get(f"{PAGE}/pulse").json()["stamp"]


@pytest.fixture
def desk(parts: Container) -> Iterator[Desk]:
    actions = Process(parts)
    app = create_app(actions, one_time_secret=SECRET)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
    )
    client.get(f"/desk/enter/{SECRET}")
    actions.draft("weekly", by=actor("Ann"))
    yield Desk(client, parts)
    actions.senders.close()


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def headline(desk: Desk, article: int) -> str:
    return next(t.headline for t in desk.issue.layout.teasers if t.article_id == article)


def change(desk: Desk, article: int, value: str, *, was: str | None = None, **more: bool):
    seen = headline(desk, article) if was is None else was
    return desk.post(
        "edit", kind="EditTeaser", article=article, field="headline", headline=value, was=seen, **more
    )


# -- content ---------------------------------------------------------------------------------


def test_a_form_comes_back_to_the_same_look(desk: Desk) -> None:
    first = desk.stories[1]
    look = f"?open=edit&story={first}"

    answer = desk.post(
        "edit", look, kind="EditTeaser", article=first, field="text", text="Shorter.", was=_text(desk, first)
    )

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?open=edit&story={first}")
    assert _text(desk, first) == "Shorter."
    assert "Shorter." in desk.page(look)


def _text(desk: Desk, article: int) -> str:
    return next(t.text for t in desk.issue.layout.teasers if t.article_id == article)


def test_a_script_gets_the_page_at_once(desk: Desk) -> None:
    answer = change(desk, desk.stories[0], "What the queue did", script=True)

    assert answer.status_code == 200
    assert 'id="room"' in answer.text
    assert answer.headers["hx-replace-url"] == PAGE
    assert "What the queue did" in answer.text


def test_what_was_typed_with_a_space_at_its_end_can_be_typed_on(desk: Desk) -> None:
    """A field saves in the middle of a sentence; what it is based on is then what the editor typed."""
    first = desk.stories[0]
    change(desk, first, "What the ")

    answer = change(desk, first, "What the queue did", was="What the ")

    assert answer.status_code == 303
    assert headline(desk, first) == "What the queue did"


def test_two_who_write_the_same_text_are_shown_both(desk: Desk) -> None:
    first, before = desk.stories[0], headline(desk, desk.stories[0])
    change(desk, first, "Mine was first")

    answer = change(desk, first, "Mine was later", was=before)

    assert answer.status_code == 409
    assert "Mine was first" in answer.text
    assert "Mine was later" in answer.text
    assert headline(desk, first) == "Mine was first"
    form = re.search(r"<form[^>]*data-settles>.*?</form>", answer.text, re.DOTALL)
    assert form
    kept = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    assert (kept["headline"], kept["was"]) == ("Mine was later", "Mine was first")
    assert desk.client.post(f"{PAGE}/edit", data=kept).status_code == 303
    assert headline(desk, first) == "Mine was later"


def test_up_and_down_by_the_buttons_of_the_page(desk: Desk) -> None:
    before = desk.stories
    up = re.findall(r'id="handle-(\d+)"[^>]*data-up="([^"]+)"', desk.page())
    steps = {int(article): html.unescape(step) for article, step in up}

    desk.post("edit", step=steps[before[2]])

    assert desk.stories == [before[0], before[2], before[1], *before[3:]]


def test_the_first_story_goes_up_to_be_the_lead(desk: Desk) -> None:
    lead, second, *rest = desk.stories
    up = re.search(rf'id="handle-{second}"[^>]*data-up="([^"]+)"', desk.page())
    assert up

    desk.post("edit", step=html.unescape(up[1]))

    assert desk.stories == [second, lead, *rest]


def test_what_is_taken_out_stands_below_with_its_reason_and_comes_back(desk: Desk) -> None:
    gone = desk.stories[2]
    title = headline(desk, gone)

    desk.post("edit", kind="TakeOut", article=gone, reason="waits for the legal check")
    page = desk.page()

    assert gone not in desk.stories
    assert "Waits for the legal check" in text_of(page[page.index('id="left-out"') :])
    assert f'aria-label="Add “{title}”"' in page
    desk.post("edit", step=urlencode({"kind": "PullIn", "article": gone, "section": "", "position": 1}))
    assert gone in desk.stories


def test_undo_and_redo(desk: Desk) -> None:
    before = desk.stories
    desk.post("edit", kind="MakeLead", article=before[3])
    after = desk.stories

    undone = desk.post("undo", script=True)
    assert desk.stories == before
    assert "data-said" in undone.text
    assert "data-undoable" not in undone.text, "the undo of an undo is a redo"
    desk.post("redo")
    assert desk.stories == after
    nothing = desk.post("redo")
    assert nothing.status_code == 409
    assert "card error" in nothing.text


def test_subject_preheader_and_note_are_the_mail_s(desk: Desk) -> None:
    desk.post("edit", kind="SetText", text="subject", subject="A week of queues", was="")
    desk.post("edit", kind="SetText", text="note", note="We *moved*.", was="")

    page = desk.page("?view=source")

    assert "<b><bdi>A week of queues</bdi></b>" in desk.page()
    assert "<em>moved</em>" in html.unescape(page)
    desk.post("edit", kind="SetText", text="subject", subject="", was="A week of queues")
    assert desk.issue.texts.subject == ""


def test_a_note_of_five_thousand_letters_fits_into_a_form(desk: Desk) -> None:
    note = "Größe zählt. " * 380

    answer = desk.post("edit", kind="SetText", text="note", note=note, was="")

    assert answer.status_code == 303
    assert len(desk.issue.texts.note) > 4_900


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "Nonsense"},
        {"kind": "Move", "article": "x", "position": 1},
        {"kind": "EditTeaser", "article": 1, "field": "url", "url": "https://evil.example"},
        {"step": "kind=Move&article=-1&position=0"},
    ],
)
def test_an_odd_form_is_refused_in_a_sentence(desk: Desk, fields: dict[str, object]) -> None:
    before = desk.issue.content

    answer = desk.post("edit", **fields)

    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert desk.issue.content == before


def test_without_the_form_s_token_nothing_is_done(desk: Desk) -> None:
    for name in ("edit", "undo", "approve", "take-back", "cancel", "proof", "share", "pause", "resume"):
        data = {"token": "forged", "kind": "MakeLead", "article": str(desk.stories[2]), "revision": "0"}
        assert desk.client.post(f"{PAGE}/{name}", data=data).status_code == 403
    assert desk.issue.state is IssueState.DRAFT
    assert desk.issue.revision == 0


# -- going out -------------------------------------------------------------------------------


def test_it_is_approved_for_the_slot_and_any_edit_takes_that_back(desk: Desk) -> None:
    answer = desk.post("approve", when="slot", stamp=desk.stamp)

    assert answer.status_code == 303, text_of(answer.text)
    assert desk.issue.state is IssueState.APPROVED
    page = desk.page()
    assert "Withdraw approval" in page
    assert "Scheduled for <strong>" in page
    told = change(desk, desk.stories[0], "Changed", script=True)
    assert "the approval was withdrawn" in told.text
    assert desk.issue.state is IssueState.DRAFT


def test_what_looks_different_from_what_was_seen_is_not_approved(desk: Desk, tmp_path: Path) -> None:
    seen = desk.stamp
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "subject.txt").write_text("another one")

    answer = desk.post("approve", when="slot", stamp=seen)

    assert answer.status_code == 409
    assert "have changed since you looked" in answer.text
    assert desk.issue.state is IssueState.DRAFT


def test_an_approval_is_taken_back(desk: Desk) -> None:
    desk.post("approve", when="slot", stamp=desk.stamp)

    desk.post("take-back")

    assert desk.issue.state is IssueState.DRAFT
    assert "What you see now is what will be sent" in desk.page("?open=approve")


def test_approved_for_now_it_goes_to_everybody_and_the_page_counts_them(desk: Desk) -> None:
    desk.post("approve", when="now", stamp=desk.stamp)

    until = time.monotonic() + 20
    while desk.issue.state is not IssueState.SENT and time.monotonic() < until:
        time.sleep(0.02)

    page = text_of(desk.page())
    assert desk.issue.state is IssueState.SENT
    assert "to 3 subscribers" in page
    assert "Accepted by the provider 3" in page
    assert 'id="undo"' not in desk.page()


def test_it_is_approved_for_a_time_of_the_newsletter_s_zone(desk: Desk) -> None:
    answer = desk.post("approve", when="time", at="2026-11-26T15:30", stamp=desk.stamp)

    assert answer.status_code == 303, text_of(answer.text)
    assert desk.issue.send_at == datetime(2026, 11, 26, 14, 30, tzinfo=UTC)
    assert "Scheduled for Thursday 15:30 in Berlin , in 2 days, to 3 subscribers" in text_of(desk.page())
    assert "Thursday 15:30 in Berlin" in text_of(desk.client.get("/desk").text)


def test_a_moment_that_is_none_is_refused(desk: Desk) -> None:
    answer = desk.post("approve", when="time", at="soon", stamp=desk.stamp)

    assert answer.status_code == 409
    assert "“soon” is not a date and time." in text_of(answer.text)


def test_it_is_cancelled_and_says_so(desk: Desk) -> None:
    desk.post("cancel", by="me")

    assert desk.issue.state is IssueState.CANCELLED
    page = desk.page()
    assert 'class="handle' not in page
    assert "Cancelled by somebody at this machine." in text_of(page)


def test_a_proof_to_two_and_to_nobody(desk: Desk, tmp_path: Path) -> None:
    good = desk.post("proof", to="ann@example.org, bo@example.org", script=True)
    bad = desk.post("proof", "?open=proof", to="ann@example.org nobody")
    none = desk.post("proof", "?open=proof", to="")

    assert "on its way to ann@example.org, bo@example.org" in html.unescape(good.text)
    assert (bad.status_code, none.status_code) == (409, 409)
    assert "Nothing was sent." in text_of(bad.text)
    assert "“nobody”" in text_of(bad.text)


def test_a_link_to_share_shows_the_issue(desk: Desk) -> None:
    answer = desk.post("share", "?open=share", days=7)

    link = re.search(r'value="(https://news\.example\.com/share/[^"]+)"', answer.text)
    assert answer.status_code == 200
    assert link
    shown = desk.client.get(link[1].removeprefix("https://news.example.com"))
    assert shown.status_code == 200
    assert headline(desk, desk.stories[0]) in html.unescape(shown.text).replace("\u00a0", " ")


# -- who else, and is it still so? -----------------------------------------------------------


def test_the_pulse_changes_with_every_change(desk: Desk, tmp_path: Path) -> None:
    first = desk.stamp
    assert desk.stamp == first

    change(desk, desk.stories[0], "Changed")
    second = desk.stamp
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "issue.mjml.j2").write_text("saved")

    assert len({first, second, desk.stamp}) == 3
    assert desk.client.get("/desk/weekly/9/pulse").status_code == 404


@pytest.mark.parametrize(
    ("query", "policy"),
    [("", "img-src 'self' https: data:"), ("?images=off", "img-src 'none'")],
)
def test_the_frame_has_a_policy_of_its_own(desk: Desk, query: str, policy: str) -> None:
    answer = desk.client.get(f"{PAGE}/html{query}")

    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert policy in answer.headers["content-security-policy"]


def test_the_search_finds_older_articles_only(desk: Desk) -> None:
    out = next(n for n in range(1, 7) if n not in desk.stories)

    page = desk.page("?q=story&part=outline")

    found = page[page.index('id="left-out"') :]
    assert f'data-article="{out}"' in found
    assert f'data-article="{desk.stories[0]}"' not in found


def test_the_history_tells_who_did_what_with_the_issue_and_by_which_door(desk: Desk) -> None:
    desk.post("proof", to="canary@example.org")
    desk.post("cancel")
    panel = desk.client.get("/desk/weekly/1?open=history").text.partition('id="log"')[2]
    [steps, _] = panel.split("</ol>", 1)

    found = [text_of(f"<li{step}").strip() for step in steps.split("<li")[1:]]
    assert [step.rpartition(",")[0] for step in found] == [
        "Cancelled somebody at this machine (desk)",
        "Proof sent to 1 of 1 addresses somebody at this machine (desk)",
        "Drafted with 5 articles Ann (command line)",
    ]
    assert "canary" not in steps


def test_each_form_of_the_page_is_told_once_and_no_address_that_was_typed(desk: Desk) -> None:
    story = desk.issue.layout.teasers[-1].article_id
    desk.post("edit", kind="SetText", text="note", note="Write to canary@example.org", was="")
    desk.post("edit", kind="TakeOut", article=story, reason="canary@example.org does not want it")
    desk.post("undo")
    desk.post("share", days="1")
    stamp = re.search(r'name="stamp" value="([^"]+)"', desk.page("?open=approve"))
    assert stamp
    desk.post("approve", stamp=stamp[1], when="slot")
    desk.post("take-back")
    desk.post("proof", to="canary@example.org, other@example.org")
    desk.post("cancel")
    entries = logged(desk.parts.database)

    assert [entry.what.value for entry in reversed(entries)] == [
        "edited",
        "edited",
        "shared",
        "approved",
        "withdrew-approval",
        "proof-sent",
        "cancelled",
    ]
    assert {(entry.who, entry.door) for entry in entries} == {("somebody at this machine", Door.DESK)}
    assert {entry.network for entry in entries} == {"127.0.0.0/24"}
    assert "canary" not in repr(entries)
