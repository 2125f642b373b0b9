"""Articles, the keys that identify them, and the health of their sources."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update
from sqlalchemy import insert as plain_insert

from digest.model.article import Article, ArticleId, FoundArticle, Image, KeyKind, SourceHealth, Validators
from digest.model.issue import LeftOut
from digest.rules.identity import Key, KnownArticle
from digest.storage.dialect import chunks, insert_or_ignore
from digest.storage.tables import article, article_key, source

_AT_ONCE = 400  # parameters per statement, far below SQLite's limit
_OLD_SHOWN = 200  # how many new articles that are too old one plan lists


# -- recognising ---------------------------------------------------------------


def known_by(
    connection: Connection, newsletter: str, *, keys: Collection[Key], also: Collection[int]
) -> list[KnownArticle]:
    """Every article that has one of the keys, or whose id is in `also`, with all its keys."""
    ids = set(also)
    for kind, values in _by_kind(keys).items():
        for some in chunks(values, _AT_ONCE):
            # One kind at a time: SQLite finds no index for a list of (kind, value) pairs.
            hit = select(article_key.c.article_id).where(
                article_key.c.newsletter == newsletter,
                article_key.c.kind == kind.value,
                article_key.c.value.in_(some),
            )
            ids.update(connection.execute(hit).scalars())
    return list(_known(connection, ids))


def _by_kind(keys: Iterable[Key]) -> dict[KeyKind, list[str]]:
    kinds: dict[KeyKind, list[str]] = {}
    for kind, value in sorted(keys):
        kinds.setdefault(kind, []).append(value)
    return kinds


def _known(connection: Connection, ids: Collection[int]) -> Iterator[KnownArticle]:
    for some in chunks(sorted(ids), _AT_ONCE):
        held: dict[int, set[Key]] = {number: set() for number in some}
        rows = select(article_key.c.article_id, article_key.c.kind, article_key.c.value)
        for number, kind, value in connection.execute(rows.where(article_key.c.article_id.in_(some))):
            held[number].add((KeyKind(kind), value))
        facts = select(article.c.id, article.c.source, article.c.published).where(article.c.id.in_(some))
        for number, origin, published in connection.execute(facts):
            yield KnownArticle(number, origin, published, frozenset(held[number]))


def learn_keys(connection: Connection, newsletter: str, keys: Mapping[int, Iterable[Key]]) -> None:
    """Store further keys by which these articles can be recognised."""
    rows = [
        {"newsletter": newsletter, "kind": kind.value, "value": value, "article_id": number}
        for number, held in keys.items()
        for kind, value in held
    ]
    for some in chunks(rows, 5000):
        connection.execute(insert_or_ignore(connection, article_key), some)


# -- writing -------------------------------------------------------------------


def add(
    connection: Connection,
    newsletter: str,
    found: Sequence[FoundArticle],
    *,
    source_key: str,
    seen: datetime,
    is_backlog: bool,
) -> list[ArticleId]:
    """Store new articles; returns their ids in the same order."""
    if not found:
        return []
    rows = [
        {
            "newsletter": newsletter,
            "source": source_key,
            "first_seen": seen,
            "is_backlog": is_backlog,
            **_content(f, seen),
        }
        for f in found
    ]
    ids: list[ArticleId] = []
    statement = plain_insert(article).returning(article.c.id, sort_by_parameter_order=True)
    for some in chunks(rows, 1000):
        ids.extend(ArticleId(number) for number in connection.execute(statement, some).scalars())
    return ids


def refresh(
    connection: Connection, found: Mapping[int, FoundArticle], *, source_key: str, seen: datetime
) -> int:
    """Update known articles with what their own source shows now; returns how many changed.

    What another source says about the same story changes nothing.  Fields filled in from
    the article's own page are kept if the source has no value for them.
    """
    changed = []
    for old in by_ids(connection, found.keys()):
        if old.source != source_key:
            continue
        values = _changes(old, found[old.id], seen)
        if values:
            changed.append((old.id, values))
    for number, values in changed:
        connection.execute(update(article).where(article.c.id == number).values(**values))
    return len(changed)


def _changes(old: Article, new: FoundArticle, seen: datetime) -> dict[str, Any]:
    now = _content(new, old.first_seen)
    before = _content_of(old)
    values = {
        name: value for name, value in now.items() if value != before[name] and value not in (None, "", [])
    }
    if old.title and new.title_is_made and not old.title_is_made:
        values.pop("title", None)
        values.pop("title_is_made", None)
    if "published" in values and _is_dated_anew(old, values["published"], seen):
        values.pop("published")
    if "published" in values:
        values["dated"] = values["published"]
    else:
        values.pop("dated", None)
    if old.is_featured_at_source and not new.featured:
        values["is_featured_at_source"] = False
    elif new.featured and not old.is_featured_at_source:
        # Featured after it was first seen: treated like an editor's mark.
        values["is_featured_at_source"] = True
        values["featured_at"] = seen
    return values


def _is_dated_anew(old: Article, published: datetime, seen: datetime) -> bool:
    """Whether an old article of the backlog gets a later date, as after a rebuild or an edit of the site.

    It stays old, or the whole backlog would appear as new.  The date of an article that
    was still to appear may be postponed.
    """
    return old.is_backlog and old.dated <= seen and published > old.dated


def complete(connection: Connection, number: int, filled: FoundArticle, *, at: datetime) -> None:
    """Store what an article's own page provided."""
    before = by_ids(connection, [number])[0]
    connection.execute(
        update(article)
        .where(article.c.id == number)
        .values(**_content(filled, before.first_seen), completed_at=at)
    )


