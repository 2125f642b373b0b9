"""Recognises which articles of a reading are already known.

Feeds change GUIDs, links, dates and titles of old articles, and relying on any
one of them has made newsletters resend hundreds of old stories.  So no single
key decides.  The first of these rules that matches applies:

1. *same address*: host and path agree, even if title and date changed;
   another host counts as the same when the old host is no longer in use.
2. *same GUID*, if slug, title or publication time agrees as well: generators
   reassign GUIDs.
3. *same slug and title*: base addresses and dates move.  Both must agree, because a
   "community-update" comes every month.  Two shown together with different
   dates are two articles.
4. *renamed*: the title of an article that disappeared from this source in this
   reading, if no other article has that title, or none published at the same time.
5. *moved and retitled*: likewise by slug, unless the dates contradict it.
6. *same words*, for teasers without a link of their own; small corrections count.
7. *two sources*: another source has the same title within three days.

Pure.  A new article gets its id from the store.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.model.article import FoundArticle, KeyKind
from digest.rules.url_keys import UrlKey, date_in, url_key

Key = tuple[KeyKind, str]

_CLOSE_IN_TIME = timedelta(days=3)
_SAME_WORDS = 88.0  # of 100: a corrected typo in a teaser stays above 95, another teaser below 60
_TEXT_KEPT = 500


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """What is stored of an article in order to recognise it."""

    id: int
    source: str
    published: datetime | None
    keys: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What one found article turned out to be.

    `article` is the id of a known one; otherwise `same_as` is the index of an
    earlier article of this reading that it repeats; otherwise it is new.
    """

    article: int | None
    same_as: int | None
    why: str
    keys: frozenset[Key]

    @property
    def is_new(self) -> bool:
        return self.article is None and self.same_as is None


def keys_of(found: FoundArticle) -> frozenset[Key]:
    """Every key by which a found article can be recognised later."""
    return _Candidate(found).keys


def plain_title(title: str) -> str:
    """A title as its words only: markup, entities, punctuation and case do not count."""
    text = re.sub(r"<[^>]+>", " ", html.unescape(html.unescape(title)))
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w]+", " ", text).split())


def recognise(
    found: Sequence[FoundArticle],
    *,
    source: str,
    known: Iterable[KnownArticle],
    shown_before: frozenset[int] = frozenset(),
) -> tuple[Recognition, ...]:
    """Decide for each found article, in order, which known one it is, if any.

    `known` holds at least every article that shares a key with the reading or is
    in `shown_before`, the articles of this source's previous good reading.
    """
    reading = _Reading([_Candidate(f) for f in found], source=source, known=known, shown_before=shown_before)
    return reading.recognise()


class _Candidate:
    """A found article with the keys it is compared by."""

    __slots__ = ("found", "guid", "keys", "own_address", "place", "text", "title")

    def __init__(self, found: FoundArticle) -> None:
        self.found = found
        self.guid = found.guid.strip()
        self.title = plain_title(found.title)
        self.place: UrlKey = url_key(found.url)
        self.text = plain_title(f"{found.title} {found.teaser}")[:_TEXT_KEPT] if found.url_is_shared else ""
        # A home page, or a page that many teasers share, identifies no article.
        self.own_address = bool(self.place.path) and not found.url_is_shared
        self.keys = frozenset(self._keys())

    def _keys(self) -> Iterable[Key]:
        if self.guid:
            yield KeyKind.GUID, self.guid
        if self.title:
            yield KeyKind.TITLE, self.title
        if self.text:
            yield KeyKind.TEXT, self.text
        if not self.own_address:
            return
        yield KeyKind.ADDRESS, self.place.address
        yield KeyKind.PATH, self.place.path
        if self.place.slug:
            yield KeyKind.SLUG, self.place.slug


