"""Builds the desk's home page.

Expensive values stay in the views' cache until something is written that may change
them: delivery counts of finished issues, the pre-flight check of a draft, the plan
of the next issue, new and lost subscribers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.errors import DigestError
from digest.fetch.failures import shown as shown_address
from digest.model.article import SourceHealth
from digest.model.issue import IssueId, IssueState, LeftOut
from digest.model.newsletter import Newsletter, SourceSpec
from digest.model.subscriber import SubscriptionState
from digest.rules import approval
from digest.rules.quiet_sources import is_silent, usual_gap
from digest.rules.slots import next_slot
from digest.storage import desk_home, desk_people, issues
from digest.storage.database import Connection
from digest.storage.desk_home import DeliverySummary, IssueLine
from digest.views import formatting
from digest.views.cache import Kind, ViewCache
from digest.views.freshness import Freshness, freshness
from digest.views.issue_counts import delivery_summaries
from digest.views.issues import DeskIssue, desk_issue
from digest.views.left_out import reasons_of
from digest.views.plan import PlanViews
from digest.views.reports import IssueReports
from digest.wiring import Container
from digest.workflows.collecting.collect import SHOWS_NOTHING
from digest.workflows.drafting.draft import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSending:
    """A send that is running, or has stalled."""

    number: int  # of the issue
    done: int  # deliveries that are settled
    total: int
    left: timedelta | None = None  # an estimate; None if it is too early for one
    still_since: datetime | None = None  # nothing has happened since then


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNewsletter:
    """A newsletter on the home page.  Times are in its own time zone."""

    name: str
    title: str
    people: int
    timezone: str
    next_due: datetime | None = None
    draft: int | None = None  # number of the open issue
    draft_state: IssueState | None = None
    blocks: int = 0  # blocking checks
    trouble: str = ""  # why the draft cannot be rendered
    plan: str = ""  # "9 stories chosen, 14 left out"
    can_draft: bool = False  # there is no draft, but there are articles for one
    sending: DeskSending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskUncertain:
    """Uncertain deliveries of an issue: somebody has to decide what to do."""

    newsletter: str
    newsletter_title: str
    number: int
    people: int
    since: datetime | None = None
    addresses: tuple[str, ...] = ()  # some of them
    can_resend: bool = True  # nothing of a cancelled issue is resent


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHeld:
    """An issue that needs a decision."""

    newsletter: str
    newsletter_title: str
    number: int
    reason: str
    is_begun: bool = False  # held partway through sending


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSource:
    """A source and its health."""

    newsletter_title: str
    name: str
    kind: str
    ok: bool
    newsletter: str = ""
    handle: str = ""  # the end of its page's URL; empty if it has no page
    place: str = ""  # address or path, without credentials
    is_local: bool = False  # read from a folder on this machine
    last_fetched: datetime | None = None
    last_new: datetime | None = None
    newest: int = 0  # how many were new on the day of `last_new`
    message: str = ""
    shows_nothing: bool = False  # though it did before: its page may have changed
    quiet: timedelta | None = None  # how long it has been quiet, if that is unusually long
    usual: timedelta | None = None  # the usual time between days with something new
    weeks: tuple[int, ...] = ()  # new articles in each of the last 12 weeks, oldest first

    @property
    def severity(self) -> str:
        """block, warn, or empty if all is well."""
        if not self.ok or self.shows_nothing:
            return "block"
        return "warn" if self.quiet is not None or self.message else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPeople:
    """Subscribers of a newsletter, and recent gains and losses."""

    newsletter_title: str
    confirmed: int
    pending: int = 0  # signed up, but have not confirmed
    came: tuple[int, ...] = ()  # on each of the last 28 days, oldest first
    left: tuple[int, ...] = ()  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHome:
    """The home page, in the order in which it is shown."""

    uncertain: tuple[DeskUncertain, ...] = ()
    held: tuple[DeskHeld, ...] = ()
    newsletters: tuple[DeskNewsletter, ...] = ()
    issues: tuple[DeskIssue, ...] = ()  # newest first
    sources: tuple[DeskSource, ...] = ()
    people: tuple[DeskPeople, ...] = ()
    last_collected: datetime | None = None
    timezone: str = "UTC"  # the time zone that decides what day it is


_SHOWN = 8  # last issues
_WEEKS = 12
_DAYS = 28  # of gains and losses
_REMEMBERED = timedelta(weeks=26)  # of new articles: long enough to know what is usual
_STILL = timedelta(minutes=2)  # a send without progress for this long has stalled


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def today(home: DeskHome, *, now: datetime) -> str:
    """Monday 5 October, in the newsletters' time zone."""
    return formatting.full_date(now.astimezone(ZoneInfo(home.timezone)))


