"""One activity log in the place of two: `event` (issues and slots) and `audit_entry` (accounts, tokens, API).

Old rows are moved over with what is known of them.  The door is only known
where the row says so; an action of the API that was in both logs is one entry.
"""

import re
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_BATCH = 1000

_Entry = dict[str, Any]

_ACTIVITY = sa.table(
    "activity",
    sa.column("id", _ID),
    sa.column("at", _MOMENT),
    *(
        sa.column(name, sa.Text())
        for name in ("newsletter", "subject", "what", "detail", "who", "door", "network")
    ),
)
_EVENT = sa.table(
    "event",
    sa.column("id", _ID),
    sa.column("at", _MOMENT),
    *(sa.column(name, sa.Text()) for name in ("newsletter", "subject", "what", "who")),
)
_AUDIT_ENTRY = sa.table(
    "audit_entry",
    sa.column("id", _ID),
    sa.column("at", _MOMENT),
    *(sa.column(name, sa.Text()) for name in ("who", "what", "subject", "place")),
)

# What a sentence of the old logs begins with, and the word for it now.
_EVENT_WORDS = (
    ("approved for ", "approved"),
    ("approval ", "withdrew-approval"),
    ("cancelled", "cancelled"),
    ("paused", "paused"),
    ("resumed", "resumed"),
    ("proof sent", "proof-sent"),
    ("draft", "drafted"),
    ("featured: ", "marked"),
    ("unfeatured: ", "marked"),
    ("excluded: ", "marked"),
    ("unmarked: ", "marked"),
    ("pushed", "pushed"),
    ("slot ", "slot"),
    ("sent: ", "sent"),
    ("held: ", "held"),
    ("skipped: ", "skipped"),
    ("sending stopped", "stopped"),
    ("the editors were told", "reminded"),
    ("The editors could not be told", "reminded"),
)
_AUDIT_WORDS = (
    ("added with the role ", "account-added"),
    ("new password", "account-password"),
    ("role ", "account-role"),
    ("removed", "account-removed"),
    ("login failed", "login-failed"),
    ("logged in", "login"),
    ("logged out", "logout"),
    ("API token made", "token-added"),
    ("API token removed", "token-removed"),
    ("made a share link", "shared"),
    ("collected", "collected"),
    ("drafted", "drafted"),
    ("marked an article", "marked"),
    ("sent a proof", "proof-sent"),
    ("approved", "approved"),
    ("took the approval back", "withdrew-approval"),
    ("cancelled", "cancelled"),
    ("paused", "paused"),
    ("resumed", "resumed"),
    ("decided on uncertain deliveries", "resolved"),
)
_OF_NEWSLETTER = frozenset({"collected", "drafted", "marked"})
_IN_BOTH_LOGS = frozenset(
    "approved withdrew-approval cancelled paused resumed resolved marked proof-sent drafted".split()
)
_APART_AT_MOST = timedelta(seconds=10)
_UNCERTAIN = re.compile(r"\d+ uncertain: ")
_ISSUE = re.compile(r"(?P<newsletter>[^/\s]+)/\d+")
_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]]+(?:@|%40|=40)[^\s<>\"'(),;:\[\]]+", re.IGNORECASE)


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("newsletter", sa.String(length=100), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.Column("door", sa.String(length=20), server_default="", nullable=False),
        sa.Column("network", sa.String(length=50), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_subject", "activity", ["subject", "id"], unique=False)
    op.create_index("ix_activity_newsletter", "activity", ["newsletter", "id"], unique=False)
    connection = op.get_bind()
    old = [_of_event(row) for row in connection.execute(sa.select(_EVENT).order_by(_EVENT.c.id))]
    audit = [
        _of_audit(row) for row in connection.execute(sa.select(_AUDIT_ENTRY).order_by(_AUDIT_ENTRY.c.id))
    ]
    moved = sorted(old + _only_here(audit, old), key=lambda row: row["at"])
    for begin in range(0, len(moved), _BATCH):
        connection.execute(sa.insert(_ACTIVITY), moved[begin : begin + _BATCH])
    op.drop_table("event")
    op.drop_table("audit_entry")


def downgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("newsletter", sa.String(length=100), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.String(length=50), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(_ACTIVITY).order_by(_ACTIVITY.c.id)).all():
        kept = {"at": row.at, "subject": row.subject, "what": row.detail, "who": row.who}
        if row.what.startswith(("account-", "token-", "login", "logout", "shared")):
            place = row.network or "command line"
            connection.execute(sa.insert(_AUDIT_ENTRY).values(**kept, place=place))
        else:
            connection.execute(sa.insert(_EVENT).values(**kept, newsletter=row.newsletter))
    op.drop_table("activity")


def _of_event(row: sa.Row[Any]) -> _Entry:
    is_issue = _ISSUE.fullmatch(row.subject)
    word = "resolved" if _UNCERTAIN.match(row.what) else "edited" if row.who and is_issue else "other"
    return {
        "at": row.at,
        "newsletter": row.newsletter,
        "subject": row.subject,
        "what": _word(row.what, _EVENT_WORDS, word),
        "detail": _ADDRESS.sub("…", row.what),
        "who": row.who,
        "door": _door(row.who),
        "network": "",
    }


def _of_audit(row: sa.Row[Any]) -> _Entry:
    word = _word(row.what, _AUDIT_WORDS, "other")
    is_command = row.place == "command line"
    issue = _ISSUE.fullmatch(row.subject)
    # A share link of the desk was written down as if the command line had made it.
    at_the_command = "command-line" if is_command and word != "shared" else ""
    return {
        "at": row.at,
        "newsletter": issue["newsletter"] if issue else row.subject if word in _OF_NEWSLETTER else "",
        "subject": row.subject,
        "what": word,
        "detail": _ADDRESS.sub("…", row.what),
        "who": row.who,
        "door": _door(row.who) or at_the_command or ("" if is_command else "desk"),
        "network": "" if is_command else row.place,
    }


def _only_here(audit: list[_Entry], events: list[_Entry]) -> list[_Entry]:
    """The rows that no event records as well; such an event learns the network."""
    known: dict[tuple[str, str], list[_Entry]] = {}
    for event in events:
        known.setdefault((event["who"], event["what"]), []).append(event)
    left = []
    for row in audit:
        same = [
            event
            for event in known.get((row["who"], row["what"]), ())
            if row["what"] in _IN_BOTH_LOGS
            and abs(row["at"] - event["at"]) <= _APART_AT_MOST
            and (row["subject"] in {event["subject"], event["newsletter"]})
        ]
        if not same:
            left.append(row)
        for event in same:
            event["network"] = row["network"]
    return left


def _word(sentence: str, words: tuple[tuple[str, str], ...], otherwise: str) -> str:
    return next((word for begins, word in words if sentence.startswith(begins)), otherwise)


def _door(who: str) -> str:
    if who.endswith(" (API)"):
        return "api"
    return "desk" if who == "somebody at this machine" else ""
