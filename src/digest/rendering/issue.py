"""Rendering an issue: from its layout to subject, preheader, HTML and plain text.

Every template variable is prepared here and described in `VARIABLES`.  What
differs from recipient to recipient stays a marker (see `message.merge_slots`).
Nothing here chooses stories, knows MIME, or touches the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
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
    printable,
    printed,
    promise,
    web_address,
)
from digest.rendering.size_budget import ON_THE_WEB, fitted
from digest.rendering.templates import filled_line, is_plain_line, only_bundled, owners, search_path

VARIABLES: dict[str, str] = {
    "site": "The blog: name, url, postal_address.",
    "newsletter": "The publication: title, description, accent, accent_dark, logo.",
    "issue": "This mailing: number, date (as the newsletter's language writes it), day (2026-10-06).",
    "subject": "The subject line, ready.",
    "preheader": "What an inbox shows behind the subject.",
    "promise": "“9 stories · 38 minutes”, in the newsletter's language.",
    "note": (
        "The editor's note: paragraphs, each with links (“[1] https://…”, as its plain text counts them), "
        "and signature; not true where there is none."
    ),
    "lead": (
        "The featured story on top, or none: number, url, headline, text, author, topic, by_minutes, day, "
        "meta, read, language, direction, image (url, alt, width, height)."
    ),
    "sections": (
        "The groups of stories: title, cards and (bare titles) links, both stories like lead; rows are the "
        "cards as they stand beside each other, one or two."
    ),
    "stories": "All stories in printing order.",
    "contents": "What a long issue names at its head: up to six stories; empty for a short one.",
    "left_out": "How many stories the mail has no room for; they stand at web_url only.",
    "theme": (
        "How it looks: look, cards, font, heading_font, radius, and the colours of light and dark: sheet, "
        "paper, ink, body, muted, accent, on_accent, line, rule, plate."
    ),
    "web_url": "Where the issue stands on the web, or empty.",
    "slots": (
        "What differs per recipient: slots.unsubscribe_url (required; with /preferences behind it, the page "
        "to choose), slots.address, slots.name."
    ),
    "language": "The newsletter's language (BCP 47).",
    "direction": "ltr or rtl: how that language runs.",
    "start": "left or right: the side where lines begin.",
    "end": "The other side.",
    "say": 'say("unsubscribe") is a phrase of phrases/LANGUAGE.toml; values are named: say("stories", n=9).',
}

_SUBJECT = 200  # characters; inboxes show 30 to 70 of them
_PREHEADER = range(40, 111)


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """What templates may know of the issue."""

    number: int
    date: str
    day: str


@dataclass(frozen=True, slots=True)
class Slots:
    """The markers of what differs per recipient."""

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

    `texts` are what editors wrote; an empty one is made from the stories.
    `folders` are the owner's template folders, the first one wins; the bundled templates stand
    behind them.  `web_url` may be empty: then nothing offers to view the issue in a browser.

    Raises:
        TemplateError: a template, a phrase or the subject does not work; with file and line.
        ValueError: a text of the issue contains `nonce`: draw a new one.
    """
    path = search_path(folders, "issue", look=newsletter.theme.look)
    if owners(path):
        sandbox.prepare()
    words = phrases(newsletter.language, path)
    zone = ZoneInfo(newsletter.timezone)
    today = now.astimezone(zone).date()
    texts = texts or Texts()
    _refuse_forged_markers(nonce, site, newsletter, layout, texts)

    facts = IssueFacts(number, words.long_date(today), today.isoformat())
    print_it = partial(
        printed,
        layout,
        phrases=words,
        zone=zone,
        today=today,
        is_grid=newsletter.theme.cards == "grid",
        is_brief=newsletter.theme.look == "compact",
    )
    paper = print_it()
    subject = cut(printable(texts.subject), _SUBJECT) or _subject(newsletter, site, facts, layout)
    marks = markers(nonce)
    always = _always(site, newsletter, words, marks) | {
        "issue": facts,
        "subject": subject,
        "preheader": cut(printable(texts.preheader), _SUBJECT)
        or _preheader(subject, paper, newsletter, facts),
        "promise": promise(layout, words),
        "note": note_of(texts.note),
        "web_url": web_address(web_url) if web_url else "",
    }

    @cache
    def bodies(room: LengthBudget) -> tuple[str, str]:
        in_it = always | _of_paper(print_it(room=room))
        return _bodies(path, in_it, marks[SlotName.UNSUBSCRIBE_URL])

    below = paper.teasers[1:] if paper.lead else paper.teasers
    has_pictures = any(teaser.image for teaser in below)
    room, gave_way = fitted(len(below), lambda room: bodies(room)[0], has_pictures=has_pictures)
    html, text = bodies(room)
    return Rendered(
        subject=subject,
        preheader=str(always["preheader"]),
        html=html,
        text=text,
        nonce=nonce,
        language=newsletter.language,
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
    """Every string inside a value, however deep."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, Sequence):
        for item in thing:
            yield from _texts(item)
    elif is_dataclass(thing):
        for entry in fields(thing):
            yield from _texts(getattr(thing, entry.name))


def _subject(newsletter: Newsletter, site: Site, issue: IssueFacts, layout: Layout) -> str:
    """The owner's one-line template, filled in; the headline gives way before anything else is cut."""
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
        raise TemplateError(f"{title} comes out empty.", mend="Put some words into it.")
    return subject


def _preheader(subject: str, paper: PrintedLayout, newsletter: Newsletter, issue: IssueFacts) -> str:
    """What else is in the issue, in 40 to 110 characters, and never the subject again."""
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
    """Its texts and nothing else: a template that had a path could read files and delete them."""
    values = {entry.name: getattr(thing, entry.name) for entry in fields(thing)}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return SimpleNamespace(**texts, **more)


def _line(source: str, variables: Mapping[str, object], title: str) -> str:
    if is_plain_line(source):
        return filled_line(source, variables, title)
    return sandbox.line(source, variables, title)


def _bodies(path: tuple[Path, ...], variables: Mapping[str, object], unsubscribe: str) -> tuple[str, str]:
    """The bundled templates are trusted; an owner's are filled where they can do no harm."""
    if owners(path):
        return sandbox.bodies(path, variables, unsubscribe)
    from digest.rendering.bodies import bodies

    return bodies(only_bundled(path), variables, unsubscribe)
