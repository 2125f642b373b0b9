"""Reads the sources, recognises their articles and stores the new ones.

Sources are read in parallel and stored one after another in the order of the
settings, each in a transaction of its own.  A source that fails keeps what was
stored before, and the reason is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.errors import DigestError
from digest.model.activity import ActivityKind, Actor, Door
from digest.model.article import ArticleId, FoundArticle, Reading, SourceHealth, Validators
from digest.model.newsletter import Newsletter, SourceSpec
from digest.rules.date_only import on_its_day
from digest.rules.identity import Key, Recognition, keys_of, recognise
from digest.storage import activity_log, articles
from digest.storage.database import Connection, Database
from digest.workflows import ReportProgress, no_progress

ReadSource = Callable[[SourceSpec, Validators], Reading]

SHOWS_NOTHING = "It shows no articles at all, though it did before; nothing was removed."

_AT_THE_SAME_TIME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The result of reading one source once."""

    source: SourceSpec
    ok: bool
    shown: int = 0
    new: int = 0
    changed: int = 0
    unchanged: bool = False
    is_first: bool = False
    message: str = ""  # why it failed
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticles:
    """Articles after storing: the id of each, in the order in which they came."""

    ids: tuple[ArticleId, ...]
    new: frozenset[ArticleId]
    changed: int


def collect(
    newsletter: Newsletter,
    *,
    database: Database,
    read: ReadSource,
    by: Actor,
    now: datetime,
    progress: ReportProgress = no_progress,
) -> list[Collected]:
    """Read every source once; returns a `Collected` for each, in the order of the settings.

    The activity log gets one entry for all of them, unless the scheduler collects: it does so all day.
    """
    with database.read() as connection:
        health = articles.health_of(connection, newsletter.name)
    readings = _read_all(newsletter.sources, health, read=read, progress=progress)
    done = []
    for spec in newsletter.sources:
        before = health.get(spec.key) or SourceHealth(key=spec.key, name=spec.name, ok=False)
        with database.write() as connection:
            done.append(_store(connection, newsletter, spec, before, readings[spec.key], now=now))
            if spec is newsletter.sources[-1] and by.door is not Door.SCHEDULER:
                what = _summary(done)
                activity_log.record(
                    connection, ActivityKind.COLLECTED, what, by=by, at=now, newsletter=newsletter.name
                )
    return done


def _summary(done: Sequence[Collected]) -> str:
    failed = sum(not one.ok for one in done)
    sources = "1 source" if len(done) == 1 else f"{len(done)} sources"
    what = f"collected {sources}, {sum(one.new for one in done)} new"
    return f"{what}, {failed} failed" if failed else what


def _read_all(
    sources: Sequence[SourceSpec],
    health: Mapping[str, SourceHealth],
    *,
    read: ReadSource,
    progress: ReportProgress,
) -> dict[str, Reading | DigestError]:
    answers: dict[str, Reading | DigestError] = {}
    with ThreadPoolExecutor(max_workers=min(_AT_THE_SAME_TIME, max(len(sources), 1))) as pool:
        waiting = {
            pool.submit(read_one, spec, _validators(health.get(spec.key)), read): spec for spec in sources
        }
        for future in as_completed(waiting):
            spec = waiting[future]
            answers[spec.key] = future.result()
            progress(len(answers), len(sources), spec.name)
    return answers


def _validators(health: SourceHealth | None) -> Validators:
    # "Has it changed since?" is only worth asking after a successful read.
    return health.validators if health is not None and health.ok else Validators()


def read_one(spec: SourceSpec, validators: Validators, read: ReadSource) -> Reading | DigestError:
    """What the source contains, or why it cannot be read; never raises."""
    try:
        return read(spec, validators)
    except DigestError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one parser's bug must not stop the other sources
        return DigestError(
            f"Reading it failed with {type(error).__name__}: {str(error)[:200]}.",
            mend="This is a bug in digest. Please report it with the source's address.",
        )


def _store(
    connection: Connection,
    newsletter: Newsletter,
    spec: SourceSpec,
    before: SourceHealth,
    answer: Reading | DigestError,
    *,
    now: datetime,
) -> Collected:
    if isinstance(answer, DigestError):
        failed = replace(
            before, ok=False, last_fetched=now, message=str(answer), failures=before.failures + 1
        )
        articles.save_health(connection, newsletter.name, failed)
        return Collected(source=spec, ok=False, message=str(answer))
    if answer.unchanged:
        seen = replace(before, ok=True, last_fetched=now, failures=0)
        articles.save_health(connection, newsletter.name, seen)
        return Collected(source=spec, ok=True, unchanged=True, shown=len(before.shown))
    return _store_reading(connection, newsletter, spec, before, answer, now=now)


