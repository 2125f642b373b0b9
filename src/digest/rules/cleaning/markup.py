"""The text of an HTML fragment from outside.

A small tokenizer with the rules of the HTML standard that matter for reading,
in one pass from left to right.  It deliberately builds no tree: tree builders take
25 seconds for 120,000 nested elements (nh3, measured), and a feed's fragment may
be cut off anywhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from digest.rules.cleaning.characters import plain

WHOLE = 100_000  # characters: the longest text that anything here looks at


@dataclass(frozen=True, slots=True)
class TextToken:
    raw: str  # entities not decoded yet


@dataclass(frozen=True, slots=True)
class TagToken:
    name: str  # lower case
    is_end: bool
    attributes: str
    source: str


Token = TextToken | TagToken


def text_of_html(markup: str, *, limit: int = WHOLE) -> str:
    """What a reader sees of a fragment, as one clean line.

    Scripts, styles, comments and everything else that is not text are removed;
    blocks are separated by a space.  Text that was escaped twice is corrected.
    """
    return _text(markup, limit=limit, unknown_is_text=False)


def title_of_html(markup: str, *, limit: int = 300) -> str:
    """A headline that may be text or HTML.

    HTML elements are removed, everything else in angle brackets stays: the title
    “Using Vec<T>” means what it says, and so does “<mj-raw>”.  A tag that is never
    closed is not markup either: “From <div> to <main>” is about tags.
    """
    return _text(_unpaired_as_text(markup), limit=limit, unknown_is_text=True).removesuffix("¶").rstrip()


def _unpaired_as_text(title: str) -> str:
    if "<" not in title:
        return title
    closed = {name.lower() for name in _CLOSING.findall(title)}
    return _OPENING.sub(
        lambda tag: tag[0] if tag[1].lower() in closed or tag[1].lower() in _NEVER_CLOSED else "&lt;", title
    )


_CLOSING = re.compile(r"</\s*([a-zA-Z][\w-]{0,30})")
_OPENING = re.compile(r"<(?=([a-zA-Z][\w-]{0,30})[\s/>])")
_NEVER_CLOSED = frozenset({"br", "hr", "img", "wbr", "p", "li", "h1", "h2", "h3", "input", "link", "meta"})


def _text(markup: str, *, limit: int, unknown_is_text: bool) -> str:
    if "<" not in markup and "&" not in markup:
        return plain(markup, limit=limit)

    raw, has_markup = _visible(markup, enough=limit * 2 + 1000, unknown_is_text=unknown_is_text)
    text = html.unescape(raw)
    if not has_markup and _ESCAPED_MARKUP.search(text):
        raw, _ = _visible(text, enough=limit * 2 + 1000, unknown_is_text=unknown_is_text)
        text = html.unescape(raw)
    if _ESCAPED_TWICE.search(text):
        text = html.unescape(text)
    return plain(text, limit=limit)


# Markup that arrives as text: a pair of tags, or a block that opens the text.
_ESCAPED_MARKUP = re.compile(
    r"<(b|i|em|strong|code|a|span|p|div|u|sub|sup|h[1-6])(?:\s[^<>]{0,500})?>[^<>]{0,2000}</\1\s*>"
    r"|\A\s*<(?:p|div|img|figure|h[1-6]|ul|ol|section|article)[\s/>]",
    re.IGNORECASE,
)
_ESCAPED_TWICE = re.compile(
    r"&(?:amp|quot|apos|nbsp|lt|gt|hellip|[lr][sd]quo|[mn]dash|#\d{2,6}|#[xX][0-9a-fA-F]{2,5});"
)


def _visible(markup: str, *, enough: int, unknown_is_text: bool) -> tuple[str, bool]:
    """The raw text between the tags, and whether there was any tag."""
    pieces: list[str] = []
    length = 0
    has_markup = False
    for token in tokens(markup):
        if isinstance(token, TextToken):
            piece = token.raw
        elif unknown_is_text and token.name not in KNOWN:
            piece = html.escape(token.source, quote=False)
        else:
            has_markup = True
            piece = "" if token.name in INLINE else " "
        pieces.append(piece)
        length += len(piece.strip())
        if length > enough:
            break
    return "".join(pieces), has_markup


_INTERESTING = re.compile(r"<(?=[A-Za-z/!?])")
_TAG = re.compile(r"""<(/?)([A-Za-z][^\s/>]*+)((?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?=[^"'])))*+)>""")


def tokens(markup: str) -> Iterator[Token]:
    """Text and tags in order; comments and elements without readable text are left out.

    As in a browser, a comment or tag that never ends takes the rest with it.
    """
    place, end = 0, len(markup)
    never_closed: set[str] = set()
    while place < end:
        start = _INTERESTING.search(markup, place)
        if start is None:
            yield TextToken(markup[place:])
            return
        if start.start() > place:
            yield TextToken(markup[place : start.start()])
        place = start.start()

        if markup[place + 1] in "!?":
            if markup.startswith("<![CDATA[", place):
                stop = markup.find("]]>", place)
                yield TextToken(html.escape(markup[place + 9 : stop if stop >= 0 else end], quote=False))
                place = stop + 3 if stop >= 0 else end
            else:
                place = _end_of_comment(markup, place)
            continue

        tag = _TAG.match(markup, place)
        if tag is None:
            place = _end_of_broken_tag(markup, place)
            continue
        token = TagToken(tag[2].lower(), bool(tag[1]), tag[3], tag[0])
        place = tag.end()
        yield token
        if token.name in UNREAD and not token.is_end and not token.attributes.endswith("/"):
            place = _end_of_unread(markup, place, token.name, never_closed)


def _end_of_comment(markup: str, place: int) -> int:
    if not markup.startswith("<!--", place):  # a declaration or <?php
        stop = markup.find(">", place)
        return stop + 1 if stop >= 0 else len(markup)
    if markup.startswith(("<!-->", "<!--->"), place):
        return markup.index(">", place) + 1
    stop = markup.find("-->", place + 4)
    return stop + 3 if stop >= 0 else len(markup)


def _end_of_broken_tag(markup: str, place: int) -> int:
    """`</` before something else is a comment up to the next `>`; an endless tag takes the rest."""
    if markup[place + 1] == "/" and not markup[place + 2 : place + 3].isalpha():
        stop = markup.find(">", place)
        return stop + 1 if stop >= 0 else len(markup)
    return len(markup)


def _end_of_unread(markup: str, place: int, name: str, never_closed: set[str]) -> int:
    """The place of the closing tag.  Without one, raw text takes the rest, and others nothing."""
    if name not in never_closed:
        closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(markup, place)
        if closing:
            return closing.start()
        never_closed.add(name)
    return len(markup) if name in ("script", "style") else place


_ATTRIBUTE = re.compile(r"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+)))?""")


def attributes_of(tag: TagToken) -> dict[str, str]:
    """Decoded attributes by lower-case name; the first of a name wins, as in a browser."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag.attributes[:20_000]):
        found.setdefault(match[1].lower(), html.unescape(match[2] or match[3] or match[4] or ""))
    return found


def paragraphs_of(markup: str) -> Iterator[str]:
    """The running text of a fragment, a clean line per block; headings, code and captions are left out."""
    pieces: list[str] = []
    aside, depth = "", 0
    for token in tokens(markup):
        if aside:
            if isinstance(token, TagToken) and token.name == aside:
                depth += -1 if token.is_end else 1
                aside = aside if depth else ""
        elif isinstance(token, TextToken):
            pieces.append(token.raw)
        elif token.name in ASIDE and not token.is_end:
            aside, depth = token.name, 1
            pieces.append(" ")
        elif token.name in BLOCKS:
            yield from _paragraph(pieces)
            pieces = []
        elif token.name not in INLINE:
            pieces.append(" ")
    yield from _paragraph(pieces)


def _paragraph(pieces: list[str]) -> Iterator[str]:
    if text := text_of_html("".join(pieces)):
        yield text


# Their content is not read: code, fallbacks, forms, embedded documents.
UNREAD = frozenset({
    "audio", "canvas", "head", "iframe", "noembed", "noframes", "noscript", "object", "script", "select",
    "style", "svg", "template", "textarea", "title", "video",
})  # fmt: skip
# Not running text: they make bad teasers.
ASIDE = frozenset({
    "aside", "button", "dialog", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "nav", "pre", "table",
})  # fmt: skip
BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "header",
    "hr", "html", "li", "main", "ol", "p", "section", "summary", "ul",
})  # fmt: skip
INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "label", "mark", "math", "mi", "mn", "mo", "nobr", "noscript", "q", "s", "samp",
    "script", "small", "span", "strike", "strong", "style", "sub", "sup", "template", "time", "tt", "u",
    "var", "wbr",
})  # fmt: skip
KNOWN = UNREAD | ASIDE | BLOCKS | INLINE | frozenset({
    "area", "base", "br", "caption", "center", "col", "colgroup", "datalist", "dir", "embed", "hgroup", "img",
    "input", "legend", "link", "map", "menu", "meta", "meter", "optgroup", "option", "output", "param",
    "picture", "progress", "rp", "rt", "ruby", "search", "source", "tbody", "td", "tfoot", "th", "thead",
    "tr", "track",
})  # fmt: skip
