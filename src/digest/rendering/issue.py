"""Renders an issue: from its layout to subject, preheader, HTML and plain text.

Every template variable is prepared here and described in `VARIABLES`.  Values that
differ between recipients remain markers (see `message.merge_slots`).  Nothing here
chooses stories, knows MIME, or uses the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from digest.errors import TemplateError
from digest.message.merge_slots import SlotName, markers
from digest.model.issue import Layout, Rendered, Teaser, Texts
from digest.model.newsletter import Newsletter, Site
from digest.rendering import sandbox
from digest.rendering.note import note_of
from digest.rendering.phrases import Phrases, phrases
from digest.rendering.presentation import (
    LengthBudget,
    PrintedLayout,
    contents,
    cut,
    present_layout,
    printable,
    promise,
    web_address,
)
from digest.rendering.size_budget import ON_THE_WEB, fit_to_budget
from digest.rendering.templates import filled_line, is_plain_line, only_bundled, owners, search_path

VARIABLES: dict[str, str] = {
    "site": "The blog: name, url, postal_address.",
    "newsletter": "The publication: title, description, accent, accent_dark, logo.",
    "issue": "This mailing: number, date (as the newsletter's language writes it), day (2026-10-06).",
    "subject": "The finished subject line.",
    "preheader": "The text an inbox shows after the subject.",
    "promise": "“9 stories · 38 minutes”, in the newsletter's language.",
    "note": (
        "The editor's note: paragraphs, each with links (“[1] https://…”, numbered as in its plain text), "
        "and signature; false if there is none."
    ),
    "lead": (
        "The featured story at the top, or none: number, url, headline, text, author, topic, by_minutes, "
        "day, meta, read, language, direction, image (url, alt, width, height)."
    ),
    "sections": (
        "The groups of stories: title, cards and (bare titles) links, both lists of stories like lead; rows "
        "are the cards as placed side by side, one or two."
    ),
    "stories": "All stories in printing order.",
    "contents": "The contents list of a long issue: up to six stories; empty for a short one.",
    "left_out": "How many stories did not fit in the mail; they are only at web_url.",
    "theme": (
        "How it looks: look, cards, font, heading_font, radius, and the colours of light and dark: sheet, "
        "paper, ink, body, muted, accent, on_accent, line, rule, plate."
    ),
    "web_url": "The web version of the issue, or empty.",
    "slots": (
        "What differs per recipient: slots.unsubscribe_url (required; followed by /preferences, the "
        "preferences page), slots.address, slots.name."
    ),
    "language": "The newsletter's language (BCP 47).",
    "direction": "ltr or rtl: the direction of that language.",
    "start": "left or right: the side where lines start.",
    "end": "The other side.",
    "say": 'say("unsubscribe") is from phrases/LANGUAGE.toml; pass values by name: say("stories", n=9).',
}

_SUBJECT = 200  # characters; inboxes show 30 to 70 of them
_PREHEADER = range(40, 111)


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """What templates can use of the issue."""

    number: int
    date: str
    day: str


@dataclass(frozen=True, slots=True)
class Slots:
    """The markers of the values that differ per recipient."""

    unsubscribe_url: str
    address: str
    name: str


def render_issue(
    *,
    site: Site,
    newsletter: Newsletter,
    number: int,
    now: datetime,
    layout: Layout,
    nonce: str,
    web_url: str,
    folders: Sequence[Path],
    texts: Texts | None = None,
) -> Rendered:
    """Render one issue; the same input gives the same bytes.

    `texts` are what editors wrote; an empty one is generated from the stories.
    `folders` are the owner's template folders; the first one takes precedence, and the bundled
    templates come last.  `web_url` may be empty: the mail then has no link to a web version.

    Raises:
        TemplateError: a template, a phrase or the subject does not work; with file and line.
        ValueError: a text of the issue contains `nonce`: draw a new one.
    """
    path = search_path(folders, "issue", look=newsletter.theme.look)
    if owners(path):
        sandbox.prepare()
    words = phrases(newsletter.language, path)
    today = now.astimezone(ZoneInfo(newsletter.timezone)).date()
    texts = texts or Texts()
    _refuse_forged_markers(nonce, site, newsletter, layout, texts)

    present = _presenter(layout, newsletter, words, today)
    paper = present()
    facts = IssueFacts(number, words.long_date(today), today.isoformat())
    marks = markers(nonce)
    always = _always(site, newsletter, words, marks) | _heading(site, newsletter, facts, layout, paper, texts)
    always |= {
        "promise": promise(layout, words),
        "web_url": web_address(web_url) if web_url else "",
    }

    @cache
    def bodies(room: LengthBudget) -> tuple[str, str]:
        variables = always | _of_paper(present(room=room))
        return _bodies(path, variables, marks[SlotName.UNSUBSCRIBE_URL])

    return _within_budget(paper, bodies, always, nonce=nonce, language=newsletter.language)


def _presenter(
    layout: Layout, newsletter: Newsletter, words: Phrases, today: date
) -> Callable[..., PrintedLayout]:
    """Prepares the layout for printing in the newsletter's look; takes the length budget as `room`."""
    return partial(
        present_layout,
        layout,
        phrases=words,
        zone=ZoneInfo(newsletter.timezone),
        today=today,
        is_grid=newsletter.theme.cards == "grid",
        is_brief=newsletter.theme.look == "compact",
    )


