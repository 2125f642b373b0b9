"""A parsed page as plain values: elements in document order, and the visible pieces of text between them.

Every element knows its half-open ranges in both lists, so that "what is in
this card" is a slice and costs nothing, also when a card is a run of siblings
without an element of its own.  Invisible content (scripts, hidden copies,
comments, templates) is left out.  Other modules find what a page *means*.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from digest.rules.cleaning import absolute_http_url

BLOCKS = frozenset(
    "address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol "
    "option p pre search section select summary table tbody td textarea tfoot th thead title tr ul".split()
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

# A page is parsed whole; beyond this no real listing goes, and time and memory stay bounded.
_MOST_ELEMENTS = 200_000
_DEEPEST = 400
_UNSEEN = frozenset("script style template svg math iframe object canvas audio video".split())
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(slots=True, eq=False)
class Element:
    """One visible element; `index:end` are it and all inside it, `text_start:text_end` their text."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    index: int
    text_start: int
    text_end: int
    depth: int
    end: int = 0
    children: list[Element] = field(default_factory=list)
    has_own_text: bool = False
    textful_children: int = 0

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def label(self) -> str:
        """Class and id, the two places where authors say what a thing is."""
        return f"{self.attributes.get('class', '')} {self.attributes.get('id', '')}".strip()

    def words(self) -> frozenset[str]:
        """The lower-case words of class and id: `post-card__title` has post, card and title."""
        return frozenset(w.lower() for w in _WORD.findall(self.label)) if self.attributes else frozenset()

    def ancestors(self) -> Iterator[Element]:
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def holds(self, other: Element) -> bool:
        return self.index <= other.index < self.end


@dataclass(slots=True)
class Piece:
    """A piece of text, and the smallest element that a reader sees as one unit with it."""

    text: str
    owner: Element
    cell: Element


@dataclass(slots=True)
class Page:
    """A parsed page; `base` is what its relative links start from."""

    url: str
    base: str
    elements: list[Element]
    pieces: list[Piece]
    scripts: list[str]  # the JSON-LD blocks as text
    title: str
    language: str
    parser: LexborHTMLParser
    by_node: dict[int, Element]
    known: dict[str, str] = field(default_factory=dict)  # addresses made absolute already

    def text(self, start: int, end: int, *, without: frozenset[int] | set[int] = frozenset()) -> str:
        """The pieces of a range as one line; units stand apart by a space."""
        parts: list[str] = []
        last: Element | None = None
        for place in range(start, end):
            if place in without:
                continue
            piece = self.pieces[place]
            if piece.cell is not last:
                parts.append(" ")
                last = piece.cell
            parts.append(piece.text)
        return " ".join("".join(parts).split())

    def text_of(self, element: Element) -> str:
        return self.text(element.text_start, element.text_end)

    def all(self, *tags: str) -> list[Element]:
        return [e for e in self.elements if e.tag in tags]

    def absolute(self, address: str) -> str:
        """An absolute http(s) address, or empty where there is none."""
        if address not in self.known:
            self.known[address] = absolute_http_url(address.strip(), self.base) if address.strip() else ""
        return self.known[address]

    def select(self, selector: str) -> list[Element]:
        """The visible elements that a CSS selector finds, in document order.

        Raises:
            selectolax.lexbor.SelectolaxError: this is no selector.
        """
        found = {node.mem_id for node in self.parser.css(selector)}
        return [e for key, e in self.by_node.items() if key in found]


def parse(body: bytes | str, *, url: str, charset: str = "") -> Page:
    """Parse a page; never fails, whatever the bytes are."""
    markup = body if isinstance(body, str) else decoded(body, charset)
    parser = LexborHTMLParser(markup.replace("\x00", ""))
    page = Page(
        url=url,
        base=url,
        elements=[],
        pieces=[],
        scripts=[],
        title="",
        language="",
        parser=parser,
        by_node={},
    )
    _collect(page)
    _close_ranges(page)
    _join_cells(page)
    _read_head(page)
    return page


