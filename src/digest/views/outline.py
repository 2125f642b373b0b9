"""An issue's stories as rows, each with the edits for “up” and “down”.

These let keys and buttons move a story without dragging: one place up from the
top of a section is the end of the section before, and the top of all is the lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from digest.model.edit import MakeLead, Move
from digest.model.issue import Layout, Section, Teaser

Step = Move | MakeLead


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineRow:
    """A story, and the edits that move it by one place."""

    teaser: Teaser
    section: str
    up: Step | None = None
    down: Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineSection:
    """A section of the outline, or the lead alone."""

    title: str
    rows: tuple[OutlineRow, ...]
    place: int  # among the sections; -1 for the lead
    is_lead: bool = False


def outline(layout: Layout) -> tuple[OutlineSection, ...]:
    """The lead, then every section."""
    groups = []
    if layout.lead is not None:
        groups.append(_lead(layout.lead, layout.sections))
    for place, section in enumerate(layout.sections):
        rows = tuple(
            OutlineRow(
                teaser=teaser,
                section=section.title,
                up=_up(layout, place, position),
                down=_down(layout, place, position),
            )
            for position, teaser in enumerate(section.teasers)
        )
        groups.append(OutlineSection(title=section.title, rows=rows, place=place))
    return tuple(groups)


def written(step: Step | None) -> str:
    """The step as one form field (see `forms.edit_of`); empty for None."""
    return urlencode(_document(step))


def _document(step: Step | None) -> dict[str, str | int]:
    match step:
        case Move():
            return {
                "kind": "Move",
                "article": step.article,
                "section": step.section,
                "position": step.position,
            }
        case MakeLead():
            return {"kind": "MakeLead", "article": step.article}
        case None:
            return {}


def _lead(lead: Teaser, sections: tuple[Section, ...]) -> OutlineSection:
    down = Move(article=lead.article_id, section=sections[0].title, position=0) if sections else None
    return OutlineSection(
        title="Lead", rows=(OutlineRow(teaser=lead, section="", down=down),), place=-1, is_lead=True
    )


def _up(layout: Layout, place: int, position: int) -> Step:
    section = layout.sections[place]
    teaser = section.teasers[position]
    if position:
        return Move(article=teaser.article_id, section=section.title, position=position - 1)
    if not place:
        return MakeLead(article=teaser.article_id)
    before = layout.sections[place - 1]
    return Move(article=teaser.article_id, section=before.title, position=len(before.teasers))


def _down(layout: Layout, place: int, position: int) -> Step | None:
    section = layout.sections[place]
    teaser = section.teasers[position]
    if position + 1 < len(section.teasers):
        return Move(article=teaser.article_id, section=section.title, position=position + 1)
    if place + 1 < len(layout.sections):
        return Move(article=teaser.article_id, section=layout.sections[place + 1].title, position=0)
    return None
