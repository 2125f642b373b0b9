"""The types of digest.toml: a table, and what a line, an address, a zone or a duration must look like.

Each type here is an annotated plain type for the tables.  A validator answers
with the cleaned value, or raises ValueError with a sentence for the operator.

Settings and transports both build on this: the tables of digest itself are in
`settings.schema`, and each transport keeps the table of its own keys.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationInfo

from digest.errors import SettingsError
from digest.model.newsletter import Mailbox
from digest.model.slot import Schedule
from digest.rules.email_addresses import InvalidAddress, parse_address
from digest.rules.slots import parse_schedule

_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1
_TOKEN = 23  # including the plus sign before it


class Table(BaseModel):
    """A table with a fixed set of keys; any other key is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class TransportTable(Table):
    """The table `[delivery.NAME]` of one transport.

    A key of the type SecretStr is a secret: it is taken from the environment, or
    from the file that the key with `_file` behind its name points at, and never
    from digest.toml.  Declare both keys, with the empty secret as default.
    """

    def warnings(self) -> Iterator[tuple[str, str]]:
        """What would keep this transport from sending well: a key, or "" for the table, and a sentence."""
        yield from ()


class FromEnvironment(str):
    """The value of an environment variable: text, whatever the key's type."""

    __slots__ = ()


def did_you_mean(word: str, known: list[str]) -> str:
    """A sentence that suggests the nearest known word, or empty."""
    close = get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
    return f" Did you mean “{close[0]}”?" if close else ""


# --- text -------------------------------------------------------------------------


def _one_line(text: str) -> str:
    """Names go into mail headers, where a line break would start another header."""
    if any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in text):
        raise ValueError("contains a line break or a control character. Write it on one line.")
    return text.strip()


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("is empty.")
    return text


def _address(text: str) -> str:
    """An absolute http(s) address without a login."""
    try:
        parts = urlsplit(text)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"“{_masked(text)}” is not an address. Write https:// and a host name.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_right:
        raise ValueError(f"“{_masked(text)}” is not a full address. Start it with https:// or http://.")
    if re.search(r"[\s<>\"\\]", text):
        raise ValueError(f"“{_masked(text)}” is not an address: it contains a space or a quote.")
    if parts.username is not None:
        raise ValueError("contains a login, which would end up in logs. Remove the part before the @.")
    return text


def _masked(text: str) -> str:
    """Hides what is before an @, since it may be a password."""
    return re.sub(r"//.*@", "//…@", text)


def _without_slash(text: str) -> str:
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise ValueError(
            f"“{text}” has a part after “?” or “#”, but links are appended to it. Remove that part."
        )
    return text.rstrip("/")


def _language(text: str) -> str:
    """BCP 47, checking only the form: language, script, region, variants."""
    form = r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    if re.fullmatch(form, text):
        return text
    fixed = text.replace("_", "-")
    hint = f" Did you mean “{fixed}”?" if re.fullmatch(form, fixed) else ""
    raise ValueError(f"“{text}” is not a language tag such as en, de or pt-BR.{hint}")


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"There is no time zone “{text}”.{_nearest_zone(text)}") from None
    return text


def _nearest_zone(text: str) -> str:
    """Matches the whole name or the city alone, since people write “Berlin”."""
    zones = {zone.casefold(): zone for zone in sorted(available_timezones())}
    cities = {zone.rpartition("/")[2]: zone for zone in zones if "/" in zone}
    asked = text.casefold().replace(" ", "_")
    for known in (zones, cities):
        if close := get_close_matches(asked, list(known), n=1, cutoff=0.75):
            found = zones[close[0]] if known is zones else zones[cities[close[0]]]
            return f" Did you mean “{found}”?"
    return " Write one such as Europe/Berlin or America/New_York."


# --- values that become something else ---------------------------------------------


def _mailbox(value: Any) -> Mailbox:
    """“Name <local@domain>” or the address alone (RFC 5322, 3.4)."""
    text = _one_line(_text(value))
    match = re.fullmatch(r"(?:(?P<name>[^<>]*?)\s*<(?P<inner>[^<>]+)>|(?P<bare>[^<>\s]+))", text)
    if not match:
        raise ValueError(f"“{text}” is not an address. Write “Name <name@example.com>”.")
    name = match["name"] or ""
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = name[1:-1].replace('\\"', '"')
    return Mailbox(name.strip(), _deliverable(match["inner"] or match["bare"]))


def _sender(value: Any) -> Mailbox:
    mailbox = _mailbox(value)
    if not mailbox.name:
        raise ValueError(f"“{value}” has no name. Write “Name <{mailbox.address}>”.")
    return mailbox


def _deliverable(address: str) -> str:
    try:
        found = parse_address(address).address
    except InvalidAddress as wrong:
        raise ValueError(f"“{address}” is not an email address. {wrong}") from None
    if not found.isascii():
        raise ValueError(
            f"“{address}” has letters before the @ that most mail servers refuse. Use ASCII letters."
        )
    return found


