"""The ledger: one row per issue and recipient, claimed before sending and settled after.

Every move names the state it starts from, so a row that someone else has moved in the
meantime is simply not found: the row count is the fence, not good behaviour.
docs/decisions/ledger.md says what each state guarantees after a crash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    SelectBase,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from digest.model.delivery import Counts, Delivery, DeliveryId, DeliveryState, Settlement
from digest.model.issue import IssueId
from digest.model.subscriber import SubscriptionState
from digest.storage import delivery_events
from digest.storage.tables import delivery, exclusion, issue, subscriber, subscription, suppression

LEFT_MEANWHILE = "unsubscribed or suppressed during the send"

_IN_FLIGHT = (DeliveryState.CLAIMED.value, DeliveryState.SUBMITTING.value)


def freeze_audience(connection: Connection, which: IssueId, newsletter: str, *, at: datetime) -> int:
    """Record who gets the issue and who does not, with the reason; returns the number of candidates.

    A candidate is a subscription that has not ended.  Two subscriptions for one mailbox
    give one delivery.
    """
    candidate = and_(
        subscription.c.newsletter == newsletter, subscription.c.state != SubscriptionState.ENDED.value
    )
    people = select(subscription.c.id).join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    barred = exists().where(suppression.c.address_key == subscriber.c.address_key)
    confirmed = subscription.c.state == SubscriptionState.CONFIRMED.value

    count = select(func.count()).select_from(subscription).where(candidate)
    candidates = connection.scalar(count) or 0
    for reason, rule in (("suppressed", barred), ("unconfirmed", and_(~barred, ~confirmed))):
        rows = people.where(candidate, rule).with_only_columns(
            literal(which), subscription.c.id, literal(reason)
        )
        connection.execute(insert(exclusion).from_select(["issue_id", "subscription_id", "reason"], rows))
    rows = people.where(candidate, ~barred, confirmed).with_only_columns(
        literal(which),
        subscription.c.id,
        subscriber.c.address,
        subscriber.c.address_key,
        subscriber.c.name,
        subscriber.c.language,
        literal(DeliveryState.PENDING.value),
        literal(at, delivery.c.updated_at.type),
    )
    columns = [
        "issue_id",
        "subscription_id",
        "address",
        "address_key",
        "name",
        "language",
        "state",
        "updated_at",
    ]
    connection.execute(insert(delivery).from_select(columns, rows))
    connection.execute(update(issue).where(issue.c.id == which).values(candidates=candidates))
    return candidates


def claim(
    connection: Connection, which: IssueId, *, limit: int, owner: str, lease: timedelta, now: datetime
) -> list[Delivery]:
    """Take pending rows that are due; no one else gets them while the lease lasts."""
    due = or_(delivery.c.not_before.is_(None), delivery.c.not_before <= now)
    running = exists().where(issue.c.id == which, issue.c.state == "sending")
    free = and_(delivery.c.issue_id == which, delivery.c.state == DeliveryState.PENDING.value, due, running)
    ids = (
        select(delivery.c.id)
        .where(free)
        .order_by(delivery.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(delivery)
        .where(delivery.c.id.in_(list(connection.execute(ids).scalars())), delivery.c.state == "pending")
        .values(
            state=DeliveryState.CLAIMED.value,
            epoch=delivery.c.epoch + 1,
            attempt=delivery.c.attempt + 1,
            owner=owner,
            lease_until=now + lease,
            updated_at=now,
        )
        .returning(
            delivery.c.id,
            delivery.c.address,
            delivery.c.name,
            delivery.c.language,
            delivery.c.subscription_id,
            delivery.c.epoch,
            delivery.c.attempt,
        )
    )
    rows = sorted(connection.execute(taken).all())
    return [
        Delivery(
            id=DeliveryId(number),
            address=address,
            name=name,
            language=language,
            subscription_id=person,
            epoch=epoch,
            attempt=attempt,
        )
        for number, address, name, language, person, epoch, attempt in rows
    ]


def mark_submitting(
    connection: Connection,
    which: IssueId,
    claimed: Sequence[Delivery],
    *,
    owner: str,
    now: datetime,
    lease_until: datetime | None = None,
) -> set[DeliveryId]:
    """Record the intent: from now on these may have been delivered.  Returns those that may be sent.

    Left out are rows that another owner took over, and rows whose address was suppressed
    or whose subscription ended after the audience was frozen; the latter become
    suppressed.  Nothing of a cancelled issue may be sent.
    """
    if not claimed:
        return set()
    mine = and_(
        delivery.c.issue_id == which,
        delivery.c.id.in_([d.id for d in claimed]),  # uses the index; the epoch is what decides
        tuple_(delivery.c.id, delivery.c.epoch).in_([(d.id, d.epoch) for d in claimed]),
        delivery.c.state == DeliveryState.CLAIMED.value,
        delivery.c.owner == owner,
    )
    barred = exists().where(suppression.c.address_key == delivery.c.address_key)
    left = ~exists().where(
        subscription.c.id == delivery.c.subscription_id,
        subscription.c.state == SubscriptionState.CONFIRMED.value,
    )
    connection.execute(
        update(delivery)
        .where(mine, or_(barred, left))
        .values(
            state=DeliveryState.SUPPRESSED.value,
            detail=LEFT_MEANWHILE,
            updated_at=now,
        )
    )
    running = exists().where(issue.c.id == which, issue.c.state == "sending")
    gone = connection.execute(
        update(delivery)
        .where(mine, running)
        .values(
            state=DeliveryState.SUBMITTING.value,
            updated_at=now,
            **({} if lease_until is None else {"lease_until": lease_until}),
        )
        .returning(delivery.c.id)
    )
    return {DeliveryId(number) for number in gone.scalars()}


def record(connection: Connection, settlements: Sequence[Settlement], *, owner: str, now: datetime) -> None:
    """Store the settlements of this owner's rows."""
    if not settlements:
        return
    connection.execute(
        update(delivery)
        .where(
            delivery.c.id == bindparam("row_id"),
            delivery.c.owner == owner,
            # Written as OR: an IN list cannot be prepared once for many rows.
            or_(*(delivery.c.state == state for state in _IN_FLIGHT)),
        )
        .values(
            state=bindparam("row_state"),
            detail=bindparam("row_detail"),
            provider_ref=bindparam("row_ref"),
            batch_id=bindparam("row_batch"),
            not_before=bindparam("row_not_before"),
            lease_until=None,
            updated_at=now,
        ),
        [
            {
                "row_id": settled.delivery_id,
                "row_state": settled.state.value,
                "row_detail": settled.detail,
                "row_ref": settled.provider_ref,
                "row_batch": settled.batch_id,
                "row_not_before": settled.not_before,
            }
            for settled in settlements
        ],
    )


