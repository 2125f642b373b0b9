"""The desk's first page: as it is written, in front of a fake, and as it is read, from a real database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.model.article import SourceHealth
from digest.model.delivery import DeliveryEvent, DeliveryId, EventKind
from digest.model.edit import TakeOut
from digest.model.issue import Issue, IssueState
from digest.model.subscriber import SubscriptionId
from digest.storage import articles, desk_home, desk_people, issues, ledger, subscribers
from digest.storage.database import Database
from digest.storage.tables import delivery, issue, subscription
from digest.views import formatting
from digest.views.desk import DeskViews
from digest.views.home import DeskHome, DeskNewsletter
from digest.views.issues import DeskIssue
from digest.wiring import Container
from digest.workflows.collecting.collect import SHOWS_NOTHING
from digest.workflows.drafting.draft import plan
from digest.workflows.drafting.edit import edit
from digest.workflows.people import feedback
from digest.workflows.sending.send import resolve
from fakes.activity import actor
from fakes.databases import NOW, drafted, found, store, subscribe, under_way
from web.fake_views import HELD, HOME, FakeDesk

DAY = timedelta(days=1)
SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[delivery]
transport = "outbox"
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 10:00"
min_articles = 3
[[newsletters.weekly.sources]]
kind = "feed"
name = "Blog"
url = "https://blog.example.com/index.xml"
"""