class _Reading:
    """One pass over a reading; it learns as it goes, so that repeats are recognised."""

    def __init__(
        self,
        looks: list[_Candidate],
        *,
        source: str,
        known: Iterable[KnownArticle],
        shown_before: frozenset[int],
    ) -> None:
        self.looks = looks
        self.source = source
        self.shown_before = shown_before
        self.by_key: dict[Key, list[int]] = defaultdict(list)
        self.sources: dict[int, str] = {}
        self.published: dict[int, datetime | None] = {}
        self.keys: dict[int, set[Key]] = {}
        self.looked: dict[int, _Candidate] = {}  # id -> how this reading shows it
        self.answers: dict[int, tuple[int, str]] = {}
        self.hosts_in_use = {look.place.host for look in looks}
        self.guids = Counter(look.guid for look in looks if look.guid)
        self.addresses = Counter(look.place.address for look in looks)
        for article in known:
            self._learn(article.id, article.keys, source=article.source, published=article.published)

    def recognise(self) -> tuple[Recognition, ...]:
        # The strongest rule is applied to the whole reading first: a weaker one must not
        # claim an article whose address another item clearly has.
        for rule in (self._same_address, self._same_guid, self._same_slug_and_title, self._same_words):
            self._apply(rule)
        vanished = self.shown_before - {article for article, _ in self.answers.values()}
        for index, look in enumerate(self.looks):
            if index not in self.answers:
                self._settle_fresh(index, look, vanished)
        return tuple(self._recognition(index) for index in range(len(self.looks)))

    def _apply(self, rule: Callable[[_Candidate], tuple[int, str] | None]) -> None:
        for index, look in enumerate(self.looks):
            if index in self.answers:
                continue
            answer = rule(look)
            if answer is not None:
                self._answer(index, look, *answer)

    def _settle_fresh(self, index: int, look: _Candidate, vanished: frozenset[int]) -> None:
        known = (
            self._same_address(look)
            or self._same_guid(look)
            or self._same_slug_and_title(look)
            or self._same_words(look)
            or self._renamed(look, vanished)
            or self._moved_and_retitled(look, vanished)
            or self._words_corrected(look, vanished)
            or self._in_another_source(look)
        )
        if known is None:
            known = (-index - 1, "not seen before")
        self._answer(index, look, *known)

    def _answer(self, index: int, look: _Candidate, article: int, why: str) -> None:
        self.answers[index] = (article, why)
        self.looked.setdefault(article, look)
        self._learn(article, look.keys, source=self.source, published=look.found.published)

    def _learn(self, article: int, keys: Iterable[Key], *, source: str, published: datetime | None) -> None:
        held = self.keys.setdefault(article, set())
        self.sources.setdefault(article, source)
        self.published[article] = self.published.get(article) or published
        for key in keys:
            if key not in held:
                held.add(key)
                self.by_key[key].append(article)

    def _recognition(self, index: int) -> Recognition:
        article, why = self.answers[index]
        keys = self.looks[index].keys
        if article >= 0:
            return Recognition(article, None, why, keys)
        first = -article - 1
        return Recognition(None, None if first == index else first, why, keys)

    # -- the rules, strongest first; each answers (article, why) or None -------

    def _same_address(self, look: _Candidate) -> tuple[int, str] | None:
        if not look.own_address:
            return None
        for article in self.by_key[KeyKind.ADDRESS, look.place.address]:
            if not self._is_another_anchor(look, article):
                return article, "same address"
        for article in self.by_key[KeyKind.PATH, look.place.path]:
            if not self._is_another_anchor(look, article) and self._may_have_changed_host(look, article):
                return article, "same path on another host"
        return None

    def _is_another_anchor(self, look: _Candidate, article: int) -> bool:
        """Several entries of one page, as in a changelog, are told apart by title."""
        if self.addresses[look.place.address] < 2 or not look.place.fragment:
            return False
        return not self._has(article, KeyKind.TITLE, look.title)

    def _may_have_changed_host(self, look: _Candidate, article: int) -> bool:
        if self._has(article, KeyKind.TITLE, look.title):
            return True
        return self.sources[article] == self.source and self._left_its_host(look, article)

    def _left_its_host(self, look: _Candidate, article: int) -> bool:
        """In a feed that combines several hosts, `/welcome` on one is not `/welcome` on another."""
        hosts = {value.split("/", 1)[0] for kind, value in self.keys[article] if kind is KeyKind.ADDRESS}
        return look.place.host in hosts or not hosts & self.hosts_in_use

    def _same_guid(self, look: _Candidate) -> tuple[int, str] | None:
        # A GUID on several items of one feed identifies none of them.
        if not look.guid or self.guids[look.guid] > 1:
            return None
        for article in self.by_key[KeyKind.GUID, look.guid]:
            if self.sources[article] == self.source and self._agrees_otherwise(look, article):
                return article, "same GUID"
        return None

    def _agrees_otherwise(self, look: _Candidate, article: int) -> bool:
        if self._has(article, KeyKind.TITLE, look.title) or self._has(article, KeyKind.SLUG, look.place.slug):
            return True
        before, now = self.published[article], look.found.published
        return article not in self.looked and before is not None and now is not None and before == now

    def _same_slug_and_title(self, look: _Candidate) -> tuple[int, str] | None:
        if not look.own_address or not look.place.slug:
            return None
        for article in self.by_key[KeyKind.SLUG, look.place.slug]:
            if self._has(article, KeyKind.TITLE, look.title) and not self._are_shown_together(look, article):
                return article, "same slug and title"
        return None

    def _are_shown_together(self, look: _Candidate, article: int) -> bool:
        """Both are in this reading, and path and publishing date both say: two articles."""
        other = self.looked.get(article)
        if other is None or other.place.path == look.place.path:
            return False
        return _differ(other.place.date, look.place.date) and _days_differ(
            other.found.published, look.found.published
        )

    def _same_words(self, look: _Candidate) -> tuple[int, str] | None:
        if not look.text:
            return None
        for article in self.by_key[KeyKind.TEXT, look.text]:
            return article, "same words"
        return None

    def _renamed(self, look: _Candidate, vanished: frozenset[int]) -> tuple[int, str] | None:
        if not look.title or self.by_key.get((KeyKind.SLUG, look.place.slug)):
            return None
        named = self.by_key[KeyKind.TITLE, look.title]
        if len(named) > 1:  # as with "Release notes"; then only the publication time tells which
            named = [a for a in named if look.found.published and self.published[a] == look.found.published]
        if len(named) == 1 and named[0] in vanished and named[0] not in self.looked:
            return named[0], "same title under a new address, and the old one is gone"
        return None

    def _moved_and_retitled(self, look: _Candidate, vanished: frozenset[int]) -> tuple[int, str] | None:
        if not look.own_address or not look.place.slug:
            return None
        named = self.by_key[KeyKind.SLUG, look.place.slug]
        if len(named) != 1 or named[0] not in vanished or named[0] in self.looked:
            return None
        before = named[0]
        if not self._left_its_host(look, before):
            return None
        dates = {date for date in map(date_in, self._paths(before)) if date}
        if look.place.date and dates and look.place.date not in dates:
            return None
        if _days_differ(self.published[before], look.found.published):
            return None
        return before, "same slug at a new address, and the old one is gone"

    def _words_corrected(self, look: _Candidate, vanished: frozenset[int]) -> tuple[int, str] | None:
        if not look.text:
            return None
        from rapidfuzz import fuzz

        for article in sorted(vanished - self.looked.keys()):
            for kind, words in self.keys[article]:
                if kind is KeyKind.TEXT and fuzz.ratio(words, look.text) >= _SAME_WORDS:
                    return article, "nearly the same words, and the old ones are gone"
        return None

    def _in_another_source(self, look: _Candidate) -> tuple[int, str] | None:
        if len(look.title.split()) < 3 or look.found.published is None:
            return None
        for article in self.by_key[KeyKind.TITLE, look.title]:
            published = self.published[article]
            if self.sources[article] == self.source or published is None:
                continue
            if abs(published - look.found.published) <= _CLOSE_IN_TIME:
                return article, "another source carries it under the same title"
        return None

    def _has(self, article: int, kind: KeyKind, value: str) -> bool:
        return bool(value) and (kind, value) in self.keys[article]

    def _paths(self, article: int) -> Iterable[str]:
        return (value for kind, value in self.keys[article] if kind is KeyKind.PATH)


def _differ(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one != other


def _days_differ(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and abs(one - other) >= timedelta(hours=20)
