"""Reads an article's own page, to complete what a listing or feed left out.

Pure: nothing is fetched here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from digest.model.article import FoundArticle, Image
from digest.rules.cleaning import (
    count_minutes,
    count_words,
    first_sentence,
    plain,
    teaser_of,
    title_of_html,
    without_tracking,
)
from digest.rules.cleaning.pictures import is_picture
from digest.sources import html_dates
from digest.sources.article_links import same_page, site_of
from digest.sources.boilerplate import boilerplate_flags
from digest.sources.cards import as_markup
from digest.sources.page_images import image_in
from digest.sources.page_tree import Element, Page, parse
from digest.sources.structured import article_of, filled, is_article_node, nodes_of

# Pure, so without a clock: any date up to 2099 may be right, the year 3000 is not.
_ANY_TIME = datetime(2099, 1, 1, tzinfo=UTC)
_FEWEST_WORDS = 60  # below this the page's text is not the article: a login, a teaser, a shell for scripts


def read_article_page(html: bytes, *, url: str, charset: str = "") -> FoundArticle:
    """What an article's own page says about it; never raises, an empty page gives little.

    The title is never empty: if the page has none, it is made from its text or its address.
    """
    page = parse(html, url=url, charset=charset)
    metas = _metas(page)
    told = _told(page)
    flags = boilerplate_flags(page)
    body = _body(page, flags)
    paragraphs = _paragraphs(page, body, flags)
    title = _title(page, metas, told, body)
    found = FoundArticle(
        url=_canonical(page, metas),
        title=title or _made_title(paragraphs, url),
        title_is_made=not title,
        teaser=_teaser(metas, told, paragraphs, title),
        published=_published(page, metas, told, body),
        author=_author(page, metas, told),
        image=_image(page, metas, told, body),
        tags=_tags(metas),
        language=page.language or metas.get("og:locale", [""])[0].replace("_", "-"),
        minutes=_minutes(page, metas, body, flags),
    )
    return filled(found, told) if told is not None and not found.title_is_made else found


def complete(article: FoundArticle, page: FoundArticle) -> FoundArticle:
    """The article with missing fields filled from its own page; nothing given is changed.

    The page's real title replaces a made one.  The link stays.
    """
    return filled(article, page)


def _metas(page: Page) -> dict[str, list[str]]:
    """The page's meta elements by lower-case name, property or itemprop."""
    found: dict[str, list[str]] = {}
    for element in page.elements:
        if element.tag != "meta":
            continue
        said = element.attributes
        name = (said.get("property") or said.get("name") or said.get("itemprop") or "").strip().lower()
        content = said.get("content", "").strip()
        if name and content:
            found.setdefault(name, []).append(content)
    return found


def _first(metas: Mapping[str, list[str]], *names: str) -> str:
    return next((metas[name][0] for name in names if name in metas), "")


def _told(page: Page) -> FoundArticle | None:
    """The page's own article in its JSON-LD: the one with its address, else the only one."""
    nodes = [_with_address(node, page) for node in nodes_of(page) if is_article_node(node)]
    articles = [a for a in (article_of(node, page, now=_ANY_TIME) for node in nodes) if a is not None]
    own = [a for a in articles if same_page(a.url, page.url)]
    return own[0] if own else articles[0] if len(articles) == 1 else None


def _with_address(node: Mapping[str, Any], page: Page) -> Mapping[str, Any]:
    """An article without an address, on a page of its own, is that page."""
    return (
        node
        if node.get("url") or node.get("mainEntityOfPage") or node.get("@id")
        else {**node, "url": page.url}
    )


def _canonical(page: Page, metas: Mapping[str, list[str]]) -> str:
    """The address that the page gives as its own, if on this site and no front page; else where it was."""
    said = [
        e.attributes.get("href", "")
        for e in page.elements
        if e.tag == "link" and "canonical" in e.attributes.get("rel", "").lower().split()
    ]
    for address in (*said, _first(metas, "og:url")):
        url = without_tracking(page.absolute(address))
        same_site = site_of(urlsplit(url).hostname or "") == site_of(urlsplit(page.url).hostname or "")
        if url and same_site and (urlsplit(url).path.strip("/") or urlsplit(url).query):
            return url
    return without_tracking(page.url)


# --- title


def _title(
    page: Page, metas: Mapping[str, list[str]], told: FoundArticle | None, body: Element | None
) -> str:
    headings = _headings(page, body)
    candidates = (
        _first(metas, "og:title"),
        told.title if told is not None else "",
        *headings[:1],
        _first(metas, "twitter:title"),
        page.title,
    )
    names = _site_names(page, metas)
    for candidate in candidates:
        title = without_site_name(title_of_html(candidate), names=names, headings=headings)
        if re.search(r"\w", title) and title.casefold() not in names:
            return title
    return ""