def text_of(page: str) -> str:
    """What is read: without tags, and with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- as it is written -----------------------------------------------------------------------


def test_it_says_what_needs_a_person_and_when_the_next_issues_go_out(editor: TestClient) -> None:
    page = editor.get("/desk").text

    assert "<h1>Monday 5 October</h1>" in page
    assert (
        "One draft waits for you, seven deliveries need a decision, one source has stopped delivering "
        "articles and one source has been quiet for a long time." in page
    )
    assert "<strong>Tuesday 09:00 in Berlin</strong>, in 19 hours" in page
    assert "<strong>Thursday 29 October, 10:00 in Berlin</strong>, in 23 days" in page
    assert "1 story so far; 3 needed" in page
    assert '<a class="button filled" href="/desk/weekly/41">Open draft 41</a>' in page


def test_a_decision_says_what_follows_before_it_is_taken(editor: TestClient) -> None:
    page = editor.get("/desk").text
    [form] = re.findall(r'<form class="ways".*?</form>', page, re.DOTALL)

    assert "7 subscribers may or may not have received <bdi>Lockstep Weekly</bdi> 40" in page
    assert (
        "handed over on 29 September at 09:03, but no reply came back, "
        "and no delivery report has arrived since." in page
    )
    assert 'method="post" action="/desk/weekly/40/resolve?from=home"' in form
    assert re.search(r'name="token" value="[^"]+"', form)
    assert '<button class="button" name="decision" value="skip">Don’t resend</button>' in form
    assert '<button class="button" name="decision" value="resend">Resend to all 7</button>' in form
    assert "If you resend, some may get it twice." in form
    assert page.count("@mail.example</bdi>") == 7


def test_of_a_cancelled_issue_nothing_is_offered_to_be_sent_again(editor: TestClient, desk: FakeDesk) -> None:
    desk.front = replace(HOME, uncertain=(replace(HOME.uncertain[0], people=1, can_resend=False),))

    page = editor.get("/desk").text

    assert "1 subscriber may or may not have" in page
    assert 'value="skip"' in page
    assert 'value="resend"' not in page


def test_held_issues_are_decisions(editor: TestClient, desk: FakeDesk) -> None:
    begun = replace(HELD, number=39, reason="Paused by Ann.", is_begun=True)
    desk.front = replace(HOME, held=(HELD, begun))

    page = editor.get("/desk").text

    assert "<bdi>Lockstep Weekly</bdi> 41 needs your decision" in page
    assert "230 old articles look new." in page
    assert 'action="/desk/weekly/39/resume?from=home"' in page
    assert 'action="/desk/weekly/41/resume"' not in page


def test_every_form_brings_its_token(editor: TestClient, desk: FakeDesk) -> None:
    desk.front = replace(
        HOME, newsletters=(*HOME.newsletters, replace(HOME.newsletters[1], name="more", can_draft=True))
    )

    forms = re.findall(r"<form.*?</form>", editor.get("/desk").text, re.DOTALL)
    to = {re.search(r'action="([^"]+)"', form)[1] for form in forms}  # type: ignore[index]

    assert to == {
        "/desk/weekly/40/resolve?from=home",
        "/desk/releases/63/pause?from=home",
        "/desk/more/draft",
        "/desk/weekly/sources/Platform%20team%20page",
        *(f"/desk/{name}/collect" for name in ("weekly", "incidents", "releases", "more")),
    }
    assert all(re.search(r'name="token" value="[^"]+"', form) for form in forms)


def test_it_leads_to_all_issues_to_plans_and_to_what_a_source_finds(editor: TestClient) -> None:
    page = editor.get("/desk").text

    assert '<a href="/desk/issues">All issues</a>' in page
    assert re.findall(r'href="(/desk/\w+/plan)"', page) == ["/desk/incidents/plan"]
    assert '<a href="/desk/weekly/sources/Platform%20team%20page"><bdi>Platform team page</bdi></a>' in page
    assert page.count(">Test this source</button>") == 1, "where something is wrong with it"


def test_the_subscribers_are_told_with_who_came_and_left(editor: TestClient) -> None:
    panel = editor.get("/desk").text.partition('<section class="panel" aria-labelledby="people">')[2]

    assert "confirmed 12,418 new 418 unsubscribed 30 pending 11" in text_of(panel)
    assert (
        'aria-label="By week, oldest first: 28 new and 7 unsubscribed; 77 new and 7 unsubscribed; '
        '126 new and 7 unsubscribed; 187 new and 9 unsubscribed"' in " ".join(panel.split())
    )


def test_charts_carry_their_numbers_in_words(editor: TestClient) -> None:
    page = editor.get("/desk").text

    assert 'aria-label="12,361 of 12,400 delivered, 28 bounced, 7 uncertain"' in page
    assert 'aria-label="4,112 of 4,120 accepted, 8 bounced"' in page
    assert 'aria-label="5,431 of 8,904 done"' in page
    assert (
        'aria-label="New articles in each of the last 12 weeks: 4, 5, 3, 6, 4, 5, 5, 4, 7, 5, 6, 5"' in page
    )
    assert page.count("<svg") == len(re.findall(r'<svg[^>]*(?:role="img"|aria-hidden="true")', page))


def test_sources_say_how_they_do(editor: TestClient) -> None:
    said = text_of(editor.get("/desk").text)

    assert "Engineering blog Feed, fetched 8 minutes ago 3 new today" in said
    assert "Research notes Feed, quiet for 41 days usually one every 9 days" in said
    assert (
        "Platform team page Page, no articles found It had articles before; the page may have changed."
        in said
    )
    assert "posts Markdown, not read yet" in said


def test_an_empty_desk_says_so(editor: TestClient, desk: FakeDesk) -> None:
    desk.front = DeskHome()

    page = editor.get("/desk").text

    assert "Nothing needs you today." in page
    assert "No newsletters yet." in page
    assert "No issue has been sent yet. The first one is drafted on schedule" in page
    assert "No sources yet." in page
    assert "Collect now" not in page


@pytest.mark.parametrize(
    ("state", "said"),
    [(IssueState.DRAFT, "Draft 41 is open."), (IssueState.APPROVED, "Issue 41 is approved.")],
)
def test_before_the_first_issue_what_is_begun_is_said(
    editor: TestClient, desk: FakeDesk, state: IssueState, said: str
) -> None:
    desk.front = replace(HOME, issues=(), newsletters=(replace(HOME.newsletters[0], draft_state=state),))

    page = text_of(editor.get("/desk").text)

    assert f"No issue has been sent yet. {said}" in page
    assert "The first one is drafted" not in page


def test_what_others_wrote_is_text(editor: TestClient, desk: FakeDesk) -> None:
    evil = '<script>alert(1)</script>"onload="x'
    desk.front = replace(
        HOME,
        held=(replace(HELD, reason=evil),),
        newsletters=(DeskNewsletter(name="weekly", title=evil, people=1, timezone="UTC", trouble=evil),),
        issues=(
            DeskIssue(
                newsletter="weekly", newsletter_title=evil, number=1, state=IssueState.SENT, subject=evil
            ),
        ),
        sources=tuple(replace(one, name=evil, message=evil) for one in HOME.sources),
    )

    page = editor.get("/desk").text

    assert "<script" not in page
    assert '"onload=' not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("paused by ann", "Paused by ann."),
        ("https://a.example gave 404. Is it right?", "https://a.example gave 404. Is it right?"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_reasons_are_said_as_sentences(written: str, said: str) -> None:
    assert formatting.sentence(written) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, ""), (0, 9, "0 %"), (9, 9, "100 %"), (99_999, 100_000, "99.9 %"), (1, 100_000, "0.1 %")],
)
def test_shares_never_round_to_all_or_none(part: int, whole: int, said: str) -> None:
    assert formatting.share(part, whole) == said


# --- as it is read --------------------------------------------------------------------------


class Now(Clock):
    """A clock that can be set."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def parts(tmp_path: Path, template: Path) -> Iterator[Container]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    (tmp_path / "digest.toml").write_text(SETTINGS)
    opened = Container.from_file(
        tmp_path / "digest.toml", environ={"DIGEST_SECRET_KEYS": "a key for tests"}, clock=Now()
    )
    yield opened
    opened.close()


