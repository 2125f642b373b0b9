"""What an issue's page shows just now: all of it stands in the address.

So a look can be bookmarked, sent to a colleague, and reached without a script;
and a form that is posted comes back to the same place.
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
    """One state of the page; what is not as at first stands in `query`."""

    view: str = "mail"
    width: str = "auto"
    scheme: str = "light"
    images: bool = True
    styles: bool = True
    scale: int = 100  # of the text, in per cent
    reader: int = 0  # subscription of whom it is shown to; 0 is a sample
    open: str = ""  # the panel that lies over the page
    story: int = 0  # the article that is chosen
    mark: str = ""  # the check whose finding is shown
    q: str = ""  # what is looked for among older articles
    left: str = ""  # "all" of what stayed out
    who: str = ""  # beginning of the name or address of a reader that is looked for
    part: str = "preview"  # the one that a narrow screen shows

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """The look that an address asks for; what it does not know stays as at first."""
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
        """The same, but for this."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def query(self, **changes: str | int | bool) -> str:
        """“?width=375&story=7”, or nothing where all is as at first."""
        told = self.but(**changes).told()
        return f"?{urlencode(told)}" if told else ""

    def told(self) -> dict[str, str]:
        """What is not as at first, as an address or the hidden fields of a form carry it."""
        return {
            field.name: _told(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    def frame_query(self, stamp: str) -> str:
        """What the mail in the frame depends on, and nothing more: it is loaded anew only for that."""
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
