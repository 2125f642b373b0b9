"""Size: what Gmail would clip or discard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from digest.checks.html_tree import styles
from digest.checks.types import Check, Facts, Message, Problem, Severity

# Gmail clips at about 102 KB, after transfer decoding; click tracking by providers lengthens links.
HTML_BLOCK, HTML_WARN = 100_000, 80_000
# Gmail drops the style rules beyond this many bytes; its limit used to be half of that.
STYLE_BLOCK, STYLE_WARN = 16_384, 8_192


class Sizes(NamedTuple):
    """Sizes in bytes, after transfer decoding."""

    html_bytes: int
    style_bytes: int
    text_bytes: int


def sizes(message: Message) -> Sizes:
    return Sizes(_octets(message.html), sum(map(_octets, styles(message.html))), _octets(message.text))


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def html(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    size = sizes(message).html_bytes
    said = f"The HTML part has {size / 1000:.0f} KB; Gmail clips mails at 102 KB and hides the rest."
    if size >= HTML_BLOCK:
        yield Problem(f"{said} Take out a story or two, or lower max_articles.")
    elif size >= HTML_WARN:
        yield Problem(
            f"{said} Click tracking by your provider lengthens the links further.", "", Severity.WARN
        )


def room(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    if facts.gave_way:
        yield Problem(
            f"To let Gmail show the whole mail, {'; '.join(facts.gave_way)}. "
            "Lower max_articles to print every story in full."
        )


def style(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    size = sizes(message).style_bytes
    if size > STYLE_BLOCK:
        yield Problem(f"The style rules have {size} bytes; Gmail drops everything after {STYLE_BLOCK}.")
    elif size > STYLE_WARN:
        yield Problem(
            f"The style rules have {size} bytes; up to {STYLE_WARN} are safe everywhere.", "", Severity.WARN
        )


CHECKS = (
    Check("size-html", Severity.BLOCK, "Gmail shows the whole mail.", html),
    Check("room", Severity.INFO, "Every story is printed in full.", room),
    Check("style-16k", Severity.BLOCK, "Gmail keeps all style rules.", style),
)
