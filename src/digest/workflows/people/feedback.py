"""Feedback: what subscribers do with the links in their mail, and what providers report later."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.message.bounce import Bounce, read_bounce
from digest.model.delivery import DeliveryEvent, DeliveryId
from digest.model.issue import IssueId
from digest.model.subscriber import Subscription
from digest.rules.email_addresses import clean_name
from digest.rules.feedback import effect_of_event, ends_subscription
from digest.rules.signed_links import verify
from digest.storage import delivery_events, issues, subscribers
from digest.storage.database import Connection, Database
from digest.storage.delivery_events import MatchedEvent
from digest.workflows.people.link_owners import subscription_of

BOUNCE = "bounce"  # the purpose of the tokens in return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The result of one call of `receive`."""

    told: int = 0  # how many events were passed in
    kept: int = 0  # how many of them were new
    belonging: int = 0  # how many of the new ones concern one of our deliveries
    suppressed: int = 0  # addresses that are no longer mailed from now on
    ended: int = 0  # subscriptions that ended
    proven: int = 0  # uncertain deliveries that turned out to be accepted


def unsubscribe(
    token: str, *, keys: Sequence[str], database: Database, how: str, now: datetime
) -> Subscription | None:
    """End the subscription of this link; repeating it gives the same answer (RFC 8058)."""
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    with database.write() as connection:
        subscribers.end(connection, found.id, at=now, why="unsubscribed", how=how)
        return subscribers.by_id(connection, found.id)


def resubscribe(token: str, *, keys: Sequence[str], database: Database, now: datetime) -> Subscription | None:
    """Renew a subscription that was ended by mistake; a suppressed address stays unsubscribed."""
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    with database.write() as connection:
        if subscribers.suppression_of(connection, found.address_key) is None:
            subscribers.renew(connection, found.id, at=now, how="the button on the unsubscribe page")
        return subscribers.by_id(connection, found.id)


def choose(
    token: str,
    *,
    wanted: Collection[str],
    offered: Collection[str],
    name: str,
    keys: Sequence[str],
    database: Database,
    now: datetime,
) -> list[Subscription] | None:
    """Make the person's subscriptions those of `wanted`, out of the newsletters `offered`.

    The link is only in mails to that address, so using it proves that the address
    is the person's own: subscriptions they add are confirmed.  A suppressed
    address can only unsubscribe.
    """
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    how = "the page of preferences"
    with database.write() as connection:
        may_join = subscribers.suppression_of(connection, found.address_key) is None
        there = {one.newsletter: one for one in subscribers.by_address(connection, found.address_key)}
        subscribers.rename(connection, found.address_key, clean_name(name))
        for newsletter in offered:
            one = there.get(newsletter)
            if newsletter not in wanted:
                if one is not None:
                    subscribers.end(connection, one.id, at=now, why="unsubscribed", how=how)
            elif may_join and one is not None:
                subscribers.renew(connection, one.id, at=now, how=how)
            elif may_join:
                person = {
                    "address": found.address, "address_key": found.address_key, "name": clean_name(name),
                    "language": found.language, "topics": (),
                }  # fmt: skip
                subscribers.add(connection, newsletter, [person], at=now, how=how)
        return subscribers.by_address(connection, found.address_key)


def receive(events: Sequence[DeliveryEvent], *, database: Database, now: datetime) -> Received:
    """Store what a provider reports and act on it, in one durable transaction.

    Reporting the same events again, in any order, changes nothing more.  An issue
    whose last uncertain delivery they settle is closed.
    """
    with database.write() as connection:
        kept, belonging = delivery_events.add(connection, events, received_at=now)
        delivery_events.advance(connection, belonging)
        suppressed = sum(_suppress(connection, one, now=now) for one in belonging)
        ended = sum(_end(connection, one, now=now) for one in belonging)
        touched = {one.issue_id for one in belonging}
        proven = {which: delivery_events.accept_on_evidence(connection, which, now=now) for which in touched}
    _close((which for which, count in proven.items() if count), database=database, now=now)
    return Received(
        told=len(events),
        kept=kept,
        belonging=len(belonging),
        suppressed=suppressed,
        ended=ended,
        proven=sum(proven.values()),
    )


def bounce(
    raw: bytes, *, to: str, keys: Sequence[str], database: Database, now: datetime
) -> tuple[DeliveryEvent, Received]:
    """Record one mail that arrived at a return path; `to` is that address, if the mail server gives it.

    A mail that names none of our return paths is recorded too, but changes nothing.
    """
    read = read_bounce(raw)
    number = _returned((to, *read.addresses), keys=keys)
    event = DeliveryEvent(
        key=_bounce_key(read, number),
        provider="smtp",
        kind=read.kind,
        at=now,
        delivery_id=DeliveryId(number) if number is not None else None,
        detail=read.detail,
    )
    return event, receive([event], database=database, now=now)


def _suppress(connection: Connection, one: MatchedEvent, *, now: datetime) -> bool:
    its = effect_of_event(one.event)
    if its.suppresses is None:
        return False
    return subscribers.suppress(
        connection, one.address_key, reason=its.suppresses, at=now, how=_how(one.event)
    )


def _end(connection: Connection, one: MatchedEvent, *, now: datetime) -> bool:
    """End the subscription that the mail was for, if it is still that person's."""
    if not effect_of_event(one.event).ends:
        return False
    number = one.subscription_id
    mine = subscribers.by_id(connection, number)
    if mine is None or mine.address_key != one.address_key:
        return False  # erased in the meantime
    if not ends_subscription(one.event, since=mine.since):
        return False
    return subscribers.end(
        connection, mine.id, at=now, why=effect_of_event(one.event).ends, how=_how(one.event)
    )


def _how(event: DeliveryEvent) -> str:
    words = f": {event.detail}" if event.detail else ""
    return f"{event.kind.value}, reported by {event.provider}{words}"


def _close(which: Iterable[IssueId], *, database: Database, now: datetime) -> None:
    """Close the issues that have no uncertain deliveries left."""
    for number in which:
        from digest.workflows.sending.deliver import finish  # slow to import, and rarely needed

        with database.read() as connection:
            issue = issues.by_id(connection, number)
        finish(issue, database=database, clock=lambda: now)


def _returned(addresses: Iterable[str], *, keys: Sequence[str]) -> int | None:
    """The delivery named by one of our return paths: bounce+TOKEN@news.example.com."""
    for address in addresses:
        token = address.strip(" <>").rpartition("@")[0].rpartition("+")[2]
        number = verify(token, purpose=BOUNCE, keys=keys)
        if number is not None:
            return number
    return None


def _bounce_key(read: Bounce, number: int | None) -> str:
    return hashlib.sha256(f"smtp {number} {read.kind.value} {read.fingerprint}".encode()).hexdigest()
