"""The pages beside home, over a real newsletter: all issues, the plan with its marks, a source."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.model.article import Mark
from digest.model.delivery import EventKind
from digest.model.issue import IssueState
from digest.model.subscriber import SubscriptionId
from digest.rules.marks import mark_of
from digest.storage import articles, issues, subscribers
from digest.storage.tables import article, issue
from digest.views.desk import DeskViews
from digest.web.access import LINK_VISITOR
from digest.web.app import create_app
from digest.wiring import Container
from digest.workflows.collecting import inspect_source as looking
from digest.workflows.collecting.collect import collect
from digest.workflows.drafting import marks
from digest.workflows.drafting.draft import plan
from fakes.activity import actor, told
from fakes.databases import NOW, drafted, store
from fakes.processes import Process
from web.fake_views import SECRET
from web.test_home import sent, tell, text_of

DAY = timedelta(days=1)
SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[delivery]
transport = "outbox"
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 10:00"
[[newsletters.weekly.sources]]
kind = "markdown"
name = "Posts / drafts & <more>?"
path = "posts"
[[newsletters.weekly.sources]]
kind = "feed"
name = "Broken"
path = "broken.xml"
[[newsletters.weekly.sources]]
kind = "feed"
name = "Blog"
path = "one.xml"
[[newsletters.weekly.sources]]
kind = "feed"
name = "Blog"
path = "two.xml"
[newsletters.other]
title = "Another One"
sender = "Example <digest@news.example.com>"
schedule = "Fri 10:00"
[[newsletters.other.sources]]
kind = "markdown"
path = "others"
"""
POST = "---\ntitle: {title}\ndate: 2026-11-2{day}\n---\nIt was written by hand.\n"
HOSTILE = "<img src=x onerror=alert(1)>"
RTL = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
PLAN = "/desk/weekly/plan"
POSTS = "/desk/weekly/sources/Posts%20%2F%20drafts%20%26%20%3Cmore%3E%3F"


@pytest.fixture
def parts(tmp_path: Path, template: Path) -> Iterator[Container]:
    shutil.copy(template, tmp_path / "digest.db")
    (tmp_path / "digest.toml").write_text(SETTINGS)
    (tmp_path / "broken.xml").write_text("This is no feed.")
    for number, title in enumerate(("One", "Two", f"'{HOSTILE}'", RTL), 1):
        folder = tmp_path / "posts"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.md").write_text(POST.format(title=title, day=number % 4))
    made = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    yield made
    made.close()


@pytest.fixture
def answers(parts: Container) -> DeskViews:
    return DeskViews(parts)


@pytest.fixture
def desk(parts: Container, answers: DeskViews) -> Iterator[TestClient]:
    actions = Process(parts)
    app = create_app(actions, one_time_secret=SECRET)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
    )
    client.get(f"/desk/enter/{SECRET}")
    yield client
    actions.senders.close()


@pytest.fixture
def collected(parts: Container) -> Container:
    """The posts are read; two are in, two of them out by a mark."""
    collect(
        parts.newsletter("weekly"),
        database=parts.database,
        by=actor("a test"),
        read=parts.read_source,
        now=NOW,
    )
    return parts


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found[1]


def everything(parts: Container) -> str:
    names = ("article", "article_key", "source", "issue", "activity")
    with parts.database.read() as connection:
        return str([connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names])


@pytest.mark.parametrize("path", ["/desk/issues", PLAN, POSTS])
def test_nobody_sees_them_from_outside(desk: TestClient, path: str) -> None:
    desk.cookies.clear()

    assert desk.get(path).status_code == 403


@pytest.mark.parametrize("path", [f"{PLAN}/mark", POSTS])
def test_without_the_forms_token_nothing_is_done(desk: TestClient, collected: Container, path: str) -> None:
    before = everything(collected)
    url = "https://blog.example.com/1"

    answer = desk.post(path, data={"token": "forged", "url": url, "mark": "excluded"})

    assert answer.status_code == 403
    assert everything(collected) == before


@pytest.mark.parametrize("path", ["/desk/issues", PLAN, POSTS, f"{PLAN}?marked=1&before=excluded"])
def test_looking_changes_nothing_and_runs_no_script(
    desk: TestClient, collected: Container, path: str
) -> None:
    before = everything(collected)

    answer = desk.get(path)

    assert answer.status_code == 200
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert everything(collected) == before