@pytest.fixture
def database(parts: Container) -> Database:
    return parts.database


@pytest.fixture
def answers(parts: Container) -> DeskViews:
    return DeskViews(parts)


def at(parts: Container, moment: datetime) -> None:
    assert isinstance(parts.clock, Now)
    parts.clock.now = moment


def looked(database: Database, key: str, **values: object) -> None:
    health = SourceHealth(key=key, name="", ok=True, last_fetched=NOW, last_new=NOW)
    with database.write() as connection:
        articles.save_health(connection, "weekly", replace(health, **values))  # type: ignore[arg-type]


def key_of(parts: Container) -> str:
    return parts.newsletter("weekly").sources[0].key


def sent(
    database: Database, number: int, *, at: datetime, people: tuple[str, ...] = ("a", "b", "c")
) -> Issue:
    """An issue that everybody has, but for one whose address was refused."""
    made = under_way(database, *people, now=at) if number == 1 else next_one(database, number, at=at)
    with database.write() as connection:
        mine = delivery.c.issue_id == made.id
        connection.execute(delivery.update().where(mine).values(state="accepted", updated_at=at))
        last = connection.execute(delivery.select().where(mine).order_by(delivery.c.id.desc())).first()
        assert last is not None
        connection.execute(delivery.update().where(delivery.c.id == last.id).values(state="refused"))
        issues.move(connection, made.id, to=IssueState.SENT, among=[IssueState.SENDING], sent_at=at)
        return issues.by_id(connection, made.id)


def next_one(database: Database, number: int, *, at: datetime) -> Issue:
    with database.write() as connection:
        ids = store(connection, number)
        made = drafted(connection, ids, now=at)
        ledger.freeze_audience(connection, made.id, "weekly", at=at)
        issues.move(connection, made.id, to=IssueState.SENDING, among=[IssueState.DRAFT])
        return issues.by_id(connection, made.id)


def tell(database: Database, which: Issue, kind: EventKind, *, key: str = "one") -> None:
    with database.read() as connection:
        row = connection.execute(delivery.select().where(delivery.c.issue_id == which.id)).first()
    assert row is not None
    told = DeliveryEvent(
        key=key,
        provider="sendgrid",
        kind=kind,
        at=NOW,
        delivery_id=DeliveryId(row.id),
        issue_ref=which.ref,
        address=row.address,
    )
    assert feedback.receive([told], database=database, now=NOW).belonging == 1


def test_nothing_is_there_yet(answers: DeskViews) -> None:
    home = answers.home()

    [one] = home.newsletters
    assert (home.uncertain, home.held, home.issues, home.last_collected) == ((), (), (), None)
    assert (one.people, one.draft, one.can_draft) == (0, None, False)
    assert one.plan == "Its sources have not been read yet."
    assert home.sources[0].severity == ""
    assert home.timezone == "Europe/Berlin"


