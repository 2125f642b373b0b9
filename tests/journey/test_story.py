"""What an owner, an editor and a reader live through, by the command line against a blog on this machine.

Each story is played once, in a folder of its own, and every test looks at what
was answered: so they hold in any order.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from xml.sax.saxutils import escape

import pytest

from fakes.sendgrid import FakeSendGrid
from fakes.smtp import AcceptingServer
from fakes.warm import Warm

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Post:
    slug: str
    title: str
    at: datetime


class Blog:
    """A feed and a page of teasers on 127.0.0.1; `posts` may change between two looks."""

    def __init__(self, *posts: Post) -> None:
        self.posts = list(posts)
        blog = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {"/": blog.page, "/index.xml": blog.feed}
                made = pages.get(self.path)
                body = (made() if made else "<p>Not here</p>").encode()
                self.send_response(200 if made else 404)
                kind = "application/rss+xml" if self.path.endswith(".xml") else "text/html; charset=utf-8"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def link(self, slug: str) -> str:
        return f"{self.url}/{slug}/"

    def page(self) -> str:
        cards = "".join(
            f'<article><h2><a href="/{p.slug}/">{escape(p.title)}</a></h2><p>Of it.</p></article>'
            for p in self.posts
        )
        return (
            '<!DOCTYPE html><html lang="en"><head><title>Lockstep Engineering</title>'
            '<link rel="alternate" type="application/rss+xml" href="/index.xml" title="Lockstep Engineering">'
            f"</head><body><main>{cards}</main></body></html>"
        )

    def feed(self) -> str:
        return feed_of(self.posts, self.url)


def feed_of(posts: list[Post], url: str) -> str:
    items = "".join(
        f"<item><title>{escape(p.title)}</title><link>{url}/{p.slug}/</link><guid>{url}/{p.slug}/</guid>"
        f"<pubDate>{format_datetime(p.at)}</pubDate><description>What {escape(p.title)} is about."
        f"</description><author>ann@example.org (Ann Lee)</author></item>"
        for p in sorted(posts, key=lambda p: p.at, reverse=True)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        "<title>Lockstep Engineering</title>"
        f"<link>{url}/</link><language>en</language><description>x</description>{items}</channel></rss>"
    )


@dataclass(frozen=True)
class Answer:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    """Most commands are forked from a warm parent; the first story starts the program itself."""
    with Warm() as process:
        _forking.append(process)
        yield
        _forking.clear()


_forking: list[Warm] = []


def digest(*words: str | Path, folder: Path, now: datetime | None = NOW, **environ: str) -> Answer:
    """One command, in a process of its own."""
    given = [*([] if now is None else ["--now", now.isoformat()]), *map(str, words)]
    done = _forking[0].run(*given, folder=folder, environ=environ)
    assert "Traceback" not in done["err"], done["err"]
    return Answer(done["code"], done["out"], done["err"])


def started(*words: str | Path, folder: Path, now: datetime) -> Answer:
    """The same by the program itself, as a shell starts it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "digest", "--now", now.isoformat(), *map(str, words)],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def people_file(folder: Path, *names: str) -> None:
    lines = [f"{name}@example.org,{name.title()},en," for name in names]
    (folder / "subscribers").mkdir(exist_ok=True)
    (folder / "subscribers" / "weekly.csv").write_text("\n".join(["email,name,language,topics", *lines, ""]))


SETTINGS = """
[site]
name = "Lockstep Engineering"
url = "https://blog.lockstep.example"
public_url = "https://news.lockstep.example"
postal_address = "Lockstep Ltd, 12 Harbour Row, Northport NP4 1AB"
[delivery]
transport = "outbox"
[newsletters.weekly]
title = "Lockstep Weekly"
sender = "Lockstep <digest@news.lockstep.example>"
timezone = "Europe/Berlin"
schedule = "Tue 09:00"
subscribers = ["subscribers/weekly.csv"]
[[newsletters.weekly.sources]]
kind = "feed"
path = "index.xml"
base_url = "https://blog.lockstep.example/index.xml"
"""