@pytest.mark.parametrize(
    "path", ["/desk/nobody/plan", "/desk/weekly/sources/Nothing", "/desk/nobody/sources/x"]
)
def test_what_is_not_there_is_said(desk: TestClient, path: str) -> None:
    answer = desk.get(path)

    assert answer.status_code == 404
    assert "There is no such" in answer.text


# --- all issues -----------------------------------------------------------------------------


def many(parts: Container, count: int, newsletter: str = "weekly") -> None:
    with parts.database.write() as connection:
        [first] = store(connection, 900 if newsletter == "weekly" else 901)
        for number in range(1, count + 1):
            made = drafted(
                connection,
                [first] if number == 1 else [],
                newsletter=newsletter,
                now=NOW - DAY * (count - number),
            )
            state = IssueState.SKIPPED if number % 10 == 0 else IssueState.SENT
            moment = {} if state is IssueState.SKIPPED else {"sent_at": made.created_at}
            issues.move(connection, made.id, to=state, among=[IssueState.DRAFT], **moment)


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<a href="/desk/\w+/(\d+)"><bdi>', page)]


def test_every_issue_is_listed_fifty_to_a_page(desk: TestClient, parts: Container) -> None:
    many(parts, 120)

    first, last = desk.get("/desk/issues").text, desk.get("/desk/issues?page=3").text
    beyond = desk.get("/desk/issues?page=99").text

    assert numbers(first) == list(range(120, 70, -1))
    assert "120 issues, newest first." in first
    assert '<a class="button" rel="next" href="/desk/issues?page=2">Older</a>' in first
    assert 'rel="prev"' not in first
    assert numbers(last) == numbers(beyond) == list(range(20, 0, -1))
    assert "Page 3 of 3" in last
    assert 'rel="prev" href="/desk/issues?page=2"' in last
    assert 'rel="next"' not in last


def test_they_are_narrowed_to_a_newsletter_and_a_state(desk: TestClient, parts: Container) -> None:
    many(parts, 30)
    many(parts, 10, "other")

    skipped = desk.get("/desk/issues?state=skipped").text
    mine = desk.get("/desk/issues?state=skipped&newsletter=other").text

    assert numbers(skipped) == [10, 30, 20, 10]
    assert numbers(mine) == [10]
    assert 'href="/desk/issues?newsletter=other"' in mine
    assert 'href="/desk/issues?newsletter=other&amp;state=sent"' in mine
    assert re.findall(r'aria-current="true">(?:<bdi>)?([\w ]+)', mine) == ["Another One", "Skipped "]
    assert "1 issue in the state “skipped”" in mine


@pytest.mark.parametrize(
    "query", ["state=lost", "newsletter=nobody", "page=-1", "page=x", "page=%D9%A3", "state=%00"]
)
def test_what_is_not_known_narrows_nothing(desk: TestClient, parts: Container, query: str) -> None:
    many(parts, 3)

    assert numbers(desk.get(f"/desk/issues?{query}").text) == [3, 2, 1]


def test_it_says_so_where_there_is_none(desk: TestClient) -> None:
    page = desk.get("/desk/issues").text

    assert "No issues yet." in page
    assert "<table" not in page


def test_accounts_are_those_of_home_also_of_a_page_that_was_not_open(
    answers: DeskViews, parts: Container
) -> None:
    def told(page: int) -> int:
        listed = answers.all_issues(newsletter="weekly", state="", page=page).issues
        return next((one.counts.delivered for one in listed if one.number == 1), -1)

    old = sent(parts.database, 1, at=NOW - 200 * DAY, people=("a", "b", "c", "d"))
    many_more(parts, 60)
    before = told(2)
    tell(parts.database, old, EventKind.DELIVERED)
    answers.all_issues(newsletter="weekly", state="", page=1)

    assert (before, told(1), told(2)) == (0, -1, 1)


def many_more(parts: Container, count: int) -> None:
    with parts.database.write() as connection:
        for number in range(count):
            made = drafted(connection, [], now=NOW - DAY * (count - number))
            issues.move(
                connection, made.id, to=IssueState.SENT, among=[IssueState.DRAFT], sent_at=made.created_at
            )


