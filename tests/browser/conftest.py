"""A real `digest serve` with editors, a blog with hostile stories, and Chromium in front of it.

Playwright comes with `./dev test --all`, in a lock of its own; Chromium is Debian's.
"""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest

from digest.clock import Clock
from digest.passwords import Passwords
from digest.wiring import Container
from digest.workflows.operating import accounts
from fakes.smtp import AcceptingServer
from fakes.warm import Warm

PEOPLE = 40
PATIENCE = 60.0  # seconds for what takes a moment where the machine has nothing else to do
PASSWORD = "tin roof, old rain"
EDITORS = {"Ann": "admin", "Bo": "publisher", "Eve": "editor"}
COOKIE = "digest"
SAVED = "document.querySelector('#saved span').textContent === 'Saved'"
ELSEWHERE = "canary.example"  # no request may ever go there

SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[delivery]
transport = "smtp"
[delivery.smtp]
port = {port}
security = "none"
connections = 2
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 09:00"
max_articles = {limit}
subscribers = ["people.csv"]
[[newsletters.weekly.sources]]
kind = "feed"
name = "Blog"
path = "feed.xml"
base_url = "https://blog.example.com/index.xml"
"""

USUAL = (
    ("The region that answered twice", "Ines Okafor", "region"),
    ("Deletes are the hard part of a CRDT", "Jonas Lindqvist", "crdt"),
    ("Retry budgets instead of retry counts", "Priya Raman", "retry"),
    ("What a quorum read really costs", "Tomás Vidal", "quorum"),
    ("Reading a heap profile without guessing", "Hanna Weiss", "heap"),
    ("The context that outlived its request", "Samir Haddad", "context"),
    ("Tuning the page cache for tail latency", "Mia Berg", "cache"),
)
# Whatever runs, asks, moves or breaks out: in a title, a teaser, a name and an address.
RUN = "canary(1)"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"</iframe></textarea></title><svg onload={RUN}>",
    f"\"'><a href=javascript:{RUN}>x</a>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<style>@import url(https://{ELSEWHERE}/a.css);*{{background:url(https://{ELSEWHERE}/b)}}</style>",
    f"{{{{ 7*7 }}}} <meta http-equiv=refresh content='0;url=https://{ELSEWHERE}/'> \u202egnp.exe",
    f"<form action=https://{ELSEWHERE}/><input autofocus onfocus={RUN}></form>",
)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415478da63f8ffff3f0005fe02fe33128a150000000049454e44ae426082"
)


def feed(stories: list[tuple[str, str, str, str, str]]) -> str:
    """An RSS feed of title, author, link, description and picture, the newest first."""
    items = "".join(
        f"<item><title>{escape(title)}</title><dc:creator>{escape(author)}</dc:creator><link>{escape(link)}</link>"
        f"<guid>{place}</guid><description>{escape(text)}</description>"
        + (f'<media:content url="{escape(picture)}" medium="image"/>' if picture else "")
        + f"<pubDate>{format_datetime(datetime.now(UTC) - timedelta(hours=2 + place))}</pubDate></item>"
        for place, (title, author, link, text, picture) in enumerate(stories)
    )
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    return f'<rss version="2.0" {spaces}><channel><title>Blog</title>{items}</channel></rss>'


def usual_stories() -> list[tuple[str, str, str, str, str]]:
    text = "We measured it on five replicas in three cities, and the median hardly moves. The tail does."
    return [
        (title, author, f"https://blog.example.com/{name}", text, f"https://blog.example.com/{name}.png")
        for title, author, name in USUAL
    ]


def hostile_stories() -> list[tuple[str, str, str, str, str]]:
    return [
        (f"{code} {place}", code, f"https://blog.example.com/{place}?{code}", code * 2, f"javascript:{RUN}")
        for place, code in enumerate(HOSTILE)
    ]


@dataclass
class Site:
    """One folder that is served, and what its readers were sent."""

    folder: Path
    mail: AcceptingServer
    warm: Warm
    sessions: dict[str, str]  # of the editors, begun when the folder was furnished
    address: str = ""
    process: int = 0

    def digest(self, *words: str, stdin: str = "") -> str:
        done = self.warm.run(*words, folder=self.folder, stdin=stdin)
        assert done["code"] == 0, done["out"] + done["err"]
        return str(done["out"])

    def serve(self, port: int = 0) -> None:
        log = self.folder.with_name("serve.log")
        log.write_bytes(b"")
        self.process = self.warm.start("serve", "--port", str(port), folder=self.folder, log=log)
        until = time.monotonic() + PATIENCE
        while not (found := re.search(r"Serving on (http://\S+);", log.read_text())):
            assert time.monotonic() < until, f"digest serve does not serve: {log.read_text()}"
            time.sleep(0.01)
        self.address = found[1]

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Where nobody looks at what is left any more: an orderly end takes its time."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process:
            self.warm.stop(self.process, how)
            self.process = 0


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Commands and servers of all tests are forked from one process that has imported everything."""
    with Warm(words=["--serving"]) as process:
        yield process


