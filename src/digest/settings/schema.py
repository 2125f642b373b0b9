"""The tables of digest.toml: every key, its type, its default and the sentence that explains it.

Each transport brings the table of its own keys; `root_table` puts them in their
place.  `docs/settings.md` says the same in a table; `tests/unit/test_settings_docs.py`
holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, SecretStr, create_model

from digest.rules.slots import parse_schedule
from digest.setting_types import (
    Address,
    Colour,
    Domain,
    Duration,
    Families,
    Language,
    Line,
    Name,
    Number,
    Selector,
    Sender,
    Table,
    TransportTable,
    Truth,
    WebAddress,
    WebRoot,
    When,
    Whole,
    Zone,
)


class SiteTable(Table):
    name: Name = Field(description="The name of the blog, as readers know it.")
    url: WebAddress = Field(description="Where the blog is.")
    public_url: WebRoot = Field(
        description="Where `digest serve` is reached from outside: unsubscribe links point here."
    )
    postal_address: Name = Field(description="The owner's postal address, which every mail must show.")


class DatabaseTable(Table):
    url: str = Field(
        default="sqlite:///digest.db",
        description="`sqlite:///FILE` or `postgresql://user@host/name`; passwords: environment.",
    )


class DkimTable(Table):
    domain: Domain | None = Field(
        default=None,
        description="The domain that signs, where the public key stands; the sender's own, or one above it.",
    )
    selector: Selector | None = Field(
        default=None, description="The name of the key: what stands before `._domainkey` in the DNS."
    )
    key: SecretStr = Field(
        default=SecretStr(""), strict=False, description="The private key; only from the environment."
    )
    key_file: Name | None = Field(
        default=None,
        description="A file with the private key (PEM, RSA or Ed25519), readable by you alone.",
    )


class DeliveryTable(Table):
    """With a table for each transport too, see `root_table`."""

    transport: str = Field(
        default="outbox", description="`outbox` (files), `smtp`, `sendgrid`, or one that a package brings."
    )
    rate_per_second: Number | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="Messages a second over all workers; no limit where absent.",
    )
    dkim: DkimTable = Field(default_factory=DkimTable)


class SourceTable(Table):
    kind: str = Field(
        description="`feed` (RSS, Atom, RDF, JSON Feed), `listing` (an HTML page) or `markdown`."
    )
    url: WebAddress | None = Field(default=None, description="Where it is on the web; either this or `path`.")
    path: Name | None = Field(
        default=None, description="A file or folder; such a source never goes to the network."
    )
    base_url: WebAddress | None = Field(
        default=None,
        description="What relative links of a local source start at; `site.url` for listings and Markdown.",
    )
    name: Line | None = Field(
        default=None, description="What people call it; host and path, or the file's name, by default."
    )
    section: Line = Field(default="", description="The section of the issue that its articles go into.")
    featured: Truth = Field(default=False, description="All its articles are featured.")
    include_tags: list[Line] = Field(default=[], description="Only articles with one of these tags.")
    exclude_tags: list[Line] = Field(default=[], description="No article with one of these tags.")
    allow_private_addresses: Truth = Field(
        default=False, description="It may be in your own network, and on any port."
    )
    pages: Whole = Field(default=3, ge=1, le=100, description="How many pages of a listing are followed.")
    selectors: dict[str, Line] = Field(
        default={}, description="CSS selectors for a listing, only where detection fails."
    )


class PaletteTable(Table):
    sheet: Colour | None = Field(default=None, description="The ground of the stories.")
    paper: Colour | None = Field(default=None, description="The ground around them, and of the footer.")
    ink: Colour | None = Field(default=None, description="Headings.")
    body: Colour | None = Field(default=None, description="Running text.")
    muted: Colour | None = Field(default=None, description="What stands beside it: author, day, footer.")
    line: Colour | None = Field(default=None, description="The hairline between stories.")
    rule: Colour | None = Field(default=None, description="The line above a section.")
    plate: Colour | None = Field(default=None, description="Where a picture will be.")


class ThemeTable(Table):
    look: Literal["magazine", "plain", "compact"] = Field(
        default="magazine",
        description="The set of templates: with pictures, as a letter, or many stories on little room.",
    )
    cards: Literal["list", "grid"] = Field(
        default="list", description="Whether stories with pictures stand beside them, or in pairs below them."
    )
    font: Families | None = Field(
        default=None, description="Type families of running text; the system's own by default."
    )
    heading_font: Families | None = Field(
        default=None, description="Type families of titles; Georgia by default, in the magazine."
    )
    radius: Whole = Field(default=4, ge=0, le=24, description="How round pictures are, in pixels.")
    light: PaletteTable = Field(default_factory=PaletteTable, description="Colours on light ground.")
    dark: PaletteTable = Field(default_factory=PaletteTable, description="Colours on dark ground.")


class NewsletterTable(Table):
    title: Name = Field(description="The name that readers see.")
    sender: Sender = Field(description="From whom it comes: `Name <name@example.com>`.")
    reply_to: Address | None = Field(default=None, description="Where answers go, if not to the sender.")
    language: Language = Field(default="en", description="A language tag, such as `en`, `de` or `pt-BR`.")
    timezone: Zone = Field(
        default="UTC", description="The time zone of the schedule, such as `Europe/Berlin`."
    )
    schedule: When = Field(
        default=parse_schedule("Tue 09:00"),
        description="When it goes out: days and a time, or a cron line with day names.",
    )
    approval: Literal["automatic", "required"] = Field(
        default="automatic", description="`required`: a person approves every issue before it goes."
    )
    draft_ahead: Duration | None = Field(
        default=None,
        description="How long before its slot `digest run` makes the draft; at the slot itself by default.",
    )
    on_deadline: Literal["hold", "skip", "send"] = Field(
        default="hold",
        description="What becomes of a draft that waits for approval when its slot comes; see `draft_ahead`.",
    )
    editors: list[Address] = Field(
        default=[], description="Who gets one letter when a draft waits for a person."
    )
    subject: Name = Field(
        default="{{ lead.headline }} · {{ newsletter.title }} {{ issue.number }}",
        description="The template of the subject line.",
    )
    description: Line = Field(default="", description="One sentence about it, for readers.")
    collect_every: Duration = Field(
        default="1h",
        validate_default=True,
        description="How often `digest run` reads the sources: `90s`, `30m`, `1h`, `1d`.",
    )
    late_hours: Number = Field(
        default=12, gt=0, le=8760, description="A slot older than this is recorded as missed, not sent."
    )
    on_uncertain: Literal["hold", "resend", "skip"] = Field(
        default="hold",
        description="What happens when the answer to a message was lost: wait for a person, or go on.",
    )
    flood_limit: Whole = Field(
        default=25,
        ge=1,
        description="More old articles than this that look new at once: the issue waits for a person.",
    )
    max_articles: Whole = Field(
        default=12, ge=1, le=10_000, description="How many articles an issue holds at most."
    )
    min_articles: Whole = Field(default=1, ge=1, le=500, description="With fewer, no issue goes out.")
    max_age_days: Whole = Field(default=60, ge=1, le=36_500, description="Older articles are left out.")
    future_dated: Literal["hold", "send"] = Field(
        default="hold", description="Whether an article dated in the future waits for its day."
    )
    first_issue_days: Whole = Field(
        default=14,
        ge=0,
        le=36_500,
        description="How far back the very first issue reaches; what does not fit is backlog.",
    )
    include_tags: list[Line] = Field(default=[], description="Only articles with one of these tags.")
    exclude_tags: list[Line] = Field(default=[], description="No article with one of these tags.")
    sections: list[Name] = Field(
        default=[],
        description="The order of the sections; what no source puts into one goes by its tags.",
    )
    subscribers: list[Name] | None = Field(
        default=None,
        description="Files of subscribers; by default `subscribers/NAME.csv`, where that exists.",
    )
    accent: Colour | None = Field(
        default=None,
        description="The one colour of topics and buttons, on the light ground; by default the look's.",
    )
    accent_dark: Colour | None = Field(default=None, description="The same on the dark ground.")
    logo: WebAddress | None = Field(
        default=None, description="Where the logo is, as an address that readers can reach."
    )
    images: Literal["link", "copy", "none"] = Field(
        default="link",
        description="Pictures: `link` to the blog's, `copy` them for `digest serve`, or `none`.",
    )
    theme: ThemeTable = Field(default_factory=ThemeTable, description="How its mails look.")
    sources: list[SourceTable] = Field(
        min_length=1, description="Where its articles come from; at least one."
    )


class RootTable(Table):
    site: SiteTable = Field(description="It names the blog and its owner.")
    database: DatabaseTable = Field(default_factory=DatabaseTable)
    delivery: DeliveryTable = Field(default_factory=DeliveryTable)
    newsletters: dict[str, NewsletterTable] = Field(
        min_length=1, description="There must be at least one, such as [newsletters.weekly]."
    )


def root_table(transports: Mapping[str, type[TransportTable]]) -> type[RootTable]:
    """The whole file, with [delivery.NAME] for each of these transports."""
    tables = {
        # Checked even where the file has none, so that the paths in it begin at the file's folder.
        name: (table, Field(default={}, validate_default=True))
        for name, table in transports.items()
    }
    delivery = create_model("DeliveryTable", __base__=DeliveryTable, **tables)  # type: ignore[call-overload]
    root: type[RootTable] = create_model(
        "RootTable", __base__=RootTable, delivery=(delivery, Field(default={}, validate_default=True))
    )
    return root