def sum_of_the_day(home: DeskHome) -> str:
    """One sentence that says what needs a person today."""
    begun = {(held.newsletter, held.number) for held in home.held if held.is_begun}
    waiting = sum(
        n.draft_state in {IssueState.DRAFT, IssueState.HELD} and (n.name, n.draft) not in begun
        for n in home.newsletters
    )
    uncertain = sum(one.people for one in home.uncertain)
    broken = sum(s.severity == "block" for s in home.sources)
    quiet = sum(s.severity == "warn" and s.quiet is not None for s in home.sources)
    parts = [
        _part(waiting, "draft waits", "drafts wait", "for you"),
        _part(len(begun), "send is", "sends are", "stalled"),
        _part(uncertain, "delivery needs", "deliveries need", "a decision"),
        _part(broken, "source has", "sources have", "stopped delivering articles"),
        _part(quiet, "source has", "sources have", "been quiet for a long time"),
    ]
    said = [part for part in parts if part]
    if not said:
        return "Nothing needs you today."
    text = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"{text[0].upper()}{text[1:]}."


def _part(number: int, one: str, many: str, rest: str) -> str:
    word = _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"
    return f"{word} {one if number == 1 else many} {rest}" if number else ""


class HomeViews:
    """What an editor looks for first, for all newsletters, from one consistent read."""

    def __init__(
        self, parts: Container, *, cache: ViewCache, plans: PlanViews, reports: IssueReports
    ) -> None:
        self._parts = parts
        self._cache = cache
        self._plans = plans
        self._reports = reports

    def home(self) -> DeskHome:
        seen = self._look()
        return DeskHome(
            uncertain=tuple(_uncertain(seen, line) for line in seen.lines if _is_uncertain(seen, line)),
            held=tuple(_held(seen, line) for line in seen.lines if line.state is IssueState.HELD),
            newsletters=tuple(
                _newsletter(seen, newsletter, self._draft) for newsletter in seen.newsletters.values()
            ),
            issues=_last_issues(seen),
            sources=tuple(source for n in seen.newsletters.values() for source in _sources(seen, n)),
            people=seen.readers,
            last_collected=_last_look(seen, seen.newsletters.values()),
            timezone=_common_zone(seen.newsletters.values()),
        )

    def source(self, newsletter: str, handle: str) -> DeskSource | None:
        """The health of one source; None if there is no source with this handle."""
        if newsletter not in self._parts.settings.newsletters:
            return None
        shown = _sources(self._look(), self._parts.newsletter(newsletter))
        return next((one for one in shown if one.handle == handle), None)

    def _look(self) -> _Snapshot:
        newsletters = {newsletter.name: newsletter for newsletter in self._parts.newsletters}
        names, now = list(newsletters), self._parts.clock()
        with self._parts.database.read() as connection:
            fresh = freshness(connection, self._parts, now=now)
            lines = desk_home.lines(connection, names, limit=_SHOWN + 1)
            oldest = min((line.sent_at for line in lines if line.sent_at), default=now)
            seen = _Snapshot(
                fresh=fresh,
                newsletters=newsletters,
                lines=tuple(lines),
                accounts=delivery_summaries(self._cache, connection, lines, fresh),
                people=desk_home.confirmed_counts(connection, names),
                readers=self._people(connection, newsletters, fresh),
                leavings=desk_home.unsubscribes(connection, names, since=oldest),
                health=desk_home.sources(connection, names),
                arrivals=desk_home.new_articles_by_day(connection, names, since=now - _REMEMBERED),
            )
        busy = {line.newsletter for line in lines if line.state in approval.OPEN}
        idle = [newsletter for name, newsletter in newsletters.items() if name not in busy]
        return replace(seen, plans={one.name: self._plans.planned(one, fresh) for one in idle})

    def _people(
        self, connection: Connection, newsletters: Mapping[str, Newsletter], fresh: Freshness
    ) -> tuple[DeskPeople, ...]:
        today = fresh.now.astimezone(UTC).date()
        names = tuple((one.name, one.title) for one in newsletters.values())
        return self._cache.of(
            Kind.PEOPLE, names, fresh.people, lambda: _count_people(connection, newsletters, today=today)
        )

    def _draft(self, seen: _Snapshot, line: IssueLine) -> _Draft:
        """What home shows of an unsent issue, as of now."""
        newsletter, confirmed = seen.newsletters[line.newsletter], seen.people.get(line.newsletter, 0)
        version = (line, confirmed, seen.fresh.preflight(newsletter))
        return self._cache.of(
            Kind.DRAFT, line.id, version, lambda: self._examined(line, newsletter, seen.fresh, confirmed)
        )

    def _examined(self, line: IssueLine, newsletter: Newsletter, fresh: Freshness, confirmed: int) -> _Draft:
        with self._parts.database.read() as connection:
            issue, stayed = issues.by_id(connection, line.id), issues.left_out(connection, line.id)
            printable = self._reports.printable(
                connection, newsletter, issue, fresh=fresh, confirmed=confirmed
            )
        draft = _Draft(stories=len(issue.layout.teasers), left_out=len(reasons_of(issue, stayed)))
        if issue.content_hash:
            return draft
        try:
            report = self._reports.report(printable)
        except DigestError as error:
            return replace(draft, trouble=error.message)
        return replace(draft, blocks=len(report.blocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What home shows of an unsent issue."""

    stories: int
    left_out: int
    blocks: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    """What was read from the database, in one consistent read."""

    fresh: Freshness
    newsletters: Mapping[str, Newsletter]
    lines: tuple[IssueLine, ...]
    accounts: Mapping[IssueId, DeliverySummary]
    people: Mapping[str, int]
    readers: tuple[DeskPeople, ...]
    leavings: Mapping[str, Sequence[datetime]]
    health: Mapping[tuple[str, str], SourceHealth]
    arrivals: Mapping[tuple[str, str], Mapping[date, int]]
    plans: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.fresh.now

    def of(self, newsletter: str) -> list[IssueLine]:
        """Its issues, newest first."""
        mine = [line for line in self.lines if line.newsletter == newsletter]
        return sorted(mine, key=lambda line: line.number, reverse=True)


# -- decisions -----------------------------------------------------------------


def _is_uncertain(seen: _Snapshot, line: IssueLine) -> bool:
    return seen.accounts[line.id].counts.uncertain > 0


def _uncertain(seen: _Snapshot, line: IssueLine) -> DeskUncertain:
    newsletter, account = seen.newsletters[line.newsletter], seen.accounts[line.id]
    since = account.uncertain_since
    return DeskUncertain(
        newsletter=line.newsletter,
        newsletter_title=newsletter.title,
        number=line.number,
        people=account.counts.uncertain,
        since=_local(since, newsletter) if since else None,
        addresses=account.uncertain,
        can_resend=line.state is not IssueState.CANCELLED,
    )


def _held(seen: _Snapshot, line: IssueLine) -> DeskHeld:
    return DeskHeld(
        newsletter=line.newsletter,
        newsletter_title=seen.newsletters[line.newsletter].title,
        number=line.number,
        reason=formatting.sentence(line.reason),
        is_begun=bool(line.content_hash),
    )


# -- newsletters ---------------------------------------------------------------


def _newsletter(
    seen: _Snapshot, newsletter: Newsletter, draft_of: Callable[[_Snapshot, IssueLine], _Draft]
) -> DeskNewsletter:
    slot = next_slot(newsletter, after=seen.now)
    shown = DeskNewsletter(
        name=newsletter.name,
        title=newsletter.title,
        people=seen.people.get(newsletter.name, 0),
        timezone=newsletter.timezone,
        next_due=slot.due if slot else None,
    )
    lines = seen.of(newsletter.name)
    sending = next((line for line in reversed(lines) if _is_sending(seen, line)), None)
    if sending is not None:
        return replace(shown, sending=_sending(seen, sending, newsletter))
    waiting = next((line for line in reversed(lines) if line.state in approval.OPEN), None)
    if waiting is None:
        plan = seen.plans[newsletter.name]
        return replace(shown, plan=_planned(seen, newsletter, plan), can_draft=bool(plan.selection.chosen))
    draft = draft_of(seen, waiting)
    if waiting.state is IssueState.APPROVED and waiting.send_at is not None:
        shown = replace(shown, next_due=waiting.send_at)
    return replace(
        shown,
        draft=waiting.number,
        draft_state=waiting.state,
        blocks=draft.blocks,
        trouble=draft.trouble,
        plan=_chosen(waiting, draft),
    )


def _is_sending(seen: _Snapshot, line: IssueLine) -> bool:
    counts = seen.accounts[line.id].counts
    return line.state is IssueState.SENDING and counts.pending + counts.in_flight > 0


def _sending(seen: _Snapshot, line: IssueLine, newsletter: Newsletter) -> DeskSending:
    account = seen.accounts[line.id]
    to_do = account.counts.pending + account.counts.in_flight
    done = account.counts.audience - to_do
    sending = DeskSending(number=line.number, done=done, total=account.counts.audience)
    if account.begun is None or account.moved is None:
        return sending
    if seen.now - account.moved > _STILL:
        return replace(sending, still_since=_local(account.moved, newsletter))
    return replace(sending, left=(seen.now - account.begun) / done * to_do)


def _chosen(line: IssueLine, draft: _Draft) -> str:
    stories = formatting.count(draft.stories, "story", "stories")
    if line.state is IssueState.APPROVED:
        return f"{stories}, approved by {line.approved_by}"
    return f"{stories} chosen, {draft.left_out:,} left out"


def _planned(seen: _Snapshot, newsletter: Newsletter, plan: Plan) -> str:
    chosen, left_out = plan.selection.chosen, plan.selection.left_out
    if chosen:
        return f"{formatting.count(len(chosen), 'story', 'stories')} so far, {len(left_out):,} left out"
    waits = sum(choice.code is LeftOut.TOO_FEW for choice in left_out)
    if waits:
        needs = newsletter.policy.min_articles
        return f"{formatting.count(waits, 'story', 'stories')} so far; {needs:,} needed"
    looked = _last_look(seen, [newsletter])
    if looked is None:
        return "Its sources have not been read yet."
    since = f"Nothing new since issue {plan.after}." if plan.after else "Nothing for a first issue yet."
    return f"{since} The sources were read {_at(looked, newsletter, seen.now)}."


def _at(moment: datetime, newsletter: Newsletter, now: datetime) -> str:
    """at 13:00, on 30 September at 13:00"""
    local = _local(moment, newsletter)
    day = "" if local.date() == _local(now, newsletter).date() else f"on {formatting.day(local)} "
    return f"{day}at {local:%H:%M}"


# -- last issues ---------------------------------------------------------------


def _last_issues(seen: _Snapshot) -> tuple[DeskIssue, ...]:
    shown = [line for line in seen.lines if line.content_hash or line.state not in approval.OPEN]
    shown = [line for line in shown if line.state is not IssueState.APPROVED][:_SHOWN]
    return tuple(
        desk_issue(
            line,
            seen.newsletters[line.newsletter],
            seen.accounts[line.id],
            until=_next_sent(seen, line),
            leavings=seen.leavings,
        )
        for line in shown
    )


def _next_sent(seen: _Snapshot, line: IssueLine) -> datetime:
    """When the issue after this one was sent, or else now."""
    sent = [one.sent_at for one in seen.of(line.newsletter) if one.sent_at]
    return min((at for at in sent if line.sent_at and at > line.sent_at), default=seen.now)


# -- people --------------------------------------------------------------------


def _count_people(
    connection: Connection, newsletters: Mapping[str, Newsletter], *, today: date
) -> tuple[DeskPeople, ...]:
    names = list(newsletters)
    days = [today - timedelta(days=ago) for ago in reversed(range(_DAYS))]
    since = datetime.combine(days[0], time(0), tzinfo=UTC)
    states = desk_people.by_state(connection, names)
    came = desk_people.came(connection, names, since=since)
    left = desk_people.left(connection, names, since=since)
    return tuple(
        DeskPeople(
            newsletter_title=newsletter.title,
            confirmed=states.get((name, SubscriptionState.CONFIRMED.value), 0),
            pending=states.get((name, SubscriptionState.PENDING.value), 0),
            came=tuple(came.get(name, {}).get(day, 0) for day in days),
            left=tuple(left.get(name, {}).get(day, 0) for day in days),
        )
        for name, newsletter in newsletters.items()
    )


# -- sources -------------------------------------------------------------------


def _sources(seen: _Snapshot, newsletter: Newsletter) -> list[DeskSource]:
    return [_source(seen, newsletter, spec) for spec in newsletter.sources]


def _source(seen: _Snapshot, newsletter: Newsletter, spec: SourceSpec) -> DeskSource:
    key = (newsletter.name, spec.key)
    arrivals = seen.arrivals.get(key, {})
    health = seen.health.get(key)
    shown = DeskSource(
        newsletter=newsletter.name,
        newsletter_title=newsletter.title,
        name=spec.name,
        handle=source_slug(newsletter, spec),
        place=shown_address(spec.url) if spec.url else str(spec.path or ""),
        kind=spec.kind,
        ok=health is None or health.ok,
        is_local=spec.path is not None,
        usual=usual_gap(arrivals),
        weeks=_weeks(arrivals, today=seen.now.astimezone(UTC).date()),
    )
    if health is None:
        return shown
    return replace(
        shown,
        last_fetched=health.last_fetched,
        last_new=_local(health.last_new, newsletter) if health.last_new else None,
        newest=arrivals.get(health.last_new.astimezone(UTC).date(), 0) if health.last_new else 0,
        message=health.message,
        shows_nothing=SHOWS_NOTHING in health.message,
        quiet=_quiet(health, usual=shown.usual, now=seen.now),
    )


def source_slug(newsletter: Newsletter, spec: SourceSpec) -> str:
    """The name of a source in URLs: its name, or its key if another source has the same name."""
    names = [one.name for one in newsletter.sources]
    return spec.name if names.count(spec.name) == 1 else spec.key


def _quiet(health: SourceHealth, *, usual: timedelta | None, now: datetime) -> timedelta | None:
    if health.last_new is None:
        return None
    quiet = now - health.last_new
    return quiet if is_silent(quiet, usual=usual) else None


def _weeks(arrivals: Mapping[date, int], *, today: date) -> tuple[int, ...]:
    """Totals of seven days each; the last ends today."""
    sums = [0] * _WEEKS
    for day, number in arrivals.items():
        ago = max((today - day).days, 0) // 7
        if ago < _WEEKS:
            sums[_WEEKS - 1 - ago] += number
    return tuple(sums)


def _last_look(seen: _Snapshot, newsletters: Collection[Newsletter]) -> datetime | None:
    found = [seen.health.get((n.name, spec.key)) for n in newsletters for spec in n.sources]
    return max((one.last_fetched for one in found if one and one.last_fetched), default=None)


def _common_zone(newsletters: Collection[Newsletter]) -> str:
    zones = {newsletter.timezone for newsletter in newsletters}
    return zones.pop() if len(zones) == 1 else "UTC"


def _local(moment: datetime, newsletter: Newsletter) -> datetime:
    return moment.astimezone(ZoneInfo(newsletter.timezone))