def test_where_nothing_is_new_it_says_when_the_sources_were_read(
    answers: DeskViews, database: Database, parts: Container
) -> None:
    sent(database, 1, at=NOW - DAY)
    looked(database, key_of(parts), last_fetched=NOW - timedelta(hours=1))

    [one] = answers.home().newsletters

    assert one.plan == "Nothing new since issue 1. The sources were read at 08:00."


def test_the_plan_follows_what_comes_in(answers: DeskViews, database: Database) -> None:
    with database.write() as connection:
        store(connection, 1)
    waits = answers.home().newsletters[0]
    with database.write() as connection:
        store(connection, 2, 3, 4)
    enough = answers.home().newsletters[0]

    assert (waits.plan, waits.can_draft) == ("1 story so far; 3 needed", False)
    assert (enough.plan, enough.can_draft) == ("4 stories so far, 0 left out", True)


def test_the_plan_chooses_what_a_draft_would(
    answers: DeskViews, database: Database, parts: Container
) -> None:
    """It reads less than `workflows.drafting.draft.plan`, and must come to the same stories."""
    with database.write() as connection:
        store(connection, 1, 2, 3, 4, 5)
        store(connection, 30, 31, is_backlog=True)
        old = store(connection, 100)
        articles.feature(connection, old[0], at=NOW)
        articles.exclude(connection, store(connection, 6)[0], at=NOW, why="")

    whole = plan(parts.newsletter("weekly"), database=database, now=NOW)
    [one] = answers.home().newsletters

    assert len(whole.selection.chosen) == 6
    assert one.plan == "6 stories so far, 1 left out"


def test_a_draft_shows_its_stories_and_its_blocks_as_they_are_now(
    answers: DeskViews, database: Database, parts: Container
) -> None:
    with database.write() as connection:
        ids = store(connection, 1, 2, teaser="What it is about.", author="Ann")
        made = drafted(connection, ids)
    for_nobody = answers.home().newsletters[0]
    with database.write() as connection:
        subscribe(connection, "ann")
    for_ann = answers.home().newsletters[0]
    edit(
        made,
        TakeOut(article=ids[1], reason="It waits for the legal check."),
        newsletter=parts.newsletter("weekly"),
        by=actor("ann"),
        seen_revision=0,
        database=database,
        now=NOW,
    )
    shorter = answers.home().newsletters[0]

    assert (for_nobody.draft, for_nobody.draft_state) == (1, IssueState.DRAFT)
    assert for_nobody.plan == "2 stories chosen, 0 left out"
    assert (for_nobody.people, for_nobody.blocks) == (0, for_ann.blocks + 1)
    assert (for_ann.people, for_ann.can_draft) == (1, False)
    assert shorter.plan == "1 story chosen, 1 left out"


def test_a_template_that_fails_is_said_and_the_page_stands(
    answers: DeskViews, database: Database, parts: Container
) -> None:
    with database.write() as connection:
        drafted(connection, store(connection, 1, 2))
    assert answers.home().newsletters[0].trouble == ""

    [folder] = parts.template_folders
    folder.mkdir()
    (folder / "footer.mjml.j2").write_text("{{ nobody.knows }}")

    assert "footer.mjml.j2" in answers.home().newsletters[0].trouble


def test_a_held_issue_is_told_with_its_reason(answers: DeskViews, database: Database) -> None:
    with database.write() as connection:
        drafted(connection, store(connection, 1), held="230 old articles look new")

    home = answers.home()

    [one] = home.held
    assert (one.number, one.reason, one.is_begun) == (1, "230 old articles look new.", False)
    assert home.issues == ()
    assert home.newsletters[0].draft_state is IssueState.HELD


def test_a_running_send_says_how_far_it_is_and_how_long_it_takes(
    answers: DeskViews, database: Database, parts: Container
) -> None:
    made = under_way(database, *"abcdefgh", now=NOW)
    mine = delivery.c.issue_id == made.id
    with database.write() as connection:
        ids = list(
            connection.execute(delivery.select().with_only_columns(delivery.c.id).where(mine)).scalars()
        )
        done = delivery.update().where(delivery.c.id.in_(ids[:2]))
        connection.execute(done.values(state="accepted", updated_at=NOW))
    at(parts, NOW + timedelta(seconds=60))
    running = answers.home().newsletters[0].sending
    at(parts, NOW + timedelta(minutes=10))
    still = answers.home().newsletters[0].sending

    assert running is not None
    assert (running.number, running.done, running.total) == (1, 2, 8)
    assert running.left == timedelta(seconds=180)
    assert running.still_since is None
    assert still is not None
    assert (still.left, still.still_since) == (None, NOW)


