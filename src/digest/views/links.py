"""Lists every link of a mail for review: its text, its target, and anything odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from selectolax.lexbor import LexborNode

from digest.checks.html_tree import attribute, collapse_whitespace, elements, is_private, story_of, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A link of the mail."""

    url: str
    text: str
    where: str = ""
    story: int = 0
    host: str = ""
    notes: tuple[str, ...] = ()
    is_odd: bool = False  # somebody should check it


_TRACKING = frozenset({"fbclid", "gclid", "msclkid", "mc_cid", "mc_eid", "igshid", "yclid"})


def link_rows(html: str, *, stories: Mapping[str, int], personal: str) -> tuple[LinkRow, ...]:
    """The links in the order of the mail; links of one story to the same page share a row.

    `stories` are articles by headline; `personal` is how every subscriber's personal
    links begin.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    for link in elements(html, "a[href]"):
        where = story_of(html, link) if not _is_of_frame(link, personal) else ""
        texts.setdefault((attribute(link, "href") or "", collapse_whitespace(where)), []).append(_said(link))
    said_of: dict[str, set[str]] = {}
    for (url, _), said in texts.items():
        for text in said:
            said_of.setdefault(text.casefold(), set()).add(url)
    return tuple(
        _row(url, where, said, stories=stories, personal=personal, said_of=said_of)
        for (url, where), said in texts.items()
    )


def _row(
    url: str,
    where: str,
    said: list[str],
    *,
    stories: Mapping[str, int],
    personal: str,
    said_of: Mapping[str, set[str]],
) -> LinkRow:
    spoken = [text for text in dict.fromkeys(said) if text]
    is_personal = bool(personal) and url.startswith(personal)
    notes = ["Personal link; the preview shows a dummy."] if is_personal else list(_notes(url))
    notes += [
        f"Another link “{text}” leads to a different page."
        for text in spoken
        if len(said_of[text.casefold()]) > 1
    ]
    return LinkRow(
        url=url,
        text=spoken[0] if spoken else "",
        where=where or "Around the stories",
        story=stories.get(where, 0),
        host=_host(url),
        notes=tuple(notes),
        is_odd=bool(notes) and not is_personal,
    )


def _notes(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        host, names = parts.hostname or "", {name.lower() for name, _ in parse_qsl(parts.query)}
    except ValueError:
        return ["Not a valid URL."]
    notes = []
    if parts.scheme == "http":
        notes.append("Not encrypted (http).")
    elif parts.scheme not in {"https", "mailto", "tel"}:
        notes.append("Not a web address.")
    if host and is_private(host):
        notes.append(f"{host} is only reachable on this network.")
    tracking = sorted(name for name in names if name in _TRACKING or name.startswith("utm_"))
    if tracking:
        notes.append(f"Contains tracking parameters: {', '.join(tracking)}.")
    return notes


def _said(link: LexborNode) -> str:
    if text := text_of(link):
        return text
    image = link.css_first("img")
    return collapse_whitespace(attribute(image, "alt") or "") if image is not None else ""


def _is_of_frame(link: LexborNode, personal: str) -> bool:
    """Links in the footer can be near a headline, but belong to no story."""
    return bool(personal) and (attribute(link, "href") or "").startswith(personal)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
