"""What a check is, what it examines and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from digest.model.issue import Layout
from digest.model.newsletter import Newsletter, Site


class Severity(StrEnum):
    BLOCK = "block"  # the issue must not be sent
    WARN = "warn"  # a person should look at it
    INFO = "info"  # worth knowing


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of one check."""

    id: str
    severity: Severity
    passed: bool
    message: str  # a sentence or two: what is wrong and how to fix it
    where: str = ""  # the story's headline, or the header's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about an issue that its message is checked against."""

    site: Site
    newsletter: Newsletter
    layout: Layout
    earlier_subjects: tuple[str, ...]
    nonce: str  # of the slot markers; no marker may be left in the message
    audience_count: int | None
    dkim: bool  # whether this machine signs what it sends
    unsubscribe_url: str  # of this message's recipient
    note: str = ""  # the editors' note for the whole issue, as printed
    only_on_web: int = 0  # how many stories, counted from the end, are only in the web version
    gave_way: tuple[str, ...] = ()  # what was shortened or omitted for lack of space, as clauses
    other_unsubscribe_url: str = ""  # another recipient's; empty if none was requested
    return_path: str = ""  # the envelope sender; empty if unknown
    signed_by_provider: bool = False  # which then also sets a return path of the sender's domain
    provider_limits: ProviderLimits | None = None  # None where there are none, or no provider is known


class Part(Protocol):
    """A leaf MIME part, as sent over the wire."""

    @property
    def content_type(self) -> str: ...
    @property
    def charset(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def longest_line(self) -> int: ...
    @property
    def has_bare_newline(self) -> bool: ...


class Message(Protocol):
    """A parsed message: the part of `message.parse` that checks use."""

    @property
    def raw(self) -> bytes: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def raw_headers(self) -> tuple[tuple[str, bytes], ...]: ...
    @property
    def subject(self) -> str: ...
    @property
    def sender_name(self) -> str: ...
    @property
    def sender_address(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def parts(self) -> Sequence[Part]: ...
    def header(self, name: str) -> str | None: ...
    def headers_named(self, name: str) -> list[str]: ...


class Problem(NamedTuple):
    """One problem; its severity is the check's unless stated otherwise."""

    message: str
    where: str = ""
    severity: Severity | None = None


Look = Callable[[Message, Facts], Iterable[Problem]]
ProviderLimits = Callable[[Message, Facts], Iterable[Problem]]


class Check(NamedTuple):
    """A check: its id in the docs, its severity, its message when all is well, and its function."""

    id: str
    severity: Severity
    fine: str
    look: Look
