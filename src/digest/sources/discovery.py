"""Discovers what a site offers from its address alone: feeds, a listing, title, language."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from digest.errors import SourceError
from digest.fetch import Fetched, Fetcher
from digest.rules.cleaning import plain, text_of_html
from digest.sources.article_links import is_blog_page, same_page
from digest.sources.listing import articles_of
from digest.sources.page_tree import Page, decoded, parse
from digest.sources.text_listing import is_markup, read_text_listing

_FEED_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/feed+json",
        "application/rdf+xml",
        "application/json",
        "text/xml",
        "application/xml",
    }
)
_USUAL_FEEDS = ("feed", "feed.xml", "rss.xml", "atom.xml", "index.xml", "feed.json", "rss")
_FEWEST_CARDS = 2  # a single card is a listing only where the page calls itself a blog


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found; fields are empty where nothing was."""

    title: str = ""
    language: str = ""
    description: str = ""
    feeds: tuple[tuple[str, str], ...] = ()  # (address, title), the best first
    listing_url: str = ""
    warnings: tuple[str, ...] = ()


def discover(url: str, *, fetcher: Fetcher, now: datetime, allow_private: bool = False) -> Discovery:
    """Look at an address and what it links to, with at most a handful of requests.

    Raises:
        FetchError: the address itself cannot be fetched.
    """
    fetched = fetcher.get(url, allow_private=allow_private)
    feed = _feed_in(fetched)
    if feed is not None:
        return Discovery(
            title=feed.title,
            language=feed.language,
            description=feed.description,
            feeds=((fetched.url, feed.title),),
        )
    if not _is_html(fetched):
        return _of_text(fetched, now=now)
    page = parse(fetched.body, url=fetched.url, charset=fetched.charset)
    warnings: list[str] = []
    feeds = advertised_feeds(page) or _usual_feeds(fetched.url, fetcher=fetcher, allow_private=allow_private)
    listing = _listing(page, fetcher=fetcher, now=now, allow_private=allow_private, warnings=warnings)
    if not feeds and not listing:
        warnings.append(f"No feed and no teasers found on {fetched.url}; use the address of the blog itself.")
    return Discovery(
        title=_title(page),
        language=page.language,
        description=_description(page),
        feeds=feeds,
        listing_url=listing,
        warnings=tuple(warnings),
    )


def _is_html(fetched: Fetched) -> bool:
    return is_markup(decoded(fetched.body, fetched.charset), fetched.content_type)


def _of_text(fetched: Fetched, *, now: datetime) -> Discovery:
    articles = read_text_listing(decoded(fetched.body, fetched.charset), url=fetched.url, now=now)
    warnings = () if articles else (f"{fetched.url} is neither a web page nor a feed.",)
    return Discovery(listing_url=fetched.url if articles else "", warnings=warnings)


# --- feeds


@dataclass(frozen=True, slots=True)
class _FeedHead:
    title: str
    language: str
    description: str


def _feed_in(fetched: Fetched) -> _FeedHead | None:
    """What a feed says about itself, by its content; None if it is not a feed."""
    text = decoded(fetched.body[:200_000], fetched.charset).lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        return _json_head(decoded(fetched.body, fetched.charset))
    if not re.match(
        r"(?:<\?xml[^>]*\?>|<\?xml-stylesheet[^>]*\?>|<!--.*?-->|<!DOCTYPE (?!html)[^>]*>|\s)*<(?:rss|feed"
        r"|rdf:RDF|(?:\w+:)?feed)[\s>]",
        text,
        re.DOTALL | re.IGNORECASE,
    ):
        return None
    head = re.split(r"<(?:\w+:)?(?:item|entry)[\s>]", text, maxsplit=1)[0]
    language = re.search(r"<language>\s*([A-Za-z-]{2,15})\s*<", head) or re.search(
        r"<feed[^>]*\bxml:lang=[\"']([A-Za-z-]{2,15})", head
    )
    return _FeedHead(
        _element(head, "title"),
        language[1] if language else "",
        _element(head, "description") or _element(head, "subtitle"),
    )


def _element(head: str, name: str) -> str:
    found = re.search(rf"<{name}(?:\s[^>]*)?>(.*?)</{name}>", head, re.DOTALL)
    return (
        text_of_html(re.sub(r"<!\[CDATA\[(.*?)\]\]>", r"\1", found[1], flags=re.DOTALL), limit=300)
        if found
        else ""
    )


def _json_head(text: str) -> _FeedHead | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(said, dict)
        or "jsonfeed.org" not in str(said.get("version", ""))
        or not isinstance(said.get("items"), list)
    ):
        return None
    return _FeedHead(
        plain(str(said.get("title") or "")),
        plain(str(said.get("language") or ""), limit=20),
        plain(str(said.get("description") or "")),
    )


