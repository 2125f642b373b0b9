"""Links, images and the one-click endpoint, tried against real servers on the loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from data.issues.messages import MESSAGE
from digest.checks import Finding
from digest.external_checks import PoliteClient, endpoint, images, links
from digest.fetch import Fetcher
from digest.message.parse import ParsedMessage
from digest.rules.unsubscribe_probe import ANSWER
from fakes.picture_heads import jpeg, png
from fakes.web import Asked, FakeWeb, Reply

PNG = (("Content-Type", "image/png"),)


@pytest.fixture
def site() -> Iterator[FakeWeb]:
    with FakeWeb() as running:
        yield running


@pytest.fixture
def web() -> Iterator[PoliteClient]:
    """One that may ask 127.0.0.1, as a source of the newsletter may, and no other private host."""
    with Fetcher(connect_timeout=1, read_timeout=1) as fetcher:
        yield PoliteClient(fetcher=fetcher, private_hosts=frozenset({"127.0.0.1"}))


def mail(html: str, text: str = "") -> ParsedMessage:
    return replace(MESSAGE, html=f"<!DOCTYPE html><html><body>{html}</body></html>", text=text)


def linking(*urls: str) -> ParsedMessage:
    return mail("".join(f'<div><h2>Story {n}</h2><a href="{url}">x</a></div>' for n, url in enumerate(urls)))


def failed(found: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in found if not finding.passed]


# -- links ---------------------------------------------------------------------


def test_a_link_that_answers_passes_and_is_asked_once(site: FakeWeb, web: PoliteClient) -> None:
    """HTML and text hold the same address, with fragments; a HEAD is enough."""
    site.paths["/a?b=1"] = Reply(200)
    letter = mail(f'<a href="{site.url}/a?b=1#x">A</a>', f"A\n{site.url}/a?b=1#y\n")

    (found,) = links.judge(letter, web=web)

    assert (found.id, found.passed, found.message) == ("link-live", True, "Every link answers.")
    assert site.methods("/a?b=1") == ["HEAD"]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (404, "is broken (404)"),
        (410, "is broken (410)"),
        (403, "refuses digest (403)"),
        (429, "refuses digest (429)"),
        (500, "fails (500)"),
        (503, "fails (503)"),
    ],
)
def test_what_does_not_open_warns_with_its_story(
    site: FakeWeb, web: PoliteClient, status: int, word: str
) -> None:
    site.paths |= {"/a": Reply(status), "/b": Reply(200)}

    (found,) = links.judge(linking(f"{site.url}/b", f"{site.url}/a"), web=web)

    assert (found.id, found.severity, found.where) == ("link-live", "warn", "Story 1")
    assert word in found.message
    assert f"{site.url}/a" in found.message


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_who_refuses_a_head_is_asked_with_get(site: FakeWeb, web: PoliteClient, status: int) -> None:
    site.paths["/a"] = lambda asked: Reply(status if asked.method == "HEAD" else 200)

    assert failed(links.judge(linking(f"{site.url}/a"), web=web)) == []
    assert site.methods("/a") == ["HEAD", "GET"]


@pytest.mark.parametrize(
    ("status", "how"), [(301, "moved permanently"), (308, "moved permanently"), (302, "redirects")]
)
def test_what_moved_shows_where_to_and_is_only_told(
    site: FakeWeb, web: PoliteClient, status: int, how: str
) -> None:
    site.paths |= {"/old": Reply(status, headers=(("Location", "/new"),)), "/new": Reply(200)}

    (found,) = links.judge(linking(f"{site.url}/old"), web=web)

    assert found.severity == "info"
    assert how in found.message
    assert f"{site.url}/old → {site.url}/new" in found.message


def test_what_moved_to_nothing_is_gone(site: FakeWeb, web: PoliteClient) -> None:
    site.paths["/old"] = Reply(301, headers=(("Location", "/new"),))

    (found,) = links.judge(linking(f"{site.url}/old"), web=web)

    assert (found.severity, "is broken" in found.message) == ("warn", True)


def test_nobody_there_warns(web: PoliteClient) -> None:
    with FakeWeb() as closed:
        gone = closed.url

    (found,) = links.judge(linking(f"{gone}/a"), web=web)

    assert found.severity == "warn"
    assert "refuses connections" in found.message


def test_a_private_host_is_told_and_not_asked(site: FakeWeb, web: PoliteClient) -> None:
    """Its name is not in the settings; also not behind a redirect of a host that is."""
    inside = f"http://localhost:{site.port}/inside"
    site.paths |= {"/inside": Reply(200), "/way": Reply(302, headers=(("Location", inside),))}

    found = links.judge(linking(inside, "http://10.0.0.1/", f"{site.url}/way"), web=web)

    assert [(one.severity, "was not followed" in one.message) for one in found] == [("warn", True)] * 3
    assert site.methods("/inside") == []


def test_links_of_the_issue_itself_are_left_out(site: FakeWeb, web: PoliteClient) -> None:
    found = links.judge(linking(f"{site.url}/u/x"), web=web, leave_out={f"{site.url}/u/x"})

    assert [one.message for one in found] == ["There are no links to follow."]
    assert site.asked == []


def test_over_a_hundred_links_the_rest_is_counted(site: FakeWeb, web: PoliteClient) -> None:
    site.paths |= {f"/{n}": Reply(200) for n in range(103)}

    (found,) = links.judge(linking(*(f"{site.url}/{n}" for n in range(103))), web=web)

    assert (found.severity, found.message[:30]) == ("info", "3 more links were not checked:")
    assert len(site.asked) == 100


def test_a_host_that_keeps_silent_is_left_after_three(site: FakeWeb) -> None:
    site.paths |= {f"/{n}": Reply(200, pause=0.5) for n in range(6)}
    with Fetcher(read_timeout=0.1) as fetcher:
        web = PoliteClient(fetcher=fetcher, private_hosts=frozenset({"127.0.0.1"}))
        found = links.judge(linking(*(f"{site.url}/{n}" for n in range(6))), web=web)

    assert [one.severity for one in found] == ["warn", "warn", "warn", "info"]
    assert "3 links were not checked" in found[-1].message


def test_it_ends_when_its_time_is_up(site: FakeWeb, web: PoliteClient) -> None:
    site.paths |= {f"/{n}": Reply(200, pause=0.2) for n in range(20)}
    started = time.monotonic()

    (*_, found) = links.judge(linking(*(f"{site.url}/{n}" for n in range(20))), web=replace(web, seconds=0.5))

    assert time.monotonic() - started < 2
    assert "links were not checked: time ran out" in found.message


def test_one_host_is_asked_one_at_a_time_and_progress_is_told(site: FakeWeb, web: PoliteClient) -> None:
    at_once: list[int] = []
    inside: list[str] = []

    def answer(asked: Asked) -> Reply:
        inside.append(asked.path)
        at_once.append(len(inside))
        time.sleep(0.02)
        inside.remove(asked.path)
        return Reply(200)

    site.paths |= {f"/{n}": answer for n in range(5)}
    told: list[tuple[int, int, str]] = []
    telling = replace(web, tell=lambda done, total, what: told.append((done, total, what)))
    links.judge(linking(*(f"{site.url}/{n}" for n in range(5))), web=telling)

    assert set(at_once) == {1}
    assert told == [(done, 5, "links") for done in range(6)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://a.example/b.", "https://a.example/b"),
        ("(see https://a.example/b)", "https://a.example/b"),
        ("<https://a.example/b>", "https://a.example/b"),
        ("https://a.example/B_(c)", "https://a.example/B_(c)"),
        ("https://a.example/b/\n", "https://a.example/b/"),
    ],
)
def test_addresses_in_the_text(text: str, expected: str) -> None:
    assert list(links.places_of(mail("", text))) == [expected]


def test_what_is_no_web_address_is_no_link_to_follow() -> None:
    letter = mail(
        '<a href="mailto:a@b.example">m</a><a href="tel:1">t</a><a href="http://[x/#a">b</a><a href="#y"></a>'
    )

    assert links.places_of(letter) == {}


# -- images --------------------------------------------------------------------


def showing(*urls: str, width: int = 160) -> ParsedMessage:
    cards = (f'<div><h2>S{n}</h2><img src="{url}" width="{width}"></div>' for n, url in enumerate(urls))
    return mail("".join(cards))


def test_a_picture_that_is_light_and_sharp_passes(site: FakeWeb, web: PoliteClient) -> None:
    site.paths["/a.png"] = Reply(200, png(240, 100), PNG)

    (found,) = images.judge(showing(f"{site.url}/a.png", f"{site.url}/a.png"), web=web)

    assert (found.id, found.passed) == ("img-live", True)
    assert site.methods("/a.png") == ["GET"]


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (Reply(404), "is missing (404): "),
        (Reply(500), "fails (500): "),
        (
            Reply(200, b"<html>", (("Content-Type", "text/html; charset=utf-8"),)),
            "Not an image but “text/html”",
        ),
        (Reply(200, png(900, 9)), "Not an image but “of unknown type”"),
        (Reply(200, png(900, 9) + bytes(205_000), PNG), "is 200 KB"),
        (Reply(200, png(239, 100), PNG), "239 pixels wide but shown 160 wide"),
        (Reply(200, jpeg(100, 99), (("Content-Type", "image/jpeg"),)), "Make it 320 pixels"),
    ],
)
def test_what_is_wrong_with_a_picture_warns(
    site: FakeWeb, web: PoliteClient, reply: Reply, word: str
) -> None:
    """Also one that is missing: it may be published before the issue goes out."""
    site.paths["/a.png"] = reply

    (found,) = images.judge(showing(f"{site.url}/a.png"), web=web)

    assert (found.id, found.severity, found.where) == ("img-live", "warn", "S0")
    assert word in found.message


def test_the_size_of_a_large_file_is_known_without_reading_it_all(site: FakeWeb, web: PoliteClient) -> None:
    site.paths["/a.png"] = Reply(200, png(900, 9) + bytes(3 * 1024 * 1024), PNG)

    found = images.judge(showing(f"{site.url}/a.png"), web=web)

    assert ["3072 KB" in found[0].message, "3.0 MB" in found[1].message] == [True, True]


def test_many_light_pictures_are_heavy_together(site: FakeWeb, web: PoliteClient) -> None:
    site.paths |= {f"/{n}.png": Reply(200, png(900, 9) + bytes(190 * 1024), PNG) for n in range(6)}

    (found,) = images.judge(showing(*(f"{site.url}/{n}.png" for n in range(6))), web=web)

    assert found.message == "All images together are 1.1 MB; keep them under 1 MB."


def test_a_picture_on_a_private_host_is_not_fetched(site: FakeWeb, web: PoliteClient) -> None:
    (found,) = images.judge(showing(f"http://localhost:{site.port}/a.png"), web=web)

    assert "was not fetched" in found.message
    assert site.asked == []


def test_a_picture_without_a_width_is_not_measured(site: FakeWeb, web: PoliteClient) -> None:
    site.paths["/a.png"] = Reply(200, png(10, 10), PNG)

    assert failed(images.judge(mail(f'<img src="{site.url}/a.png" width="100%">'), web=web)) == []


# -- the one-click endpoint ----------------------------------------------------


def ours(asked: Asked) -> Reply:
    """As digest answers to a probe: only the whole form counts as a click."""
    if asked.method == "GET":
        return Reply(200, f"<p>{ANSWER}</p>".encode())
    kind = asked.headers["content-type"].partition(";")[0]
    if kind == "multipart/form-data":
        clicked = b'name="List-Unsubscribe"\r\n\r\nOne-Click\r\n' in asked.body
    else:
        clicked = parse_qs(asked.body.decode()) == {"List-Unsubscribe": ["One-Click"]}
    return Reply(200, ANSWER.encode()) if clicked else Reply(404)


def clicked(site: FakeWeb, answer: Reply | Callable[[Asked], Reply]) -> tuple[Finding, ...]:
    site.paths["/u/probe"] = answer
    with Fetcher(connect_timeout=1, read_timeout=1) as fetcher:
        return endpoint.judge(f"{site.url}/u/probe", fetcher=fetcher)


def on_post(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: reply if asked.method == "POST" else ours(asked)


def test_an_endpoint_as_it_should_be_passes(site: FakeWeb) -> None:
    """Asked as a mail service does: both encodings, no cookie, no origin."""
    (found,) = clicked(site, ours)

    assert (found.id, found.severity, found.passed) == ("lu-live", "warn", True)
    assert site.methods("/u/probe") == ["POST", "POST", "GET"]
    for asked in site.asked:
        assert {"cookie", "origin", "referer", "authorization"}.isdisjoint(asked.headers)


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (
            Reply(301, headers=(("Location", "https://www.news.example/u/probe"),)),
            "is redirected (301) to https://www.",
        ),
        (Reply(307, headers=(("Location", "/login"),)), "is redirected (307)"),
        (Reply(401), "meets a login (401)"),
        (Reply(200, b'<form><input name="p" type="password"></form>'), "meets a login (200)"),
        (Reply(403), "is forbidden (403)"),
        (Reply(404), "other secret keys"),
        (Reply(405), "is not allowed (405)"),
        (Reply(415), "is not understood (415)"),
        (Reply(502), "fails (502)"),
        (Reply(200, b"<title>Just a moment</title>"), "by something other than digest"),
    ],
)
def test_what_keeps_a_click_from_arriving(site: FakeWeb, reply: Reply, word: str) -> None:
    found = clicked(site, on_post(reply))

    assert len(found) == 2  # one for each encoding
    assert all(word in one.message and one.where == "List-Unsubscribe" for one in found)
    assert "/u/probe" not in found[0].message.replace("https://www.news.example/u/probe", "")


def test_one_encoding_alone_is_not_enough(site: FakeWeb) -> None:
    (found,) = clicked(
        site, lambda a: Reply(415) if a.headers.get("content-type", "").startswith("multipart") else ours(a)
    )

    assert "multipart/form-data" in found.message


def test_a_form_that_is_lost_on_the_way_is_noticed(site: FakeWeb) -> None:
    found = clicked(site, lambda asked: ours(asked._replace(body=b"")))

    assert ["the form was lost" in one.message for one in found] == [True, True]


def test_a_cookie_only_warns(site: FakeWeb) -> None:
    """It comes from something in between; the click arrives all the same."""
    (found,) = clicked(site, lambda a: ours(a)._replace(headers=(("Set-Cookie", "__cf=1; Path=/"),)))

    assert found.severity == "warn"
    assert "sets a cookie (“__cf”)" in found.message


def test_a_link_that_opens_elsewhere_is_noticed(site: FakeWeb) -> None:
    away = Reply(302, headers=(("Location", "/login"),))

    (found,) = clicked(site, lambda asked: away if asked.method == "GET" else ours(asked))

    assert "does not open a page of digest: the answer is 302 to /login" in found.message


def test_nobody_there_blocks_unless_it_is_a_try(site: FakeWeb) -> None:
    with FakeWeb() as closed, Fetcher() as fetcher:
        url = f"{closed.url}/u/probe"
    (tried,) = endpoint.judge(url, fetcher=fetcher)
    (real,) = endpoint.judge("https://news.lockstep.invalid/u/probe", fetcher=fetcher)

    assert (tried.severity, real.severity) == ("warn", "block")
    assert "Nobody can unsubscribe" in tried.message
    assert "probe" not in tried.message + real.message
