"""Content: subject, preheader, leftovers, and whether HTML and text agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from digest.checks.html_tree import (
    attribute,
    collapse_whitespace,
    elements,
    layout_texts,
    text_of,
    visible_text,
    without_whitespace,
)
from digest.checks.types import Check, Facts, Message, Problem, Severity
from digest.model.issue import Teaser
from digest.rules.cleaning import plain

# C1 controls make Gmail clip a mail after them; overrides let one text pose as another.
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
_LOST = "\ufffd"
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_FILLING = re.compile("[\u034f\u200b-\u200f\u2007\u00a0\ufeff\u00ad\\s]+")


def leftovers(message: Message, facts: Facts) -> Iterator[Problem]:
    """Slot markers left in the message, and template source that does not come from a story."""
    pages = {"the subject": message.subject, "the HTML part": message.html, "the plain text": message.text}
    for place, content in pages.items():
        if facts.nonce and facts.nonce in content:
            yield Problem(
                f"A recipient's slot was not filled in {place}. Please report this bug and do not send."
            )
    written = without_whitespace(" ".join([*layout_texts(facts.layout), *_own_texts(facts)]))
    shown = {"the subject": message.subject, "the HTML part": _shown(message), "the plain text": message.text}
    for place, content in shown.items():
        left = next((start for start in _template_source(content) if start not in written), "")
        if left:
            yield Problem(f"Unrendered template source appears in {place}: “{left}…”. Fix the template.")


def _own_texts(facts: Facts) -> tuple[str, ...]:
    site, newsletter = facts.site, facts.newsletter
    return (newsletter.title, newsletter.description, site.name, site.postal_address, facts.note)


def _shown(message: Message) -> str:
    """The visible text and the addresses behind it."""
    nodes = elements(message.html, "[href], [src], [alt], [title]")
    values = [attribute(node, name) or "" for node in nodes for name in ("href", "src", "alt", "title")]
    return "\n".join([visible_text(message.html), *values])


def _template_source(content: str) -> Iterator[str]:
    """The first characters of everything that looks like template source, enough to find it in a story.

    Short, because the story's text may have been cut in the middle of it.
    """
    for found in _TEMPLATE.finditer(content):
        start = without_whitespace(content[found.start() : found.start() + 40])[:8]
        yield start.partition("…")[0]


def preheader(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """The text an inbox shows after the subject: hidden in the mail, but readable by filters."""
    node = next(
        (node for node in elements(message.html, "body div") if _hides(attribute(node, "style"))), None
    )
    text = _FILLING.sub(" ", text_of(node)).strip() if node is not None else ""
    if node is None or not text:
        yield Problem("There is no preheader, so inboxes will show the first words of the masthead.")
        return
    if not 40 <= len(text) <= 110:
        yield Problem(f"The preheader has {len(text)} characters; aim for 40 to 110.")
    if text == collapse_whitespace(message.subject):
        yield Problem("The preheader repeats the subject.")
    if not _is_dark(attribute(node, "style") or ""):
        yield Problem("The preheader has a light text colour, which filters take for hidden text.")


def _hides(style: str | None) -> bool:
    return bool(re.search(r"display:\s*none", style or ""))


def _is_dark(style: str) -> bool:
    """Whether the text colour would be readable on white; if none is stated, it is black."""
    found = re.search(r"(?<![-\w])color:\s*([^;]+)", style)
    if not found:
        return True
    value = found[1].strip().lower()
    digits = re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", value)
    if not digits:
        return value not in {"white", "transparent", "inherit"}
    wide = digits[1] if len(digits[1]) == 6 else "".join(sign * 2 for sign in digits[1])
    return sum(int(wide[place : place + 2], 16) for place in (0, 2, 4)) < 3 * 160


def subject(message: Message, facts: Facts) -> Iterator[Problem]:
    text = message.subject.strip()
    if not text:
        yield Problem("The subject is empty. Set the newsletter's subject.", "Subject")
        return
    if text in facts.earlier_subjects:
        yield Problem(
            "An earlier issue had the same subject, so mail apps would hide this one behind it. "
            "Put {{ issue.number }} into the newsletter's subject.",
            "Subject",
        )
    if len(text) > 70:
        yield Problem(
            f"The subject has {len(text)} characters; phones show 30 to 50.", "Subject", Severity.WARN
        )
    letters = [sign for sign in text if sign.isalpha()]
    if len(letters) > 10 and all(sign.isupper() for sign in letters):
        yield Problem("The subject is all capitals, which looks like spam.", "Subject", Severity.WARN)
    if text.count("!") > 1 or "$$$" in text or re.search(r"\bFREE\b", text):
        yield Problem("The subject shouts, which looks like spam.", "Subject", Severity.WARN)


def characters(message: Message, facts: Facts) -> Iterator[Problem]:
    contents = {"subject": message.subject, "HTML part": message.html, "plain text": message.text}
    for place, content in contents.items():
        found = _HARMFUL.search(content)
        if found:
            before = content[: found.start()][-20:]
            yield Problem(
                f"The {place} contains the control character U+{ord(found[0]):04X}, after “{before}”."
            )
    for teaser in facts.layout.teasers:
        if _LOST in teaser.headline + teaser.text:
            yield Problem(
                "A character was lost when the source was decoded (“�”).", teaser.headline, Severity.WARN
            )


def parity(message: Message, facts: Facts) -> Iterator[Problem]:
    """People who read the plain text get the same stories."""
    html, text = without_whitespace(visible_text(message.html)), without_whitespace(message.text)
    targets = {unquote(attribute(link, "href") or "") for link in elements(message.html, "a[href]")}
    readable = unquote(message.text)
    for teaser in facts.layout.teasers[: len(facts.layout.teasers) - facts.only_on_web]:
        headline, url = without_whitespace(plain(teaser.headline, limit=10_000)), unquote(teaser.url)
        if headline not in html or url not in targets:
            yield Problem("This story or its link is missing from the HTML part.", teaser.headline)
        if headline not in text or url not in readable:
            yield Problem("This story or its address is missing from the plain text.", teaser.headline)
    if re.search(r"&(amp|nbsp|lt|gt|quot|#\d+);", message.text) and not _story_has_entities(facts):
        yield Problem("The plain text contains HTML entities, such as &amp;.")


def _story_has_entities(facts: Facts) -> bool:
    return any("&" in text and ";" in text for text in layout_texts(facts.layout))


def duplicates(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """The stories on a page of teasers may share one link; their texts tell them apart."""
    seen: set[object] = set()
    for teaser in facts.layout.teasers:
        marks = {teaser.article_id, _identity(teaser)}
        if marks & seen:
            yield Problem("This story is in the issue twice. Take one of them out.", teaser.headline)
        seen |= marks


def _identity(teaser: Teaser) -> tuple[str, str, str]:
    return (
        teaser.url,
        without_whitespace(teaser.headline).casefold(),
        without_whitespace(teaser.text).casefold(),
    )


def emptiness(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    teasers = facts.layout.teasers
    if not teasers:
        yield Problem("This issue has no stories.")
    elif len(teasers) < 3:
        said = "only one story" if len(teasers) == 1 else "only two stories"
        yield Problem(f"This issue has {said}.", severity=Severity.INFO)
    for teaser in teasers:
        if not teaser.text:
            yield Problem("This story has no summary.", teaser.headline, Severity.INFO)


CHECKS = (
    Check("merge-left", Severity.BLOCK, "Every slot was filled in.", leftovers),
    Check("preheader", Severity.WARN, "The preheader has something of its own to say.", preheader),
    Check("subject", Severity.BLOCK, "The subject is new and reads well.", subject),
    Check("c1-chars", Severity.BLOCK, "There are no control characters.", characters),
    Check("text-parity", Severity.WARN, "HTML and plain text contain the same stories.", parity),
    Check("dup-content", Severity.BLOCK, "No story appears twice.", duplicates),
    Check("empty", Severity.BLOCK, "There are stories to read.", emptiness),
)