def _store_reading(
    connection: Connection,
    newsletter: Newsletter,
    spec: SourceSpec,
    before: SourceHealth,
    reading: Reading,
    *,
    now: datetime,
) -> Collected:
    is_first = before.first_read is None
    taken = store_articles(
        connection,
        newsletter,
        reading.articles,
        source_key=spec.key,
        shown_before=before.shown,
        is_backlog=is_first,
        now=now,
    )

    shown = frozenset(taken.ids)
    new = len(taken.new)
    warnings = [*reading.warnings, *_worries(before, shown, new)]
    after = SourceHealth(
        key=spec.key,
        name=spec.name,
        ok=True,
        last_fetched=now,
        last_new=now if new else before.last_new,
        first_read=before.first_read or (now if reading.articles else None),
        message=" ".join(warnings),
        validators=reading.validators,
        # An empty page is more often an accident than intended: the articles shown
        # before are kept, so that a renamed article is still recognised.
        shown=shown or before.shown,
    )
    articles.save_health(connection, newsletter.name, after)
    return Collected(
        source=spec,
        ok=True,
        shown=len(reading.articles),
        new=new,
        changed=taken.changed,
        is_first=is_first and bool(reading.articles),
        warnings=(*warnings, *reading.skipped),
    )


def store_articles(
    connection: Connection,
    newsletter: Newsletter,
    articles_found: Sequence[FoundArticle],
    *,
    source_key: str,
    shown_before: frozenset[int] = frozenset(),
    is_backlog: bool = False,
    now: datetime,
) -> StoredArticles:
    """Recognise articles, store the new ones, and update the others from their own source.

    This is the only way into the article store, whoever brings the articles, so a
    story stays one article even if several sources carry it.
    """
    zone = ZoneInfo(newsletter.timezone)
    found = tuple(on_its_day(article, zone) for article in articles_found)
    keys = set().union(*(keys_of(f) for f in found)) if found else set()
    answers = recognise(
        found,
        source=source_key,
        known=articles.known_by(connection, newsletter.name, keys=keys, also=shown_before),
        shown_before=shown_before,
    )
    ids = _add_new(
        connection, newsletter, found, answers, source_key=source_key, is_backlog=is_backlog, now=now
    )
    known = {a.article: f for f, a in zip(found, answers, strict=True) if a.article is not None}
    changed = articles.refresh(connection, known, source_key=source_key, seen=now)
    _learn(connection, newsletter.name, answers, ids)
    return StoredArticles(
        ids=tuple(ids[index] for index in range(len(found))),
        new=frozenset(ids[index] for index, answer in enumerate(answers) if answer.is_new),
        changed=changed,
    )


def _add_new(
    connection: Connection,
    newsletter: Newsletter,
    found: Sequence[FoundArticle],
    answers: Sequence[Recognition],
    *,
    source_key: str,
    is_backlog: bool,
    now: datetime,
) -> dict[int, ArticleId]:
    """Store the new articles; returns the article id for every position in the reading."""
    fresh = [index for index, answer in enumerate(answers) if answer.is_new]
    added = articles.add(
        connection,
        newsletter.name,
        [found[index] for index in fresh],
        source_key=source_key,
        seen=now,
        is_backlog=is_backlog,
    )
    ids = dict(zip(fresh, added, strict=True))
    for index, answer in enumerate(answers):
        if answer.article is not None:
            ids[index] = ArticleId(answer.article)
        elif answer.same_as is not None:
            ids[index] = ids[answer.same_as]
    return ids


def _learn(
    connection: Connection, newsletter: str, answers: Sequence[Recognition], ids: Mapping[int, ArticleId]
) -> None:
    keys: dict[int, set[Key]] = {}
    for index, answer in enumerate(answers):
        keys.setdefault(ids[index], set()).update(answer.keys)
    articles.learn_keys(connection, newsletter, keys)


def _worries(before: SourceHealth, shown: frozenset[int], new: int) -> list[str]:
    if before.shown and not shown:
        return [SHOWS_NOTHING]
    if len(before.shown) >= 3 and new == len(shown) and not before.shown & shown:
        return [
            (
                "All its articles have changed since the last read, so some in between may have been missed. "
                "Collect more often (collect_every)."
            )
        ]
    return []