def _return_path(value: Any) -> Mailbox:
    mailbox = _mailbox(value)
    if len(mailbox.address.rpartition("@")[0]) > _LOCAL_PART - _TOKEN:
        raise ValueError(
            f"“{mailbox.address}” is too long before the @, where a token of {_TOKEN} characters is added."
        )
    return mailbox


def _domain(text: str) -> str:
    """In A-labels.  Checked like the domain of an address, so that both agree on what a domain is."""
    try:
        return parse_address(f"postmaster@{text}").address.rpartition("@")[2]
    except InvalidAddress:
        raise ValueError(f"“{text}” is not a domain. Write it as example.com.") from None


def _selector(text: str) -> str:
    """RFC 6376, 3.1: labels of a domain name."""
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", text) or ".." in text:
        raise ValueError(f"“{text}” is not a selector. Write the part before ._domainkey in the DNS.")
    return text


def _local_path(value: Any, info: ValidationInfo) -> Path:
    """Relative paths begin at the folder of digest.toml, which the one who validates knows."""
    text = _not_empty(_one_line(_text(value)))
    return Path((info.context or {}).get("folder", "")) / Path(text).expanduser()


def _schedule(value: Any) -> Schedule:
    try:
        return parse_schedule(_one_line(_text(value)))
    except SettingsError as wrong:
        raise ValueError(str(wrong)) from None


def _duration(value: Any) -> timedelta:
    text = _text(value)
    form = r"(?:(\d{1,5})d)?\s*(?:(\d{1,6})h)?\s*(?:(\d{1,7})m)?\s*(?:(\d{1,8})s)?"
    match = re.fullmatch(form, text.strip(), flags=re.ASCII)
    days, hours, minutes, seconds = (int(n or 0) for n in (match.groups() if match else "0000"))
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise ValueError(f"“{text}” is not a duration. Write “90s”, “30m”, “1h” or “1d”.")
    return length


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes.")  # noqa: TRY004  pydantic collects only these
    return str(value)


def is_this_machine(host: str) -> bool:
    """Whether what goes to this host never crosses a network."""
    return host in {"localhost", "::1"} or host.endswith(".localhost") or host.startswith("127.")


# --- colours ----------------------------------------------------------------------


def as_hex(text: str) -> str:
    """#RRGGBB in upper case.  Raises ValueError for anything else."""
    if re.fullmatch(r"#[0-9A-Fa-f]{3}", text):
        text = "#" + "".join(digit * 2 for digit in text[1:])
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise ValueError(f"“{text}” is not a colour. Write it as #0B5F6B.")
    return text.upper()


def _families(text: str) -> str:
    """Font family names, as in a CSS list: nothing that could end the declaration."""
    if (
        not re.fullmatch(r"""(?:[\w .-]+|'[\w .-]+')(?:,\s*(?:[\w .-]+|'[\w .-]+'))*""", text)
        or len(text) > 300
    ):
        raise ValueError(
            "is not a list of font families. Write it like “'Source Sans 3', Arial, sans-serif”."
        )
    return text


# --- numbers from the environment ---------------------------------------------------


def _from_environment(value: Any) -> Any:
    """TOML has numbers and booleans; the environment has only text."""
    if not isinstance(value, FromEnvironment):
        return value
    word = value.strip().casefold()
    if word in {"true", "false"}:
        return word == "true"
    if re.fullmatch(r"[+-]?[0-9]{1,12}", word):
        return int(word)
    return float(word) if re.fullmatch(r"[+-]?[0-9]{1,12}\.[0-9]+", word) else value


Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[str, AfterValidator(_one_line), AfterValidator(_not_empty)]
WebAddress = Annotated[str, AfterValidator(_one_line), AfterValidator(_address)]
WebRoot = Annotated[str, AfterValidator(_one_line), AfterValidator(_address), AfterValidator(_without_slash)]
Language = Annotated[str, AfterValidator(_language)]
Zone = Annotated[str, AfterValidator(_zone)]
Colour = Annotated[str, AfterValidator(as_hex)]
Families = Annotated[str, AfterValidator(_one_line), AfterValidator(_families)]
Address = Annotated[Mailbox, PlainValidator(_mailbox)]
Sender = Annotated[Mailbox, PlainValidator(_sender)]
ReturnPath = Annotated[Mailbox, PlainValidator(_return_path)]
Domain = Annotated[str, AfterValidator(_one_line), AfterValidator(_domain)]
Selector = Annotated[str, AfterValidator(_one_line), AfterValidator(_selector)]
When = Annotated[Schedule, PlainValidator(_schedule)]
Duration = Annotated[timedelta, PlainValidator(_duration)]
Whole = Annotated[int, BeforeValidator(_from_environment)]
Number = Annotated[float, BeforeValidator(_from_environment)]
LocalPath = Annotated[Path, PlainValidator(_local_path)]
Truth = Annotated[bool, BeforeValidator(_from_environment)]