POSTS = [
    Post("pump", "The pump that slept on Sundays", NOW - 2 * DAY),
    Post("clock", "A clock that runs backwards", NOW - 5 * DAY),
    Post("old", "How it all began", NOW - 100 * DAY),
]


def settled_folder(folder: Path, *, posts: list[Post] | None = None, settings: str = SETTINGS) -> Path:
    """A newsletter that reads its feed from a file: no network at all."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "digest.toml").write_text(settings)
    (folder / "index.xml").write_text(feed_of(posts or POSTS, "https://blog.lockstep.example"))
    people_file(folder, "ann", "bob")
    return folder


def mails(folder: Path) -> list[Path]:
    return sorted((folder / "outbox").glob("*.eml"))


def addressees(folder: Path, number: int) -> list[str]:
    return sorted(p.stem.rpartition("-")[2] for p in mails(folder) if p.name.startswith(f"weekly-{number}-"))


# -- the owner's first two issues ------------------------------------------------


@dataclass
class Story:
    folder: Path
    blog: Blog | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    run_by: Callable[..., Answer] = started
    now: datetime = NOW

    def run(self, name: str, *words: str | Path) -> Answer:
        """A minute after the last one."""
        self.now += timedelta(minutes=1)
        self.answers[name] = self.run_by(*words, folder=self.folder, now=self.now)
        return self.answers[name]

    def __getitem__(self, name: str) -> Answer:
        return self.answers[name]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """From `init` to the second issue."""
    parent = tmp_path_factory.mktemp("story")
    with Blog(*POSTS) as blog:
        told = Story(parent, blog)
        told.run("init", "init", "letter", "--from", blog.url, "--allow-private-addresses", "--json")
        told.run("init again", "init", "letter", "--json")
        told.folder = parent / "letter"
        people_file(told.folder, "ann", "bob", "cid")
        told.run("collect", "collect", "--json")
        told.run("plan", "plan", "--json")
        told.run("draft", "draft", "--json")
        for form in ("html", "text", "eml", "json"):
            told.run(f"show {form}", "show", "weekly/latest", "--format", form)
        told.run("check", "check", "weekly/1", "--json")
        told.run("proof", "proof", "weekly/1", "--to", "editor@example.org", "--json")
        told.run("send", "send", "weekly", "--yes", "--json")
        told.run("send again", "send", "weekly", "--yes", "--json")

        told.now = later = NOW + 7 * DAY
        blog.posts += [
            Post("tide", "The night the tide came early", later - DAY),
            Post("sale", "Buy our pumps", later - DAY),
        ]
        told.run("collect 2", "collect", "--json")
        told.run("plan 2", "plan", "--json")
        told.run("feature", "feature", blog.link("old"), "--json")
        told.run("exclude", "exclude", blog.link("sale"), "--why", "an advertisement", "--json")
        told.run("why sale", "why", blog.link("sale"), "--json")
        told.run("why pump", "why", blog.link("pump"), "--json")
        told.run("draft 2", "draft", "--json")
        told.run("cancel 2", "cancel", "weekly/latest", "--json")
        told.run("send 3", "send", "--yes", "--json")
        told.run("status", "status", "--json")
        yield told


def titles(articles: list[dict[str, Any]]) -> set[str]:
    return {article["title"] for article in articles}


def test_init_finds_the_feed_and_shows_a_plan(story: Story) -> None:
    said = story["init"]

    assert said.code == 0
    assert said.json["source"].endswith("/index.xml")
    assert titles(said.json["plan"]["chosen"]) == {p.title for p in POSTS[:2]}
    settings = (story.folder / "digest.toml").read_text()
    assert story.blog is not None
    assert f"{story.blog.url}/index.xml" in settings
    assert "Lockstep Engineering" in settings


def test_init_does_not_write_over_a_newsletter(story: Story) -> None:
    assert story["init again"].code == 1
    assert "already" in story["init again"].json["error"]


def test_a_plan_keeps_its_contract(story: Story) -> None:
    plan = story["plan"].json

    assert story["plan"].code == 0
    assert {"newsletter", "number", "now", "since", "chosen", "left_out", "earlier", "warnings"} <= set(plan)
    assert (plan["newsletter"], plan["number"], plan["since"]) == ("weekly", 1, None)
    for article in plan["chosen"]:
        assert {
            "title", "url", "source", "section", "featured", "published", "first_seen", "teaser", "reason",
        } <= set(article)  # fmt: skip
        assert article["reason"]
    assert sum(plan["earlier"].values()) + len(plan["left_out"]) == 1


def test_a_draft_is_shown_in_four_forms(story: Story) -> None:
    """All of the same issue, and as they go out."""
    assert story["draft"].json["state"] == "draft"
    assert story["draft"].json["issue"] == "weekly/1"
    html, text, raw, document = (story[f"show {form}"] for form in ("html", "text", "eml", "json"))
    assert {html.code, text.code, raw.code, document.code} == {0}
    for post in POSTS[:2]:
        assert post.title in html.out
        assert post.title in text.out
    assert html.out.lower().startswith("<!doctype html")
    assert "<html" not in text.out
    message = email.message_from_string(raw.out, policy=email.policy.default)
    assert message["Subject"] == document.json["subject"]
    assert "List-Unsubscribe" in message
    assert document.json["html"].strip() == html.out.strip()


def test_a_check_keeps_its_contract(story: Story) -> None:
    said = story["check"]
    report = said.json

    assert (said.code, report["blocks"]) == (0, 0), said.out
    assert report["issue"] == "weekly/1"
    assert set(report["size"]) == {"html_bytes", "style_bytes", "text_bytes"}
    assert all(size > 0 for size in report["size"].values())
    outlook = next(p for p in report["compatibility"] if p["platform"] == "Windows, classic")
    assert outlook["client"] == "Outlook"
    assert "css-border-radius" in {different["feature"] for different in outlook["different"]}
    for check in report["checks"]:
        assert {"id", "severity", "passed", "message", "where"} <= set(check)


def test_a_proof_is_marked_and_counts_for_nobody(story: Story) -> None:
    assert story["proof"].code == 0
    assert story["proof"].json["outcome"] == "accepted"
    [proof] = [path for path in mails(story.folder) if "editor@example.org" in path.name]
    message = email.message_from_bytes(proof.read_bytes(), policy=email.policy.default)
    first = email.message_from_bytes(mails(story.folder)[-1].read_bytes(), policy=email.policy.default)
    assert message["Subject"] != first["Subject"]
    assert "proof" in str(message).casefold()


COUNTS = {
    "candidates", "excluded", "audience", "pending", "deferred", "in_flight", "accepted", "refused",
    "uncertain", "suppressed", "abandoned",
    "delivered", "bounced", "complained",  # parts of accepted, told later
}  # fmt: skip


def test_a_send_keeps_its_contract(story: Story) -> None:
    said = story["send"].json

    assert story["send"].code == 0
    assert {"newsletter", "number", "issue", "state", "reason", "articles", "counts"} <= set(said)
    assert (said["issue"], said["state"], said["number"]) == ("weekly/1", "sent", 1)
    assert titles(said["articles"]) == {p.title for p in POSTS[:2]}
    assert set(said["counts"]) == COUNTS
    assert said["counts"]["accepted"] == said["counts"]["audience"] == said["counts"]["candidates"] == 3


def test_everybody_has_a_message_of_their_own(story: Story) -> None:
    sent = [path for path in mails(story.folder) if path.name.startswith("weekly-1-0000")]
    messages = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in sent]
    mine = [m for m in messages if "editor@" not in m["To"]]

    assert sorted(m["To"].addresses[0].addr_spec for m in mine) == [
        "ann@example.org",
        "bob@example.org",
        "cid@example.org",
    ]
    assert len({m["Message-ID"] for m in mine}) == 3
    assert len({m["List-Unsubscribe"] for m in mine}) == 3
    assert len({m["Subject"] for m in mine}) == 1


def test_a_second_send_has_nothing_to_do(story: Story) -> None:
    said = story["send again"]

    assert said.code == 3
    assert (said.json["issue"], said.json["state"]) == (None, "skipped")
    assert said.json["reason"] == "There are no new articles."
    assert len(addressees(story.folder, 2)) == 0


def test_the_next_plan_holds_only_what_is_new(story: Story) -> None:
    assert story["collect 2"].json["newsletters"][0]["sources"][0]["new"] == 2
    assert titles(story["plan 2"].json["chosen"]) == {"The night the tide came early", "Buy our pumps"}


def test_an_editor_has_the_last_word(story: Story) -> None:
    """The featured one comes in though it is old, the excluded one stays out though it is new."""
    assert {story[name].code for name in ("feature", "exclude", "draft 2")} == {0}
    assert titles(story["draft 2"].json["articles"]) == {"How it all began", "The night the tide came early"}


def test_why_says_why(story: Story) -> None:
    [sale] = story["why sale"].json["standings"]
    [pump] = story["why pump"].json["standings"]

    assert "taken out by an editor" in sale["reason"]
    assert not sale["chosen"]
    assert "issue 1" in pump["reason"]


def test_a_cancelled_issue_frees_its_articles(story: Story) -> None:
    assert story["cancel 2"].json["state"] == "cancelled"
    said = story["send 3"]
    assert (said.code, said.json["number"], said.json["state"]) == (0, 3, "sent")
    assert titles(said.json["articles"]) == titles(story["draft 2"].json["articles"])
    assert addressees(story.folder, 2) == []
    assert len(addressees(story.folder, 3)) == 3


def test_status_keeps_its_contract(story: Story) -> None:
    [weekly] = story["status"].json["newsletters"]

    assert {"name", "next_slots", "issues", "sources"} <= set(weekly)
    assert [(i["number"], i["state"]) for i in weekly["issues"]] == [
        (3, "sent"),
        (2, "cancelled"),
        (1, "sent"),
    ]
    for issue in weekly["issues"]:
        counts = issue["counts"]
        assert set(counts) == COUNTS
        assert counts["candidates"] == counts["audience"] + counts["excluded"]
    [source] = weekly["sources"]
    assert {"name", "ok", "last_fetched", "last_new", "message"} <= set(source)
    assert source["ok"] is True
    assert len(weekly["next_slots"]) == 3


# -- a reader leaves -------------------------------------------------------------


@dataclass
class Leaving:
    folder: Path
    statuses: dict[str, int]
    history: Answer
    next_issue: Answer


def ask(url: str, data: bytes | None = None, kind: str = "") -> int:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind} if kind else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.fixture(scope="module")
def leaving(tmp_path_factory: pytest.TempPathFactory) -> Leaving:
    """Ann leaves by her mail program, Bob only opens the page, Cid's program speaks the other encoding."""
    folder = settled_folder(tmp_path_factory.mktemp("leaving") / "letter")
    people_file(folder, "ann", "bob", "cid")
    digest("collect", folder=folder)
    assert digest("send", "--yes", folder=folder).code == 0
    links = {}
    for path in mails(folder):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found = re.search(r"<https://news\.lockstep\.example(/u/[^>]+)>", message["List-Unsubscribe"])
        assert found, message["List-Unsubscribe"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        links[path.stem.rpartition("-")[2].partition("@")[0]] = found.group(1)

    server = subprocess.Popen(
        [sys.executable, "-m", "digest", "--now", (NOW + DAY).isoformat(), "serve", "--port", "0"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        address = ""
        while not address:
            line = server.stderr.readline()
            assert line, "the server ended"
            address = next(iter(re.findall(r"Serving on (http://\S+?);", line)), "")
        form = "application/x-www-form-urlencoded"
        parts = "multipart/form-data; boundary=xyz"
        head = b'--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        body = head + b"One-Click\r\n--xyz--\r\n"
        statuses = {
            "look": ask(address + links["bob"]),
            "forged": ask(address + links["bob"][:-1] + "!", b"List-Unsubscribe=One-Click", form),
            "form": ask(address + links["ann"], b"List-Unsubscribe=One-Click", form),
            "form again": ask(address + links["ann"], b"List-Unsubscribe=One-Click", form),
            "multipart": ask(address + links["cid"], body, parts),
            "ready": ask(address + "/readyz"),
        }
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
        assert server.stderr is not None
        server.stderr.close()

    (folder / "index.xml").write_text(
        feed_of([*POSTS, Post("new", "Something new", NOW + 6 * DAY)], "https://blog.lockstep.example")
    )
    people_file(folder, "ann", "bob", "cid", "dee")
    digest("collect", folder=folder, now=NOW + 7 * DAY)
    done = digest("send", "--yes", "--json", folder=folder, now=NOW + 7 * DAY)
    history = digest("subscribers", "history", "ann@example.org", "--json", folder=folder)
    return Leaving(folder, statuses, history, done)


def test_one_click_is_enough(leaving: Leaving) -> None:
    """RFC 8058, in both encodings of a form; again is fine too."""
    assert leaving.statuses == {
        "look": 200,
        "forged": 404,
        "form": 200,
        "form again": 200,
        "multipart": 200,
        "ready": 200,
    }


def test_who_left_gets_no_further_issue(leaving: Leaving) -> None:
    """Also when the file still names them; who only looked at the page stays."""
    assert leaving.next_issue.json["counts"]["accepted"] == 2
    assert addressees(leaving.folder, 2) == ["bob@example.org", "dee@example.org"]


def test_leaving_is_on_record_once(leaving: Leaving) -> None:
    said = leaving.history.json

    assert [s["state"] for s in said["subscriptions"]] == ["ended"]
    assert [h["what"] for h in said["history"]] == ["subscribed", "left"]
    assert said["history"][1]["how"] == "one-click"


# -- when a person is needed -----------------------------------------------------


def test_a_flood_waits_for_a_person(tmp_path: Path) -> None:
    """A site that moved shows its whole past as new."""
    folder = settled_folder(
        tmp_path / "letter", settings=SETTINGS.replace("schedule", "max_articles = 40\nschedule")
    )
    digest("collect", folder=folder)
    digest("send", "--yes", folder=folder)
    past = [Post(f"again-{n}", f"A story of the past {n}", NOW - (20 + n) * DAY) for n in range(30)]
    (folder / "index.xml").write_text(feed_of(past, "https://blog.lockstep.example"))
    later = NOW + 7 * DAY
    digest("collect", folder=folder, now=later)
    held = digest("send", "--json", folder=folder, now=later)
    sent = digest("send", "--yes", "--json", folder=folder, now=later)

    assert (held.code, held.json["state"]) == (1, "held")
    assert "30 articles" in held.json["reason"]
    assert held.json["counts"]["audience"] == 0
    assert (sent.code, sent.json["state"], sent.json["number"]) == (0, "sent", 2)


def test_an_issue_can_need_approval(tmp_path: Path) -> None:
    folder = settled_folder(
        tmp_path / "letter", settings=SETTINGS.replace("schedule", 'approval = "required"\nschedule')
    )
    digest("collect", folder=folder)
    held = digest("send", "--json", folder=folder)
    approved = digest("approve", "weekly/1", "--json", folder=folder)
    again = digest("approve", "weekly/1", "--json", folder=folder)
    sent = digest("send", "--json", folder=folder)

    assert (held.code, held.json["state"]) == (1, "held")
    assert "approval" in held.json["reason"]
    assert (approved.code, approved.json["state"]) == (0, "approved")
    assert approved.json["counts"]["audience"] == 2
    assert again.code == 1
    assert (sent.code, sent.json["state"]) == (0, "sent")


def test_a_blocking_check_stops_an_issue_until_it_is_overridden_by_name(tmp_path: Path) -> None:
    """--yes is a person's approval, and never of a check."""
    settings = SETTINGS.replace("schedule", 'subject = "Always the same"\nschedule')
    folder = settled_folder(tmp_path / "letter", settings=settings)
    digest("collect", folder=folder)
    assert digest("send", "--yes", folder=folder).code == 0
    (folder / "index.xml").write_text(
        feed_of([*POSTS, Post("new", "Something new", NOW + 6 * DAY)], "https://blog.lockstep.example")
    )
    later = NOW + 7 * DAY
    digest("collect", folder=folder, now=later)
    blocked = digest("send", "--yes", "--json", folder=folder, now=later)
    checked = digest("check", "weekly/2", "--json", folder=folder, now=later)
    wrong = digest("send", "--yes", "--override", "postal", "--json", folder=folder, now=later)
    before = addressees(folder, 2)
    sent = digest("send", "--yes", "--override", "subject", "--json", folder=folder, now=later)

    assert (blocked.code, blocked.json["state"]) == (1, "held")
    assert "subject" in blocked.json["reason"]
    assert checked.code == 1
    assert [c["id"] for c in checked.json["checks"] if c["severity"] == "block" and not c["passed"]] == [
        "subject"
    ]
    assert wrong.code == 1
    assert before == []
    assert (sent.code, sent.json["state"]) == (0, "sent")


def test_an_empty_audience_is_said(tmp_path: Path) -> None:
    folder = settled_folder(tmp_path / "letter")
    people_file(folder)
    digest("collect", folder=folder)
    said = digest("send", "--yes", "--json", folder=folder)

    assert said.code == 1
    assert "Nobody would get" in (said.json.get("reason") or said.json["error"])


# -- people ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def list_of_people(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = settled_folder(tmp_path_factory.mktemp("people") / "letter")
    people_file(folder)
    told = Story(folder, run_by=digest)
    (folder / "new.csv").write_text(
        "email;name;language\n"
        "ann@example.org;Ann;en\n"
        "not an address;Nobody;en\n"
        'bob@example.org;"Bob\nthe Builder";de\n'
        "ANN@example.org;Ann again;en\n"
        "cid@example.org;=HYPERLINK(1);en\n"
        "eve@localhost;Eve;en\n"
    )
    told.run("import", "subscribers", "import", "new.csv", "--json")
    told.run("import again", "subscribers", "import", "new.csv", "--json")
    told.run("remove", "subscribers", "remove", "bob@example.org", "--json")
    told.run("erase", "subscribers", "erase", "ann@example.org", "--json")
    told.run("import at last", "subscribers", "import", "new.csv", "--json")
    told.run("add removed", "subscribers", "add", "bob@example.org", "--json")
    told.run("add again", "subscribers", "add", "bob@example.org", "--again", "--json")
    told.run("export", "subscribers", "export")
    told.run("list", "subscribers", "list", "--json")
    told.run("history", "subscribers", "history", "bob@example.org", "--json")
    told.run("history of the erased", "subscribers", "history", "ann@example.org", "--json")
    told.run("add nonsense", "subscribers", "add", "no address", "--json")
    return told


def test_bad_rows_are_named_by_their_line(list_of_people: Story) -> None:
    said = list_of_people["import"].json

    assert list_of_people["import"].code == 0
    assert (said["rows"], said["added"], said["repeated"]) == (6, 3, 1)
    assert [row["line"] for row in said["bad"]] == [3, 8]


def test_importing_again_adds_nobody(list_of_people: Story) -> None:
    assert list_of_people["import again"].json["added"] == 0


def test_who_was_removed_or_erased_stays_out(list_of_people: Story) -> None:
    assert {list_of_people[name].code for name in ("remove", "erase")} == {0}
    assert list_of_people["import at last"].json["added"] == 0
    assert list_of_people["add removed"].code == 1
    assert "--again" in list_of_people["add removed"].json["mend"]


def test_who_asked_to_come_back_does(list_of_people: Story) -> None:
    assert list_of_people["add again"].json["state"] == "confirmed"
    [bob] = [s for s in list_of_people["list"].json["subscribers"] if s["email"] == "bob@example.org"]
    assert (bob["name"], bob["language"]) == ("Bob the Builder", "de")
    what = [h["what"] for h in list_of_people["history"].json["history"]]
    assert what == ["subscribed", "left", "came back"]


def test_an_export_is_safe_in_a_spreadsheet(list_of_people: Story) -> None:
    lines = list_of_people["export"].out.splitlines()

    assert lines[0] == "email,name,language,topics,state,since"
    assert "ann@example.org" not in list_of_people["export"].out
    assert any(line.startswith("cid@example.org,'=HYPERLINK(1)") for line in lines)


def test_an_erased_person_is_not_known(list_of_people: Story) -> None:
    assert list_of_people["history of the erased"].code == 2
    assert b"ann@example.org" not in (list_of_people.folder / "digest.db").read_bytes()


def test_nonsense_is_wrong_usage(list_of_people: Story) -> None:
    assert list_of_people["add nonsense"].code == 2
    assert "no address" in list_of_people["add nonsense"].json["error"]


# -- other ways out --------------------------------------------------------------


def test_the_same_story_over_smtp(tmp_path: Path) -> None:
    with AcceptingServer() as server:
        server.refused_recipients.add("bob@example.org")
        settings = SETTINGS.replace(
            'transport = "outbox"',
            f'transport = "smtp"\n[delivery.smtp]\nport = {server.port}\nsecurity = "none"\nconnections = 2',
        )
        folder = settled_folder(tmp_path / "letter", settings=settings)
        people_file(folder, "ann", "bob", "cid")
        digest("collect", folder=folder)
        sent = digest("send", "--yes", "--json", folder=folder)
        again = digest("send", "--yes", "--json", folder=folder)
        taken = sorted(address for t in server.taken for address in t.recipients)

    assert (sent.code, sent.json["state"]) == (0, "sent")
    assert (sent.json["counts"]["accepted"], sent.json["counts"]["refused"]) == (2, 1)
    assert again.code == 3
    assert taken == ["ann@example.org", "cid@example.org"]


def test_a_server_that_is_down_is_told_and_resumed(tmp_path: Path) -> None:
    from fakes.smtp import free_port

    settings = SETTINGS.replace(
        'transport = "outbox"',
        f'transport = "smtp"\n[delivery.smtp]\nport = {free_port()}\nsecurity = "none"',
    )
    folder = settled_folder(tmp_path / "letter", settings=settings)
    digest("collect", folder=folder)
    down = digest("send", "--yes", "--json", folder=folder)
    (folder / "digest.toml").write_text(SETTINGS)
    up = digest("send", "--json", folder=folder)

    assert (down.code, down.json["state"], down.json["counts"]["pending"]) == (1, "sending", 2)
    assert down.json["reason"]
    assert (up.code, up.json["state"], up.json["number"]) == (0, "sent", 1)
    assert addressees(folder, 1) == ["ann@example.org", "bob@example.org"]


def test_the_same_story_over_sendgrid_with_a_doubt(tmp_path: Path) -> None:
    """The answer is lost: nobody is asked twice until a person says so."""
    from fakes.sendgrid import accept_then_500

    with FakeSendGrid() as fake:
        settings = SETTINGS.replace(
            'transport = "outbox"', f'transport = "sendgrid"\n[delivery.sendgrid]\nhost = "{fake.url}"'
        )
        folder = settled_folder(tmp_path / "letter", settings=settings)
        digest("collect", folder=folder)
        key = {"DIGEST_DELIVERY__SENDGRID__API_KEY": fake.api_key}
        keyless = digest("send", "--yes", "--json", folder=folder)
        fake.script(accept_then_500())
        doubt = digest("send", "--yes", "--json", folder=folder, **key)
        again = digest("send", "--yes", "--json", folder=folder, **key)
        before = len(fake.accepted)
        skipped = digest("resolve", "weekly/1", "--uncertain", "skip", "--json", folder=folder, **key)

    assert keyless.code == 2
    assert "API_KEY" in keyless.json["mend"]
    assert fake.api_key not in keyless.out + keyless.err + doubt.out + doubt.err
    assert (doubt.code, doubt.json["state"], doubt.json["counts"]["uncertain"]) == (1, "sending", 2)
    assert "resolve" in doubt.json["reason"]
    assert (again.code, again.json["counts"]["uncertain"]) == (1, 2)
    assert before == len(fake.accepted) == 2
    assert (skipped.code, skipped.json["state"], skipped.json["resolved"]) == (0, "sent", 2)
    assert skipped.json["counts"]["abandoned"] == 2


# -- usage -----------------------------------------------------------------------


def test_all_mistakes_in_the_settings_are_named_at_once(tmp_path: Path) -> None:
    folder = settled_folder(
        tmp_path / "letter",
        settings=SETTINGS.replace('"Tue 09:00"', '"Someday"')
        .replace("Europe/Berlin", "Europe/Atlantis")
        .replace('transport = "outbox"', 'transport = "pigeon"\nratee = 3'),
    )
    said = digest("status", "--json", folder=folder)
    plain = digest("status", folder=folder)

    assert said.code == plain.code == 2
    findings = " ".join(said.json["findings"])
    for word in ("Someday", "Atlantis", "pigeon", "ratee"):
        assert word in findings
        assert word in plain.err
    assert plain.out == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["plan", "daily", "--json"], 2),
        (["send", "--json", "daily"], 2),
        (["check", "weekly/7", "--json"], 2),
        (["check", "rubbish", "--json"], 2),
        (["cancel", "weekly/latest", "--json"], 2),
        (["why", "https://blog.lockstep.example/nothing", "--json"], 2),
        (["plan", "--json", "--no-such-option"], 2),
        (["nonsense", "--json"], 2),
        (["plan", "--json"], 3),
        (["draft", "--json"], 3),
        (["send", "--json"], 3),
        (["resolve", "weekly/1", "--uncertain", "perhaps", "--json"], 2),
    ],
)
def test_every_exit_has_one_document(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], code: int
) -> None:
    folder = settled_folder(tmp_path_factory.getbasetemp() / "usage")
    said = digest(*words, folder=folder)

    assert said.code == code, said.err
    assert isinstance(said.json, dict)
    if code == 2:
        assert said.json["error"]