@dataclass(frozen=True)
class Furnished:
    """A folder with a draft and editors, to be copied, and a session of each editor."""

    folder: Path
    sessions: dict[str, str]


@pytest.fixture(scope="session")
def furnished(
    tmp_path_factory: pytest.TempPathFactory, warm: Warm
) -> Callable[[list[Any], Path, int], dict[str, str]]:
    """Lays out a folder with a draft and editors; each feed is collected once in a session."""
    made: dict[str, Furnished] = {}

    def lay_out(stories: list[Any], folder: Path, port: int) -> dict[str, str]:
        key = str(stories)
        if key not in made:
            made[key] = _furnish(tmp_path_factory.mktemp("furnished"), stories, warm)
        shutil.copytree(made[key].folder, folder, dirs_exist_ok=True)
        settings = folder / "digest.toml"
        settings.write_text(SETTINGS.format(port=port, limit=_limit(stories)))
        return made[key].sessions

    return lay_out


def _limit(stories: list[Any]) -> int:
    return 6 if stories == usual_stories() else 9


def _furnish(folder: Path, stories: list[Any], warm: Warm) -> Furnished:
    (folder / "digest.toml").write_text(SETTINGS.format(port=1, limit=_limit(stories)))
    (folder / "feed.xml").write_text(feed(stories))
    rows = [f"reader{number}@mail.example,Reader {number}" for number in range(PEOPLE)]
    (folder / "people.csv").write_text("email,name\n" + "\n".join(rows) + "\n")
    site = Site(folder=folder, mail=None, warm=warm, sessions={})  # type: ignore[arg-type]  # nothing is sent yet
    site.digest("collect")
    site.digest("draft")
    for name, role in EDITORS.items():
        site.digest("editors", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD)
    return Furnished(folder, _logged_in(folder))


def _logged_in(folder: Path) -> dict[str, str]:
    """What the cookie of each editor holds: the session that logging in by the form begins as well."""
    parts = Container.from_file(folder / "digest.toml", environ={}, clock=Clock())
    try:
        passwords, database = Passwords(), parts.database
        return {
            name: accounts.log_in(
                name, PASSWORD, address="127.0.0.1", database=database, passwords=passwords, now=parts.clock()
            ).session
            for name in EDITORS
        }
    finally:
        parts.close()


@pytest.fixture
def mail() -> Iterator[AcceptingServer]:
    with AcceptingServer() as server:
        yield server


@pytest.fixture
def stories(request: pytest.FixtureRequest) -> list[Any]:
    """Of the feed; a test may bring its own."""
    return getattr(request, "param", usual_stories())


@pytest.fixture
def site(
    tmp_path: Path,
    mail: AcceptingServer,
    furnished: Callable[..., dict[str, str]],
    stories: list[Any],
    warm: Warm,
) -> Iterator[Site]:
    folder = tmp_path / "site"
    sessions = furnished(stories, folder, mail.port)
    made = Site(folder=folder, mail=mail, warm=warm, sessions=sessions)
    made.serve()
    yield made
    made.kill()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; ./dev test --all brings it"
    )
    with sync_api.sync_playwright() as playwright:
        # A sandboxed frame with a process of its own may ask for things before they can be seen here.
        plain = ["--no-sandbox", "--disable-features=IsolateSandboxedIframes"]
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=plain)
        yield launched
        launched.close()


