"""Builds the parts from the settings: the one file that knows every package.

Settings stop here; everything below gets plain values.  Heavy modules are
imported, and parts built, only on first use.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digest.clock import Clock
from digest.errors import NotFound, SettingsError
from digest.model.newsletter import Newsletter, SourceSpec
from digest.settings import KnownTransports, Settings, load
from digest.settings.reload import LiveLooks

if TYPE_CHECKING:
    from digest.fetch import Fetcher
    from digest.media.folder import MediaFolder
    from digest.message.dkim import Signer
    from digest.model.article import FoundArticle, Reading, Validators
    from digest.model.issue import Issue
    from digest.passwords import Passwords
    from digest.setting_types import TransportTable
    from digest.storage.database import Database
    from digest.transports import Provider, Transport, Webhook
    from digest.workflows.composing.compose import Composer
    from digest.workflows.composing.images import ChooseImages
    from digest.workflows.sending.deliver import SendOptions

_LARGEST_PICTURE = 10 * 1024 * 1024  # bytes, of a picture to make a small copy of


class Container:
    """The parts of one process, built from one settings file on first use."""

    def __init__(self, settings: Settings, *, clock: Clock, looks: LiveLooks | None = None) -> None:
        self._settings = settings
        self._looks = looks
        self.clock = clock

    @property
    def settings(self) -> Settings:
        """The settings as read at the start, except how newsletters look, which follows the file."""
        if self._looks is not None:
            self._settings = self._looks.with_saved_looks(self._settings)
        return self._settings

    @classmethod
    def from_file(cls, file: Path, *, environ: Mapping[str, str], clock: Clock) -> Container:
        """Read the settings file.

        Raises:
            SettingsError: the settings are invalid; it names every mistake at once.
        """
        settings = read_settings(file, environ=environ)
        looks = LiveLooks(settings, lambda: read_settings(file, environ=environ))
        return cls(settings, clock=clock, looks=looks)

    def close(self) -> None:
        """Close what was opened; safe to call twice."""
        for name in ("database", "fetcher"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()

    @cached_property
    def database(self) -> Database:
        from digest.storage.database import Database

        return Database(self.settings.database_url)

    @cached_property
    def fetcher(self) -> Fetcher:
        from digest.fetch import Fetcher

        return Fetcher()

    @cached_property
    def passwords(self) -> Passwords:
        from digest.passwords import Passwords

        return Passwords()

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """Signing keys, newest first: from the environment, or a file made on first use."""
        if self.settings.secret_keys:
            return self.settings.secret_keys
        if not self._key_file.exists() and self._has_mailed():
            raise SettingsError(
                f"{self._key_file} is missing, but it signed the unsubscribe links of mails already sent.",
                mend="Restore it from a backup. If it is lost for good, put a new key into "
                "DIGEST_SECRET_KEYS; the links in earlier mails then stop working.",
            )
        return _keys_in(self._key_file)

    def _has_mailed(self) -> bool:
        from digest.rules.approval import WENT_OUT
        from digest.storage import issues

        with self.database.read() as connection:
            newest = [issues.latest(connection, newsletter.name) for newsletter in self.newsletters]
        return any(issue is not None and issue.state in WENT_OUT for issue in newest)

    @property
    def _key_file(self) -> Path:
        return self._beside_database / "secret-keys"

    @property
    def _beside_database(self) -> Path:
        """The folder of the SQLite file, or of the settings if the database is a server."""
        url = self.settings.database_url
        if url.startswith("sqlite:///"):
            return Path(url.removeprefix("sqlite:///")).parent
        return self.settings.folder

    @property
    def newsletters(self) -> tuple[Newsletter, ...]:
        return tuple(self.settings.newsletters.values())

    def newsletter(self, name: str | None) -> Newsletter:
        """The newsletter of this name; with None, the only one.

        Raises:
            NotFound: no newsletter has this name, or there are several and none was named.
        """
        known = self.settings.newsletters
        if name is None and len(known) == 1:
            return next(iter(known.values()))
        if name is not None and name in known:
            return known[name]
        what = f"There is no newsletter “{name}”." if name else "There are several newsletters; name one."
        raise NotFound(what, mend=f"{self.settings.file.name} has: {', '.join(known)}.")

    def issue(self, ref: str) -> tuple[Newsletter, Issue]:
        """An issue by the name people use: weekly/3, weekly/latest, or 3 where there is one newsletter.

        Raises:
            NotFound: there is no such issue.
        """
        from digest.storage import issues

        name, slash, number = ref.rpartition("/")
        newsletter = self.newsletter(name if slash else None)
        with self.database.read() as connection:
            if number == "latest":
                found = issues.latest(connection, newsletter.name)
            elif number.isdecimal():
                found = issues.by_number(connection, newsletter.name, int(number))
            else:
                raise NotFound(f"“{ref}” does not name an issue.", mend="Write weekly/3 or weekly/latest.")
        if found is None:
            raise NotFound(
                f"There is no issue {newsletter.name}/{number}.", mend="`digest status` lists the issues."
            )
        return newsletter, found

    def composer(self, newsletter: Newsletter) -> Composer:
        from digest.workflows.composing.compose import Composer

        return Composer(
            site=self.settings.site,
            newsletter=newsletter,
            folders=self.template_folders,
            secret_keys=self.secret_keys,
            bounce_address=self.provider.bounce_address(self._transport_table),
            signs_dkim=self._signs_dkim,
            signed_by_provider=self.provider.signs_itself,
            provider_limits=self.provider.limits,
        )

    @cached_property
    def signer(self) -> Signer | None:
        """The DKIM signer for messages the provider does not sign; None if no key is configured.

        Raises:
            SettingsError: the key is invalid.
        """
        from digest.message.dkim import Signer

        dkim = self.settings.delivery.dkim
        if dkim is None:
            return None
        key = dkim.key.get_secret_value().encode("utf-8")
        return Signer(domain=dkim.domain, selector=dkim.selector, key=key)

    @property
    def _signs_dkim(self) -> bool:
        return self.settings.delivery.dkim is not None and not self.provider.signs_itself

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where the owner's templates are; the bundled ones are the fallback."""
        return (self.settings.templates,)

    def read_source(self, spec: SourceSpec, validators: Validators) -> Reading:
        """Read one source now."""
        from digest.sources import source_of

        return source_of(spec.kind)(spec, fetcher=self.fetcher, validators=validators, now=self.clock())

    def ask_page(self, article: FoundArticle, spec: SourceSpec) -> FoundArticle:
        """Fetch an article's own page and fill in what its source did not say."""
        from digest.sources.article_page import complete, read_article_page

        page = self.fetcher.get(article.url, allow_private=spec.allow_private_addresses, obey_robots=True)
        return complete(article, read_article_page(page.body, url=page.url, charset=page.charset))

    def choose_images(self, newsletter: Newsletter) -> ChooseImages:
        """How an issue's pictures are used, by the newsletter's `images` setting."""
        from functools import partial

        from digest.workflows.composing import images

        if newsletter.images == "none":
            return images.no_images
        if newsletter.images == "copy":
            return partial(images.copy, fetch=self._picture, keep=self._keep_copy)
        return partial(images.link, site=self.settings.site, measure=self._picture_size)

    def _picture(self, url: str, spec: SourceSpec) -> bytes:
        allow_private = spec.allow_private_addresses
        return self.fetcher.get(
            url, allow_private=allow_private, limit=_LARGEST_PICTURE, obey_robots=True
        ).body

    def _picture_size(self, url: str, spec: SourceSpec) -> int | None:
        return self.fetcher.size_of(url, allow_private=spec.allow_private_addresses, obey_robots=True)

    def _keep_copy(self, content: bytes, kind: str) -> str:
        return f"{self.settings.site.public_url}/media/{self.media.keep(content, kind=kind)}"

    @cached_property
    def media(self) -> MediaFolder:
        from digest.media.folder import MediaFolder

        return MediaFolder(self._beside_database / "media")

    def send_options(self) -> SendOptions:
        """How issues are sent, by the settings.

        Raises:
            SettingsError: they are incomplete; better reported now than after the approval.
        """
        from digest.workflows.sending.deliver import SendOptions

        probe = self.transport()
        probe.close()
        return SendOptions(
            open=self.transport,
            senders=self._senders,
            per_request=self.provider.recipients_per_request(self._transport_table),
            per_second=self.settings.delivery.rate_per_second,
            replaces=probe.replaces,
        )

    @cached_property
    def provider(self) -> Provider[Any]:
        """The provider of the configured transport."""
        from digest.transports import provider_of

        return provider_of(self.settings.delivery.transport)

    def transport(self) -> Transport:
        """A new transport, for one sender.

        Raises:
            SettingsError: its settings are incomplete.
        """
        from digest.transports import OpenOptions

        options = OpenOptions(
            signer=self._own_signer,
            senders=self._senders,
            per_second=self.settings.delivery.rate_per_second,
            sender=self.newsletters[0].sender,
        )
        return self.provider.open(self._transport_table, options)

    @property
    def after_send(self) -> str:
        """The provider's note after a send from the command line, or empty."""
        return self.provider.after_send(self._transport_table)

    def webhooks(self) -> Mapping[str, Webhook]:
        """The webhooks of all providers with a key, by name, including providers not in use.

        Raises:
            SettingsError: a key is invalid.
        """
        from digest.transports import provider_of

        tables = self.settings.delivery.tables
        found = {name: provider_of(name).webhook(table) for name, table in tables.items()}
        return {name: webhook for name, webhook in found.items() if webhook is not None}

    @property
    def _transport_table(self) -> TransportTable:
        delivery = self.settings.delivery
        return delivery.tables[delivery.transport]

    @property
    def _own_signer(self) -> Signer | None:
        return None if self.provider.signs_itself else self.signer

    @property
    def _senders(self) -> int:
        """The number of sender threads."""
        return self.provider.senders(self._transport_table, self._own_signer is not None)