def test_who_left_stands_beside_the_issue_before_also_across_pages(
    answers: DeskViews, parts: Container
) -> None:
    sent(parts.database, 1, at=NOW - 200 * DAY, people=("a", "b", "c", "d"))
    many_more(parts, 50)
    with parts.database.write() as connection:
        for number, ago in ((1, 199), (2, 51), (3, 49)):
            at = NOW - DAY * ago
            subscribers.end(connection, SubscriptionId(number), at=at, why="unsubscribed", how="page")

    [oldest] = answers.all_issues(newsletter="weekly", state="", page=2).issues
    first = answers.all_issues(newsletter="weekly", state="", page=1).issues

    assert (oldest.number, oldest.left) == (1, 2)
    assert (first[-1].number, first[-1].left) == (2, 1)


def test_hostile_subjects_and_dates_of_other_years_are_shown_as_text(
    desk: TestClient, parts: Container
) -> None:
    with parts.database.write() as connection:
        drafted(connection, store(connection, 1), now=NOW - 400 * DAY)
        connection.execute(issue.update().values(rendered={"subject": HOSTILE}))

    page = desk.get("/desk/issues").text

    assert HOSTILE not in page
    assert HOSTILE in unescape(page)
    assert "20 Oct 2025" in text_of(page)
    assert "Draft" in text_of(page)


# --- the plan -------------------------------------------------------------------------------


def rows(page: str) -> dict[str, str]:
    """What is said of each article, by its title."""
    found = re.findall(r'<li class="article">.*?</li>\n', page, re.DOTALL)
    return {text_of(re.findall(r"<h3>.*?</h3>", row, re.DOTALL)[0]): row for row in found}


def urls(parts: Container) -> dict[str, str]:
    with parts.database.read() as connection:
        return {one.title: one.url for one in articles.all_of(connection, "weekly")}


def marking(desk: TestClient, path: str = PLAN, **form: str) -> str:
    """The address that a form leads to."""
    answer = desk.post(f"{PLAN}/mark", data={"token": token_of(desk.get(path).text), **form})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_the_plan_says_of_each_article_why(desk: TestClient, collected: Container) -> None:
    whole = plan(collected.newsletter("weekly"), database=collected.database, now=NOW)

    page = desk.get(PLAN).text

    told = rows(page)
    chosen = [choice.article.title for choice in whole.selection.chosen]
    assert list(told)[: len(chosen)] == chosen
    assert len(chosen) == 4
    assert "From the last 14 days." in text_of(told["One"])
    assert "Plan for Example Weekly 1" in text_of(page)
    assert "Posts / drafts & <more>?" in text_of(told["One"])
    assert "Broken could not be read" in text_of(page)


def test_titles_from_outside_are_text(desk: TestClient, collected: Container) -> None:
    with collected.database.write() as connection:
        hostile = {"title": HOSTILE, "url": "javascript:alert(1)"}
        connection.execute(article.update().where(article.c.title == "Two").values(**hostile))

    page = desk.get(PLAN).text

    assert "<img" not in page
    assert HOSTILE in rows(page)
    assert 'href="javascript' not in page
    assert f"<bdi>{RTL}</bdi>" in page


def test_an_article_is_excluded_and_that_is_undone(desk: TestClient, collected: Container) -> None:
    url = urls(collected)["One"]

    after = marking(desk, url=url, mark="excluded", why="It waits <b>for</b> the check")
    page = desk.get(after).text
    [undo] = re.findall(r'<form[^>]*>(?:(?!</form>).)*value="unmarked">Undo</button></form>', page, re.DOTALL)
    back = marking(desk, after, url=url, mark="unmarked")

    assert "“One” is excluded from all future issues." in text_of(page)
    assert "Taken out by an editor. It waits <b>for</b> the check." in text_of(rows(page)["One"])
    assert url in undo
    assert "“One” is no longer marked. It comes into issue 1" in text_of(desk.get(back).text)
    assert "From the last 14 days." in text_of(rows(desk.get(PLAN).text)["One"])
    assert told(collected.database, limit=2) == [
        ("unmarked: One", LINK_VISITOR),
        ("excluded: One (It waits <b>for</b> the check)", LINK_VISITOR),
    ]