@dataclass
class Visitor:
    """A browser of one person, and all that it complained about or asked for."""

    site: Site
    page: Any
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    under_way: int = 0  # requests of the page

    def go(self, path: str) -> Any:
        return self.page.goto(f"{self.site.address}{path}")

    def enter(self, name: str) -> Visitor:
        """Have the session of this editor, who logged in before the test."""
        cookie = {"name": COOKIE, "value": self.site.sessions[name], "url": self.site.address}
        self.page.context.add_cookies([cookie | {"httpOnly": True, "sameSite": "Lax"}])
        return self

    def log_in(self, name: str) -> Visitor:
        """By the form."""
        self.go("/desk/login")
        self.page.fill("[name=name]", name)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url("**/desk")
        return self

    def open(self, query: str = "") -> Visitor:
        self.go(f"/desk/weekly/1{query}")
        return self

    @property
    def order(self) -> list[str]:
        return self.page.eval_on_selector_all(
            "ol.stories > li.row", "rows => rows.map(row => row.querySelector('.title').textContent)"
        )

    def follow(self, link: str) -> None:
        """Click what leads to another page, and wait until that is there: where no script runs."""
        with self.page.expect_event("load"):
            self.page.locator(link).click(force=True)

    def wait(self, condition: str, argument: object = None) -> None:
        """Until this is true in the page; asked from outside, since the page's policy allows no `eval`."""
        self.wait_until(lambda: self.page.evaluate(condition, argument), f"{condition} {argument or ''}")

    def wait_until(self, is_so: Callable[[], object], what: str = "", *, looks: bool = False) -> None:
        """`looks`: with the window coming to the front again and again, so that the page asks what is new."""
        until, turn = time.monotonic() + PATIENCE, 0
        while not is_so():
            assert time.monotonic() < until, f"still not so: {what}"
            if looks and turn % 8 == 0:
                self._come_to_the_front()
            turn += 1
            self.page.wait_for_timeout(25)

    def sees(self, condition: str, argument: object = None) -> None:
        """Wait until this is true, which somebody else brought about."""
        self.wait_until(
            lambda: self.page.evaluate(condition, argument), f"{condition} {argument or ''}", looks=True
        )

    def finds(self, selector: str) -> Any:
        """Wait until this is shown, which somebody else brought about."""
        found = self.page.locator(selector)
        self.wait_until(found.is_visible, selector, looks=True)
        return found

    def loses(self, selector: str) -> None:
        """Wait until this is not shown any more."""
        self.wait_until(self.page.locator(selector).is_hidden, selector, looks=True)

    def look(self) -> None:
        """Have the page ask what is new, and be answered."""
        with self.page.expect_response("**/pulse"):
            self._come_to_the_front()

    def look_twice(self) -> None:
        """Ask what is new, until all that the answers led to is done: whatever is to be replaced is replaced.

        What the first answer leads to begins before the second answer comes.
        """
        self.look()
        self.look()
        self.wait_until(lambda: not self.under_way, "all answers are there")

    def _come_to_the_front(self) -> None:
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def lift(self, title: str) -> None:
        """Take a story by its handle, as a hand does it, and hold it."""
        mouse = self.page.mouse
        handle = self.page.locator("li.row", has_text=title).locator(".handle")
        handle.hover()  # once it stands still
        mouse.down()
        box = handle.bounding_box()
        mouse.move(box["x"] + 12, box["y"] - 6, steps=4)
        self.page.locator("#room.is-dragging").wait_for()

    def carry(self, title: str, place: int) -> None:
        """To this place of the whole order, and wait until the page shows it there."""
        goal = self.page.locator(f"ol.stories > li.row >> nth={place}").bounding_box()
        self.page.mouse.move(goal["x"] + 40, goal["y"] + 6, steps=12)
        self.page.mouse.move(goal["x"] + 42, goal["y"] + 7, steps=2)
        self.wait(
            "([title, place]) => [...document.querySelectorAll('ol.stories > li.row .title')]"
            "[place]?.textContent === title",
            [title, place],
        )

    def drop(self) -> None:
        self.page.mouse.up()

    def wait_for_order(self, *titles: str) -> None:
        self.wait_until(lambda: self.order == list(titles), f"{titles}")

    def wait_saved(self) -> None:
        self.wait(SAVED)

    def sees_saved(self) -> None:
        """What waited for the server, or for a new session."""
        self.sees(SAVED)


@pytest.fixture
def visit(site: Site, chromium: Any) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser of its own for one more person."""
    contexts = []

    def opened(**options: Any) -> Visitor:
        given = {"viewport": {"width": 1440, "height": 900}} | options
        context = chromium.new_context(**given)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        # Pictures of the invented blog; nothing else leaves this machine.
        context.route(re.compile(r"^https://"), _picture)
        visitor = Visitor(site=site, page=context.new_page())
        visitor.page.on("request", lambda _: _count(visitor, 1))
        visitor.page.on("requestfinished", lambda _: _count(visitor, -1))
        visitor.page.on("requestfailed", lambda _: _count(visitor, -1))
        visitor.page.on("console", lambda said: _hear(visitor, said))
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        context.on("request", lambda asked: visitor.asked.append(asked.url))
        return visitor

    yield opened
    for context in contexts:
        context.close()


def _picture(route: Any) -> None:
    if route.request.resource_type == "image":
        route.fulfill(status=200, content_type="image/png", body=PIXEL)
    else:
        route.abort()


def _count(visitor: Visitor, more: int) -> None:
    visitor.under_way += more


def _hear(visitor: Visitor, said: Any) -> None:
    # A refusal that the page shows is told in the console too.
    if said.type in {"error", "warning"} and "the server responded with a status of 409" not in said.text:
        visitor.complaints.append(said.text)
