"""Choosing what one gets: by the link of one's own mail, with one form, and never by a mere look."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient

from web.fake_views import TOKEN, FakeReaders

PAGE = f"/u/{TOKEN}/preferences"


def ticked(html: str) -> list[str | None]:
    return [box.attributes["value"] for box in LexborHTMLParser(html).css("input[type=checkbox][checked]")]


def test_the_page_shows_what_there_is_and_what_is_chosen(outside: TestClient) -> None:
    page = outside.get(PAGE)

    assert page.status_code == 200
    assert ticked(page.text) == ["weekly"]
    assert "Incidents" in page.text
    assert "sam@reader.example" in page.text
    assert 'value="Sam"' in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_look_changes_nothing(outside: TestClient, readers: FakeReaders, method: str) -> None:
    assert outside.request(method, f"{PAGE}?newsletter=incidents&name=x").status_code == 200
    assert readers.changes == []


def test_what_is_saved_is_shown(outside: TestClient, readers: FakeReaders) -> None:
    page = outside.post(PAGE, data={"newsletter": ["weekly", "incidents"], "name": "Sam Reader"})

    assert readers.changes == [("choose", "Sam Reader", "incidents", "weekly")]
    assert ticked(page.text) == ["weekly", "incidents"]
    assert "This takes effect with the next issue." in page.text


def test_nothing_ticked_is_nothing_any_more(outside: TestClient, readers: FakeReaders) -> None:
    page = outside.post(PAGE, data={"name": "Sam"})

    assert readers.changes == [("choose", "Sam")]
    assert ticked(page.text) == []
    assert "You will no longer receive anything from us." in page.text


def test_a_name_is_text_whatever_it_says(outside: TestClient) -> None:
    page = outside.post(PAGE, data={"newsletter": "weekly", "name": '"><script>alert(1)</script>'}).text

    assert "<script" not in page
    assert "&gt;&lt;script&gt;" in page


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_of_nobody_leads_nowhere(outside: TestClient, readers: FakeReaders, method: str) -> None:
    answer = outside.request(method, "/u/AAAAAAAAAAAAAAAAAAAAAA/preferences", data={"newsletter": "weekly"})

    assert answer.status_code == 404
    assert readers.changes == []
