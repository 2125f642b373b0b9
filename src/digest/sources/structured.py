"""Reads what a page says about its articles in JSON-LD (schema.org), often wrong or incomplete.

Microformats and microdata mark visible elements; `cards` reads them there.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from digest.model.article import FoundArticle, Image
from digest.rules.cleaning import plain, teaser_of, without_tracking
from digest.rules.cleaning.pictures import is_picture
from digest.sources.article_links import is_archive, same_page
from digest.sources.html_dates import read_datetime
from digest.sources.page_tree import Page

_ARTICLES = frozenset(
    {"article", "blogposting", "newsarticle", "techarticle", "reportagenewsarticle", "scholarlyarticle",
     "socialmediaposting", "liveblogposting", "report", "analysisnewsarticle", "opinionnewsarticle"}
)  # fmt: skip
_MOST_NODES = 20_000


def structured_articles(page: Page, *, now: datetime) -> tuple[FoundArticle, ...]:
    """The articles that the page's JSON-LD names with headline and address, other than the page itself."""
    found: dict[str, FoundArticle] = {}
    for node in nodes_of(page):
        if not is_article_node(node):
            continue
        article = article_of(node, page, now=now)
        if article is not None and not same_page(article.url, page.url) and not is_archive(article.url):
            found.setdefault(article.url, article)
    return tuple(found.values())


def filled(article: FoundArticle, told: FoundArticle) -> FoundArticle:
    """The article with missing fields filled from another description; nothing given is changed."""
    title = told.title if article.title_is_made and told.title and not told.title_is_made else article.title
    return replace(
        article,
        title=title,
        title_is_made=article.title_is_made and title == article.title,
        teaser=article.teaser or (told.teaser if told.teaser != title else ""),
        author=article.author or told.author,
        published=article.published or told.published,
        image=article.image or told.image,
        tags=article.tags or told.tags,
        language=article.language or told.language,
        minutes=article.minutes if article.minutes is not None else told.minutes,
    )


def nodes_of(page: Page) -> Iterator[Mapping[str, Any]]:
    """Every object of the page's JSON-LD, in document order; broken blocks are skipped."""
    left = _MOST_NODES
    for script in page.scripts:
        pending: list[Any] = [_loaded(script)]
        while pending and left > 0:
            value = pending.pop()
            left -= 1
            if isinstance(value, list):
                pending.extend(reversed(value))
            elif isinstance(value, dict):
                yield value
                pending.extend(reversed([v for v in value.values() if isinstance(v, dict | list)]))


def _loaded(script: str) -> Any:
    text = (
        re.sub(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*.*?\*/)|(?:-->|//\s*\]\]>)\s*$", "", script.strip())
        .strip()
        .rstrip(";")
    )
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def is_article_node(node: Mapping[str, Any]) -> bool:
    return any(kind in _ARTICLES for kind in types_of(node))


def types_of(node: Mapping[str, Any]) -> list[str]:
    said = node.get("@type", "")
    kinds = said if isinstance(said, list) else [said]
    return [str(kind).rpartition("/")[2].lower() for kind in kinds]


def article_of(node: Mapping[str, Any], page: Page, *, now: datetime) -> FoundArticle | None:
    """One node as an article, or None if it has no headline or no address."""
    title = _line(node.get("headline")) or _line(node.get("name"))
    url = _address(node, page)
    if not title or not url:
        return None
    return FoundArticle(
        url=url,
        title=title,
        teaser=teaser_of(html.unescape(_string(node.get("description")) or _string(node.get("abstract")))),
        published=read_datetime(
            _string(node.get("datePublished")) or _string(node.get("dateCreated")), now=now
        ),
        author=names_of(node.get("author") or node.get("creator")),
        image=_image(node.get("image") or node.get("thumbnailUrl"), page),
        tags=_keywords(node.get("articleSection"), node.get("keywords")),
        minutes=minutes_of(_string(node.get("timeRequired"))),
        language=_string(node.get("inLanguage")),
    )


def _address(node: Mapping[str, Any], page: Page) -> str:
    for name in ("url", "mainEntityOfPage", "@id"):
        value = node.get(name)
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        url = page.absolute(value) if isinstance(value, str) and not value.startswith("#") else ""
        if url and not (name == "@id" and "#" in url):
            return without_tracking(url)
    return ""


def _string(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name") or value.get("alternateName") or ""
    return value if isinstance(value, str) else ""


def _line(value: Any) -> str:
    return plain(html.unescape(_string(value)))


def names_of(value: Any) -> str:
    """Author names joined as people write them; addresses are not names."""
    people = value if isinstance(value, list) else [value]
    names = [plain(html.unescape(_string(person)), limit=80) for person in people]
    return ", ".join(dict.fromkeys(n for n in names if n and "://" not in n))[:200]


def _image(value: Any, page: Page) -> Image | None:
    if isinstance(value, list):
        value = value[0] if value else None
    said = value if isinstance(value, dict) else {"url": value}
    address = said.get("url") or said.get("contentUrl") or said.get("@id")
    url = page.absolute(address) if isinstance(address, str) and not address.startswith("#") else ""
    image = Image(
        url=url,
        alt=_line(said.get("caption")),
        width=_number(said.get("width")),
        height=_number(said.get("height")),
    )
    return image if is_picture(image) else None


def _number(value: Any) -> int | None:
    if isinstance(value, dict):
        value = value.get("value")
    found = re.fullmatch(r"(\d{1,5})(?:\.\d+)?(?:px)?", str(value).strip())
    return int(found[1]) or None if found else None


def _keywords(*values: Any) -> tuple[str, ...]:
    words: dict[str, str] = {}
    for value in values:
        listed = value if isinstance(value, list) else str(value).split(",") if isinstance(value, str) else []
        for word in listed:
            text = plain(word, limit=60) if isinstance(word, str) else ""
            if text and len(text) <= 40:
                words.setdefault(text.casefold(), text)
    return tuple(words.values())[:10]


def minutes_of(duration: str) -> int | None:
    """Minutes of an ISO 8601 duration such as PT8M or PT1H5M."""
    found = re.fullmatch(r"PT(?:(\d{1,2})H)?(?:(\d{1,3})M)?(?:\d+S)?", duration.strip())
    minutes = int(found[1] or 0) * 60 + int(found[2] or 0) if found else 0
    return minutes if 0 < minutes <= 240 else None