def decoded(body: bytes, charset: str = "") -> str:
    """The text of a page by BOM, else HTTP charset, else the page's own word, else UTF-8; never fails."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    for name in (charset, _charset_said_by_page(body)):
        known = _codec(name)
        if known:
            return body.decode(known, "replace")
    return body.decode("utf-8", "replace")


def _charset_said_by_page(body: bytes) -> str:
    found = re.search(
        rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:-]{2,40})", body[:4096], re.IGNORECASE
    )
    name = found[1].decode("ascii") if found else ""
    # A page that reads as ASCII up to its meta element is not UTF-16, whatever it says (HTML, 13.2.3.2).
    return "utf-8" if name.lower().startswith("utf-16") else name


def _codec(name: str) -> str:
    """A codec for text under the web's names (Encoding Standard: latin-1 means windows-1252), or empty."""
    if not name:
        return ""
    try:
        found = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        return ""
    if not found._is_text_encoding or found.name in {"utf-7", "idna", "punycode"}:
        return ""
    return "cp1252" if found.name in {"iso8859-1", "ascii"} else found.name


def _collect(page: Page) -> None:
    root = page.parser.root
    if root is None:
        return
    for node in root.traverse(include_text=True):
        above = node.parent
        parent = page.by_node.get(above.mem_id) if above is not None else None
        if parent is None and page.elements:
            continue
        if node.is_text_node:
            _add_text(page, node, parent)
        elif node.is_element_node and len(page.elements) < _MOST_ELEMENTS:
            _add_element(page, node, parent)


def _add_text(page: Page, node: LexborNode, parent: Element | None) -> None:
    text = node.text_content or ""
    if parent is None or not text or parent.tag == "noscript":
        return
    if not text.isspace():
        parent.has_own_text = True
    page.pieces.append(Piece(text, parent, parent))
    parent.text_end = len(page.pieces)


def _add_element(page: Page, node: LexborNode, parent: Element | None) -> None:
    tag = node.tag or ""
    attributes = {name: value or "" for name, value in node.attributes.items()}
    if tag == "script" and "ld+json" in attributes.get("type", ""):
        page.scripts.append(node.text(deep=True) or "")
    if _is_unseen(tag, attributes, parent):
        return
    place = len(page.pieces)
    element = Element(
        tag, attributes, parent, len(page.elements), place, place, parent.depth + 1 if parent else 0
    )
    page.elements.append(element)
    page.by_node[node.mem_id] = element
    if parent is None:
        return
    parent.children.append(element)
    if tag in {"br", "wbr"}:
        page.pieces.append(Piece("\n" if tag == "br" else "", parent, parent))
        parent.text_end = len(page.pieces)


def _is_unseen(tag: str, attributes: dict[str, str], parent: Element | None) -> bool:
    if tag in _UNSEEN or "hidden" in attributes:
        return True
    if parent is not None and (parent.depth >= _DEEPEST or (parent.tag == "noscript" and tag != "img")):
        return True
    return "style" in attributes and bool(_HIDING.search(attributes["style"]))


def _close_ranges(page: Page) -> None:
    for element in reversed(page.elements):
        element.end = max(element.end, element.index + 1)
        parent = element.parent
        if parent is None:
            continue
        parent.end = max(parent.end, element.end)
        parent.text_end = max(parent.text_end, element.text_end)
        if element.has_own_text or element.textful_children:
            parent.textful_children += 1


def _join_cells(page: Page) -> None:
    """Inline elements belong to the text around them; in a mere row of them each is its own unit.

    `<p>By <b>Ann</b></p>` is one unit, `<div><span>5 May</span><span>Title</span></div>` are two.
    """
    known: dict[int, Element] = {}
    for piece in page.pieces:
        owner = piece.owner
        if owner.index not in known:
            known[owner.index] = _cell(owner)
        piece.cell = known[owner.index]


def _cell(owner: Element) -> Element:
    element = owner
    while element.tag not in BLOCKS and element.parent is not None:
        parent = element.parent
        if not parent.has_own_text and parent.textful_children > 1:
            break
        element = parent
    return element


def _read_head(page: Page) -> None:
    for element in page.elements:
        if element.tag == "html":
            page.language = element.attributes.get("lang", "").strip().replace("_", "-")
        elif element.tag == "base" and element.attributes.get("href", "").strip() and page.base == page.url:
            page.base = absolute_http_url(element.attributes["href"].strip(), page.url) or page.url
        elif element.tag == "title" and not page.title:
            page.title = page.text_of(element)
