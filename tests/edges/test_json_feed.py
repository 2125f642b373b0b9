"""JSON Feed, and JSON that only looks like one.  Whole examples lie in tests/data/feeds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SourceError
from digest.model.article import Reading
from digest.sources.feed import reading_of

BASE = "https://site.example/feed.json"


def read(document: object) -> Reading:
    return reading_of(json.dumps(document).encode(), base=BASE, name="the feed")


def item(**fields: object) -> dict[str, object]:
    return {"id": "1", "url": "/1", "title": "One"} | fields


def test_version_1_0_names_its_author_otherwise() -> None:
    reading = read({"items": [item(author={"name": "Ada", "url": "x"})]})

    assert reading.articles[0].author == "Ada"


def test_text_is_text_and_html_is_html() -> None:
    as_text, as_html = (
        item(content_text="use <b> &c; d"),
        item(id="2", url="/2", content_html="use <b> &amp; d"),
    )
    text, markup = read({"items": [as_text, as_html]}).articles

    assert text.teaser == "use <b> &c; d"
    assert markup.teaser == "use & d"


def test_the_summary_stands_before_the_content() -> None:
    assert read({"items": [item(summary="Short.", content_html="<p>Long.")]}).articles[0].teaser == "Short."


def test_an_attached_picture_is_the_picture() -> None:
    attachments = [{"url": "/a.mp3", "mime_type": "audio/mpeg"}, {"url": "/a.png", "mime_type": "image/png"}]
    image = read({"items": [item(attachments=attachments)]}).articles[0].image

    assert image is not None
    assert image.url == "https://site.example/a.png"


@pytest.mark.parametrize(
    ("said", "size"), [(20_000, 20_000), (0, None), (-1, None), ("20000", None), (10**15, None), (True, None)]
)
def test_the_size_of_an_attached_picture(said: object, size: int | None) -> None:
    attachments = [{"url": "/a.png", "mime_type": "image/png", "size_in_bytes": said}]
    image = read({"items": [item(attachments=attachments)]}).articles[0].image

    assert image is not None
    assert image.file_size == size


def test_a_date_that_is_none_leaves_the_other() -> None:
    reading = read({"items": [item(date_published="soon", date_modified="2026-01-05T10:00:00Z")]})

    assert reading.articles[0].published is not None


def test_a_feed_without_items_is_empty() -> None:
    reading = read({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": []})

    assert reading.articles == ()
    assert reading.warnings == ("The feed has no entries.",)


@pytest.mark.parametrize("document", [{}, [], {"items": {}}, {"items": None}, [{"items": []}]])
def test_other_json_is_no_feed(document: object) -> None:
    with pytest.raises(SourceError, match="not a JSON Feed"):
        read(document)


def test_deeply_nested_json_is_an_error() -> None:
    with pytest.raises(SourceError, match="not well-formed"):
        reading_of(b'{"items":' + b"[" * 200_000, base=BASE, name="the feed")


def test_more_than_5000_items_are_cut_with_a_warning() -> None:
    reading = read({"items": [item(id=str(number), url=f"/{number}") for number in range(5001)]})

    assert len(reading.articles) == 5000
    assert "5000" in reading.warnings[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "url", "mime_type"]), inner)
    ),
    max_leaves=4,
)
FIELDS = (
    "id url title content_html content_text summary image banner_image tags authors author language "
    "date_published attachments external_url"
).split()


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8), max_size=4))
def test_no_type_of_value_breaks_it(items: list[dict[str, Any]]) -> None:
    """Every item becomes an article or a sentence."""
    reading = read({"items": items})

    assert len(reading.articles) + len(reading.skipped) == len(items)