def mark_completed(connection: Connection, number: int, *, at: datetime) -> None:
    """Its page was fetched without a result, so it is not fetched again."""
    connection.execute(update(article).where(article.c.id == number).values(completed_at=at))


def feature(connection: Connection, number: int, *, at: datetime) -> None:
    connection.execute(
        update(article).where(article.c.id == number).values(featured_at=at, unfeatured_at=None)
    )


def unfeature(connection: Connection, number: int, *, at: datetime) -> None:
    connection.execute(
        update(article).where(article.c.id == number).values(featured_at=None, unfeatured_at=at)
    )


def exclude(connection: Connection, number: int, *, at: datetime, why: str) -> None:
    connection.execute(
        update(article)
        .where(article.c.id == number)
        .values(excluded_at=at, excluded_why=why, featured_at=None)
    )


def unmark(connection: Connection, number: int) -> None:
    """Remove every mark made by hand."""
    none = {"featured_at": None, "unfeatured_at": None, "excluded_at": None, "excluded_why": ""}
    connection.execute(update(article).where(article.c.id == number).values(**none))


# -- reading -------------------------------------------------------------------


def candidates(
    connection: Connection, newsletter: str, *, reach: datetime, oldest: datetime, since: datetime | None
) -> tuple[list[Article], dict[LeftOut, int]]:
    """The articles worth judging, and how many others there are, by reason.

    Does not load what `rules.selection` would settle anyway: articles issued before and
    not featured since, backlog before `reach`, and articles dated before `oldest`.  The
    newest of the last kind that arrived since the last issue are included all the same,
    because an owner will ask about them.
    """
    mine = article.c.newsletter == newsletter
    called_in = article.c.featured_at.is_not(None)
    issued = article.c.last_issue.is_not(None)
    backlog = and_(article.c.is_backlog, article.c.dated < reach)
    stale = article.c.dated < oldest
    wanted = select(article).where(mine, or_(called_in, ~or_(issued, backlog, stale)))
    found = [_article(row) for row in connection.execute(wanted.order_by(article.c.id))]

    count = select(func.count()).select_from(article).where(mine, ~called_in)
    too_old = and_(~issued, ~backlog, stale)
    earlier = {
        LeftOut.ALREADY: connection.scalar(count.where(issued)) or 0,
        (LeftOut.BACKLOG if since is None else LeftOut.BACKLOG_KEPT): connection.scalar(
            count.where(~issued, backlog)
        )
        or 0,
        LeftOut.TOO_OLD: connection.scalar(count.where(too_old)) or 0,
    }
    if since is not None:
        fresh = select(article).where(mine, ~called_in, too_old, article.c.first_seen > since)
        shown = connection.execute(fresh.order_by(article.c.dated.desc()).limit(_OLD_SHOWN)).all()
        found += [_article(row) for row in shown]
        earlier[LeftOut.TOO_OLD] -= len(shown)
    return found, {reason: number for reason, number in earlier.items() if number}


def newest(connection: Connection, newsletter: str) -> datetime | None:
    """The date of the youngest article, as used for its age."""
    dated: datetime | None = connection.scalar(
        select(func.max(article.c.dated)).where(article.c.newsletter == newsletter)
    )
    return dated


def all_of(connection: Connection, newsletter: str) -> list[Article]:
    """All articles of a newsletter, by ascending id."""
    rows = select(article).where(article.c.newsletter == newsletter).order_by(article.c.id)
    return [_article(row) for row in connection.execute(rows)]


def count(connection: Connection, newsletter: str) -> int:
    """The number of articles, whatever their status."""
    number = connection.scalar(select(func.count()).where(article.c.newsletter == newsletter))
    return int(number or 0)


