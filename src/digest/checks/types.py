"""What a check is, what it looks at and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from digest.model.issue import Layout
from digest.model.newsletter import Newsletter, Site


class Severity(StrEnum):
    BLOCK = "block"  # the issue must not be sent
    WARN = "warn"  # somebody should look
    INFO = "info"  # worth knowing


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says about one thing."""

    id: str
    severity: Severity
    passed: bool
    message: str  # a sentence or two: what is wrong and what to do
    where: str = ""  # the headline of the story, or the header


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a message is measured against."""

    site: Site
    newsletter: Newsletter
    layout: Layout
    earlier_subjects: tuple[str, ...]
    nonce: str  # of the markers, none of which may be left
    audience_count: int | None
    dkim: bool  # this machine signs what it sends
    unsubscribe_url: str  # of the recipient whose message this is
    note: str = ""  # what editors wrote for the whole issue, as it is printed
    only_on_web: int = 0  # of the stories, the last ones
    gave_way: tuple[str, ...] = ()  # what was not printed in full for want of room, in sentences
    other_unsubscribe_url: str = ""  # of somebody else; empty where nobody else was asked for
    return_path: str = ""  # the envelope's sender; empty where it is not known
    signed_by_provider: bool = False  # which then also sets a return path of the sender's domain
    provider_limits: ProviderLimits | None = None  # None where there are none, or no provider is known


class Part(Protocol):
    """A leaf part on the wire."""

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
    """A parsed message: what `message.parse` gives, as far as checks look at it."""

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
    """One thing that is wrong; its severity is the check's unless it says otherwise."""

    message: str
    where: str = ""
    severity: Severity | None = None


Look = Callable[[Message, Facts], Iterable[Problem]]
ProviderLimits = Callable[[Message, Facts], Iterable[Problem]]


class Check(NamedTuple):
    """A rule: its id in the docs, how much it weighs, what it says when all is well, how it looks."""

    id: str
    severity: Severity
    fine: str
    look: Look
