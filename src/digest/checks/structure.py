"""The HTML's structure: rendering, accessibility, no active content."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.checks import markup, stylesheet
from digest.checks.html_tree import attribute, elements, scheme_of, story_of, styles, text_of
from digest.checks.types import Check, Facts, Message, Problem, Severity

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_ACTIVE_TAGS = "script, form, iframe, object, embed, applet, base, link"
_ACTIVE_SCHEMES = {"javascript", "vbscript", "data", "file"}
_ADDRESSES = ("href", "src", "action", "formaction", "background", "poster", "srcset")


def parsed(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Gmail discards a whole block of styles for one fault, and every block inside the body."""
    for node in elements(message.html, "body style"):
        yield Problem(
            "There are styles in the body, where Gmail and others drop them. Put them into mj-head.",
            story_of(message.html, node),
        )
    for text in styles(message.html):
        for fault in stylesheet.faults(text):
            yield Problem(f"In the styles, {fault.message}", "", None if fault.loses_all else Severity.WARN)


def doctype(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Without a doctype, browsers fall back to the layout rules of 1998."""
    if not re.match(r"\s*<!doctype html>", message.html, re.IGNORECASE):
        yield Problem("The HTML part does not begin with <!DOCTYPE html>.")


def important(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Rules for small screens and dark mode only override inlined styles with `!important`."""
    for text in styles(message.html):
        for condition, block in _media_blocks(text):
            if "{" in block and "!important" not in block:
                yield Problem(
                    f"The rules under “{condition}” have lost their !important and will have no effect."
                )


def _media_blocks(css: str) -> Iterator[tuple[str, str]]:
    """Each `@media` condition with the content of its braces."""
    for found in re.finditer(r"(@media[^{]*)\{", css):
        depth, end = 1, found.end()
        while end < len(css) and depth:
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        yield found[1].strip(), css[found.end() : end - 1]


def valid(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Each mail app closes unclosed elements where it likes."""
    for fault in markup.faults(message.html):
        yield Problem(f"{fault.message} Fix it in the template.", fault.headline)


def active(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Mail apps strip active content, and filters mistrust its sender."""
    for node in elements(message.html, _ACTIVE_TAGS):
        yield Problem(
            f"There is a <{node.tag}> element, which mail apps do not allow.", story_of(message.html, node)
        )
    for node in elements(message.html, "*"):
        for name, value in node.attributes.items():
            if name.lower().startswith("on"):
                yield Problem(f"<{node.tag}> has a script in “{name}”.", story_of(message.html, node))
            elif name in _ADDRESSES and scheme_of(value or "") in _ACTIVE_SCHEMES:
                yield Problem(
                    f"<{node.tag}> points to a {scheme_of(value or '')}: address.",
                    story_of(message.html, node),
                )
    if any("@import" in text for text in styles(message.html)):
        yield Problem("A style rule imports another file, which mail apps do not load.")


def languages(message: Message, facts: Facts) -> Iterator[Problem]:
    """On `html`, and again below `body`, because webmail discards `html` and `body`."""
    tops = [node for node in elements(message.html, "html, body > *") if node.tag not in {"style", "script"}]
    for node in tops:
        language, direction = attribute(node, "lang") or "", attribute(node, "dir") or ""
        if not _LANGUAGE.fullmatch(language):
            yield Problem(f"<{node.tag}> does not state its language (lang), so screen readers will guess.")
        if direction not in {"ltr", "rtl", "auto"}:
            yield Problem(f"<{node.tag}> does not state its text direction (dir).")
    yield from _stories_without_language(message, facts)


def _stories_without_language(message: Message, facts: Facts) -> Iterator[Problem]:
    marked = {(attribute(node, "lang") or "").lower() for node in elements(message.html, "body [lang]")}
    for teaser in facts.layout.teasers:
        if teaser.language and teaser.language.lower() not in marked:
            yield Problem(
                f"This story is in “{teaser.language}”, but its card does not say so (lang).",
                teaser.headline,
                Severity.WARN,
            )


def tables(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """A layout table must not be read out as a table."""
    for node in elements(message.html, "table"):
        is_layout = node.css_first("th") is None
        if is_layout and attribute(node, "role") not in {"presentation", "none"}:
            yield Problem('A layout table lacks role="presentation".', story_of(message.html, node))


def headings(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """WCAG 1.3.1: one h1, and no level skipped."""
    found = elements(message.html, "h1, h2, h3, h4, h5, h6")
    levels = [int((node.tag or "h0")[1]) for node in found]
    if levels.count(1) != 1:
        yield Problem(f"There are {levels.count(1)} first-level headings; there should be one.")
    for before, node, level in zip([0, *levels], found, levels, strict=False):
        if level > before + 1:
            yield Problem(f"An h{level} follows an h{before}: a level is skipped.", text_of(node))


CHECKS = (
    Check("style-parse", Severity.BLOCK, "Mail apps can read all style rules.", parsed),
    Check("doctype", Severity.BLOCK, "The doctype is present.", doctype),
    Check("important-kept", Severity.BLOCK, "Rules for small screens and dark mode take effect.", important),
    Check("html-valid", Severity.BLOCK, "Every element is closed where it should be.", valid),
    Check("no-active", Severity.BLOCK, "The mail has no active content.", active),
    Check("lang-dir", Severity.BLOCK, "Language and text direction are stated.", languages),
    Check("table-role", Severity.BLOCK, "Layout tables are marked as such.", tables),
    Check("h-order", Severity.WARN, "Headings are in order.", headings),
)
