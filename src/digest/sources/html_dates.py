"""Dates and reading times as people write them on pages, in many languages.

Pure: `now` is passed in, and resolves "3 days ago".  A date without a time is
midnight UTC; a month without a day is no date.  What cannot be a publication
date (before 1990, more than a year ahead, Go's zero time) is no date either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from babel import Locale
from dateutil import parser as dateutil_parser

LANGUAGES = tuple("en de fr es it nl pt sv da nb fi pl cs sk hu ro ru uk tr el ca".split())

_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text, and its place there."""

    value: datetime  # aware, UTC
    start: int
    end: int


def read_datetime(value: str, *, now: datetime) -> datetime | None:
    """A date made for machines (`<time datetime>`, meta, JSON-LD); a naive one counts as UTC."""
    text = re.sub(r"([+-]\d{2}:?\d{2})\s+[A-Z]{2,5}$", r"\1", value.strip())  # Go: "+0000 UTC"
    if not re.search(r"\d{4}", text) or re.fullmatch(r"\d{4}(-\d{1,2})?", text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None:
        visible = find_date(text, now=now)
        found = _loosely(text) if re.search(r"\d:\d\d", text) or visible is None else visible.value
    return _plausible(found, now)


@lru_cache(maxsize=8192)  # the same line of a card is asked for from several sides
def find_date(
    text: str, *, now: datetime, year: int | None = None, yearless: bool = False, day_first: bool = False
) -> FoundDate | None:
    """The first date in a text.

    `year` is what the surroundings say ("Posts in 2024") for a day without one;
    with `yearless` such a day without any context is the latest one that is not
    in the future.  `day_first` says how to read 05/06/2024.
    """
    found = [*_full_dates(text, now, day_first), *_relative_dates(text, now)]
    if not found and (year is not None or yearless):
        found = list(_yearless_dates(text, now, year))
    return min(found, key=lambda f: (f.start, -f.end), default=None)


@lru_cache(maxsize=8192)
def without_dates(text: str, *, yearless: bool = False) -> str:
    """The text without its dates and months ("May 2024"); with `yearless` also without "5 May"."""
    if not re.search(r"\d", text) and not _AGO_WORDS.search(text):
        return text
    named = _names_month(text)
    loose = (_month_and_year(), *(_yearless_patterns() if yearless else ())) if named else ()
    for pattern in (*_patterns_for(text), *_RELATIVE, *loose):
        text = _cut_out(pattern, text)
    return re.sub(r"\s{2,}", " ", text).strip()


def _cut_out(pattern: re.Pattern[str], text: str) -> str:
    kept, end = [], 0
    for match in pattern.finditer(text):
        kept.append(text[end : max(_with_weekday(text, match.start()), end)])
        end = match.end()
    return " ".join([*kept, text[end:]]) if kept else text


def find_minutes(text: str) -> int | None:
    """The reading time as a page states it: "8 min read", "Lesezeit: 8 Minuten"; at most four hours."""
    for pattern in _MINUTES if re.search(r"\d", text) else ():
        found = pattern.search(text)
        if found and 0 < int(found[1]) <= 240:
            return int(found[1])
    return None


@lru_cache(maxsize=8192)
def without_minutes(text: str) -> str:
    for pattern in _MINUTES if re.search(r"\d", text) else ():
        text = pattern.sub(" ", text)
    return re.sub(r"\s{2,}", " ", text).strip()


def is_day_first(texts: Iterable[str], *, language: str) -> bool:
    """How a page writes 05/06/2024: as its other dates prove it, else as its language does."""
    for text in texts:
        for first, second in re.findall(r"(?<![\d/])(\d{1,2})/(\d{1,2})/\d{2,4}(?![\d/])", text):
            if int(first) > 12 or int(second) > 12:
                return int(first) > 12
    tag = language.lower()
    return bool(tag) and (not tag.startswith("en") or tag in {"en-gb", "en-au", "en-nz", "en-ie", "en-in"})


def year_alone(text: str) -> int | None:
    """The year that a heading of an archive names: "2024", "Posts in 2024", "May 2024"."""
    if len(text) > 40:
        return None
    found = re.fullmatch(r"\D{0,20}\b((?:19|20)\d{2})(?:年|[^\w]{0,8})", text.strip())
    return int(found[1]) if found else None


def _loosely(text: str) -> datetime | None:
    try:
        return dateutil_parser.parse(text, default=datetime(1, 1, 1), ignoretz=False)  # noqa: DTZ001
    except (ValueError, OverflowError, TypeError):
        return None


def _plausible(found: datetime | None, now: datetime) -> datetime | None:
    if found is None:
        return None
    try:
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return aware if _OLDEST <= aware <= now + _AHEAD else None


def _day(year: int, month: int, day: int, now: datetime) -> datetime | None:
    try:
        return _plausible(datetime(year, month, day, tzinfo=UTC), now)
    except ValueError:
        return None


# --- dates with a year


def _full_dates(text: str, now: datetime, day_first: bool) -> Iterable[FoundDate]:
    for pattern in _patterns_for(text):
        for match in pattern.finditer(text):
            value = _value_of(match, now, day_first)
            if value is not None:
                yield FoundDate(value, _with_weekday(text, match.start()), match.end())
                break


def _value_of(match: re.Match[str], now: datetime, day_first: bool) -> datetime | None:
    parts = match.groupdict()
    if not parts.get("year"):
        return None
    digits = parts["year"].lstrip("'’")
    year = int(digits) + 2000 if len(digits) == 2 else int(digits)
    if parts.get("name"):
        return _day(year, _months()[parts["name"].casefold().rstrip(".")], int(parts["day"]), now)
    if parts.get("first"):
        first, second = int(parts["first"]), int(parts["second"])
        dotted = match["separator"] == "."
        swap = first > 12 or ((day_first or dotted) and second <= 12)
        return _day(year, second if swap else first, first if swap else second, now)
    return _day(year, int(parts["month"]), int(parts["day"]), now)


_ISO_TIME = r"(?:[T\s]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2})?)?"
_TIME = (
    r"(?:,?\s*(?:at|um|à|a las|alle|às|om|kl\.?|@|·|-|–)?\s*\b\d{1,2}[:h]\d{2}(?::\d{2})?\s*(?:[ap]\.?m\b\.?"
    r"|Uhr\b)?(?:\s*(?:UTC|GMT|CES?T|[ECMP][SD]T|[+-]\d{2}:?\d{2})\b)?)?"
)
_NUMERIC = tuple(
    re.compile(source, re.IGNORECASE)
    for source in (
        rf"(?<![\w.])(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?!\d){_ISO_TIME}",
        (
            r"(?<![\w./])(?P<year>(?:19"
            r"|20)\d{2})(?P<s>[/.])\s?(?P<month>\d{1,2})(?P=s)\s?(?P<day>\d{1,2})\.?(?![\d/])" + _TIME
        ),
        rf"(?P<year>\d{{4}})\s*[年년]\s*(?P<month>\d{{1,2}})\s*[月월]\s*(?P<day>\d{{1,2}})\s*[日일]{_TIME}",
        (
            r"(?<![\w./-])(?P<first>\d{1,2})(?P<separator>[./-])\s?(?P<second>\d{1,2})(?P=separator)\s?(?P<year>\d{4})"
            rf"(?![\w./-]*\d){_TIME}"
        ),
        r"(?<![\w./-])(?P<first>\d{1,2})(?P<separator>/)(?P<second>\d{1,2})/(?P<year>\d{2})(?![\w./-]*\d)",
    )
)


@cache
def _named_patterns() -> tuple[re.Pattern[str], ...]:
    """Dates with the name of a month and a year."""
    name = rf"\b(?P<name>{_alternatives(_months())})\b\.?"
    day, year, space = r"(?P<day>\d{1,2})", r"(?P<year>\d{4})", r"(?:\s+|\s*[-/,]\s*)"
    ordinal = r"(?:st|nd|rd|th|er|º|ª|°|\.)?(?:\s+|\s*[-/]\s*)?(?:of\s+|de\s+|d['’])?"
    short_year = r"(?P<year>\d{4}|['’]\d{2})"
    sources = (
        rf"(?<![\w.-]){day}{ordinal}{name},?{space}(?:of\s+|de\s+|del\s+)?{short_year}(?!\w){_TIME}",
        rf"{name}\s*{day}(?:st|nd|rd|th)?(?:\s*,\s*|\s+){year}(?!\w){_TIME}",
        rf"(?<![\w.]){year}\.?{space}{name}(?:\s+|\s*-\s*){day}(?!\d)\.?{_TIME}",
    )
    return tuple(re.compile(source, re.IGNORECASE) for source in sources)


def _patterns_for(text: str) -> tuple[re.Pattern[str], ...]:
    """The patterns that can match at all: most lines of a page have no digit, or no month's name."""
    if not re.search(r"\d", text):
        return ()
    return (*_NUMERIC, *_named_patterns()) if _names_month(text) else _NUMERIC


def _names_month(text: str) -> bool:
    return any(word in _months() for word in re.findall(r"[^\W\d_]{3,}", text.casefold()))


def _with_weekday(text: str, start: int) -> int:
    """Where a date begins that has its weekday in front: "Mon 20 July"."""
    found = re.search(r"\b([^\W\d_]{2,14})\.?,?\s+(?:the\s+|den\s+|le\s+|dem\s+|el\s+)?$", text[:start])
    return found.start() if found and found[1].casefold() in _weekdays() else start


# --- a day without a year


@cache
def _yearless_patterns() -> tuple[re.Pattern[str], ...]:
    name = rf"\b(?P<name>{_alternatives(_months())})\b\.?"
    day, no_year = r"(?P<day>\d{1,2})", r"(?P<year>)"
    sources = (
        rf"(?<![\w.]){day}(?:st|nd|rd|th|er|º|\.)?(?:\s+|\s*-\s*)(?:of\s+|de\s+)?{name}{no_year}(?!\s*\d)",
        rf"{name}\s*{day}(?:st|nd|rd|th)?\b{no_year}(?!\s*,?\s*\d{{4}})",
    )
    return tuple(re.compile(source, re.IGNORECASE) for source in sources)


def _yearless_dates(text: str, now: datetime, year: int | None) -> Iterable[FoundDate]:
    patterns = _yearless_patterns() if _names_month(text) else ()
    numeric = re.compile(r"^(?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?=$|\s)")
    for pattern in patterns if year is None else [*patterns, numeric]:
        match = pattern.search(text)
        if match is None:
            continue
        parts = match.groupdict()
        month = _months()[parts["name"].casefold()] if parts.get("name") else int(parts["month"])
        value = _in_year(month, int(parts["day"]), year, now)
        if value is not None:
            yield FoundDate(value, match.start(), match.end())


def _in_year(month: int, day: int, year: int | None, now: datetime) -> datetime | None:
    if year is not None:
        return _day(year, month, day, now)
    # A page says "5 May" for its newest; a week of grace for clocks and time zones.
    this = _day(now.year, month, day, now)
    return (
        this if this is not None and this <= now + timedelta(days=7) else _day(now.year - 1, month, day, now)
    )


@cache
def _month_and_year() -> re.Pattern[str]:
    return re.compile(
        rf"\b(?:{_alternatives(_months())})\b\.?,?\s+(?:de\s+)?(?:19|20)\d{{2}}\b", re.IGNORECASE
    )


# --- words


@cache
def _months() -> dict[str, int]:
    """Month names and abbreviations without their dot, case folded; no two languages of ours disagree."""
    names = {"sept": 9}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in Locale(language).months[context][width].items():
                    names.setdefault(name.casefold().rstrip("."), number)
    return {name: number for name, number in names.items() if len(name) > 2 and not name.isdigit()}


@cache
def _weekdays() -> dict[str, int]:
    names: dict[str, int] = {}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for number, name in Locale(language).days["format"][width].items():
                names.setdefault(name.casefold().rstrip("."), number)
    return names


def _alternatives(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


# --- "3 days ago"

_UNITS: dict[str, timedelta] = {
    r"s(?:ec(?:ond)?s?)?|sekunden?|secondes?|segundos?|secondi|secondo|seconden?": timedelta(seconds=1),
    r"m(?:in(?:ute)?s?)?|minuten|minuto|minutos|minuti|minuut|minuter|minutter": timedelta(minutes=1),
    r"h(?:(?:ou)?rs?)?|stunden?|heures?|horas?|ora|ore|uur|uren|timm(?:e|ar)|timer?": timedelta(hours=1),
    r"d(?:ays?)?|tage?n?|jours?|d[ií]as?|giorn[oi]|dag|dagen|dage|dagar|dager": timedelta(days=1),
    r"w(?:(?:ee)?ks?)?|wochen?|semaines?|semanas?|settiman[ae]|week|weken|veck(?:a|or)|uger?"
    r"|uker?": timedelta(days=7),
    r"mo(?:nth)?s?|monate?n?|mois|mes(?:es)?|m[êe]s|mes[ei]|maand(?:en)?|m[åa]nad(?:er)?"
    r"|m[åa]neder?": timedelta(days=30),
    r"y(?:(?:ea)?rs?)?|jahre?n?|ans?|ann[ée]es?|a[ñn]os?|ann[oi]|jaar|jaren|[åa]r|anos?": timedelta(days=365),
}
_UNIT = "|".join(_UNITS)
_NUMBER = r"\d{1,3}|an?|one|ein(?:e[mnr]?)?|une?|una|uno|um|uma|een|et?n?|ett"
_RELATIVE = (
    re.compile(
        rf"\b(?:vor|il y a|hace|há|för|for|about"
        rf"|over)\s+(?P<count>{_NUMBER})\s+(?P<unit>{_UNIT})\b(?:\s+(?:ago|sedan|siden|atrás))?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<count>{_NUMBER})\s*(?P<unit>{_UNIT})\s+(?:ago|fa|geleden|atr[áa]s|sedan"
        rf"|siden)\b",
        re.IGNORECASE,
    ),
)
_NAMED_DAYS = {
    0: "today|heute|aujourd['’]hui|hoy|oggi|vandaag|hoje|just now|gerade eben|à l['’]instant",
    1: "yesterday|gestern|hier|ayer|ieri|gisteren|ontem",
}
_AGO_WORDS = re.compile(r"\b(?:vor|il y a|hace|há|för|ago|fa|geleden|atr[áa]s|sedan|siden)\b", re.IGNORECASE)


def _relative_dates(text: str, now: datetime) -> Iterable[FoundDate]:
    if _AGO_WORDS.search(text):
        for pattern in _RELATIVE:
            match = pattern.search(text)
            if match and _AGO_WORDS.search(match[0]):
                yield FoundDate(_ago(match, now), match.start(), match.end())
    for days, words in _NAMED_DAYS.items() if len(text) <= 120 else ():
        named = re.search(
            rf"(?:^|[·|,•–—-])\W*(?:\w+\s+){{0,2}}(?P<day>{words})\b(?=\W*$|\s*[·|,•–-]|\s+(?:by|at|um|à"
            rf"|von)\b)",
            text,
            re.IGNORECASE,
        )
        if named:
            yield FoundDate(_midnight(now - timedelta(days=days)), named.start("day"), named.end("day"))


def _ago(match: re.Match[str], now: datetime) -> datetime:
    count = int(match["count"]) if match["count"].isdigit() else 1
    unit = next(
        size for pattern, size in _UNITS.items() if re.fullmatch(pattern, match["unit"], re.IGNORECASE)
    )
    then = now.astimezone(UTC) - count * unit
    return then.replace(microsecond=0) if unit < timedelta(days=1) else _midnight(then)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


# --- reading time

_READING = (
    r"read(?:ing)?(?:\s+time)?|lesezeit|lesedauer|zu lesen|(?:temps )?de lecture|(?:de )?lectura|di lettura"
    r"|(?:de )?leitura|leestijd|lezen|lästid|lesetid|læsetid|czytania|čtení|чтения|читать|lukuaika|okuma"
)
_MINUTE = r"(?:min(?:ute|utes|uten|uti|utos|uto|uter|utter|uut|s)?\b\.?|мин\w*\.?|minut\w*)"
_MINUTES = (
    re.compile(rf"(?<![\d.,])~?(\d{{1,3}})\s*[-‑–]?\s*{_MINUTE}\s*[-‑–]?\s*(?:{_READING})\b", re.IGNORECASE),
    re.compile(
        r"\b(?:reading time|read time|time to read|lesezeit|lesedauer|(?:temps|tiempo"
        r"|tempo) d[ei] (?:lecture|lectura|lettura|leitura)"
        rf"|lectura|leitura|lecture|leestijd|lästid|lesetid|læsetid)\s*[:–-]?\s*(?:de\s+|ca\.?\s*|~"
        rf"|about\s+|approx\.?\s*|≈)?(\d{{1,3}})\s*{_MINUTE}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:^|[·•|])\s*(?:[⏱⏲🕐🕒📖⌛⏳️]\s*)*~?(\d{{1,3}})\s*{_MINUTE}\s*(?=$|[·•|])", re.IGNORECASE
    ),
    re.compile(r"(\d{1,3})\s*(?:分で読めます|分で読める|分钟阅读|分鐘閱讀|분 읽기|分钟)"),
)
