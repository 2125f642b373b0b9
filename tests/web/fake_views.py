"""Fakes of the ports: one reader, one desk, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.errors import DigestError
from digest.model.article import ArticleId
from digest.model.delivery import Counts
from digest.model.issue import IssueState, Layout, Section, Teaser
from digest.model.newsletter import Site
from digest.views.home import (
    DeskHeld,
    DeskHome,
    DeskNewsletter,
    DeskPeople,
    DeskSending,
    DeskSource,
    DeskUncertain,
)
from digest.views.issue import FindingView, IssueView, LeftOutArticle, Person
from digest.views.issues import DeskIssue, IssueList
from digest.views.plan import DeskPlan
from digest.views.preview import PreviewOptions
from digest.views.public import NewsletterView, Preference, PreferencesView, ReaderView

NOW = datetime(2026, 10, 5, 11, 5, tzinfo=UTC)  # a Monday
SECRET = "one-time-secret-for-tests"
TOKEN = "AAAAAAEsR2j3Yl5Xo0pQ2A"
PROBE = "AAAAAAAArobeProbeProbe"
SITE = Site(
    name="Lockstep Engineering",
    url="https://lockstep.example",
    public_url="https://news.lockstep.example",
    postal_address="Lockstep Ltd, 12 Harbour Row, Northport NP4 1AB",
)
SAM = ReaderView(
    address="sam@reader.example",
    newsletter="weekly",
    newsletter_title="Lockstep Weekly",
    is_active=True,
    site=SITE,
)
MAIL = "<!DOCTYPE html><html><body><h1>The region that answered twice</h1><a href='https://a.example'>Read</a></body></html>"


@dataclass
class FakeReaders:
    """One person, Sam, with one token; every change is written down."""

    view: ReaderView = SAM
    name: str = "Sam"
    more: set[str] = field(default_factory=set)  # chosen beside the weekly one
    changes: list[tuple[str, ...]] = field(default_factory=list)
    error: Exception | None = None

    def subscription(self, token: str) -> ReaderView | None:
        if self.error:
            raise self.error
        return self.view if token == TOKEN else None

    def is_probe(self, token: str) -> bool:
        if self.error:
            raise self.error
        return token == PROBE

    def picture(self, name: str) -> tuple[bytes, str] | None:
        return (b"picture", "image/jpeg") if name == f"{'a' * 64}.jpg" else None

    def unsubscribe(self, token: str, how: str) -> ReaderView | None:
        return self._change(token, is_active=False, what=("unsubscribe", how))

    def resubscribe(self, token: str) -> ReaderView | None:
        return self._change(token, is_active=True, what=("resubscribe",))

    def preferences(self, token: str) -> PreferencesView | None:
        if token != TOKEN:
            return None
        chosen = {"weekly"} if self.view.is_active else set()
        return PreferencesView(
            view=self.view,
            name=self.name,
            preferences=tuple(
                Preference(
                    newsletter=one.name,
                    title=one.title,
                    description=one.description,
                    is_chosen=one.name in chosen | self.more,
                )
                for one in self.newsletters()
            ),
        )

    def choose(self, token: str, *, wanted: Collection[str], name: str) -> PreferencesView | None:
        if token != TOKEN:
            return None
        self.changes.append(("choose", name, *sorted(wanted)))
        self.view = replace(self.view, is_active="weekly" in wanted)
        self.name, self.more = name, set(wanted) - {"weekly"}
        return self.preferences(token)

    def newsletters(self) -> tuple[NewsletterView, ...]:
        return (
            NewsletterView(
                name="weekly",
                title="Lockstep Weekly",
                description="One mail on Tuesday mornings: about nine stories on distributed systems and Go.",
                latest=40,
                latest_subject="Deploys that can say no",
            ),
            NewsletterView(name="incidents", title="Incidents"),
        )

    def archive(self, newsletter: str, number: int) -> str | None:
        return MAIL if (newsletter, number) == ("weekly", 40) else None

    def _change(self, token: str, *, is_active: bool, what: tuple[str, ...]) -> ReaderView | None:
        if self.error:
            raise self.error
        if token != TOKEN:
            return None
        self.changes.append(what)
        self.view = replace(self.view, is_active=is_active)
        return self.view


def teaser(number: int, headline: str, author: str = "", minutes: int | None = None) -> Teaser:
    return Teaser(
        article_id=ArticleId(number),
        url=f"https://lockstep.example/{number}",
        headline=headline,
        author=author,
        minutes=minutes,
        published=NOW - timedelta(days=number),
    )


ISSUE = IssueView(
    ref="weekly/41",
    newsletter="weekly",
    number=41,
    title="Lockstep Weekly",
    state=IssueState.DRAFT,
    subject="The region that answered twice",
    preheader="Plus retry budgets, and what a quorum read really costs",
    sender="Lockstep Engineering <digest@news.lockstep.example>",
    html=MAIL,
    text="LOCKSTEP WEEKLY 41\n\nThe region that answered twice\nhttps://lockstep.example/1\n",
    headers=(
        ("From", "Lockstep Engineering <digest@news.lockstep.example>"),
        ("List-Unsubscribe", "<https://news.lockstep.example/u/…>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ),
    size_bytes=46_200,
    style_bytes=5_100,
    people=12_418,
    due=datetime(2026, 10, 6, 7, tzinfo=UTC),
    timezone="Europe/Berlin",
    layout=Layout(
        lead=teaser(1, "The region that answered twice", "Ines Okafor", 9),
        sections=(
            Section(
                title="Distributed systems",
                teasers=(
                    teaser(2, "Deletes are the hard part of a CRDT", "Jonas Lindqvist", 7),
                    teaser(3, "Retry budgets instead of retry counts", "Priya Raman", 5),
                    teaser(4, "What a quorum read really costs", "Tomás Vidal", 4),
                ),
            ),
            Section(
                title="Go",
                teasers=(
                    teaser(
                        5,
                        "Reading a heap profile without guessing at what the allocator did",
                        "Hanna Weiss",
                        6,
                    ),
                    teaser(6, "The context that outlived its request"),
                ),
            ),
        ),
    ),
    findings=(
        FindingView(
            id="image-alt",
            severity="block",
            passed=False,
            message="An image has no alternative text.",
            where="In “Deletes are the hard part of a CRDT”. Say in a few words what it shows.",
            family="Accessibility",
        ),
        FindingView(
            id="link-moved",
            severity="warn",
            passed=False,
            message="One link moved for good.",
            where="Short link 2 has a new address.",
            family="Links",
        ),
        FindingView(
            id="one-from",
            severity="block",
            passed=True,
            message="There is one From.",
            family="Headers and sender",
        ),
        FindingView(
            id="subject",
            severity="block",
            passed=True,
            message="It has a subject.",
            family="Headers and sender",
        ),
        FindingView(
            id="lang", severity="block", passed=True, message="It has a language.", family="Accessibility"
        ),
    ),
    left_out=(
        LeftOutArticle(
            title="Tuning the page cache for tail latency", reason="over the limit of 9; next in line"
        ),
        LeftOutArticle(title="A tour of our build farm", reason="already in issue 38"),
        LeftOutArticle(title="Hiring: staff engineer, storage", reason="tag “jobs” is excluded"),
    ),
    left_out_count=3,
    earlier={"already in an issue": 1_180, "older than 60 days": 26},
)

HOME = DeskHome(
    last_collected=NOW - timedelta(minutes=8),
    timezone="Europe/Berlin",
    uncertain=(
        DeskUncertain(
            newsletter="weekly",
            newsletter_title="Lockstep Weekly",
            number=40,
            people=7,
            since=datetime(2026, 9, 29, 9, 3, tzinfo=ZoneInfo("Europe/Berlin")),
            addresses=tuple(f"reader{number}@mail.example" for number in range(1, 8)),
        ),
    ),
    newsletters=(
        DeskNewsletter(
            name="weekly",
            title="Lockstep Weekly",
            people=12_418,
            timezone="Europe/Berlin",
            next_due=datetime(2026, 10, 6, 7, tzinfo=UTC),
            draft=41,
            draft_state=IssueState.DRAFT,
            blocks=1,
            plan="9 stories chosen, 14 left out",
        ),
        DeskNewsletter(
            name="incidents",
            title="Incidents",
            people=4_131,
            timezone="Europe/Berlin",
            next_due=datetime(2026, 10, 29, 9, tzinfo=UTC),
            plan="1 story so far; 3 needed",
        ),
        DeskNewsletter(
            name="releases",
            title="Release notes",
            people=8_904,
            timezone="Europe/Berlin",
            next_due=datetime(2026, 10, 12, 7, tzinfo=UTC),
            sending=DeskSending(number=63, done=5_431, total=8_904, left=timedelta(minutes=1)),
        ),
    ),
    issues=(
        DeskIssue(
            newsletter="weekly",
            newsletter_title="Lockstep Weekly",
            number=40,
            state=IssueState.SENDING,
            subject="Deploys that can say no",
            at=datetime(2026, 9, 29, 7, 3, tzinfo=UTC),
            counts=Counts(
                audience=12_400,
                accepted=12_389,
                refused=4,
                uncertain=7,
                delivered=12_361,
                bounced=24,
                complained=2,
            ),
            left=9,
        ),
        DeskIssue(
            newsletter="incidents",
            newsletter_title="Incidents",
            number=12,
            state=IssueState.SENT,
            subject="Three outages, one certificate",
            at=datetime(2026, 9, 24, 7, tzinfo=UTC),
            counts=Counts(audience=4_120, accepted=4_112, refused=8),
            left=3,
        ),
        DeskIssue(
            newsletter="weekly",
            newsletter_title="Lockstep Weekly",
            number=39,
            state=IssueState.SKIPPED,
            subject="",
            reason="Fewer than 3 articles so far.",
            at=datetime(2026, 9, 22, 7, tzinfo=UTC),
        ),
    ),
    sources=(
        DeskSource(
            newsletter_title="Lockstep Weekly",
            name="Engineering blog",
            kind="feed",
            ok=True,
            last_fetched=NOW - timedelta(minutes=8),
            last_new=NOW - timedelta(hours=3),
            newest=3,
            weeks=(4, 5, 3, 6, 4, 5, 5, 4, 7, 5, 6, 5),
        ),
        DeskSource(
            newsletter_title="Lockstep Weekly",
            name="Research notes",
            kind="feed",
            ok=True,
            last_fetched=NOW - timedelta(minutes=8),
            last_new=NOW - timedelta(days=41),
            quiet=timedelta(days=41, hours=2),
            usual=timedelta(days=9),
            weeks=(1, 1, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0),
        ),
        DeskSource(
            newsletter="weekly",
            newsletter_title="Lockstep Weekly",
            name="Platform team page",
            handle="Platform team page",
            place="https://platform.lockstep.example/notes",
            kind="listing",
            ok=True,
            shows_nothing=True,
            last_fetched=NOW - timedelta(minutes=8),
            last_new=NOW - timedelta(days=9),
            message="It shows no articles at all, though it did before; nothing was removed.",
            weeks=(3, 2, 2, 3, 3, 2, 2, 3, 2, 2, 3, 0),
        ),
        DeskSource(newsletter_title="Incidents", name="posts", kind="markdown", ok=True, is_local=True),
    ),
    people=(
        DeskPeople(
            newsletter_title="Lockstep Weekly",
            confirmed=12_418,
            pending=11,
            came=(*range(1, 28), 40),
            left=(*[1] * 27, 3),
        ),
    ),
)

HELD = DeskHeld(
    newsletter="weekly", newsletter_title="Lockstep Weekly", number=41, reason="230 old articles look new."
)


@dataclass
class FakeDesk:
    view: IssueView = ISSUE
    front: DeskHome = HOME
    readers: tuple[Person, ...] = (Person(id=7, name="Sam", address="sam@reader.example", language="en"),)
    looks: list[PreviewOptions] = field(default_factory=list)  # that frames were asked for in

    def home(self) -> DeskHome:
        return self.front

    def all_issues(self, *, newsletter: str, state: str, page: int) -> IssueList:
        return IssueList(issues=self.front.issues, total=len(self.front.issues), page=page)

    def plan(self, newsletter: str, *, marked: int = 0) -> DeskPlan | None:
        if newsletter != self.view.newsletter:
            return None
        return DeskPlan(newsletter=newsletter, title="Lockstep Weekly", number=42, timezone="UTC")

    def source(self, newsletter: str, handle: str) -> DeskSource | None:
        known = {(one.newsletter, one.handle): one for one in self.front.sources if one.handle}
        return known.get((newsletter, handle))

    def issue(self, newsletter: str, number: int, *, whole: bool = False) -> IssueView | None:
        return self.view if (newsletter, number) == (self.view.newsletter, self.view.number) else None

    def stamp(self, newsletter: str, number: int) -> str | None:
        view = self.issue(newsletter, number)
        return view.stamp if view else None

    def frame(self, newsletter: str, number: int, look: PreviewOptions) -> str | None:
        self.looks.append(look)
        view = self.issue(newsletter, number)
        return view.html if view else None

    def search(self, newsletter: str, number: int, words: str) -> tuple[LeftOutArticle, ...]:
        older = LeftOutArticle(id=90, title=f"An older one about {words}", reason="already in issue 12")
        return (older,) if self.issue(newsletter, number) else ()

    def people(self, newsletter: str, words: str) -> tuple[Person, ...]:
        return tuple(one for one in self.readers if one.name.startswith(words))

    def shared(self, token: str) -> str | None:
        return MAIL if token == "shared" else None


@dataclass
class FakeProbes:
    found: Mapping[str, object] = field(default_factory=lambda: {"ok": True, "database": "writable"})
    error: DigestError | None = None

    def health(self) -> Mapping[str, object]:
        if self.error:
            raise self.error
        return self.found

    def metrics(self) -> str:
        return "# TYPE digest_deliveries_total counter\ndigest_deliveries_total 12361\n"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now