def test_undoing_an_exclusion_anew_keeps_its_reason(desk: TestClient, collected: Container) -> None:
    url = urls(collected)["One"]
    marking(desk, url=url, mark="excluded", why="It waits")

    page = desk.get(marking(desk, url=url, mark="featured")).text
    assert '<input type="hidden" name="why" value="It waits">' in page
    marking(desk, url=url, mark="excluded", why="It waits")

    assert "Taken out by an editor. It waits." in text_of(rows(desk.get(PLAN).text)["One"])


def test_a_featured_article_is_on_top_and_can_be_let_go(desk: TestClient, collected: Container) -> None:
    url = urls(collected)["Two"]

    page = desk.get(marking(desk, url=url, mark="featured")).text

    assert next(iter(rows(page))) == "Two"
    assert "Featured by an editor." in text_of(rows(page)["Two"])
    assert "Remove mark" in rows(page)["Two"]
    assert "Remove mark" not in rows(page)["One"]


def test_what_cannot_be_marked_is_said_on_the_page(desk: TestClient, collected: Container) -> None:
    token = token_of(desk.get(PLAN).text)

    def post(**form: str) -> tuple[int, str]:
        answer = desk.post(f"{PLAN}/mark", data={"token": token, **form})
        return answer.status_code, answer.text

    status, page = post(url="https://blog.example.com/never", mark="featured")
    assert status == 404
    assert "No article with the address https://blog.example.com/never is known." in text_of(page)
    assert 'value="https://blog.example.com/never"' in page, "what was typed stays"
    assert post(url="https://blog.example.com/x", mark="liked")[0] == 409
    assert post(url=" ", mark="featured")[0] == 409
    assert (
        desk.post("/desk/nobody/plan/mark", data={"token": token, "url": "x", "mark": "featured"}).status_code
        == 404
    )


def test_an_issue_that_is_begun_is_led_to(desk: TestClient, collected: Container) -> None:
    with collected.database.write() as connection:
        drafted(connection, store(connection, 900))

    page = desk.get(PLAN).text

    assert '<a class="button" href="/desk/weekly/1">Open issue 1</a>' in page
    assert "this plan is for the one after it" in text_of(page)


def test_another_newsletters_article_is_not_told_of(desk: TestClient, collected: Container) -> None:
    assert 'role="status"' not in desk.get("/desk/other/plan?marked=1&before=featured").text
    assert 'role="status"' in desk.get("/desk/weekly/plan?marked=1&before=featured").text
    assert "Undo" not in desk.get("/desk/weekly/plan?marked=1&before=lost").text


def test_of_very_many_that_stay_out_the_first_are_shown(desk: TestClient, parts: Container) -> None:
    with parts.database.write() as connection:
        store(connection, *range(1, 14), published=NOW - DAY)
        for one in store(connection, *range(100, 240), published=NOW - DAY):
            articles.exclude(connection, one, at=NOW, why="")

    page, whole = desk.get(PLAN).text, desk.get(f"{PLAN}?all=1").text

    assert len(rows(page)) == 12 + 100
    assert f'<a href="{PLAN}?all=1">Show the other 41</a>' in page
    assert len(rows(whole)) == 12 + 141
    assert "Show the other" not in whole


