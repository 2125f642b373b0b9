"""The mail's own wording and dates in the newsletter's language.

The phrases are in `phrases/LANGUAGE.toml` beside the templates; a phrase missing in one
language is printed in English.  Texts of articles are never changed here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from string import Formatter

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton

from digest.errors import TemplateError
from digest.rendering.saved_files import FileVersion, version_of

NO_BREAK = "\u00a0"
# English without a country: dates are written as in most English-speaking countries.
_HOME_OF = {"en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of the mail itself, in one language."""

    words: Mapping[str, str]
    locale: Locale

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.locale.text_direction

    def say(self, key: str, **values: object) -> str:
        """The phrase `key` with its values filled in; a value `n` selects the plural form (CLDR).

        Raises:
            LookupError: there is no such phrase.
            TemplateError: the phrase uses a value that it is not given.
        """
        if key in self.words:
            return _filled(key, self.words[key], values)
        count = values.get("n")
        form = self.locale.plural_form(count) if isinstance(count, int) else "other"
        chosen = self.words.get(f"{key}.{form}", self.words.get(f"{key}.other"))
        if chosen is None:
            raise LookupError(f"there is no phrase “{key}”")
        return _filled(key, chosen, values)

    def long_date(self, day: date) -> str:
        """A date with its weekday: “Tuesday 6 October 2026”."""
        written = format_date(day, "full", locale=self.locale)
        if self.locale.language == "en" and self.locale.territory != "US":
            written = written.replace(",", "")
        return _bound(written, day)

    def short_date(self, day: date, *, today: date) -> str:
        """Day and month, with the year only if it is not the current one."""
        if day.year == today.year:
            return format_skeleton("MMMMd", day, locale=self.locale).replace(" ", NO_BREAK)
        return format_date(day, "long", locale=self.locale).replace(" ", NO_BREAK)


def phrases(language: str, path: tuple[Path, ...]) -> Phrases:
    """The phrases of `language` (BCP 47), found along the templates' search path, nearest first.

    Raises:
        TemplateError: a phrases file is invalid.
    """
    words: dict[str, str] = {}
    for code in dict.fromkeys(("en", language.partition("-")[0].lower(), language)):
        for folder in reversed(path):
            words |= _read(folder / "phrases" / f"{code}.toml")
    return Phrases(words=words, locale=locale_of(language))


def locale_of(language: str) -> Locale:
    """The nearest known locale; English for an unknown language."""
    code = language.replace("-", "_")
    for candidate in (_HOME_OF.get(code, code), code.partition("_")[0], "en_GB"):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("babel always knows en_GB")


def _read(file: Path) -> Mapping[str, str]:
    try:
        version = version_of(file)
    except OSError:  # most languages have none of their own, and most owners neither
        return {}
    return _parsed(file, version)


@lru_cache(maxsize=64)
def _parsed(file: Path, version: FileVersion) -> Mapping[str, str]:  # noqa: ARG001
    """Read once, and again when it changes."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TemplateError(f"{file.name} cannot be read: {error}.") from error
    return dict(_flat(tables, file))


def _flat(tables: Mapping[str, object], file: Path) -> Sequence[tuple[str, str]]:
    """Flatten tables: `[stories]` with `one = …` becomes `stories.one`."""
    found: list[tuple[str, str]] = []
    for key, value in tables.items():
        if isinstance(value, Mapping):
            found += [(f"{key}.{form}", text) for form, text in _flat(value, file)]
        elif isinstance(value, str):
            _refuse_more_than_names(value, key, file)
            found.append((key, value))
        else:
            raise TemplateError(f"{file.name}: the phrase “{key}” is not a text.")
    return found


def _filled(key: str, phrase: str, values: Mapping[str, object]) -> str:
    try:
        return phrase.format(**values)
    except KeyError as error:
        raise TemplateError(
            f"The phrase “{key}” uses {{{error.args[0]}}}, which it is not given.",
            mend=f"It can use: {', '.join(f'{{{name}}}' for name in values) or 'no values at all'}.",
        ) from error


def _refuse_more_than_names(phrase: str, key: str, file: Path) -> None:
    """Allow only `{n}`: `{n.__class__}` would escape the sandbox, `{n:>99999999}` would fill the memory."""
    try:
        values = [part[1:] for part in Formatter().parse(phrase) if part[1] is not None]
    except ValueError as error:
        raise TemplateError(f"{file.name}: the phrase “{key}” cannot be read: {error}.") from error
    for name, *rest in values:
        if not str(name).isidentifier() or any(rest):
            raise TemplateError(
                f"{file.name}: the phrase “{key}” can only use values by name.",
                mend="Write {title}; to print a brace, double it.",
            )


def _bound(written: str, day: date) -> str:
    """Keep the day's number and the month on one line."""
    number = str(day.day)
    for seam in (f"{number} ", f"{number}. "):
        written = written.replace(f" {seam}", f" {seam[:-1]}{NO_BREAK}", 1)
    return written