def by_ids(connection: Connection, ids: Collection[int]) -> list[Article]:
    """The articles with these ids, by ascending id."""
    found: list[Article] = []
    for some in chunks(sorted(ids), _AT_ONCE):
        rows = select(article).where(article.c.id.in_(some)).order_by(article.c.id)
        found += [_article(row) for row in connection.execute(rows)]
    return found


def to_complete(connection: Connection, newsletter: str, *, since: datetime, limit: int) -> list[Article]:
    """Articles that may go into an issue and whose own page was never fetched, newest first."""
    rows = (
        select(article)
        .where(
            article.c.newsletter == newsletter,
            article.c.completed_at.is_(None),
            article.c.last_issue.is_(None),
            article.c.dated >= since,
        )
        .order_by(article.c.dated.desc(), article.c.id)
        .limit(limit)
    )
    return [_article(row) for row in connection.execute(rows)]


def search(connection: Connection, newsletter: str, words: Sequence[str], *, limit: int) -> list[Article]:
    """Articles with every word in title or teaser, ignoring case; newest first."""
    rows = select(article).where(article.c.newsletter == newsletter)
    for word in words:
        # SQLite only folds the case of ASCII letters, so other words are searched in each usual spelling.
        spellings = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
        rows = rows.where(
            or_(
                *(
                    column.icontains(spelling, autoescape=True)
                    for column in (article.c.title, article.c.teaser)
                    for spelling in sorted(spellings)
                )
            )
        )
    rows = rows.order_by(article.c.dated.desc(), article.c.id.desc()).limit(limit)
    return [_article(row) for row in connection.execute(rows)]


def by_keys(connection: Connection, newsletter: str, keys: Collection[Key]) -> list[Article]:
    """Articles that have at least one of these keys."""
    return by_ids(connection, [known.id for known in known_by(connection, newsletter, keys=keys, also=())])


# -- sources -------------------------------------------------------------------


def health_of(connection: Connection, newsletter: str) -> dict[str, SourceHealth]:
    """The health of each source that was ever read, by its key."""
    rows = connection.execute(select(source).where(source.c.newsletter == newsletter))
    return {row.key: _health(row) for row in rows}


def save_health(connection: Connection, newsletter: str, health: SourceHealth) -> None:
    values = {
        "etag": health.validators.etag,
        "last_modified": health.validators.last_modified,
        "first_read": health.first_read,
        "last_fetched": health.last_fetched,
        "last_new": health.last_new,
        "ok": health.ok,
        "message": health.message,
        "failures": health.failures,
        "shown": sorted(health.shown),
    }
    which = and_(source.c.newsletter == newsletter, source.c.key == health.key)
    if connection.execute(update(source).where(which).values(**values)).rowcount == 0:
        connection.execute(plain_insert(source).values(newsletter=newsletter, key=health.key, **values))


# -- rows and values -----------------------------------------------------------


def _content(found: FoundArticle, first_seen: datetime) -> dict[str, Any]:
    return {
        "url": found.url,
        "title": found.title,
        "title_is_made": found.title_is_made,
        "teaser": found.teaser,
        "author": found.author,
        "published": found.published,
        "dated": found.published or first_seen,
        "image": asdict(found.image) if found.image else None,
        "tags": list(found.tags),
        "language": found.language,
        "minutes": found.minutes,
        "is_featured_at_source": found.featured,
    }


def _content_of(old: Article) -> dict[str, Any]:
    return {
        "url": old.url,
        "title": old.title,
        "title_is_made": old.title_is_made,
        "teaser": old.teaser,
        "author": old.author,
        "published": old.published,
        "dated": old.dated,
        "image": asdict(old.image) if old.image else None,
        "tags": list(old.tags),
        "language": old.language,
        "minutes": old.minutes,
        "is_featured_at_source": old.is_featured_at_source,
    }


def _article(row: Row[Any]) -> Article:
    values = dict(row._mapping)
    values.pop("dated")
    values["id"] = ArticleId(values["id"])
    values["image"] = Image(**values["image"]) if values["image"] else None
    values["tags"] = tuple(values["tags"])
    return Article(**values)


def _health(row: Row[Any]) -> SourceHealth:
    return SourceHealth(
        key=row.key,
        name="",
        ok=row.ok,
        last_fetched=row.last_fetched,
        last_new=row.last_new,
        first_read=row.first_read,
        message=row.message,
        failures=row.failures,
        validators=Validators(etag=row.etag, last_modified=row.last_modified),
        shown=frozenset(row.shown),
    )
