"""Finds the address of a listing's next page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import parse_qsl, urlsplit

from digest.sources.article_links import same_page
from digest.sources.page_tree import Element, Page

_NEXT = re.compile(
    r"[\W_]*(?:next(?: page)?|older(?: (?:posts?|entries|articles|stories|news|page))?|previous (?:posts"
    r"|entries)|more (?:posts|articles|stories|news|entries)|load more(?: \w+)?|show more(?: \w+)?"
    r"|view more posts|nächste(?: seite)?|weiter|ältere (?:beiträge|artikel|einträge|posts)|mehr (?:beiträge"
    r"|artikel)|suivante?s?|page suivante|articles (?:plus anciens|précédents)|plus anciens|siguiente"
    r"|p[áa]gina siguiente|entradas (?:anteriores|antiguas|m[áa]s antiguas)|successiv[ao]|pagina successiva"
    r"|articoli (?:precedenti|meno recenti)|avanti|volgende(?: pagina)?|oudere berichten"
    r"|pr[óo]xim[ao](?: p[áa]gina)?|p[áa]gina seguinte|posts mais antigos|nästa(?: sida)?|äldre inlägg"
    r"|neste(?: side)?|næste|następna|starsze (?:wpisy|posty)|další|далее|следующая"
    r"|次へ|次のページ|下一页|下一頁|다음)[\W_]*",
    re.IGNORECASE,
)
_ARROW = re.compile(r"\s*(?:›|»|>|>>|→|❯|&gt;)\s*")
_PAGER = frozenset(
    {"pagination", "pager", "paginate", "paginator", "paging", "navigation", "nav-links", "pages"}
)
_NEXT_NAMES = frozenset(
    {
        "next",
        "older",
        "next-page",
        "pagination-next",
        "pagination__next",
        "nav-next",
        "older-posts",
        "next-posts",
    }
)


def next_page(page: Page, *, articles: Collection[str]) -> str:
    """The address of the page after this one, on the same host, or empty.

    Never an article on the page, nor the page itself.
    """
    for element in _candidates(page):
        url = page.absolute(element.attributes.get("href", "")).partition("#")[0]
        if url and _may_follow(url, page, articles):
            return url
    return ""


def _candidates(page: Page) -> Iterator[Element]:
    """Links to the next page: by relation, by class, by text, by number."""
    linked = [e for e in page.elements if e.tag in {"a", "link"} and e.attributes.get("href")]
    yield from (e for e in linked if "next" in e.attributes.get("rel", "").lower().split())
    anchors = [e for e in linked if e.tag == "a"]
    yield from (e for e in anchors if _is_named_next(e) and _looks_like_page(page, e))
    yield from (e for e in anchors if _says_next(page, e))
    yield from (e for e in anchors if _has_next_number(page, e))


def _is_named_next(element: Element) -> bool:
    near = [element, *list(element.ancestors())[:1]]
    return any(name.lower() in _NEXT_NAMES for e in near for name in e.classes)


def _says_next(page: Page, element: Element) -> bool:
    said = [
        page.text_of(element),
        element.attributes.get("aria-label", ""),
        element.attributes.get("title", ""),
    ]
    if any(_NEXT.fullmatch(text) for text in said if text):
        return _looks_like_page(page, element) or _is_in_pager(element)
    return bool(_ARROW.fullmatch(said[0])) and _is_in_pager(element) and _looks_like_page(page, element)


def _has_next_number(page: Page, element: Element) -> bool:
    """ "2" in a row of page numbers on page 1, "3" on page 2."""
    text = page.text_of(element)
    if not text.isdigit() or len(text) > 4:
        return False
    return int(text) == page_number(page.url) + 1 and page_number(
        page.absolute(element.attributes["href"])
    ) == int(text)


def _is_in_pager(element: Element) -> bool:
    return any(a.words() & _PAGER for a in list(element.ancestors())[:4])


def _looks_like_page(page: Page, element: Element) -> bool:
    return page_number(page.absolute(element.attributes.get("href", ""))) > 1


def page_number(url: str) -> int:
    """The page that an address names by /page/2, /page2, ?page=2 or ?paged=2; 1 where it names none."""
    parts = urlsplit(url)
    found = (
        re.search(r"/(?:page|p|seite|pagina|pages)[-_/]?(\d{1,4})(?:\.\w+|/)?$", parts.path, re.IGNORECASE)
        or re.search(r"/(?:index|blog|archive)[-_]?(\d{1,4})(?:\.html?)?/?$", parts.path, re.IGNORECASE)
        or re.search(r"/(\d{1,3})/?$", parts.path)
    )
    if found:
        return int(found[1])
    for name, value in parse_qsl(parts.query):
        if (
            name.lower() in {"page", "paged", "p", "pg", "seite", "pagina", "start", "offset"}
            and value.isdigit()
        ):
            return int(value) if name.lower() not in {"start", "offset"} else int(value) + 1
        if (
            re.search(r"[-_]page$", name.lower()) and value.isdigit()
        ):  # a site builder's e-page-3f2a, 8c4f_page
            return int(value)
    return 1


def _may_follow(url: str, page: Page, articles: Collection[str]) -> bool:
    there, here = urlsplit(url), urlsplit(page.url)
    if there.netloc.lower() != here.netloc.lower() or same_page(url, page.url):
        return False
    return not any(same_page(url, article) for article in articles)
