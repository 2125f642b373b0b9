"""Issues as JSON beside the plain text that they give: what a layout holds, and what readers get."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest.model.article import ArticleId, Image
from digest.model.issue import Layout, Rendered, Section, Teaser, Texts
from digest.model.newsletter import Mailbox, Newsletter, Policy, Site
from digest.model.slot import Schedule

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))

NOW = datetime(2026, 10, 6, 7, 0, tzinfo=UTC)  # nine o'clock in Berlin
NONCE = "0123456789abcdef0123"
WEB_URL = "https://news.lockstep.example/archive/weekly/41"
UNSUBSCRIBE_URL = "https://news.lockstep.example/u/AbCdEfGhIjKlMnOpQrStUv"
SITE = Site(
    name="Lockstep Engineering",
    url="https://blog.lockstep.example",
    public_url="https://news.lockstep.example",
    postal_address="Lockstep Ltd, 12 Harbour Row, Northport NP4 1AB",
)
NEWSLETTER = Newsletter(
    name="weekly",
    title="Lockstep Engineering",
    sender=Mailbox("Lockstep Engineering", "digest@news.lockstep.example"),
    sources=(),
    policy=Policy(),
    schedule=Schedule(
        text="Tue 09:00",
        minutes=frozenset({0}),
        hours=frozenset({9}),
        days=frozenset(range(1, 32)),
        months=frozenset(range(1, 13)),
        weekdays=frozenset({1}),
        any_day=True,
        any_weekday=False,
    ),
    timezone="Europe/Berlin",
)


@dataclass(frozen=True)
class Example:
    """One issue, ready to be rendered."""

    newsletter: Newsletter
    layout: Layout
    note: str = ""

    def rendered(self, *folders: Path, number: int = 41, web_url: str = WEB_URL) -> Rendered:
        from digest.rendering.issue import render_issue

        return render_issue(
            site=SITE,
            newsletter=self.newsletter,
            number=number,
            now=NOW,
            layout=self.layout,
            nonce=NONCE,
            web_url=web_url,
            folders=folders,
            texts=Texts(note=self.note),
        )


def example(name: str) -> Example:
    data = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    teasers = iter(range(1, 1000))
    lead = _teaser(data["lead"], next(teasers)) if data["lead"] else None
    sections = tuple(
        Section(title=section["title"], teasers=tuple(_teaser(t, next(teasers)) for t in section["teasers"]))
        for section in data["sections"]
    )
    return Example(
        replace(NEWSLETTER, **data["newsletter"]), Layout(lead=lead, sections=sections), data["note"]
    )


def of_teasers(*teasers: Teaser, **newsletter: Any) -> Example:
    """The first one leads, the rest stands in one section."""
    lead, *rest = teasers
    sections = (Section(title="Stories", teasers=tuple(rest)),) if rest else ()
    return Example(replace(NEWSLETTER, **newsletter), Layout(lead=lead, sections=sections))


def teaser(number: int = 1, **values: Any) -> Teaser:
    stated = {
        "article_id": ArticleId(number),
        "url": f"https://blog.lockstep.example/posts/{number}",
        "headline": f"Story number {number} of the week",
        "text": f"What happened in story {number}, and what was learned from it by all of us.",
    }
    return Teaser(**(stated | values))


def _teaser(data: dict[str, Any], number: int) -> Teaser:
    image = Image(**data["image"]) if "image" in data else None
    published = datetime.fromisoformat(data["published"]) if "published" in data else None
    return Teaser(**(data | {"article_id": ArticleId(number), "image": image, "published": published}))