def test_uncertain_deliveries_wait_for_a_decision_until_it_is_taken(
    answers: DeskViews, database: Database
) -> None:
    made = under_way(database, "ann", "bob", now=NOW - DAY)
    mine = delivery.c.issue_id == made.id
    with database.write() as connection:
        connection.execute(delivery.update().where(mine).values(state="accepted", updated_at=NOW))
        doubt = delivery.update().where(mine, delivery.c.address == "bob@example.org")
        connection.execute(doubt.values(state="uncertain", updated_at=NOW - DAY))
    [one] = answers.home().uncertain
    resolve(made, decision="skip", database=database, by=actor("ann"), now=NOW)
    after = answers.home()

    assert (one.number, one.people, one.since) == (1, 1, NOW - DAY)
    assert one.addresses == ("bob@example.org",)
    assert after.uncertain == ()
    assert after.issues[0].counts.abandoned == 1


def test_the_account_of_a_sent_issue_follows_what_the_provider_tells(
    answers: DeskViews, database: Database
) -> None:
    """It is counted once, and again as soon as something is told."""
    made = sent(database, 1, at=NOW - DAY)
    before = answers.home().issues[0]
    tell(database, made, EventKind.DELIVERED)
    after = answers.home().issues[0]
    tell(database, made, EventKind.COMPLAINED, key="two")
    at_last = answers.home().issues[0]

    assert (before.counts.audience, before.counts.accepted, before.counts.refused) == (3, 2, 1)
    assert (before.has_reports, before.arrived, before.returned) == (False, 2, 1)
    assert (after.has_reports, after.arrived, after.counts.delivered) == (True, 1, 1)
    assert at_last.counts.complained == 1


