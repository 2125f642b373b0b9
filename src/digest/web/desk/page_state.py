"""The state of an issue's page, kept entirely in its URL.

A state can be bookmarked, sent to a colleague and reached without scripts, and a
posted form returns to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self
from urllib.parse import urlencode

TABS = ("mail", "inbox", "text", "source", "headers", "links")
WIDTHS = ("auto", "320", "375", "600", "full")  # auto: 600 on a desk, the whole screen on a phone
SCHEMES = ("light", "dark", "inverted")
PANELS = ("", "edit", "out", "approve", "proof", "share", "history", "cancel", "keys")
PARTS = ("outline", "preview", "checks")

_WORDS = {"view": TABS, "width": WIDTHS, "scheme": SCHEMES, "open": PANELS, "part": PARTS, "left": ("all",)}
_LONGEST = 100  # characters of a search


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """One state of the page; `query` contains what differs from the default."""

    view: str = "mail"
    width: str = "auto"
    scheme: str = "light"
    images: bool = True
    styles: bool = True
    scale: int = 100  # of the text, in percent
    reader: int = 0  # id of the subscription to preview for; 0 is the sample
    open: str = ""  # the open panel
    story: int = 0  # id of the selected article
    mark: str = ""  # the check whose finding is highlighted
    q: str = ""  # search words for older articles
    left: str = ""  # "all" lists every article left out
    who: str = ""  # search for a subscriber by the start of name or address
    part: str = "preview"  # the part that a narrow screen shows

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """The state in a query; unknown values keep their default."""
        words = {name: asked[name] for name, known in _WORDS.items() if asked.get(name) in known}
        numbers = {name: int(asked[name]) for name in ("reader", "story") if _is_number(asked.get(name, ""))}
        return cls(
            **words,  # type: ignore[arg-type]  # each of these names is a word
            **numbers,  # type: ignore[arg-type]  # and each of these a number
            images=asked.get("images") != "off",
            styles=asked.get("styles") != "off",
            scale=200 if asked.get("scale") == "200" else 100,
            mark=asked.get("mark", "")[:_LONGEST],
            q=asked.get("q", "").strip()[:_LONGEST],
            who=asked.get("who", "").strip()[:_LONGEST],
        )

    def but(self, **changes: str | int | bool) -> Self:
        """A copy with these changes."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def query(self, **changes: str | int | bool) -> str:
        """“?width=375&story=7”, or empty if everything is at its default."""
        told = self.but(**changes).told()
        return f"?{urlencode(told)}" if told else ""

    def told(self) -> dict[str, str]:
        """What differs from the default, for a URL or hidden form fields."""
        return {
            field.name: _told(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    def frame_query(self, stamp: str) -> str:
        """Only what the framed mail depends on, so that it reloads for nothing else."""
        mail = PageState(
            scheme=self.scheme,
            images=self.images,
            styles=self.styles,
            scale=self.scale,
            reader=self.reader,
            story=self.story,
            mark=self.mark,
        ).query()
        return f"{mail}{'&' if mail else '?'}v={stamp}"


def _told(value: str | int | bool) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 15