def _heading(
    site: Site,
    newsletter: Newsletter,
    facts: IssueFacts,
    layout: Layout,
    paper: PrintedLayout,
    texts: Texts,
) -> dict[str, object]:
    """What precedes the stories: subject, preheader and note, the editors' where they wrote one."""
    subject = cut(printable(texts.subject), _SUBJECT) or _subject(newsletter, site, facts, layout)
    preheader = cut(printable(texts.preheader), _SUBJECT) or _preheader(subject, paper, newsletter, facts)
    return {"issue": facts, "subject": subject, "preheader": preheader, "note": note_of(texts.note)}


def _within_budget(
    paper: PrintedLayout,
    bodies: Callable[[LengthBudget], tuple[str, str]],
    variables: Mapping[str, object],
    *,
    nonce: str,
    language: str,
) -> Rendered:
    """The largest version of the issue that fits in a mail; with a web version if stories are left out."""
    below = paper.teasers[1:] if paper.lead else paper.teasers
    has_pictures = any(teaser.image for teaser in below)
    room, gave_way = fit_to_budget(len(below), lambda room: bodies(room)[0], has_pictures=has_pictures)
    html, text = bodies(room)
    return Rendered(
        subject=str(variables["subject"]),
        preheader=str(variables["preheader"]),
        html=html,
        text=text,
        nonce=nonce,
        language=language,
        gave_way=gave_way,
        only_on_web=max(0, len(below) - room.stories),
        web_html=bodies(ON_THE_WEB)[0] if room.stories < len(below) else "",
    )


def _of_paper(paper: PrintedLayout) -> dict[str, object]:
    return {
        "lead": paper.lead,
        "sections": paper.sections,
        "stories": paper.teasers,
        "contents": contents(paper),
        "left_out": paper.left_out,
    }


def _refuse_forged_markers(nonce: str, *things: object) -> None:
    if any(nonce in text for thing in things for text in _texts(thing)):
        raise ValueError("A text of the issue contains the nonce of its markers.")


def _texts(thing: object) -> Iterator[str]:
    """Every string inside a value, at any depth."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, Sequence):
        for item in thing:
            yield from _texts(item)
    elif is_dataclass(thing):
        for entry in fields(thing):
            yield from _texts(getattr(thing, entry.name))


def _subject(newsletter: Newsletter, site: Site, issue: IssueFacts, layout: Layout) -> str:
    """The owner's one-line template, filled in; if it is too long, the headline is cut first."""
    lead = next((replace(first, headline=printable(first.headline)) for first in layout.teasers), None)
    subject = _subject_once(newsletter, site, issue, layout, lead)
    over = len(subject) - _SUBJECT
    if over > 0 and lead and len(lead.headline) > over + 1:
        shorter = replace(lead, headline=cut(lead.headline, len(lead.headline) - over))
        subject = _subject_once(newsletter, site, issue, layout, shorter)
    return cut(subject, _SUBJECT)


def _subject_once(
    newsletter: Newsletter, site: Site, issue: IssueFacts, layout: Layout, lead: Teaser | None
) -> str:
    title = f"The subject of “{newsletter.name}”"
    variables = {
        "lead": lead,
        "issue": issue,
        "newsletter": _told(newsletter),
        "site": _told(site),
        "count": len(layout.teasers),
    }
    subject = printable(_line(newsletter.subject, variables, title))
    if not subject:
        raise TemplateError(f"{title} is empty when filled in.", mend="Add some text to it.")
    return subject


def _preheader(subject: str, paper: PrintedLayout, newsletter: Newsletter, issue: IssueFacts) -> str:
    """What else is in the issue, in 40 to 110 characters, without repeating the subject."""
    pieces = [teaser.headline for teaser in paper.teasers[1:]]
    pieces += [teaser.text for teaser in paper.teasers[:1]]
    pieces += [newsletter.description, newsletter.title, issue.date]
    line = ""
    for piece in (printable(piece.replace("\u00a0", " ")) for piece in pieces):
        if piece and piece not in subject:
            line = f"{line} · {piece}" if line else piece
        if len(line) >= _PREHEADER.start:
            break
    return cut(line, _PREHEADER.stop - 1)


def _always(
    site: Site, newsletter: Newsletter, words: Phrases, marks: Mapping[SlotName, str]
) -> dict[str, object]:
    is_rtl = words.direction == "rtl"
    return {
        "site": _told(site),
        "newsletter": _told(newsletter, accent=newsletter.accent, accent_dark=newsletter.accent_dark),
        "theme": newsletter.theme,
        "slots": Slots(marks[SlotName.UNSUBSCRIBE_URL], marks[SlotName.ADDRESS], marks[SlotName.NAME]),
        "language": newsletter.language,
        "direction": words.direction,
        "start": "right" if is_rtl else "left",
        "end": "left" if is_rtl else "right",
        "say": words.say,
    }


def _told(thing: Site | Newsletter, **more: str) -> SimpleNamespace:
    """Only the texts of a value: with a path, a template could read and delete files."""
    values = {entry.name: getattr(thing, entry.name) for entry in fields(thing)}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return SimpleNamespace(**texts, **more)


def _line(source: str, variables: Mapping[str, object], title: str) -> str:
    if is_plain_line(source):
        return filled_line(source, variables, title)
    return sandbox.line(source, variables, title)


def _bodies(path: tuple[Path, ...], variables: Mapping[str, object], unsubscribe: str) -> tuple[str, str]:
    """The bundled templates are trusted; an owner's are rendered in the sandbox."""
    if owners(path):
        return sandbox.bodies(path, variables, unsubscribe)
    from digest.rendering.bodies import bodies

    return bodies(only_bundled(path), variables, unsubscribe)