def test_what_was_counted_before_is_not_counted_again(
    answers: DeskViews, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [sent(database, number, at=NOW - DAY * (9 - number)) for number in (1, 2, 3)]
    answers.home()
    asked: list[list[int]] = []
    count = desk_home.delivery_summaries
    monkeypatch.setattr(
        desk_home,
        "delivery_summaries",
        lambda connection, which: asked.append(sorted(which)) or count(connection, which),
    )

    answers.home()
    tell(database, made[1], EventKind.DELIVERED)
    answers.home()

    assert asked == [[], [made[1].id]]


def test_who_left_is_counted_for_the_issue_before(answers: DeskViews, database: Database) -> None:
    sent(database, 1, at=NOW - 14 * DAY, people=("a", "b", "c", "d", "e"))
    sent(database, 2, at=NOW - 7 * DAY)
    moments = {1: NOW - 15 * DAY, 2: NOW - 13 * DAY, 3: NOW - 8 * DAY, 4: NOW - DAY}
    with database.write() as connection:
        for number, moment in moments.items():
            subscribers.end(
                connection, SubscriptionId(number), at=moment, why="unsubscribed", how="one-click"
            )
        subscribers.end(connection, SubscriptionId(5), at=NOW - DAY, why="complained", how="")

    newest, before = answers.home().issues

    assert (newest.number, newest.left) == (2, 1)
    assert (before.number, before.left) == (1, 2)


def test_only_the_last_issues_are_listed_newest_first(answers: DeskViews, database: Database) -> None:
    for number in range(1, 12):
        sent(database, number, at=NOW - DAY * (20 - number))

    shown = answers.home().issues

    assert [one.number for one in shown] == [11, 10, 9, 8, 7, 6, 5, 4]


def test_new_articles_are_counted_by_week_without_the_backlog(
    answers: DeskViews, database: Database, parts: Container
) -> None:
    key = key_of(parts)
    looked(database, key)
    with database.write() as connection:
        add_articles(connection, key, {NOW: 3, NOW - 6 * DAY: 1, NOW - 7 * DAY: 2, NOW - 83 * DAY: 1})
        add_articles(connection, key, {NOW - 84 * DAY: 5})  # before the twelve weeks
        articles.add(
            connection,
            "weekly",
            [found(900), found(901)],
            source_key=key,
            seen=NOW - 30 * DAY,
            is_backlog=True,
        )

    [source] = answers.home().sources

    assert source.weeks == (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4)
    assert source.newest == 3


def add_articles(connection: Connection, key: str, by_moment: dict[datetime, int]) -> None:
    for moment, count in by_moment.items():
        begin = 1000 + int(moment.timestamp() // 86400) * 10
        found_ones = [found(begin + number) for number in range(count)]
        articles.add(connection, "weekly", found_ones, source_key=key, seen=moment, is_backlog=False)


@pytest.mark.parametrize(
    ("every", "silent_for", "quiet"), [(2, 14, None), (2, 15, 15), (9, 27, None), (9, 41, 41)]
)
def test_a_source_is_quiet_by_its_own_measure(
    answers: DeskViews, database: Database, parts: Container, every: int, silent_for: int, quiet: int | None
) -> None:
    key, last = key_of(parts), NOW - silent_for * DAY
    looked(database, key, last_new=last)
    with database.write() as connection:
        add_articles(connection, key, {last - every * number * DAY: 1 for number in range(5)})

    [source] = answers.home().sources

    assert source.usual == timedelta(days=every)
    assert (source.quiet.days if source.quiet else None) == quiet
    assert source.severity == ("warn" if quiet else "")


@pytest.mark.parametrize(
    ("health", "severity"),
    [
        ({"ok": False, "message": "It answered with 404."}, "block"),
        ({"message": SHOWS_NOTHING}, "block"),
        ({"message": "It turned over completely since the last look."}, "warn"),
        ({}, ""),
    ],
)
def test_health_is_shape_and_word(
    answers: DeskViews, database: Database, parts: Container, health: dict[str, object], severity: str
) -> None:
    looked(database, key_of(parts), **health)

    assert answers.home().sources[0].severity == severity


def test_no_mail_is_loaded_to_list_issues(answers: DeskViews, database: Database) -> None:
    """Layouts and renderings of hundreds of issues are megabytes: one that cannot be read harms nothing."""
    sent(database, 1, at=NOW - DAY)
    with database.write() as connection:
        connection.execute(issue.update().values(layout={"not": "a layout"}, rendered={"subject": "Printed"}))

    [one] = answers.home().issues

    assert one.subject == "Printed"


def test_who_came_and_left_is_counted_by_day(
    answers: DeskViews, database: Database, parts: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as connection:
        subscribe(connection, "old", at=NOW - 28 * DAY)
        subscribe(connection, "ann", "ben", at=NOW - 27 * DAY)
        subscribe(connection, "eve")
        subscribe(connection, "other", newsletter="another")
        connection.execute(subscription.update().where(subscription.c.id == 3).values(state="pending"))
        subscribers.end(connection, SubscriptionId(1), at=NOW - DAY, why="unsubscribed", how="page")
        subscribers.end(connection, SubscriptionId(2), at=NOW, why="complained", how="")
    counted: list[object] = []
    count = desk_people.came
    monkeypatch.setattr(
        desk_people,
        "came",
        lambda *asked, **more: counted.append(asked) or count(*asked, **more),
    )

    [one] = answers.home().people
    answers.home()
    with database.write() as connection:
        subscribers.renew(connection, SubscriptionId(1), at=NOW, how="page")
    [after] = answers.home().people

    assert (one.confirmed, one.pending) == (1, 1)
    assert one.came == (1, *[0] * 26, 1), "who asks and has not confirmed is not new"
    assert one.left == (*[0] * 26, 1, 1)
    assert (after.confirmed, sum(after.came), sum(after.left)) == (2, 3, 1)
    assert len(counted) == 2, "nothing is counted again before somebody comes or leaves"
    at(parts, NOW + DAY)
    assert sum(answers.home().people[0].came) == 2, "another day begins"


def test_who_is_forgotten_is_not_counted_any_more(answers: DeskViews, database: Database) -> None:
    with database.write() as connection:
        subscribe(connection, "ann", "ben")
    before = answers.home().people[0].confirmed
    with database.write() as connection:
        subscribers.erase(connection, "ann@example.org", at=NOW)

    assert (before, answers.home().people[0].confirmed) == (2, 1)