def test_the_plan_is_kept_until_something_is_written(
    answers: DeskViews, collected: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr("digest.views.plan.plan", lambda *a, **m: made.append(a) or plan(*a, **m))

    def titles() -> list[str]:
        shown = answers.plan("weekly")
        assert shown is not None
        return [one.title for one in shown.chosen]

    first = titles()
    assert titles() == first
    with collected.database.write() as connection:
        store(connection, 7)
    more = titles()
    known = collected.newsletters
    marks.mark(
        urls(collected)["One"],
        Mark.EXCLUDED,
        newsletters=known,
        database=collected.database,
        by=actor("cli"),
        now=NOW,
    )

    assert set(more) - set(first) == {"Story 7"}
    assert "One" not in titles()
    assert len(made) == 3


def test_what_counts_of_several_marks(collected: Container) -> None:
    def marked(*how: Mark) -> Mark:
        for later, one in enumerate(how):
            marks.mark(
                urls(collected)["One"],
                one,
                newsletters=collected.newsletters,
                database=collected.database,
                by=actor("ann"),
                now=NOW + timedelta(minutes=later),
            )
        with collected.database.read() as connection:
            return next(mark_of(a) for a in articles.all_of(connection, "weekly") if a.title == "One")

    featured, unfeatured, excluded, none = Mark
    assert marked(featured) is featured
    assert marked(featured, excluded) is excluded
    assert marked(excluded, featured) is featured
    assert marked(none) is none
    assert marked(unfeatured) is unfeatured
    assert marked(featured, unfeatured, none) is none


# --- a source -------------------------------------------------------------------------------


def looked_at(desk: TestClient, path: str) -> tuple[int, str]:
    answer = desk.post(path, data={"token": token_of(desk.get(path).text)})
    return answer.status_code, answer.text


def test_what_a_source_finds_is_shown_and_not_kept(desk: TestClient, parts: Container) -> None:
    before = everything(parts)

    status, page = looked_at(desk, POSTS)

    assert status == 200
    assert "4 articles, all of them new." in text_of(page)
    assert set(rows(page)) >= {"One", "Two", RTL}
    assert "nothing was saved" in page
    assert "<img" not in page
    assert everything(parts) == before


def test_what_is_known_is_told_from_what_is_new(
    desk: TestClient, collected: Container, tmp_path: Path
) -> None:
    with collected.database.write() as connection:
        known = [one for one in articles.all_of(connection, "weekly") if one.title == "One"]
        drafted(connection, [known[0].id])
    (tmp_path / "posts" / "5.md").write_text(POST.format(title="Five", day=3))
    (tmp_path / "posts" / "6.md").write_text("---\ntitle: [never closed\n---\nBroken.\n")

    page = looked_at(desk, POSTS)[1]

    told = {title: re.findall(r'class="chip[^"]*">([^<]+)', row)[0] for title, row in rows(page).items()}
    assert (told["Five"], told["One"], told["Two"]) == ("New", "In issue 1", "Known")
    assert "5 articles, 1 of them new." in text_of(page)
    assert "1 entry could not be turned into an article" in text_of(page)


def test_a_source_that_cannot_be_read_says_why(desk: TestClient, parts: Container) -> None:
    status, page = looked_at(desk, "/desk/weekly/sources/Broken")

    assert status == 200
    assert "It could not be read." in text_of(page)
    assert "broken.xml" in text_of(page)


def test_two_of_the_same_name_are_told_apart(desk: TestClient, answers: DeskViews) -> None:
    handles = [one.handle for one in answers.home().sources if one.name == "Blog"]

    pages = [desk.get(f"/desk/weekly/sources/{handle}").text for handle in handles]

    assert handles == ["feed:one.xml", "feed:two.xml"]
    assert ["one.xml" in pages[0], "two.xml" in pages[1]] == [True, True]
    assert desk.get("/desk/weekly/sources/Blog").status_code == 404


def test_a_reader_that_never_ends_is_not_waited_for(
    desk: TestClient, parts: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()
    real = looking.inspect
    monkeypatch.setattr(looking, "inspect", lambda *args, **more: real(*args, **more, patience=0.05))
    monkeypatch.setattr(parts, "read_source", lambda *_: end.wait(10))
    try:
        pages = [looked_at(desk, POSTS) for _ in range(5)]
    finally:
        end.set()

    assert "Reading it took longer than" in text_of(pages[0][1])
    assert [status for status, _ in pages] == [200, 200, 200, 200, 409]
    assert "Several sources are being inspected right now." in text_of(pages[-1][1])


def test_a_parser_that_stumbles_is_said_in_a_sentence(
    desk: TestClient, parts: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> object:
        raise RuntimeError("a bug")

    monkeypatch.setattr(parts, "read_source", stumble)
    status, page = looked_at(desk, POSTS)

    assert status == 200
    assert "Reading it failed with RuntimeError: a bug." in text_of(page)


def test_credentials_of_an_address_are_not_shown(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "digest.db")
    private = 'kind = "feed"\nname = "Private"\nurl = "https://blog.example.com/feed?token=hidden"'
    text = SETTINGS.replace('kind = "feed"\nname = "Broken"\npath = "broken.xml"', private)
    (tmp_path / "digest.toml").write_text(text)
    parts = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    shown = DeskViews(parts).source("weekly", "Private")
    parts.close()

    assert shown is not None
    assert shown.place == "https://blog.example.com/feed?token=…"