def test_a_missing_settings_file_is_told(tmp_path: Path) -> None:
    said = digest("status", "--json", folder=tmp_path)

    assert said.code == 2
    assert "digest.toml" in said.json["error"] + said.json.get("mend", "")


def test_now_replays(tmp_path: Path) -> None:
    """The same moment gives the same plan; another one another."""
    folder = settled_folder(tmp_path / "letter")
    digest("collect", folder=folder)
    one, other = (digest("plan", "--json", folder=folder).json for _ in range(2))
    later = digest("plan", "--json", folder=folder, now=NOW + 30 * DAY).json
    wrong = digest("--now", "soon", "plan", "--json", folder=folder, now=None)

    for plan in (one, other):
        assert plan.pop("now")[:16] == NOW.isoformat()[:16]
    assert one == other
    assert len(one["chosen"]) == 2
    assert later["chosen"] == []
    assert wrong.code == 2
    assert "soon" in wrong.json["error"]


def test_help_names_every_command(tmp_path: Path) -> None:
    said = digest("--help", folder=tmp_path, now=None)

    assert said.code == 0
    listed = set(re.findall(r"^  ([a-z]+)  ", said.out, re.MULTILINE))
    assert listed >= {
        "init", "demo", "collect", "feature", "unfeature", "exclude", "why", "plan", "draft", "show", "check",
        "proof", "approve", "cancel", "send", "run", "serve", "status", "resolve", "subscribers", "doctor",
    }  # fmt: skip