def advertised_feeds(page: Page) -> tuple[tuple[str, str], ...]:
    """The feeds that a page advertises, the main feed before those of comments, categories and authors."""
    found: dict[str, str] = {}
    for element in page.elements:
        said = element.attributes
        if element.tag not in {"link", "a"} or "alternate" not in said.get("rel", "").lower().split():
            continue
        kind = said.get("type", "").lower().partition(";")[0].strip()
        url = page.absolute(said.get("href", ""))
        if (
            kind not in _FEED_TYPES
            or not url
            or (kind in {"application/json", "text/xml", "application/xml"} and not _looks_like_feed(url))
        ):
            continue
        found.setdefault(url, plain(said.get("title", "")))
    return tuple(sorted(found.items(), key=_is_side_feed))


def _looks_like_feed(url: str) -> bool:
    """WordPress advertises its API as application/json: only an address with the word is a feed."""
    return bool(re.search(r"feed|rss|atom|index\.xml", urlsplit(url).path.lower())) and "wp-json" not in url


def _is_side_feed(feed: tuple[str, str]) -> bool:
    """Comments, categories and authors come after the main feed."""
    url, title = feed
    return bool(
        re.search(r"comment|kommentar|commentaire|comentario", f"{url} {title}", re.IGNORECASE)
    ) or bool(re.search(r"/(?:tags?|category|categories|authors?|topics?)/|oembed", url, re.IGNORECASE))


def _usual_feeds(url: str, *, fetcher: Fetcher, allow_private: bool) -> tuple[tuple[str, str], ...]:
    """The first usual location with a feed: below the address, then at the site's root."""
    folder = url.partition("?")[0].partition("#")[0]
    folder = (
        folder
        if folder.endswith("/")
        else f"{folder}/"
        if "." not in folder.rpartition("/")[2]
        else folder.rpartition("/")[0] + "/"
    )
    root = urljoin(url, "/")
    for start in dict.fromkeys((folder, root)):
        for name in _USUAL_FEEDS:
            try:
                fetched = fetcher.get(urljoin(start, name), allow_private=allow_private, obey_robots=True)
            except SourceError:
                continue
            head = _feed_in(fetched)
            if head is not None:
                return ((fetched.url, head.title),)
    return ()


# --- listing, title


def _listing(page: Page, *, fetcher: Fetcher, now: datetime, allow_private: bool, warnings: list[str]) -> str:
    """This page if it lists articles, or else the blog that it links to, if that does."""
    cards = articles_of(page, now=now)
    if len(cards) >= _FEWEST_CARDS or (cards and is_blog_page(page.url)):
        return page.url
    for url in _blog_links(page)[:2]:
        try:
            fetched = fetcher.get(url, allow_private=allow_private, obey_robots=True)
        except SourceError as error:
            warnings.append(f"The blog could not be checked: {error}")
            continue
        if _is_html(fetched) and articles_of(
            parse(fetched.body, url=fetched.url, charset=fetched.charset), now=now
        ):
            return fetched.url
    return page.url if cards else ""


def _blog_links(page: Page) -> list[str]:
    """Links to a blog on the same host, first by address, then by their text."""
    host = urlsplit(page.url).hostname or ""
    by_address: dict[str, None] = {}
    by_word: dict[str, None] = {}
    for element in page.elements:
        if element.tag != "a":
            continue
        url = page.absolute(element.attributes.get("href", "")).partition("#")[0]
        other = urlsplit(url).hostname or ""
        if (
            not url
            or same_page(url, page.url)
            or not (other == host or other.endswith(f".{host.removeprefix('www.')}"))
        ):
            continue
        if is_blog_page(url) or other.startswith("blog."):
            by_address.setdefault(url)
        elif re.fullmatch(
            r"\W*(?:the |our |my )?(?:blog|news|articles|posts|writing|journal|aktuelles|artikel|actualités"
            r"|noticias)\W*",
            page.text_of(element),
            re.IGNORECASE,
        ):
            by_word.setdefault(url)
    return list(by_address | by_word)


def _title(page: Page) -> str:
    """The site's name as it states it, or its title without a slogan or page name."""
    named = _meta(page, "og:site_name") or _meta(page, "application-name")
    if named:
        return named
    title = plain(page.title)
    parts = [p for p in re.split(r"\s+[|–—·•»]\s+", title) if p]
    if len(parts) > 1 and re.fullmatch(
        r"(?:home|blog|start|welcome|startseite|accueil|inicio)(?: ?page)?", parts[0], re.IGNORECASE
    ):
        return parts[-1]
    return parts[0] if parts and len(parts[0]) >= 3 else title


def _description(page: Page) -> str:
    return _meta(page, "description") or _meta(page, "og:description")


def _meta(page: Page, name: str) -> str:
    for element in page.elements:
        said = element.attributes
        if (
            element.tag == "meta"
            and (said.get("property") or said.get("name") or "").lower() == name
            and said.get("content", "").strip()
        ):
            return plain(said["content"])
    return ""
