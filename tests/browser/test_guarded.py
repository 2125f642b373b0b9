"""What must not happen at the desk: forged forms, forbidden roles, dead links, and strangers' code."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from browser.conftest import ELSEWHERE, HOSTILE, Site, Visitor, hostile_stories
from digest.rules.signed_links import SHARE, sign_until

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]


# -- roles -----------------------------------------------------------------------------------


def test_an_editor_cannot_approve_and_a_forged_form_of_one_changes_nothing(
    site: Site, visit: Callable[..., Visitor]
) -> None:
    eve = visit().enter("Eve").open("?open=approve")

    assert eve.page.locator("#approve").count() == 0
    assert "Needs a publisher’s approval" in eve.page.inner_text(".approval")
    for name in ("approve", "cancel", "pause", "resume", "take-back", "resolve"):
        status = eve.page.evaluate(
            """async name => {
              const token = document.querySelector('[name=token]').value
              const body = new URLSearchParams({ token, revision: 0, when: 'now' })
              return (await fetch(`/desk/weekly/1/${name}`, { method: 'POST', body })).status
            }""",
            name,
        )
        assert status == 403, name
    assert '"draft"' in site.digest("show", "weekly/1", "--format", "json")


# -- forms from elsewhere --------------------------------------------------------------------


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A page of another origin with a form that posts to whatever its query names."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            goal = self.path.partition("?")[2]
            given = {"kind": "SetText", "text": "subject", "subject": "Forged"}
            fields = "".join(f"<input name={name} value={value}>" for name, value in given.items())
            page = f"<form method=post action='{goal}'>{fields}<input name=revision value=0></form>"
            page += "<script>document.forms[0].submit()</script>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_form_of_another_page_is_refused(site: Site, visit: Callable[..., Visitor], elsewhere: str) -> None:
    ann = visit().enter("Ann")

    ann.page.goto(f"{elsewhere}/?{site.address}/desk/weekly/1/edit")
    ann.page.wait_for_url("**/desk/weekly/1/edit")

    assert "This form did not come from the desk" in ann.page.inner_text("body")
    assert "Forged" not in site.digest("show", "weekly/1", "--format", "json")


def test_the_desk_stands_in_nobody_s_frame(site: Site, visit: Callable[..., Visitor], elsewhere: str) -> None:
    ann = visit().enter("Ann")
    ann.page.goto(f"{elsewhere}/nothing")
    ann.page.set_content(f"<iframe src='{site.address}/desk'></iframe>")
    ann.wait_until(lambda: any("frame-ancestors" in complaint for complaint in ann.complaints))

    assert all("/desk" not in frame.url or "chrome-error" in frame.url for frame in ann.page.frames)


# -- links to share --------------------------------------------------------------------------


def test_a_link_shows_the_mail_until_it_ends(site: Site, visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open("?open=share")
    ann.page.locator("#share .filled").click()
    link = urlsplit(ann.page.locator("#link").input_value()).path
    keys = (site.folder / "secret-keys").read_text().split()
    ended = sign_until(1, datetime.now(UTC) - timedelta(minutes=1), purpose=SHARE, keys=keys)
    stranger = visit()

    stranger.go(link)
    assert stranger.page.locator("h1:has-text('Example Weekly')").count() == 1
    assert stranger.page.locator("form, script").count() == 0
    for dead in (f"/share/{ended}", f"{link[:-2]}xx", "/share/nothing"):
        assert stranger.go(dead).status == 404
        assert "This link doesn’t work" in stranger.page.inner_text("body")
    assert stranger.go("/desk/weekly/1").url.endswith("/desk/login?back=/desk/weekly/1")


# -- strangers' code -------------------------------------------------------------------------


@pytest.fixture
def canary(visit: Callable[..., Visitor]) -> Callable[..., tuple[Visitor, list[str]]]:
    """A browser in which nothing of the stories may run: whatever does calls `canary`, or asks elsewhere."""

    def opened(**options: Any) -> tuple[Visitor, list[str]]:
        visitor, sung = visit(**options), []
        window = visitor.page.context
        window.expose_binding("canary", lambda source, *_: sung.append(source["frame"].url))
        window.on("dialog", lambda dialog: (sung.append(dialog.message), dialog.dismiss()))
        return visitor, sung

    return opened


def test_the_canary_sings_where_nothing_is_guarded(canary: Callable[..., tuple[Visitor, list[str]]]) -> None:
    """The proof that the next test can fail: the same stories on a page that prints them as they are."""
    visitor, sung = canary()

    for code in HOSTILE:
        # Each in a window of its own, and nobody waits for it: what it runs may lead the window elsewhere.
        visitor.page.context.new_page().evaluate(
            "page => { setTimeout(() => { document.open(); document.write(page); document.close() }) }",
            f"<body>{code}</body>",
        )

    visitor.wait_until(lambda: len(sung) >= 4 and any(ELSEWHERE in url for url in visitor.asked))


@pytest.mark.parametrize("stories", [hostile_stories()], indirect=True)
def test_nothing_of_a_story_runs_in_the_desk(
    site: Site, canary: Callable[..., tuple[Visitor, list[str]]]
) -> None:
    visitor, sung = canary()
    visitor.enter("Ann").open()
    page, code = visitor.page, "".join(HOSTILE)
    titles = visitor.order
    assert len(titles) >= 5, titles

    # An editor writes the same, everywhere.
    page.fill("#field-subject", code[:190])
    page.fill("#field-note", f"{code}\n\n[a link](javascript:canary(1)) ![x](javascript:canary(1))")
    visitor.wait_saved()
    page.locator("#outline").click()
    page.locator("li.row >> nth=0 >> a.story").click()
    for field in ("headline", "text", "topic"):
        page.fill(f"#edit-{field}", code[:70])
        visitor.wait_saved()
    page.keyboard.press("Escape")
    page.locator("#editor").wait_for(state="detached")
    for query in (
        "?view=inbox", "?view=text", "?view=source", "?view=headers", "?view=links", "?open=history",
        "?open=edit&story=2", "?open=out&story=2", "?scheme=dark&story=3", "?styles=off&scale=200",
        "?q=%3Cscript%3E", "?open=approve", "?who=%3Cscript%3E",
    ):  # fmt: skip
        visitor.open(query)
        page.wait_for_timeout(120)
    visitor.go("/desk")
    link = site.digest("share", "weekly/1")
    visitor.go(urlsplit(re.search(r"https://\S+", link)[0]).path)  # type: ignore[index]
    visitor.go("/desk/weekly/1/html")
    page.wait_for_timeout(200)

    assert sung == []
    assert not [url for url in visitor.asked if ELSEWHERE in url]
    assert not [
        url
        for url in visitor.asked
        if not url.startswith((site.address, "https://blog.example.com", "data:"))
    ]
    # What the frame's policy stops is told; anything else would be a hole that was closed by luck.
    assert all("sandbox" in said.lower() or "Content Security Policy" in said for said in visitor.complaints)