def _headings(page: Page, body: Element | None) -> list[str]:
    inside = page.elements[body.index : body.end] if body is not None else page.elements
    found = [page.text_of(e) for e in inside if e.tag == "h1"] or [
        page.text_of(e) for e in page.elements if e.tag == "h1"
    ]
    return [plain(text.strip(" ¶#")) for text in found if text]


def _site_names(page: Page, metas: Mapping[str, list[str]]) -> frozenset[str]:
    """What the site is called: as it says, and as its host is called."""
    said = [_first(metas, "og:site_name"), _first(metas, "application-name")]
    for node in nodes_of(page):
        kinds = str(node.get("@type", ""))
        if ("WebSite" in kinds or "Organization" in kinds) and isinstance(node.get("name"), str):
            said.append(str(node["name"]))
    host = (urlsplit(page.url).hostname or "").removeprefix("www.")
    return frozenset(name.casefold() for name in [*said, host, host.split(".")[0]] if name)


def without_site_name(title: str, *, names: frozenset[str], headings: list[str]) -> str:
    """The title without " | Site", where the site is called so or the page's own heading stops before it."""
    parts = re.split(r"\s+[|–—·•»:-]\s+|\s*\|\s*", title)
    if len(parts) < 2:
        return title
    for heading in headings:
        if len(heading) >= 4 and title.casefold().startswith(heading.casefold()):
            rest = title[len(heading) :]
            if re.match(r"\s*[|–—·•»-]", rest):
                return heading
    for part, end in ((parts[-1], True), (parts[0], False)):
        if part.casefold() in names:
            cut = title[: len(title) - len(part)] if end else title[len(part) :]
            return cut.strip(" |–—·•»:-")
    return title


def _made_title(paragraphs: list[str], url: str) -> str:
    if paragraphs:
        return first_sentence(paragraphs[0])
    words = re.sub(
        r"[-_]+", " ", re.sub(r"\.\w+$", "", urlsplit(url).path.rstrip("/").rpartition("/")[2])
    ).strip()
    return plain(words.capitalize()) or urlsplit(url).hostname or url


# --- text


_BODY_NAMES = (
    "articleBody",
    "entry-content",
    "post-content",
    "article-content",
    "e-content",
    "post-body",
    "article-body",
)


def _body(page: Page, flags: bytearray) -> Element | None:
    """The element that holds the article: the one that says so with the most text, else main, else body."""
    declared = [e for e in page.elements if _is_declared_body(e) and not flags[e.index]]
    best = max(declared, key=lambda e: e.text_end - e.text_start, default=None)
    if best is not None and count_words(page.text_of(best)) >= _FEWEST_WORDS:
        return best
    for tag in ("main", "body"):
        found = next(
            (
                e
                for e in page.elements
                if e.tag == tag or (tag == "main" and e.attributes.get("role") == "main")
            ),
            None,
        )
        if found is not None:
            return found
    return best


def _is_declared_body(element: Element) -> bool:
    if element.tag == "article" or element.attributes.get("itemprop") == "articleBody":
        return True
    return any(name in element.classes for name in _BODY_NAMES)


def _paragraphs(page: Page, body: Element | None, flags: bytearray) -> list[str]:
    """The running paragraphs of the body, in order."""
    if body is None:
        return []
    found = []
    for element in page.elements[body.index : body.end]:
        if (
            element.tag == "p"
            and not flags[element.index]
            and not any(a.tag in {"li", "figcaption", "header", "footer"} for a in _between(element, body))
        ):
            text = plain(page.text_of(element), limit=2000)
            if len(text) >= 60 and re.search(r"[.!?…:;]", text):
                found.append(text)
    return found


def _between(element: Element, top: Element) -> Iterator[Element]:
    for ancestor in element.ancestors():
        if ancestor is top:
            return
        yield ancestor


def _teaser(
    metas: Mapping[str, list[str]], told: FoundArticle | None, paragraphs: list[str], title: str
) -> str:
    site_wide = re.compile(r"^\W*$")
    for said in (
        _first(metas, "og:description"),
        _first(metas, "description"),
        _first(metas, "twitter:description"),
    ):
        teaser = teaser_of(said)
        if (
            teaser
            and not site_wide.match(teaser)
            and teaser.casefold() != title.casefold()
            and len(teaser) >= 25
        ):
            return teaser
    if told is not None and told.teaser:
        return told.teaser
    return teaser_of(as_markup(paragraphs[0])) if paragraphs else ""


def _minutes(
    page: Page, metas: Mapping[str, list[str]], body: Element | None, flags: bytearray
) -> int | None:
    """As stated, else counted from the words of the article."""
    said = html_dates.find_minutes(_first(metas, "twitter:data2", "twitter:data1"))
    if said is not None:
        return said
    if body is None:
        return None
    hidden = {
        place
        for e in page.elements[body.index : body.end]
        if flags[e.index] or e.tag in {"pre", "nav", "form", "figcaption"}
        for place in range(e.text_start, e.text_end)
    }
    words = count_words(page.text(body.text_start, body.text_end, without=hidden))
    return count_minutes(words) if words >= _FEWEST_WORDS else None


