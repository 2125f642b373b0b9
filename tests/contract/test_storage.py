"""What the database promises, on every kind of database."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from digest.errors import NewerDatabase, StorageError
from digest.model.activity import ActivityKind
from digest.model.article import Article, FoundArticle, Image, KeyKind, SourceHealth, Validators
from digest.model.issue import IssueState, Rendered
from digest.model.newsletter import Policy, SourceSpec
from digest.model.slot import Slot, SlotState
from digest.model.subscriber import SubscriptionState, SuppressionReason
from digest.storage import activity_log, articles, issues, ledger, migrations, slots, subscribers
from digest.storage.database import Connection, Database
from digest.storage.tables import metadata
from digest.workflows.drafting.draft import plan
from fakes.activity import told
from fakes.databases import NOW, drafted, found, newsletter, people, store, subscribe

DAY = timedelta(days=1)
LAST = migrations.NEWEST
NEXT = f"{int(LAST) + 1:04}"


def files_in(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.is_file()}


# -- the schema ------------------------------------------------------------------


def test_migrations_make_the_schema_that_the_code_knows(url: str, database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        differences = compare_metadata(context, metadata)
        at = migrations.revision_of(connection)
    engine.dispose()

    assert differences == []
    assert at == migrations.NEWEST


def test_the_newest_revision_is_the_head_of_one_line() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(migrations._config())

    assert scripts.get_heads() == [migrations.NEWEST]
    assert scripts.get_bases() == ["0001"]
    assert all(migrations.knows(script.revision) for script in scripts.walk_revisions())


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'digest.db'}").close()

    assert (tmp_path / "new" / "folder" / "digest.db").exists()


def test_opening_again_changes_nothing(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "digest.db")
    before = files_in(tmp_path)
    Database(f"sqlite:///{tmp_path / 'digest.db'}").close()

    assert files_in(tmp_path) == before


def test_many_can_open_a_new_database_at_once(tmp_path: Path) -> None:
    """`digest serve` and `digest run` are started together on a fresh machine."""
    for turn in range(3):
        address = f"sqlite:///{tmp_path / f'{turn}.db'}"
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _, a=address: Database(a), range(8)))
        for one in opened:
            one.close()


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path, template: Path) -> None:
    file = tmp_path / "digest.db"
    shutil.copy(template, file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = files_in(tmp_path)

    with pytest.raises(NewerDatabase, match="newer digest"):
        Database(f"sqlite:///{file}")

    assert files_in(tmp_path) == before


def test_somebody_elses_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    """Not even its journal mode is changed."""
    file = tmp_path / "wordpress.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE wp_posts (id INTEGER)")
    connection.close()
    before = files_in(tmp_path)

    with pytest.raises(StorageError, match="other tables"):
        Database(f"sqlite:///{file}")

    assert files_in(tmp_path) == before


def test_what_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "digest.db"
    file.write_bytes(b"email,name\nann@example.org,Ann\n" * 100)
    before = files_in(tmp_path)

    with pytest.raises(StorageError, match="cannot be used"):
        Database(f"sqlite:///{file}")

    assert files_in(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Database(f"sqlite:///{tmp_path / 'file' / 'digest.db'}")


@pytest.fixture
def next_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A digest that is one revision ahead; the argument is what its upgrade does."""

    def make(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(
            Path(migrations.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__")
        )
        (folder / "versions" / f"{NEXT}_next.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f'revision = "{NEXT}"\ndown_revision = "{LAST}"\ndef upgrade() -> None:\n    {body}\n'
        )
        monkeypatch.setattr(migrations, "_HERE", folder)
        monkeypatch.setattr(migrations, "NEWEST", NEXT)

    return make


def test_an_upgrade_keeps_a_copy_of_what_was(
    tmp_path: Path, template: Path, next_revision: Callable[[str], None]
) -> None:
    """The copy is a whole database that the older digest can open."""
    file = tmp_path / "digest.db"
    shutil.copy(template, file)
    old = Database(f"sqlite:///{file}")
    with old.write() as connection:
        subscribe(connection, "ann")
    old.close()

    next_revision('op.add_column("subscriber", sa.Column("nickname", sa.Text()))')
    upgraded = Database(f"sqlite:///{file}")
    with upgraded.read() as connection:
        assert migrations.revision_of(connection) == NEXT
        assert subscribers.count(connection, "weekly") == {"confirmed": 1}
    upgraded.close()

    copy = sqlite3.connect(tmp_path / f"digest.db.backup-{LAST}")
    assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [(LAST,)]
    assert copy.execute("SELECT address FROM subscriber").fetchall() == [("ann@example.org",)]
    copy.close()


def test_an_upgrade_that_fails_changes_nothing(
    tmp_path: Path, template: Path, next_revision: Callable[[str], None]
) -> None:
    """DDL is transactional: the older digest goes on with the same file."""
    file = tmp_path / "digest.db"
    shutil.copy(template, file)
    next_revision(
        'op.add_column("subscriber", sa.Column("nickname", sa.Text())); op.execute("SELECT no_such_thing()")'
    )
    with pytest.raises(StorageError):
        Database(f"sqlite:///{file}")

    look = sqlite3.connect(file)
    assert look.execute("SELECT version_num FROM alembic_version").fetchall() == [(LAST,)]
    assert "nickname" not in {row[1] for row in look.execute("PRAGMA table_info(subscriber)")}
    look.close()


def test_a_database_of_the_first_schema_is_upgraded_with_its_rows(tmp_path: Path) -> None:
    """What the first digest wrote is there afterwards, in file and copy; a second start copies nothing."""
    from sqlalchemy import create_engine

    file = tmp_path / "digest.db"
    first = create_engine(f"sqlite:///{file}")
    with first.connect() as connection:
        migrations.upgrade(connection, "0001")
    first.dispose()
    with sqlite3.connect(file) as old:
        old.execute(
            "INSERT INTO issue (id, newsletter, number, state, created_at, selected_at, layout)"
            " VALUES (1, 'weekly', 1, 'sending', '2026-11-24 08:00:00', '2026-11-24 08:00:00',"
            ' \'{"lead": null, "sections": []}\')'
        )
        old.executemany(
            "INSERT INTO delivery (id, issue_id, subscription_id, address, address_key, state, provider_ref,"
            " updated_at) VALUES (?, 1, ?, ?, ?, ?, 'ref', '2026-11-24 08:00:00')",
            [
                (n, n, f"p{n}@example.org", f"p{n}@example.org", state)
                for n, state in enumerate(("accepted", "accepted", "uncertain", "pending"), start=1)
            ],
        )
    old.close()

    for _ in range(2):
        upgraded = Database(f"sqlite:///{file}")
        with upgraded.read() as connection:
            assert migrations.revision_of(connection) == LAST
            counts = ledger.counts(connection, issues.by_number(connection, "weekly", 1).id, now=NOW)
        upgraded.close()
        assert (counts.accepted, counts.uncertain, counts.pending) == (2, 1, 1)

    look = sqlite3.connect(file)
    rows = look.execute("SELECT DISTINCT batch_id, event, event_at, provider_ref FROM delivery").fetchall()
    assert rows == [("", "", None, "ref")]
    assert look.execute("SELECT count(*) FROM delivery_event").fetchone() == (0,)
    look.close()
    copy = sqlite3.connect(tmp_path / "digest.db.backup-0001")
    assert copy.execute("SELECT count(*) FROM delivery").fetchone() == (4,)
    assert "event" not in {row[1] for row in copy.execute("PRAGMA table_info(delivery)")}
    copy.close()
    assert sorted(p.name for p in tmp_path.glob("digest.db.backup-*")) == ["digest.db.backup-0001"]


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            subscribe(connection, "ann")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as connection:
        assert subscribers.count(connection, "weekly") == {}


def test_nothing_done_in_a_reading_is_kept(database: Database) -> None:
    with suppress(StorageError), database.read() as connection:  # SQLite refuses at once
        subscribe(connection, "ann")
    with database.read() as connection:
        assert subscribers.count(connection, "weekly") == {}


def test_a_reading_sees_one_moment(database: Database) -> None:
    """Counts of a status page add up, whatever is written meanwhile."""
    with database.write() as connection:
        subscribe(connection, "ann")
    with database.read() as reading:
        before = subscribers.count(reading, "weekly")
        with database.write() as connection:
            subscribe(connection, "bob")
        if reading.dialect.name == "sqlite":
            assert subscribers.count(reading, "weekly") == before == {"confirmed": 1}


def test_times_come_back_as_they_went_in(database: Database) -> None:
    """Aware and in UTC, to the microsecond."""
    moment = datetime.fromisoformat("2026-10-25T02:30:00.123456+02:00")
    with database.write() as connection:
        activity_log.record(connection, ActivityKind.OTHER, "something", at=moment, newsletter="weekly")
        [entry] = activity_log.entries(connection, limit=2)

    assert entry.at == moment
    assert entry.at.utcoffset() == timedelta()


def test_an_error_never_shows_an_address(database: Database) -> None:
    """Parameters of a statement do not stand in a traceback."""
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    from digest.storage.tables import subscriber

    row = {"address": "secret@example.org", "address_key": "secret@example.org", "created_at": NOW}
    with database.write() as connection:
        connection.execute(insert(subscriber), [row])
    with pytest.raises(IntegrityError) as error, database.write() as connection:
        connection.execute(insert(subscriber), [row])

    if database._url.get_backend_name() == "sqlite":
        assert "secret" not in str(error.value)
    assert "parameters hidden" in str(error.value)


# -- articles --------------------------------------------------------------------


FULL = FoundArticle(
    url="https://blog.example.com/full",
    title="Ünïcode “quotes” 🎉",
    teaser="What it is about",
    author="Ann Lee",
    published=NOW - DAY,
    image=Image(url="https://blog.example.com/i.png", alt="A picture", width=640, height=480),
    tags=("Python", "Größe"),
    language="en-GB",
    minutes=8,
    featured=True,
)


def test_an_article_comes_back_as_it_went_in(database: Database) -> None:
    with database.write() as connection:
        [number] = articles.add(connection, "weekly", [FULL], source_key="feed:1", seen=NOW, is_backlog=True)
        [stored] = articles.by_ids(connection, [number])

    assert stored == Article(
        id=number,
        newsletter="weekly",
        source="feed:1",
        url=FULL.url,
        title=FULL.title,
        teaser=FULL.teaser,
        author=FULL.author,
        published=FULL.published,
        first_seen=NOW,
        image=FULL.image,
        tags=FULL.tags,
        language=FULL.language,
        minutes=FULL.minutes,
        is_backlog=True,
        is_featured_at_source=True,
    )


def test_ids_come_in_the_order_of_the_articles(database: Database) -> None:
    """More than one statement takes."""
    with database.write() as connection:
        ids = store(connection, *range(2500))
        titles = {a.id: a.title for a in articles.by_ids(connection, ids)}

    assert [titles[i] for i in ids] == [f"Story {n}" for n in range(2500)]


def test_a_refreshed_article_shows_what_its_source_shows(database: Database) -> None:
    changed = found(1, title="A better title", tags=("new",), published=NOW - 3 * DAY, minutes=4)
    with database.write() as connection:
        [number] = store(connection, 1)
        assert articles.refresh(connection, {number: changed}, source_key="feed:1", seen=NOW + DAY) == 1
        assert articles.refresh(connection, {number: changed}, source_key="feed:1", seen=NOW + DAY) == 0
        [stored] = articles.by_ids(connection, [number])

    assert (stored.title, stored.tags, stored.minutes) == ("A better title", ("new",), 4)
    assert stored.published == stored.dated == NOW - 3 * DAY
    assert stored.first_seen == NOW


@pytest.mark.parametrize(
    ("is_backlog", "before", "after", "kept"),
    [
        pytest.param(True, -40, 1, -40, id="a rebuild dates the backlog today: it stays old"),
        pytest.param(True, -40, -50, -50, id="an older date is believed"),
        pytest.param(True, 3, 9, 9, id="what was still to appear is put off"),
        pytest.param(False, -1, 1, 1, id="what came as news takes its new date"),
    ],
)
def test_old_articles_do_not_become_young(
    database: Database, is_backlog: bool, before: int, after: int, kept: int
) -> None:
    """Days from now: the date that was known, the one that its source shows next, the one that is kept."""
    with database.write() as connection:
        old = found(1, published=NOW + before * DAY)
        [number] = articles.add(
            connection, "weekly", [old], source_key="feed:1", seen=NOW, is_backlog=is_backlog
        )
        shown = found(1, published=NOW + after * DAY)
        articles.refresh(connection, {number: shown}, source_key="feed:1", seen=NOW + 2 * DAY)
        [stored] = articles.by_ids(connection, [number])

    assert stored.dated == NOW + kept * DAY


def test_another_sources_telling_changes_nothing(database: Database) -> None:
    with database.write() as connection:
        [number] = store(connection, 1)
        told = found(1, title="As the other one tells it")
        assert articles.refresh(connection, {number: told}, source_key="listing:2", seen=NOW) == 0
        [stored] = articles.by_ids(connection, [number])

    assert stored.title == "Story 1"


def test_what_its_page_filled_in_stays(database: Database) -> None:
    """A source that says nothing of a picture does not take it away."""
    with database.write() as connection:
        [number] = store(connection, 1)
        filled = found(1, teaser="From its page", image=Image(url="https://blog.example.com/p.png"))
        articles.complete(connection, number, filled, at=NOW)
        articles.refresh(connection, {number: found(1)}, source_key="feed:1", seen=NOW + DAY)
        [stored] = articles.by_ids(connection, [number])

    assert stored.teaser == "From its page"
    assert stored.image == Image(url="https://blog.example.com/p.png")
    assert stored.completed_at == NOW


def test_an_authors_title_is_not_replaced_by_a_made_one(database: Database) -> None:
    with database.write() as connection:
        [number] = store(connection, 1)
        made = found(1, title="The first sentence of the text", title_is_made=True)
        articles.refresh(connection, {number: made}, source_key="feed:1", seen=NOW)
        [stored] = articles.by_ids(connection, [number])

    assert (stored.title, stored.title_is_made) == ("Story 1", False)


def test_featuring_at_the_source_later_calls_an_article_in(database: Database) -> None:
    with database.write() as connection:
        [number] = store(connection, 1)
        articles.refresh(connection, {number: found(1, featured=True)}, source_key="feed:1", seen=NOW + DAY)
        [stored] = articles.by_ids(connection, [number])
        assert (stored.is_featured_at_source, stored.featured_at) == (True, NOW + DAY)

        articles.refresh(connection, {number: found(1)}, source_key="feed:1", seen=NOW + 2 * DAY)
        [stored] = articles.by_ids(connection, [number])

    assert stored.is_featured_at_source is False


def test_articles_are_known_by_their_keys(database: Database) -> None:
    with database.write() as connection:
        one, other = store(connection, 1, 2)
        key, guid = (KeyKind.ADDRESS, "blog.example.com/story-1"), (KeyKind.GUID, "tag:1")
        articles.learn_keys(connection, "weekly", {one: [key, guid], other: [guid]})
        articles.learn_keys(connection, "weekly", {one: [key]})
        known = {k.id: k for k in articles.known_by(connection, "weekly", keys={key}, also={other})}
        elsewhere = articles.known_by(connection, "monthly", keys={key, guid}, also=())
        of_guid = articles.by_keys(connection, "weekly", [guid])

    assert set(known) == {one, other}
    assert known[one].keys == {key, guid}
    assert known[one].source == "feed:1"
    assert known[one].published == NOW - DAY
    assert elsewhere == []
    assert [a.id for a in of_guid] == [one, other]


def test_a_thousand_keys_are_looked_up(database: Database) -> None:
    with database.write() as connection:
        ids = store(connection, *range(1500))
        articles.learn_keys(
            connection, "weekly", {i: [(KeyKind.GUID, f"g{i}"), (KeyKind.SLUG, f"s{i}")] for i in ids}
        )
        keys = {(KeyKind.GUID, f"g{i}") for i in ids}
        assert len(articles.known_by(connection, "weekly", keys=keys, also=())) == 1500


@pytest.mark.parametrize("seed", range(8))
def test_candidates_lose_nothing_that_selection_would_take(database: Database, seed: int) -> None:
    """The short way by SQL and the long way over every article choose the same."""
    dice = random.Random(seed)
    letter = newsletter(
        policy=Policy(max_articles=8, max_age=timedelta(days=30)),
        sources=(SourceSpec(kind="feed", key="feed:1", name="Blog", featured=dice.random() < 0.3),),
    )
    with database.write() as connection:
        ids = []
        for _ in range(6):
            seen = NOW - dice.randint(0, 40) * DAY
            ids += store(
                connection,
                *(dice.randint(-5, 90) for _ in range(6)),
                seen=seen,
                is_backlog=dice.random() < 0.4,
                featured=dice.random() < 0.2,
            )
        for number in dice.sample(ids, 9):
            mark = dice.choice([articles.feature, articles.unfeature])
            mark(connection, number, at=NOW - dice.randint(0, 30) * DAY)
        for number in dice.sample(ids, 4):
            articles.exclude(connection, number, at=NOW - dice.randint(0, 30) * DAY, why="no")
        if dice.random() < 0.7:
            sent = drafted(connection, dice.sample(ids, 5), now=NOW - 7 * DAY)
            issues.move(connection, sent.id, to=IssueState.SENT, among=[IssueState.DRAFT])
            for number in dice.sample(ids, 5):
                articles.feature(connection, number, at=NOW - dice.randint(0, 14) * DAY)

    short = plan(letter, database=database, now=NOW).selection
    full = plan(letter, database=database, now=NOW, everything=True).selection
    assert [c.article.id for c in short.chosen] == [c.article.id for c in full.chosen]
    # One that is excluded and backlog as well may only be counted: both are reasons.
    assert {c.article.id for c in short.left_out} <= {c.article.id for c in full.left_out}
    total = len(short.chosen) + len(short.left_out) + sum(short.earlier.values())
    assert total == len(ids)


def test_the_health_of_a_source_is_remembered(database: Database) -> None:
    health = SourceHealth(
        key="feed:1",
        name="",
        ok=True,
        last_fetched=NOW,
        last_new=NOW - DAY,
        first_read=NOW - 9 * DAY,
        message="a word",
        failures=2,
        validators=Validators(etag='W/"x"', last_modified="Tue, 24 Nov 2026 08:00:00 GMT"),
        shown=frozenset({3, 1, 2}),
    )
    with database.write() as connection:
        articles.save_health(connection, "weekly", SourceHealth(key="feed:1", name="", ok=False))
        articles.save_health(connection, "weekly", health)
        assert articles.health_of(connection, "weekly") == {"feed:1": health}
        assert articles.health_of(connection, "monthly") == {}


# -- issues ----------------------------------------------------------------------


def test_issues_count_up_in_each_newsletter(database: Database) -> None:
    with database.write() as connection:
        one, two, three = store(connection, 1, 2, 3)
        numbers = [drafted(connection, [a]).number for a in (one, two)]
        other = drafted(connection, [three], newsletter="monthly").number

    assert numbers == [1, 2]
    assert other == 1


def test_an_issue_comes_back_as_it_went_in(database: Database) -> None:
    rendered = Rendered(
        subject="Ünïcode 🎉", preheader="", html="<p>x</p>", text="x", nonce="0" * 20, language="en"
    )
    with database.write() as connection:
        draft = drafted(connection, store(connection, 1, 2), slot_key="2026-11-24T09:00[Europe/Berlin]")
        done = issues.freeze(
            connection,
            draft.id,
            rendered=rendered,
            content_hash="sha256:abc",
            at=NOW,
            by="ann",
            overrides=["subject"],
        )
        again = issues.by_number(connection, "weekly", 1)

    assert done
    assert again is not None
    assert again.rendered == rendered
    assert again.layout == draft.layout
    assert (again.state, again.approved_by, again.overrides) == (IssueState.APPROVED, "ann", ("subject",))
    assert (again.approved_at, again.created_at) == (NOW, NOW)
    assert again.ref == "weekly/1"


def test_an_article_is_reserved_for_its_issue(database: Database) -> None:
    with database.write() as connection:
        ids = store(connection, 1, 2)
        drafted(connection, ids[:1])
        first, second = articles.by_ids(connection, ids)

    assert (first.last_issue, first.last_issued_at) == (1, NOW)
    assert (second.last_issue, second.last_issued_at) == (None, None)


def test_an_article_cannot_be_in_two_issues_by_accident(url: str, database: Database) -> None:
    """Two drafts at the same moment: the second does not come into being."""
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    from digest.storage.tables import issue_article

    with database.write() as connection:
        [number] = store(connection, 1)
        other = store(connection, 2)
        drafted(connection, [number])
        second = drafted(connection, other)
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(issue_article), [{"issue_id": second.id, "article_id": number}])


def test_cancelling_frees_the_articles(database: Database) -> None:
    with database.write() as connection:
        ids = store(connection, 1, 2)
        first = drafted(connection, ids)
        issues.cancel(connection, first, reason="by ann", frees_articles=True)
        free = articles.by_ids(connection, ids)
        again = drafted(connection, ids)
        taken = articles.by_ids(connection, ids)

    assert {a.last_issue for a in free} == {None}
    assert again.number == 2
    assert {a.last_issue for a in taken} == {2}


def test_an_issue_that_mailed_somebody_keeps_its_articles_when_cancelled(database: Database) -> None:
    with database.write() as connection:
        ids = store(connection, 1)
        issues.cancel(connection, drafted(connection, ids), reason="by ann", frees_articles=False)

        assert [a.last_issue for a in articles.by_ids(connection, ids)] == [1]


def test_a_featured_article_goes_back_to_its_earlier_issue(database: Database) -> None:
    with database.write() as connection:
        ids = store(connection, 1)
        first = drafted(connection, ids)
        issues.move(connection, first.id, to=IssueState.SENT, among=[IssueState.DRAFT])
        articles.feature(connection, ids[0], at=NOW + DAY)
        second = drafted(connection, ids, now=NOW + 2 * DAY)
        issues.cancel(connection, second, reason="", frees_articles=True)
        [article] = articles.by_ids(connection, ids)
        third = drafted(connection, ids, now=NOW + 3 * DAY)

    assert (article.last_issue, article.last_issued_at) == (1, NOW)
    assert third.number == 3


def test_one_slot_makes_one_issue(database: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    key = "2026-11-24T09:00[Europe/Berlin]"
    with database.write() as connection:
        one, two, three = store(connection, 1, 2, 3)
        made = drafted(connection, [one], slot_key=key)
        issues.cancel(connection, made, reason="", frees_articles=False)
        drafted(connection, [three], newsletter="monthly", slot_key=key)
        assert (found := issues.by_slot(connection, "weekly", key)) is not None
        assert found.id == made.id
        assert issues.by_slot(connection, "weekly", "") is None
    with pytest.raises(IntegrityError), database.write() as connection:
        drafted(connection, [two], slot_key=key)


def test_many_issues_need_no_slot(database: Database) -> None:
    with database.write() as connection:
        for number in store(connection, 1, 2, 3):
            drafted(connection, [number])
        assert len(issues.all_of(connection, "weekly")) == 3


def test_the_newest_and_the_open_issue_are_found(database: Database) -> None:
    with database.write() as connection:
        one, two, three = (drafted(connection, [n]) for n in store(connection, 1, 2, 3))
        issues.move(connection, one.id, to=IssueState.SENT, among=[IssueState.DRAFT])
        issues.cancel(connection, three, reason="", frees_articles=True)
        newest, begun = issues.latest(connection, "weekly"), issues.open_one(connection, "weekly")
        assert issues.latest(connection, "monthly") is None
        assert issues.open_one(connection, "monthly") is None

    assert newest is not None
    assert begun is not None
    assert newest.number == begun.number == two.number == 2


def test_a_state_changes_only_from_where_it_was(database: Database) -> None:
    with database.write() as connection:
        draft = drafted(connection, store(connection, 1))
        sent = issues.move(connection, draft.id, to=IssueState.SENT, among=[IssueState.SENDING])
        held = issues.move(
            connection, draft.id, to=IssueState.HELD, among=[IssueState.DRAFT], reason="a word"
        )
        after = issues.by_id(connection, draft.id)

    assert (sent, held) == (False, True)
    assert (after.state, after.reason) == (IssueState.HELD, "a word")


def test_earlier_subjects_are_those_that_went_out(database: Database) -> None:
    with database.write() as connection:
        for number, article in enumerate(store(connection, 1, 2, 3), start=1):
            draft = drafted(connection, [article])
            issues.freeze(
                connection,
                draft.id,
                rendered=Rendered(
                    subject=f"Subject {number}", preheader="", html="", text="", nonce="n", language="en"
                ),
                content_hash="h",
                at=NOW,
                by="",
                overrides=[],
            )
        second = issues.by_number(connection, "weekly", 2)
        assert second is not None
        issues.cancel(connection, second, reason="", frees_articles=True)

        assert issues.earlier_subjects(connection, "weekly", before=3) == ("Subject 1",)
        assert issues.earlier_subjects(connection, "weekly", before=4) == ("Subject 3", "Subject 1")


# -- people ----------------------------------------------------------------------


def one(connection: Connection, name: str = "ann"):
    [mine] = subscribers.by_address(connection, f"{name}@example.org")
    return mine


def test_people_come_in_once(database: Database) -> None:
    with database.write() as connection:
        assert subscribe(connection, "ann", "bob") == 2
        assert subscribe(connection, "ann", "bob", "cid") == 1
        assert subscribe(connection, "ann", newsletter="monthly") == 1
        assert subscribers.count(connection, "weekly") == {"confirmed": 3}
        assert [s.address for s in subscribers.all_of(connection, "weekly")] == [
            "ann@example.org",
            "bob@example.org",
            "cid@example.org",
        ]


def test_what_is_told_anew_is_brought_up_to_date(database: Database) -> None:
    told = [people("ann")[0] | {"name": "Ann Lee", "language": "de", "topics": ["Python"]}]
    with database.write() as connection:
        subscribe(connection, "ann")
        subscribers.add(connection, "weekly", told, at=NOW, how="a file")
        mine = one(connection)

    assert (mine.name, mine.language, mine.topics) == ("Ann Lee", "de", ("Python",))


def test_what_is_not_told_stays(database: Database) -> None:
    """Files only add: one with addresses alone takes nobody's name, language or topics away."""
    told = [people("ann")[0] | {"name": "Ann Lee", "language": "de", "topics": ["Python"]}]
    silent = [people("ann")[0] | {"name": "", "language": "", "topics": []}]
    with database.write() as connection:
        subscribers.add(connection, "weekly", told, at=NOW, how="a file")
        subscribers.add(connection, "weekly", silent, at=NOW, how="another file")
        mine = one(connection)

    assert (mine.name, mine.language, mine.topics) == ("Ann Lee", "de", ("Python",))


def test_who_left_does_not_come_back_by_a_file(database: Database) -> None:
    with database.write() as connection:
        subscribe(connection, "ann")
        assert subscribers.end(connection, one(connection).id, at=NOW, why="unsubscribed", how="one-click")
        assert not subscribers.end(connection, one(connection).id, at=NOW + DAY, why="again", how="again")
        assert subscribe(connection, "ann") == 0
        mine = one(connection)

    assert (mine.state, mine.ended_at, mine.ended_why) == (SubscriptionState.ENDED, NOW, "unsubscribed")


def test_who_asks_comes_back(database: Database) -> None:
    with database.write() as connection:
        subscribe(connection, "ann")
        assert not subscribers.renew(connection, one(connection).id, at=NOW, how="not needed")
        subscribers.end(connection, one(connection).id, at=NOW, why="", how="")
        assert subscribers.renew(connection, one(connection).id, at=NOW + DAY, how="the button")
        mine = one(connection)
        story = [(h.what, h.how) for h in subscribers.history(connection, "ann@example.org")]

    assert (mine.state, mine.since, mine.ended_at) == (SubscriptionState.CONFIRMED, NOW + DAY, None)
    assert story == [("subscribed", "a test"), ("left", ""), ("came back", "the button")]


def test_a_suppressed_address_does_not_come_in(database: Database) -> None:
    with database.write() as connection:
        subscribers.suppress(connection, "ann@example.org", reason=SuppressionReason.BOUNCED, at=NOW)
        subscribers.suppress(connection, "ann@example.org", reason=SuppressionReason.MANUAL, at=NOW + DAY)
        assert subscribe(connection, "ann", "bob") == 1
        barred = subscribers.suppression_of(connection, "ann@example.org")
        assert subscribers.suppression_of(connection, "bob@example.org") is None

    assert barred is not None
    assert (barred.reason, barred.at) == (SuppressionReason.BOUNCED, NOW)


def test_an_erased_person_leaves_a_hash_and_nothing_else(url: str, database: Database) -> None:
    """No row of any table holds the address any more, and no import brings it back."""
    from sqlalchemy import select

    with database.write() as connection:
        subscribe(connection, "ann", "bob")
        subscribe(connection, "ann", newsletter="monthly")
        first, second = (drafted(connection, [n]) for n in store(connection, 1, 2))
        ledger.freeze_audience(connection, first.id, "weekly", at=NOW)
        subscribers.suppress(connection, "ann@example.org", reason=SuppressionReason.BOUNCED, at=NOW)
        ledger.freeze_audience(connection, second.id, "monthly", at=NOW)
        assert subscribers.erase(connection, "ann@example.org", at=NOW)
        assert subscribe(connection, "ann") == 0
        barred = subscribers.suppression_of(connection, "ann@example.org")
        assert not subscribers.erase(connection, "ann@example.org", at=NOW)
        left = [
            (table.name, row)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
            if "ann" in str(row).casefold()
        ]
        assert subscribers.history(connection, "ann@example.org") == []

    assert left == []
    assert barred is not None
    assert barred.reason is SuppressionReason.ERASED


def test_an_erased_person_stays_in_the_account_of_past_issues(database: Database) -> None:
    with database.write() as connection:
        subscribe(connection, "ann", "bob")
        draft = drafted(connection, store(connection, 1))
        ledger.freeze_audience(connection, draft.id, "weekly", at=NOW)
        issues.move(connection, draft.id, to=IssueState.SENDING, among=[IssueState.DRAFT])
        subscribers.erase(connection, "ann@example.org", at=NOW)
        subscribers.erase(connection, "bob@example.org", at=NOW)
        counts = ledger.counts(connection, draft.id, now=NOW)

    assert counts.audience == 2
    assert counts.adds_up


def test_a_file_is_remembered_by_its_fingerprint(database: Database) -> None:
    with database.write() as connection:
        assert subscribers.file_fingerprint(connection, "weekly", "a.csv") == ""
        for print_ in ("one", "two"):
            subscribers.remember_file(connection, "weekly", "a.csv", fingerprint=print_, at=NOW)
        assert subscribers.file_fingerprint(connection, "weekly", "a.csv") == "two"
        assert subscribers.file_fingerprint(connection, "monthly", "a.csv") == ""


def test_thousands_of_people_come_in(database: Database) -> None:
    crowd = people(*(f"p{n}" for n in range(3000)))
    with database.write() as connection:
        assert subscribers.add(connection, "weekly", crowd, at=NOW, how="a file") == 3000
        assert subscribers.add(connection, "weekly", crowd, at=NOW, how="a file") == 0


# -- slots -----------------------------------------------------------------------


def slot(day: int = 24) -> Slot:
    return Slot(
        newsletter="weekly",
        key=f"2026-11-{day}T09:00[Europe/Berlin]",
        due=NOW.replace(day=day),
    )


def test_a_slot_is_recorded_once_by_many(url: str) -> None:
    """Of schedulers that look at the same moment, in their own connections, one gets it."""
    databases = [Database(url) for _ in range(2)]
    for day in range(10, 20):
        start = threading.Barrier(4)

        def record(number: int, day: int = day, start: threading.Barrier = start) -> bool:
            start.wait()
            with databases[number % 2].write() as connection:
                return slots.record(connection, slot(day), SlotState.DUE, at=NOW)

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(record, range(4))) == [False, False, False, True]
    for database in databases:
        database.close()


def test_the_first_look_has_missed_nothing(database: Database) -> None:
    with database.write() as connection:
        assert slots.recorded_until(connection, "weekly", now=NOW) == NOW
        assert slots.recorded_until(connection, "weekly", now=NOW + 9 * DAY) == NOW
        slots.record(connection, slot(26), SlotState.MISSED, at=NOW, reason="late")
        slots.record(connection, slot(25), SlotState.COALESCED, at=NOW)
        assert slots.recorded_until(connection, "weekly", now=NOW + 9 * DAY) == slot(26).due
        assert slots.recorded_until(connection, "monthly", now=NOW + DAY) == NOW + DAY


def test_a_slot_is_unfinished_until_it_is_settled(database: Database) -> None:
    with database.write() as connection:
        slots.record(connection, slot(24), SlotState.DUE, at=NOW)
        slots.record(connection, slot(25), SlotState.MISSED, at=NOW, reason="late")
        assert [r.slot for r in slots.unfinished(connection, "weekly")] == [slot(24)]
        slots.settle(connection, slot(24), SlotState.DONE, reason="sent", issue=3)
        assert slots.unfinished(connection, "weekly") == []
        recent = [(r.slot.key[8:10], r.state, r.reason, r.issue) for r in slots.recent(connection, "weekly")]

    assert recent == [("25", SlotState.MISSED, "late", None), ("24", SlotState.DONE, "sent", 3)]


def test_the_number_of_an_erased_subscription_never_comes_again(database: Database) -> None:
    """It stands in unsubscribe links, which must not become another person's."""
    with database.write() as connection:
        subscribe(connection, "ann")
        [ann] = subscribers.by_address(connection, "ann@example.org")
        subscribers.erase(connection, "ann@example.org", at=NOW)
        subscribe(connection, "bob")
        [bob] = subscribers.by_address(connection, "bob@example.org")

    assert bob.id > ann.id


def test_who_reads_cannot_write_and_the_next_writer_on_the_same_connection_can(
    tmp_path: Path, template: Path
) -> None:
    shutil.copy(template, tmp_path / "digest.db")
    database = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    try:
        for _ in range(2):
            with suppress(StorageError), database.read() as connection:
                raw = connection.connection.driver_connection
                with pytest.raises(OperationalError, match="readonly"):
                    activity_log.record(connection, ActivityKind.OTHER, "read and written", at=NOW)
            with database.write() as connection:
                assert connection.connection.driver_connection is raw, "the pool gives it out again"
                activity_log.record(connection, ActivityKind.OTHER, "written", at=NOW, newsletter="weekly")
        assert [what for what, _ in told(database)] == ["written"] * 2
    finally:
        database.close()
