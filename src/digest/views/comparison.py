"""Compares an issue with the last one sent, so that a mistake is noticed before it goes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from digest.model.issue import Issue, Layout, Rendered
from digest.views.formatting import count


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonLine:
    """One difference from the last issue, or one thing that is the same."""

    kind: str  # added, gone, changed, same
    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueComparison:
    """This issue compared with the last one sent."""

    number: int
    sent: datetime | None
    lines: tuple[ComparisonLine, ...] = ()


_A_KILOBYTE = 1000
_SIZE_THAT_SHOWS = 500  # bytes; smaller differences are not shown


def compare(now: Issue, rendered: Rendered, last: Issue, printed: Rendered) -> IssueComparison:
    """Compare both issues as they are rendered."""
    lines = [
        *_stories(now.layout, last.layout),
        *_sections(now.layout, last.layout),
        *_lengths(now.layout, last.layout),
        *_size(rendered, printed),
        *_note(now, last),
        *_subject(rendered, printed),
    ]
    return IssueComparison(number=last.number, sent=last.sent_at, lines=tuple(lines))


def _stories(now: Layout, last: Layout) -> Iterator[ComparisonLine]:
    before = {teaser.article_id for teaser in last.teasers}
    again = [teaser.headline for teaser in now.teasers if teaser.article_id in before]
    new = len(now.teasers) - len(again)
    repeated = "none repeated" if not again else f"{len(again)} repeated"
    yield ComparisonLine(
        kind="added" if not again else "changed",
        what=f"{count(new, 'new story', 'new stories')}, {repeated}",
        after="; ".join(again[:5]),
    )


def _sections(now: Layout, last: Layout) -> Iterator[ComparisonLine]:
    here = [section.title for section in now.sections if section.title]
    there = [section.title for section in last.sections if section.title]
    for title in here:
        if title not in there:
            yield ComparisonLine(kind="added", what=f"New section “{title}”")
    for title in there:
        if title not in here:
            yield ComparisonLine(kind="gone", what=f"No section “{title}”")


def _lengths(now: Layout, last: Layout) -> Iterator[ComparisonLine]:
    if len(now.teasers) != len(last.teasers):
        more = len(now.teasers) - len(last.teasers)
        word = "more" if more > 0 else "fewer"
        yield ComparisonLine(
            kind="changed",
            what=f"{count(abs(more), 'story', 'stories')} {word}",
            before=str(len(last.teasers)),
            after=str(len(now.teasers)),
        )
    pictures = [sum(teaser.image is not None for teaser in layout.teasers) for layout in (last, now)]
    if bool(pictures[0]) != bool(pictures[1]):
        yield ComparisonLine(
            kind="changed",
            what="With images" if pictures[1] else "Without images",
            before=str(pictures[0]),
            after=str(pictures[1]),
        )


def _size(rendered: Rendered, printed: Rendered) -> Iterator[ComparisonLine]:
    here, there = (len(page.html.encode()) for page in (rendered, printed))
    if abs(here - there) < _SIZE_THAT_SHOWS:
        return
    word = "larger" if here > there else "smaller"
    yield ComparisonLine(
        kind="changed",
        what=f"{abs(here - there) / _A_KILOBYTE:.1f} KB {word}",
        before=f"{there / _A_KILOBYTE:.1f} KB",
        after=f"{here / _A_KILOBYTE:.1f} KB",
    )


def _note(now: Issue, last: Issue) -> Iterator[ComparisonLine]:
    here, there = bool(now.texts.note.strip()), bool(last.texts.note.strip())
    if here != there:
        yield ComparisonLine(
            kind="added" if here else "gone",
            what="Editor’s note added" if here else "No editor’s note, unlike the last issue",
        )


def _subject(rendered: Rendered, printed: Rendered) -> Iterator[ComparisonLine]:
    is_same = rendered.subject == printed.subject
    yield ComparisonLine(
        kind="same" if is_same else "changed",
        what="Same subject" if is_same else "Subject",
        before="" if is_same else printed.subject,
        after=rendered.subject,
    )