def read_settings(file: Path, *, environ: Mapping[str, str]) -> Settings:
    """The settings of this file, checked against the installed transports and sources.

    Raises:
        SettingsError: the file is missing or invalid; `findings` names every mistake at once.
    """
    from digest import sources, transports

    known = KnownTransports(
        built_in={name: transports.provider_of(name).table for name in transports.BUILT_IN},
        installed=transports.installed,
        table_of=lambda name: transports.provider_of(name).table,
    )
    return load(file, environ=environ, transports=known, source_kinds=tuple(sources.BUILT_IN))


def _keys_in(file: Path) -> tuple[str, ...]:
    """The keys in this file, one a line, newest first; creates the file with one key if it is missing."""
    if not file.exists():
        _make_key(file)
    keys = tuple(line.strip() for line in file.read_text(encoding="ascii").splitlines() if line.strip())
    if not keys:
        raise SettingsError(
            f"{file} contains no key.",
            mend="Restore it from a backup; without it, the unsubscribe links in earlier mails stop working.",
        )
    return keys


def _make_key(file: Path) -> None:
    """Write the file atomically, even if killed midway; of two processes, the first wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    # Only this user may read it, from the moment it exists.
    handle = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as new:
        new.write(secrets.token_urlsafe(32) + "\n")
        new.flush()
        os.fsync(new.fileno())
    with suppress(FileExistsError):
        os.link(unfinished, file)
    unfinished.unlink()
