"""Prepares the mail for the preview frame of the desk: the real mail, shown in different ways.

None of this is ever sent.  The frame runs no scripts and its links are disabled,
so a story is found by its fragment, and the selected story is outlined by a style
at the end of the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOptions:
    """How the mail in the frame is shown."""

    scheme: str = "light"  # light, dark, inverted
    styles: bool = True
    scale: int = 100  # of the text, in per cent
    reader: int = 0  # id of the subscription it is shown as; 0 is a sample
    story: int = 0  # the selected article
    mark: str = ""  # the check whose finding is shown on it


_STYLE_BLOCK = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_SCHEME_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_TYPE_SIZE = re.compile(r"((?:font-size|line-height)\s*:\s*)(\d+(?:\.\d+)?)(px)", re.IGNORECASE)
_SEVERITIES = ("block", "warn")
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"
_DEEPEST = 64

# The desk's colours for findings: on light mails, and on dark ones.
_COLOURS = {
    False: {"block": "#B3261E", "warn": "#8A5300", "": "#0B5F6B"},
    True: {"block": "#FF9C93", "warn": "#E9B65C", "": "#7CC7D0"},
}

# A click would open a page in the frame that must not be shown there.
_INERT = "a{pointer-events:none;outline:0}"
# A story scrolled to is shown a little below the edge.
_REACHED = "[id^=story-]{scroll-margin-top:72px}"
# Like mail apps that invert every colour except in images.
_INVERTED = (
    "html{background:#fff;filter:invert(1) hue-rotate(180deg)}img{filter:invert(1) hue-rotate(180deg)}"
)


def framed(
    html: str, look: PreviewOptions, *, stories: Mapping[int, str], severity: str = "", label: str = ""
) -> str:
    """The page with these options.

    `stories` maps articles to the URLs of their stories: each story gets an id such as `story-7`.
    The selected story is outlined in the colour of `severity`, with `label` if there is one.
    """
    html = _in_scheme(html, "dark" if look.scheme == "dark" else "light")
    if look.scale != 100:
        html = _scaled(html, look.scale / 100)
    page = LexborHTMLParser(html)
    if not look.styles:
        _without_styles(page)
    links = _links(page)
    chosen = stories.get(look.story, "")
    for article, address in stories.items():
        if (found := links.get(address)) is not None and (around := found[0].parent) is not None:
            # Not the link itself: a focusable target would take the focus from the editor's field.
            around.attrs["id"] = f"story-{article}"
    added = [_INERT, _REACHED]
    if look.scheme == "inverted":
        added.append(_INVERTED)
    if chosen and (found := links.get(chosen)) is not None:
        card = _card(found[0], chosen)
        card.attrs["data-chosen"] = ""
        added.append(
            _outline(
                _COLOURS[look.scheme == "dark"][severity if severity in _SEVERITIES else ""],
                label,
                ink="#111" if look.scheme == "dark" else "#fff",
                # A story as wide as the mail has no room beside it.
                beside=0 if "max-width:600px" in (card.attributes.get("style") or "") else 8,
            )
        )
    return _with_style(page.html or html, "".join(added))


def _in_scheme(html: str, scheme: str) -> str:
    """Apply only the rules of this scheme, whatever the device prefers."""

    def block(found: re.Match[str]) -> str:
        rules = _SCHEME_QUERY.sub(lambda query: _ALWAYS if query[1].lower() == scheme else _NEVER, found[2])
        return f"{found[1]}{rules}{found[3]}"

    html = _STYLE_BLOCK.sub(block, html)
    return re.sub(r'(<meta name="color-scheme" content=")[^"]*(")', rf"\g<1>{scheme}\g<2>", html, count=1)


def _scaled(html: str, by: float) -> str:
    return _TYPE_SIZE.sub(lambda found: f"{found[1]}{float(found[2]) * by:g}{found[3]}", html)


def _without_styles(page: LexborHTMLParser) -> None:
    for node in page.css("style"):
        node.decompose()
    for node in page.css("[style], [class]"):
        for name in ("style", "class"):
            if name in node.attributes:
                del node.attrs[name]


def _links(page: LexborHTMLParser) -> dict[str, list[LexborNode]]:
    found: dict[str, list[LexborNode]] = {}
    for node in page.css("a[href]"):
        found.setdefault(node.attributes.get("href") or "", []).append(node)
    return found


def _card(link: LexborNode, address: str) -> LexborNode:
    """The largest element around the link that contains nothing of another story."""
    card = link
    for _ in range(_DEEPEST):
        around = card.parent
        if around is None or around.tag in {"body", "html"}:
            break
        leads = {node.attributes.get("href") for node in around.css("a[href]")}
        if leads - {address}:
            break
        card = around
    return card


def _outline(colour: str, label: str, *, ink: str, beside: int) -> str:
    """An outline that extends only to the sides: the section title may be right above."""
    rules = (
        "[data-chosen]{position:relative}[data-chosen]::after{content:'';position:absolute;"
        f"inset:0 -{beside}px;border:2px solid {colour};border-radius:8px;z-index:8}}"
    )
    if not label:
        return rules
    said = re.sub(r"[^\w ,.’“”():–-]", "", label)[:60]
    return rules + (
        f"[data-chosen]::before{{content:'{said}';position:absolute;right:0;top:-26px;padding:3px 10px;"
        f"background:{colour};color:{ink};font:600 14px/20px sans-serif;border-radius:4px;z-index:9}}"
    )


def _with_style(html: str, rules: str) -> str:
    style = f"<style>{rules}</style>"
    head, end, rest = html.rpartition("</body>")
    return f"{head}{style}{end}{rest}" if end else f"{html}{style}"
