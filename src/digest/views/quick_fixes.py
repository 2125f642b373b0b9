"""Buttons that let an editor fix a finding where it is shown.

A check that cannot be satisfied by editing the issue has no button.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from digest.model.issue import Teaser, TeaserField
from digest.rules.editing import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickFix:
    """One button that fixes a finding."""

    kind: str  # set: fixes it at once; write, take-out, subject, preheader: opens that panel
    label: str  # of the button
    story: int = 0
    field: str = ""  # of the story
    was: str = ""  # the current value
    value: str = ""  # the new value


_Mends = Callable[[Teaser], tuple[QuickFix, ...]]


def quick_fixes_for(check: str, story: Teaser | None) -> tuple[QuickFix, ...]:
    """The buttons for a finding of this check; `story` is the story it is about, if any."""
    if check in _OF_ISSUE:
        return _OF_ISSUE[check]
    made = _OF_STORY.get(check)
    return made(story) if made is not None and story is not None else ()


def _write(field: TeaserField, label: str) -> _Mends:
    return lambda story: (QuickFix(kind="write", label=label, story=story.article_id, field=field.value),)


def _set_empty(story: Teaser, field: TeaserField, label: str) -> QuickFix:
    """Clears the field at once, as an ordinary edit."""
    was = value_of(story, field)
    return QuickFix(kind="set", label=label, story=story.article_id, field=field.value, was=was)


def _image_text(story: Teaser) -> tuple[QuickFix, ...]:
    """A decorative image has an empty alt text (WCAG 1.1.1)."""
    if story.image is None:
        return ()
    write = _write(TeaserField.ALT, "Write it")(story)
    return (*write, _set_empty(story, TeaserField.ALT, "It is decoration")) if story.image.alt else write


def _image(story: Teaser) -> tuple[QuickFix, ...]:
    if story.image is None:
        return ()
    another = _write(TeaserField.IMAGE, "Use another picture")(story)
    return (*another, _set_empty(story, TeaserField.IMAGE, "Go without a picture"))


def _take_out(story: Teaser) -> tuple[QuickFix, ...]:
    return (QuickFix(kind="take-out", label="Remove the story", story=story.article_id),)


_OF_ISSUE: Mapping[str, tuple[QuickFix, ...]] = {
    "subject": (QuickFix(kind="subject", label="Write a subject"),),
    "preheader": (QuickFix(kind="preheader", label="Write a preheader"),),
}
_OF_STORY: Mapping[str, _Mends] = {
    "img-alt": _image_text,
    "img-url": _image,
    "img-live": _image,
    "link-text": _write(TeaserField.HEADLINE, "Write another headline"),
    "c1-chars": _write(TeaserField.TEXT, "Rewrite it"),
    "link-url": _take_out,
    "link-live": _take_out,
    "dup-content": _take_out,
}
