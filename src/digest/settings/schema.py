"""The tables of digest.toml: every key with its type, default and description.

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
    name: Name = Field(description="The name of the blog, as its readers know it.")
    url: WebAddress = Field(description="The address of the blog.")
    public_url: WebRoot = Field(
        description="The public address of `digest serve`, to which unsubscribe links point."
    )
    postal_address: Name = Field(description="The owner's postal address, which every mail must show.")


class DatabaseTable(Table):
    url: str = Field(
        default="sqlite:///digest.db",
        description="`sqlite:///FILE` or `postgresql://user@host/name`; put a password into the environment.",
    )


class DkimTable(Table):
    domain: Domain | None = Field(
        default=None,
        description="The signing domain, which publishes the public key: the sender's own or a parent of it.",
    )
    selector: Selector | None = Field(
        default=None, description="The name of the key: the part before `._domainkey` in the DNS."
    )
    key: SecretStr = Field(
        default=SecretStr(""), strict=False, description="The private key; only from the environment."
    )
    key_file: Name | None = Field(
        default=None,
        description="A file that contains the private key (PEM, RSA or Ed25519), readable only by you.",
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
        description="Messages per second over all workers; no limit if not set.",
    )
    dkim: DkimTable = Field(default_factory=DkimTable)


class SourceTable(Table):
    kind: str = Field(
        description="`feed` (RSS, Atom, RDF, JSON Feed), `listing` (an HTML page) or `markdown`."
    )
    url: WebAddress | None = Field(default=None, description="Its address on the web; either this or `path`.")
    path: Name | None = Field(
        default=None, description="A file or folder; a source with `path` never uses the network."
    )
    base_url: WebAddress | None = Field(
        default=None,
        description="The base of relative links in a local source; `site.url` for listings and Markdown.",
    )
    name: Line | None = Field(
        default=None, description="Its name for people; by default host and path, or the file's name."
    )
    section: Line = Field(default="", description="The section of the issue for its articles.")
    featured: Truth = Field(default=False, description="All its articles are featured.")
    include_tags: list[Line] = Field(default=[], description="Only articles with one of these tags.")
    exclude_tags: list[Line] = Field(default=[], description="No articles with any of these tags.")
    allow_private_addresses: Truth = Field(
        default=False, description="It may be in your own network and on any port."
    )
    pages: Whole = Field(default=3, ge=1, le=100, description="How many pages of a listing are followed.")
    selectors: dict[str, Line] = Field(
        default={}, description="CSS selectors for a listing; only needed if detection fails."
    )


class PaletteTable(Table):
    sheet: Colour | None = Field(default=None, description="Background colour of stories.")
    paper: Colour | None = Field(
        default=None, description="Background colour around stories and of the footer."
    )
    ink: Colour | None = Field(default=None, description="Colour of headings.")
    body: Colour | None = Field(default=None, description="Colour of running text.")
    muted: Colour | None = Field(default=None, description="Colour of secondary text: author, date, footer.")
    line: Colour | None = Field(default=None, description="The hairline between stories.")
    rule: Colour | None = Field(default=None, description="The line above a section.")
    plate: Colour | None = Field(default=None, description="Placeholder of an image that has not loaded.")


class ThemeTable(Table):
    look: Literal["magazine", "plain", "compact"] = Field(
        default="magazine",
        description="The set of templates: with images, as a letter, or many stories in little space.",
    )
    cards: Literal["list", "grid"] = Field(
        default="list", description="Stories with images: image beside the text, or in pairs below the image."
    )
    font: Families | None = Field(
        default=None, description="Font families of running text; by default the system's own."
    )
    heading_font: Families | None = Field(
        default=None, description="Font families of titles; by default Georgia in the magazine look."
    )
    radius: Whole = Field(default=4, ge=0, le=24, description="Corner radius of images, in pixels.")
    light: PaletteTable = Field(default_factory=PaletteTable, description="Colours in light mode.")
    dark: PaletteTable = Field(default_factory=PaletteTable, description="Colours in dark mode.")


class NewsletterTable(Table):
    title: Name = Field(description="The name that subscribers see.")
    sender: Sender = Field(description="The sender of the mail: `Name <name@example.com>`.")
    reply_to: Address | None = Field(default=None, description="Where replies go, if not to the sender.")
    language: Language = Field(default="en", description="A language tag, such as `en`, `de` or `pt-BR`.")
    timezone: Zone = Field(
        default="UTC", description="The time zone of the schedule, such as `Europe/Berlin`."
    )
    schedule: When = Field(
        default=parse_schedule("Tue 09:00"),
        description="When it is sent: days and a time, or a cron line with day names.",
    )
    approval: Literal["automatic", "required"] = Field(
        default="automatic", description="`required`: a person approves every issue before it is sent."
    )
    draft_ahead: Duration | None = Field(
        default=None,
        description="How long before the slot `digest run` makes the draft; by default at the slot itself.",
    )
    on_deadline: Literal["hold", "skip", "send"] = Field(
        default="hold",
        description="What happens to a draft that is not approved by its slot; see `draft_ahead`.",
    )
    editors: list[Address] = Field(
        default=[], description="Email addresses notified once when a draft needs review."
    )
    subject: Name = Field(
        default="{{ lead.headline }} · {{ newsletter.title }} {{ issue.number }}",
        description="The template of the subject line.",
    )
    description: Line = Field(default="", description="One sentence about the newsletter, for its readers.")
    collect_every: Duration = Field(
        default="1h",
        validate_default=True,
        description="How often `digest run` reads the sources: `90s`, `30m`, `1h`, `1d`.",
    )
    late_hours: Number = Field(
        default=12,
        gt=0,
        le=8760,
        description="A slot overdue by more than this is recorded as missed, not sent.",
    )
    on_uncertain: Literal["hold", "resend", "skip"] = Field(
        default="hold",
        description="What to do when the answer to a message was lost: wait for a decision, resend or skip.",
    )
    flood_limit: Whole = Field(
        default=25,
        ge=1,
        description="If more old articles than this appear as new at once, the issue is held for a decision.",
    )
    max_articles: Whole = Field(
        default=12, ge=1, le=10_000, description="The maximum number of articles in an issue."
    )
    min_articles: Whole = Field(default=1, ge=1, le=500, description="With fewer, no issue is sent.")
    max_age_days: Whole = Field(default=60, ge=1, le=36_500, description="Older articles are left out.")
    future_dated: Literal["hold", "send"] = Field(
        default="hold", description="Whether an article dated in the future waits for its date."
    )
    first_issue_days: Whole = Field(
        default=14,
        ge=0,
        le=36_500,
        description="How far back the very first issue goes; what does not fit is backlog.",
    )
    include_tags: list[Line] = Field(default=[], description="Only articles with one of these tags.")
    exclude_tags: list[Line] = Field(default=[], description="No articles with any of these tags.")
    sections: list[Name] = Field(
        default=[],
        description="The order of the sections; articles without a source section are sorted by tag.",
    )
    subscribers: list[Name] | None = Field(
        default=None,
        description="Subscriber files; by default `subscribers/NAME.csv`, if it exists.",
    )
    accent: Colour | None = Field(
        default=None,
        description="The colour of topics and buttons in light mode; by default the look's.",
    )
    accent_dark: Colour | None = Field(default=None, description="The same in dark mode.")
    logo: WebAddress | None = Field(
        default=None, description="The address of the logo, reachable by subscribers."
    )
    images: Literal["link", "copy", "none"] = Field(
        default="link",
        description="Images: `link` to the blog's, `copy` them for `digest serve`, or `none`.",
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
        min_length=1, description="At least one is required, such as [newsletters.weekly]."
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
