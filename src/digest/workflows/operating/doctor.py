"""Checks everything a send needs, and says how to fix each problem.

Asks DNS only about the senders' domains, and the provider only for a login.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from digest.errors import DigestError
from digest.model.newsletter import Newsletter, Site
from digest.rules.slots import next_slot
from digest.storage import articles, subscribers
from digest.storage.database import Database
from digest.transports import Transport

_DNS_SECONDS = 5.0
_SHORTEST_KEY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding."""

    what: str
    severity: str  # ok, note, warning, error
    finding: str
    mend: str = ""


def examine(
    *,
    site: Site,
    newsletters: Sequence[Newsletter],
    keys: Callable[[], Sequence[str]],
    open_database: Callable[[], Database],
    open_transport: Callable[[], Transport] | None,
    settings_warnings: Sequence[str],
    ask_dns: bool,
    transport_name: str,
    now: datetime,
) -> list[Diagnosis]:
    """All findings, in the order in which a person would fix them."""
    found = [*_settings(settings_warnings)]
    try:
        database = open_database()
        with database.write():
            pass  # getting the lock is proof enough
        found.append(Diagnosis(what="database", severity="ok", finding="Writable; schema is up to date."))
    except DigestError as error:
        found.append(Diagnosis(what="database", severity="error", finding=error.message, mend=error.mend))
        return found
    found.append(_keys(keys))
    found += _public_url(site)
    found += _placeholders(site, newsletters)
    for newsletter in newsletters:
        found += _newsletter(newsletter, database, now=now)
    if open_transport is not None:
        found.append(_transport(open_transport, transport_name))
    if ask_dns:
        for domain in sorted({n.sender.domain for n in newsletters}):
            found += _dns(domain)
    return found


def _settings(warnings: Sequence[str]) -> Iterator[Diagnosis]:
    for warning in warnings:
        yield Diagnosis(what="settings", severity="warning", finding=warning)
    if not warnings:
        yield Diagnosis(what="settings", severity="ok", finding="Complete.")


def _keys(keys: Callable[[], Sequence[str]]) -> Diagnosis:
    try:
        short = [key for key in keys() if len(key) < _SHORTEST_KEY]
    except DigestError as error:
        return Diagnosis(what="secret keys", severity="error", finding=error.message, mend=error.mend)
    if short:
        return Diagnosis(
            what="secret keys",
            severity="warning",
            finding=f"A key has fewer than {_SHORTEST_KEY} characters and could be guessed.",
            mend="Add a longer key before it; keep the old one for the links in earlier mails.",
        )
    return Diagnosis(what="secret keys", severity="ok", finding="Found. Include them in your backups.")


def _public_url(site: Site) -> Iterator[Diagnosis]:
    parts = urlsplit(site.public_url)
    host = parts.hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"}:
        yield Diagnosis(
            what="public_url",
            severity="warning",
            finding=f"{site.public_url} is this machine, so subscribers cannot unsubscribe.",
            mend="Set it to the address at which `digest serve` is reachable from outside.",
        )
    elif parts.scheme != "https":
        yield Diagnosis(
            what="public_url",
            severity="warning",
            finding=f"{site.public_url} is not https, so mail apps hide the unsubscribe button.",
            mend="Put a web server with a certificate in front of `digest serve` (RFC 8058 requires https).",
        )
    else:
        yield Diagnosis(what="public_url", severity="ok", finding=site.public_url)


def _placeholders(site: Site, newsletters: Sequence[Newsletter]) -> Iterator[Diagnosis]:
    """Example values from `digest init` that were not changed yet."""
    if "1 Example Street" in site.postal_address:
        yield Diagnosis(
            what="postal_address",
            severity="warning",
            finding="Still the example value.",
            mend="Set your own: most countries require it by law in every email.",
        )
    for newsletter in newsletters:
        if newsletter.sender.domain.endswith(("example.com", "example.org", ".example")):
            yield Diagnosis(
                what=newsletter.name,
                severity="warning",
                finding=f"The sender {newsletter.sender.address} is still the example value.",
                mend="Use an address at a domain that may send for you.",
            )


def _newsletter(newsletter: Newsletter, database: Database, *, now: datetime) -> Iterator[Diagnosis]:
    what = newsletter.name
    slot = next_slot(newsletter, after=now)
    if slot is None:
        yield Diagnosis(
            what=what,
            severity="error",
            finding=f"The schedule “{newsletter.schedule.text}” never comes due.",
            mend="Write it like “Tue 09:00”.",
        )
    with database.read() as connection:
        people = subscribers.count(connection, what).get("confirmed", 0)
        health = articles.health_of(connection, what)
    if not people:
        yield Diagnosis(
            what=what,
            severity="warning",
            finding="No confirmed subscribers yet.",
            mend="Add them to the file named in `subscribers`, then run `digest collect`.",
        )
    for spec in newsletter.sources:
        state = health.get(spec.key)
        if state is None:
            yield Diagnosis(
                what=what,
                severity="note",
                finding=f"{spec.name} has never been collected.",
                mend=f"Run `digest collect {what}`.",
            )
        elif not state.ok:
            yield Diagnosis(what=what, severity="error", finding=f"{spec.name}: {state.message}")
    if slot and people:
        count = "1 subscriber" if people == 1 else f"{people} subscribers"
        yield Diagnosis(what=what, severity="ok", finding=f"{count}, next slot {slot.key}.")


def _transport(open_transport: Callable[[], Transport], name: str) -> Diagnosis:
    try:
        transport = open_transport()
        try:
            return Diagnosis(what=name, severity="ok", finding=transport.verify())
        finally:
            transport.close()
    except DigestError as error:
        return Diagnosis(what=name, severity="error", finding=error.message, mend=error.mend)


def _dns(domain: str) -> Iterator[Diagnosis]:
    """SPF (RFC 7208) and DMARC (RFC 7489) of a sender's domain."""
    spf = [text for text in _texts(domain) if text.lower().startswith("v=spf1")]
    if len(spf) == 1:
        yield Diagnosis(what="SPF", severity="ok", finding=f"{domain}: {spf[0]}")
    else:
        problem = "has no SPF record" if not spf else f"has {len(spf)} SPF records, but only one is allowed"
        yield Diagnosis(
            what="SPF",
            severity="warning",
            finding=f"{domain} {problem}, or the name server did not answer.",
            mend="Publish one TXT record that names your mail server or provider.",
        )
    dmarc = [text for text in _dmarc_texts(domain) if text.lower().startswith("v=dmarc1")]
    if dmarc:
        yield Diagnosis(what="DMARC", severity="ok", finding=f"{domain}: {dmarc[0]}")
    else:
        yield Diagnosis(
            what="DMARC",
            severity="warning",
            finding=f"_dmarc.{domain} has no DMARC record, or the name server did not answer.",
            mend="Publish a TXT record such as “v=DMARC1; p=none”: Gmail, Yahoo and Outlook require it.",
        )


def _dmarc_texts(domain: str) -> list[str]:
    """The domain's own record, or that of its parent domain."""
    return _texts(f"_dmarc.{domain}") or (
        _texts(f"_dmarc.{domain.partition('.')[2]}") if domain.count(".") > 1 else []
    )


def _texts(name: str) -> list[str]:
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=_DNS_SECONDS)
    except (dns.exception.DNSException, OSError):
        return []
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
