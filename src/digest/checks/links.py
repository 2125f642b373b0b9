"""Links: what they say and where they lead.  `external_checks` requests them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from selectolax.lexbor import LexborNode

from digest.checks.html_tree import attribute, elements, is_private, site_is_private, story_of, text_of
from digest.checks.types import Check, Facts, Message, Problem, Severity

_VAGUE = frozenset(
    "read more|more|click here|here|click|link|this|continue reading|learn more|details|"
    "mehr|weiterlesen|mehr lesen|hier|hier klicken|en savoir plus|lire la suite|ici|cliquez ici".split("|")
)


def texts(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """WCAG 2.4.4: a link must be understandable when it is read out of context."""
    led_to: dict[str, str] = {}
    for link in elements(message.html, "a[href]"):
        text, href = text_of(link), attribute(link, "href") or ""
        if not text:
            if not _shows_image(link):
                yield Problem(
                    "A link has no text, so no one can click it and its address is read out.",
                    story_of(message.html, link),
                )
            continue
        if text.lower().rstrip(" .…›»→") in _VAGUE:
            yield Problem(
                f"A link only says “{text}”. Say what it leads to.",
                story_of(message.html, link),
                Severity.WARN,
            )
        elif led_to.setdefault(text.lower(), href) != href:
            yield Problem(
                f"Two links say “{text}” but lead to different pages.",
                story_of(message.html, link),
                Severity.WARN,
            )


def _shows_image(link: LexborNode) -> bool:
    """An image's alt text is checked by `img-alt`."""
    return link.css_first("img") is not None


def addresses(message: Message, facts: Facts) -> Iterator[Problem]:
    """Links must be absolute and reachable from outside this machine."""
    seen: set[str] = set()
    for link in elements(message.html, "a[href]"):
        href = attribute(link, "href") or ""
        if href in seen:
            continue
        seen.add(href)
        yield from (problem._replace(where=story_of(message.html, link)) for problem in _faults(href, facts))


def _faults(href: str, facts: Facts) -> Iterator[Problem]:
    parts = _split(href)
    if parts is None:
        yield Problem(f"A link is malformed: “{href[:80]}”.")
    elif parts.scheme in {"mailto", "tel"}:
        return
    elif parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Problem(f"A link is not absolute: “{href[:80]}”. Fix the source's url or base_url.")
    elif parts.username or parts.password:
        yield Problem(f"A link contains a user name or password: “{parts.hostname}”.")
    elif is_private(parts.hostname):
        severity = Severity.WARN if site_is_private(facts) else Severity.BLOCK
        yield Problem(
            f"A link leads to {parts.hostname}, which is reachable only on this network.", severity=severity
        )
    elif parts.scheme == "http":
        yield Problem(f"A link is not encrypted (http): {href}", severity=Severity.WARN)


def _split(href: str) -> SplitResult | None:
    try:
        parts = urlsplit(href)
        _ = parts.port
    except ValueError:
        return None
    return parts


CHECKS = (
    Check("link-text", Severity.BLOCK, "Every link says where it leads.", texts),
    Check("link-url", Severity.BLOCK, "Every link leads to a public page.", addresses),
)