def release(connection: Connection, ids: Collection[DeliveryId], *, owner: str, now: datetime) -> None:
    """Give back rows that the transport guarantees were not submitted, whether or not they were declared."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.owner == owner, delivery.c.state.in_(_IN_FLIGHT))
        .values(
            state=DeliveryState.PENDING.value,
            attempt=delivery.c.attempt - 1,
            lease_until=None,
            updated_at=now,
        )
    )


def owners(connection: Connection, which: IssueId) -> set[str]:
    """The owners that currently hold rows of this issue."""
    rows = select(delivery.c.owner).where(delivery.c.issue_id == which, delivery.c.state.in_(_IN_FLIGHT))
    return set(connection.execute(rows.distinct()).scalars())


def recover(
    connection: Connection,
    which: IssueId,
    *,
    dead: Collection[str],
    doubtful: Collection[str] = (),
    alive: Collection[str] = (),
    now: datetime,
) -> tuple[int, int]:
    """Reclaim the rows of senders that died or lost their lease; returns (pending again, uncertain).

    A row that was claimed but not declared was not submitted, so it is pending again.
    One that was declared becomes uncertain and never goes back by itself.  The machine
    of `doubtful` owners went down, and a declaration may have been lost with it, so their
    claimed rows become uncertain too.  Owners known to be `alive` keep their rows, however
    long it takes: no one else may send them.
    """
    lost = and_(
        delivery.c.issue_id == which,
        or_(
            delivery.c.owner.in_(list(dead)),
            and_(delivery.c.lease_until < now, delivery.c.owner.not_in(list(alive))),
        ),
    )
    in_doubt = or_(
        delivery.c.state == DeliveryState.SUBMITTING.value,
        and_(delivery.c.state == DeliveryState.CLAIMED.value, delivery.c.owner.in_(list(doubtful))),
    )
    again = connection.execute(
        update(delivery)
        .where(lost, delivery.c.state == DeliveryState.CLAIMED.value, ~in_doubt)
        .values(state=DeliveryState.PENDING.value, lease_until=None, updated_at=now)
    ).rowcount
    uncertain = connection.execute(
        update(delivery)
        .where(lost, in_doubt)
        .values(
            state=DeliveryState.UNCERTAIN.value,
            detail="the sender stopped before the answer was recorded",
            lease_until=None,
            updated_at=now,
        )
    ).rowcount
    return again, uncertain


def resolve(
    connection: Connection,
    which: IssueId,
    *,
    to: DeliveryState,
    detail: str,
    not_before: datetime | None,
    now: datetime,
) -> int:
    """Decide on the uncertain rows: pending (resend) or abandoned; returns how many there were."""
    return connection.execute(
        update(delivery)
        .where(delivery.c.issue_id == which, delivery.c.state == DeliveryState.UNCERTAIN.value)
        .values(state=to.value, detail=detail, not_before=not_before, updated_at=now)
    ).rowcount


def abandon_pending(connection: Connection, which: IssueId, *, detail: str, now: datetime) -> int:
    """The issue was cancelled: recipients not yet served will not get it.  Returns how many."""
    return connection.execute(
        update(delivery)
        .where(
            delivery.c.issue_id == which,
            delivery.c.state.in_([DeliveryState.PENDING.value, DeliveryState.CLAIMED.value]),
        )
        .values(state=DeliveryState.ABANDONED.value, detail=detail, updated_at=now)
    ).rowcount


def delete_audience(connection: Connection, which: IssueId) -> None:
    """Undo `freeze_audience` for an issue of which nothing was ever claimed."""
    connection.execute(delivery.delete().where(delivery.c.issue_id == which))
    connection.execute(exclusion.delete().where(exclusion.c.issue_id == which))
    connection.execute(update(issue).where(issue.c.id == which).values(candidates=0))


def counts(connection: Connection, which: IssueId, *, now: datetime, candidates: int | None = None) -> Counts:
    """The account of an issue, counted from its rows at this moment, in one statement.

    `candidates` are those of the issue's row, where whoever asks has read it already.
    """
    found: dict[str, dict[str, int]] = defaultdict(dict)
    asked = _counted(which, now=now, with_candidates=candidates is None)
    rows: Iterable[Any] = connection.execute(union_all(*asked))
    for what, of, number in rows:
        found[what][of] = number
    by_state, exclusions = found["state"], found["excluded"]
    deferred = found["deferred"].get("", 0)
    return Counts(
        candidates=found["candidates"].get("", 0) if candidates is None else candidates,
        excluded=sum(exclusions.values()),
        audience=sum(by_state.values()),
        pending=by_state.get("pending", 0) - deferred,
        deferred=deferred,
        in_flight=sum(by_state.get(state, 0) for state in _IN_FLIGHT),
        accepted=by_state.get("accepted", 0),
        refused=by_state.get("refused", 0),
        uncertain=by_state.get("uncertain", 0),
        suppressed=by_state.get("suppressed", 0),
        abandoned=by_state.get("abandoned", 0),
        exclusions=dict(exclusions),
        **delivery_events.by_outcome(found["told"]),
    )


def _counted(which: IssueId, *, now: datetime, with_candidates: bool) -> list[SelectBase]:
    """Rows of what is counted, of which kind, and how many; each part by an index of its own."""
    mine = delivery.c.issue_id == which
    told = delivery_events.select_outcomes(which).subquery()
    asked: list[SelectBase] = [
        select(literal("state"), delivery.c.state, func.count()).where(mine).group_by(delivery.c.state),
        select(literal("deferred"), literal(""), func.count()).where(
            mine, delivery.c.state == DeliveryState.PENDING.value, delivery.c.not_before > now
        ),
        select(literal("excluded"), exclusion.c.reason, func.count())
        .where(exclusion.c.issue_id == which)
        .group_by(exclusion.c.reason),
        select(literal("told"), *told.c),
    ]
    if with_candidates:
        row = select(literal("candidates"), literal(""), issue.c.candidates).where(issue.c.id == which)
        asked.append(row)
    return asked


def next_due(connection: Connection, which: IssueId) -> datetime | None:
    """When the next deferred row may be retried; None if there is none."""
    rows = select(func.min(delivery.c.not_before)).where(
        delivery.c.issue_id == which, delivery.c.state == DeliveryState.PENDING.value
    )
    due: datetime | None = connection.scalar(rows)
    return due


def problems(connection: Connection, which: IssueId, *, limit: int = 20) -> list[tuple[str, str, str]]:
    """Address, state and the server's words for rows that were not simply accepted."""
    rows = (
        select(delivery.c.address, delivery.c.state, delivery.c.detail)
        .where(
            delivery.c.issue_id == which,
            delivery.c.state.in_(["refused", "uncertain", "suppressed"])
            | (delivery.c.not_before.is_not(None)),
            delivery.c.state != "accepted",
        )
        .order_by(delivery.c.id)
        .limit(limit)
    )
    return [(a, s, d) for a, s, d in connection.execute(rows)]
