"""Starting: write a new newsletter folder or the demo, before there are settings to bind to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from digest.sources.discovery import Discovery

_POSTAL_ADDRESS = "Example Ltd, 1 Example Street, Example Town"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFolder:
    """The files written for a new newsletter."""

    files: tuple[Path, ...]
    source: str  # where its articles come from, in words; empty without a URL


def write_newsletter(folder: Path, *, url: str | None, private: bool, now: datetime) -> NewFolder:
    """Write a newsletter folder; with a URL, the feed or listing is found there.

    `private` lets the blog be on this machine or an intranet.

    Raises:
        NotAllowed: no feed or list of articles was found, or the folder is in use.
        SourceError: the URL cannot be read.
    """
    from digest import scaffold

    if url is not None and "://" not in url:
        url = f"https://{url}"
    found = _discover(url, private=private, now=now) if url else None
    source, what = _source(found, url, private=private)
    written = scaffold.write_newsletter(folder, values=_values(found, url), source=source)
    return NewFolder(files=tuple(written), source=what)


def write_demo(folder: Path, *, now: datetime) -> None:
    """Write the bundled example site and its newsletter, with dates relative to `now`."""
    from digest import example

    example.write_demo(folder, now=now)


def _discover(url: str, *, private: bool, now: datetime) -> Discovery:
    from digest.fetch import Fetcher
    from digest.sources.discovery import discover

    with Fetcher() as fetcher:
        return discover(url, fetcher=fetcher, now=now, allow_private=private)


def _source(found: Discovery | None, url: str | None, *, private: bool) -> tuple[str, str]:
    """The settings table of the first source, and a phrase that describes it."""
    from digest.errors import NotAllowed
    from digest.scaffold import source_table

    if found is None:
        return source_table("feed", {"url": "https://blog.example.com/index.xml"}), ""
    if found.feeds:
        kind, location, what = "feed", found.feeds[0][0], f"the feed {found.feeds[0][0]}"
    elif found.listing_url:
        kind, location, what = "listing", found.listing_url, f"the listing page {found.listing_url}"
    else:
        raise NotAllowed(
            f"No feed or list of articles was found at {url}.",
            mend="Give the URL of the feed, or of the page that lists the articles.",
        )
    table = source_table(kind, {"url": location})
    return (f"{table}\nallow_private_addresses = true" if private else table), what


def _values(found: Discovery | None, url: str | None) -> dict[str, str]:
    parts = urlsplit(url or "https://blog.example.com")
    host = (parts.hostname or "blog.example.com").removeprefix("www.")
    domain = host.split(".", 1)[1] if host.count(".") > 1 else host
    mail_domain = domain if "." in domain and not domain.replace(".", "").isdigit() else "example.com"
    of_feed = found.feeds[0][1] if found and found.feeds else ""
    name = of_feed or (found.title if found else "") or "Example Engineering"
    return {
        "name": name,
        "url": f"{parts.scheme}://{parts.netloc}",
        "public_url": f"https://news.{mail_domain}",
        "postal_address": _POSTAL_ADDRESS,
        "title": f"{name} Weekly",
        "sender": f"{_plain_name(name)} <digest@news.{mail_domain}>",
        "language": (found.language if found else "") or "en",
        "timezone": _own_zone(),
    }


def _plain_name(name: str) -> str:
    """Without the characters that a display name in digest.toml would have to quote."""
    return "".join(c for c in name if c not in '<>",;:@()[]\\').strip() or "Digest"


def _own_zone() -> str:
    """This machine's time zone, or UTC if it has no named one."""
    from zoneinfo import ZoneInfoNotFoundError

    from tzlocal import get_localzone_name

    try:
        name = get_localzone_name()
    except (ZoneInfoNotFoundError, LookupError, ValueError):
        return "UTC"
    return "UTC" if name in {None, "Etc/UTC", "UTC", "local"} else name