# --- date, author, picture, tags


_DATE_METAS = (
    "article:published_time", "og:article:published_time", "datepublished", "date", "dc.date",
    "dc.date.issued", "dcterms.date", "dcterms.created", "pubdate", "publishdate", "publish-date",
    "publication_date",
    "parsely-pub-date", "sailthru.date", "citation_publication_date", "article.published",
)  # fmt: skip


def _published(
    page: Page, metas: Mapping[str, list[str]], told: FoundArticle | None, body: Element | None
) -> datetime | None:
    for name in _DATE_METAS:
        value = html_dates.read_datetime(_first(metas, name), now=_ANY_TIME)
        if value is not None:
            return value
    if told is not None and told.published is not None:
        return told.published
    return _date_by_time(page, body)


def _date_by_time(page: Page, body: Element | None) -> datetime | None:
    """The first <time> near the headline that is not a change; comments and related posts come later."""
    marked = [
        e
        for e in page.elements
        if e.tag == "time" or e.attributes.get("itemprop") == "datePublished" or "dt-published" in e.classes
    ]
    marked = [
        e
        for e in marked
        if not e.words() & {"updated", "modified"} and e.attributes.get("itemprop") != "dateModified"
    ]
    headline = next((e.index for e in page.elements if e.tag == "h1"), body.index if body is not None else 0)
    marked.sort(key=lambda e: abs(e.index - headline))
    for element in marked:
        for text in (
            element.attributes.get("datetime", ""),
            element.attributes.get("content", ""),
            page.text_of(element),
        ):
            value = html_dates.read_datetime(text, now=_ANY_TIME) if text else None
            if value is not None:
                return value
    return None


def _author(page: Page, metas: Mapping[str, list[str]], told: FoundArticle | None) -> str:
    if told is not None and told.author:
        return told.author
    for name in ("author", "article:author", "dc.creator", "parsely-author", "twitter:data1"):
        label = _first(metas, "twitter:label1").lower()
        if name == "twitter:data1" and not label.startswith(("written by", "author", "verfasst")):
            continue
        names = [n for n in metas.get(name, []) if "://" not in n and not n.startswith("@")]
        if names:
            return plain(", ".join(dict.fromkeys(names)), limit=120)
    for element in page.elements:
        if element.attributes.get("rel", "") == "author" or "p-author" in element.classes:
            text = re.sub(
                r"^\s*(?:by|von|par|por|di|door)\s+", "", page.text_of(element), flags=re.IGNORECASE
            )
            if 2 <= len(text) <= 80:
                return plain(text, limit=120)
    return ""


def _image(
    page: Page, metas: Mapping[str, list[str]], told: FoundArticle | None, body: Element | None
) -> Image | None:
    """The picture that the page offers for sharing, unless it is a logo; else the first of the text."""
    offered = [
        Image(
            url=page.absolute(_first(metas, "og:image:secure_url", "og:image", "og:image:url")),
            alt=plain(_first(metas, "og:image:alt", "twitter:image:alt")),
            width=_pixels(_first(metas, "og:image:width")),
            height=_pixels(_first(metas, "og:image:height")),
        ),
        Image(
            url=page.absolute(_first(metas, "twitter:image", "twitter:image:src")),
            alt=plain(_first(metas, "twitter:image:alt")),
        ),
    ]
    if told is not None and told.image is not None:
        offered.append(told.image)
    for image in offered:
        if is_picture(image) and not _is_logo(image.url):
            return image
    return image_in(page, page.elements[body.index : body.end]) if body is not None else None


def _is_logo(address: str) -> bool:
    """Whether an address names a picture of the site, not of the article."""
    name = urlsplit(address).path.lower().rpartition("/")[2]
    return bool(
        re.search(
            r"(?:^|[-_.])(?:logo|icon|favicon|default|placeholder|avatar|site-?image|social-?(?:card"
            r"|default)|og-?(?:default|image|card))(?:[-_.]|\d|$)",
            name,
        )
    ) or (name.endswith(".svg"))


def _pixels(text: str) -> int | None:
    return int(text) or None if re.fullmatch(r"\d{1,5}", text) else None


def _tags(metas: Mapping[str, list[str]]) -> tuple[str, ...]:
    """article:tag as given; keywords only where they are few, as many sites stuff them."""
    said = metas.get("article:tag", [])
    if not said:
        keywords = [k for value in metas.get("keywords", [])[:1] for k in value.split(",")]
        said = keywords if len(keywords) <= 8 else []
    tags = {
        plain(tag, limit=60).casefold(): plain(tag, limit=60) for tag in said if 0 < len(tag.strip()) <= 40
    }
    return tuple(tags.values())[:10]
