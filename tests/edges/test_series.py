"""A site's history, week by week: what is new is sent once, whatever the site does to its links.

Each folder of tests/data/series is the site as it stood at one time: its feed,
its listing page, and beside them what is new and why.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.fetch import Fetcher
from digest.model.article import Reading, Validators
from digest.model.newsletter import Mailbox, Newsletter, Policy, SourceSpec
from digest.rules.slots import parse_schedule
from digest.sources import source_of
from digest.storage.database import Database
from digest.workflows.collecting.collect import collect
from digest.workflows.drafting.draft import draft
from fakes.activity import actor

SERIES = Path(__file__).parents[1] / "data" / "series"
STEPS = sorted(path for path in SERIES.iterdir() if path.is_dir())


def newsletter(kind: str) -> Newsletter:
    return Newsletter(
        name="fjord",
        title="Fjord Notes",
        sender=Mailbox("Fjord", "digest@news.fjord.example"),
        sources=(SourceSpec(kind=kind, key=kind, name=kind, url="https://fjord.example/"),),
        policy=Policy(max_articles=100, max_age=timedelta(days=365)),
        schedule=parse_schedule("Mon 09:00"),
    )


@pytest.mark.parametrize("kind", ["feed", "listing"])
def test_every_story_is_new_exactly_once(kind, tmp_path):
    """By feed and by listing: nothing missed, nothing again, nothing invented."""
    database = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    weekly = newsletter(kind)
    told = {}
    for step in STEPS:
        now = datetime.strptime(step.name.split("-", 1)[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

        def read(spec: SourceSpec, validators: Validators, step: Path = step, now: datetime = now) -> Reading:
            path = step / ("feed.xml" if kind == "feed" else "index.html")
            local = SourceSpec(
                kind=kind, key=spec.key, name=spec.name, path=path, base_url="https://fjord.example/"
            )
            return source_of(kind)(local, fetcher=Fetcher(), validators=validators, now=now)

        collect(weekly, database=database, by=actor("a test"), read=read, now=now)
        answer = draft(weekly, database=database, by=actor("a test"), now=now)
        told[step.name] = [t.headline for t in answer.layout.teasers] if hasattr(answer, "layout") else []
        if told[step.name]:
            _send_away(database, answer)
    expected = {step.name: json.loads((step / "expected.json").read_text())["new"] for step in STEPS}
    assert {name: sorted(new) for name, new in told.items()} == {n: sorted(e) for n, e in expected.items()}
    database.close()


def _send_away(database: Database, issue: object) -> None:
    from digest.model.issue import Issue, IssueState
    from digest.storage import issues

    assert isinstance(issue, Issue)
    with database.write() as connection:
        issues.move(connection, issue.id, to=IssueState.SENT, among=[IssueState.DRAFT, IssueState.HELD])
