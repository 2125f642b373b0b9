"""A newsletter: who sends it, where its articles come from, its policy and its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from digest.model.slot import Schedule
from digest.model.theme import Theme


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name and an address (RFC 5322, 3.4); the domain is already in A-label form."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The blog and its owner, which every mail must name."""

    name: str
    url: str
    public_url: str  # the public address of `digest serve`; no trailing slash
    postal_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """A configured place that articles come from.

    Exactly one of `url` and `path` is set; a source with `path` never touches
    the network.  `key` stays the same while kind and location do.
    """

    kind: str
    key: str
    name: str
    url: str = ""
    path: Path | None = None
    base_url: str = ""
    section: str = ""
    featured: bool = False
    include_tags: frozenset[str] = frozenset()  # case-folded
    exclude_tags: frozenset[str] = frozenset()
    allow_private_addresses: bool = False
    pages: int = 3
    selectors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of selection of one newsletter."""

    max_articles: int = 12
    min_articles: int = 1
    max_age: timedelta = timedelta(days=60)
    first_issue: timedelta = timedelta(days=14)
    flood_limit: int = 25
    sends_future_dated: bool = False  # future_dated = "send"
    include_tags: frozenset[str] = frozenset()
    exclude_tags: frozenset[str] = frozenset()
    section_order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletter:
    """The publication."""

    name: str  # short, used in commands and web addresses: "weekly"
    title: str
    sender: Mailbox
    sources: tuple[SourceSpec, ...]
    policy: Policy
    schedule: Schedule
    reply_to: Mailbox | None = None
    language: str = "en"
    timezone: str = "UTC"
    needs_approval: bool = False
    draft_ahead: timedelta | None = None  # before the slot; None: drafted at the slot itself
    on_deadline: str = "hold"  # hold, skip or send a draft that is not approved by its slot
    editors: tuple[Mailbox, ...] = ()  # notified when a draft needs review
    subject: str = "{{ lead.headline }} · {{ newsletter.title }} {{ issue.number }}"
    description: str = ""
    collect_every: timedelta = timedelta(hours=1)
    late: timedelta = timedelta(hours=12)
    on_uncertain: str = "hold"  # hold, resend, skip
    subscriber_files: tuple[Path, ...] = ()
    logo: str = ""  # its URL
    images: str = "link"  # link, copy, none
    theme: Theme = field(default_factory=Theme)

    @property
    def accent(self) -> str:
        return self.theme.light.accent

    @property
    def accent_dark(self) -> str:
        return self.theme.dark.accent
