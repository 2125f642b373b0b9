"""All tables.  Unique constraints guard the data, not good behaviour.

The schema of a real database comes from the migrations; a test keeps both identical.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC.  SQLite has no time zones: there the zone is dropped and added again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Alembic needs names in order to alter constraints, even on SQLite.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only gives a table its fast row id for a column of exactly this type.
Id = BigInteger().with_variant(Integer, "sqlite")

source = Table(
    "source",
    metadata,
    Column("id", Id, primary_key=True),
    Column("newsletter", String(100), nullable=False),
    Column("key", Text, nullable=False),
    Column("etag", Text, nullable=False, server_default=""),
    Column("last_modified", Text, nullable=False, server_default=""),
    Column("first_read", UtcDateTime),  # its first successful reading: what it showed then is backlog
    Column("last_fetched", UtcDateTime),
    Column("last_new", UtcDateTime),
    Column("ok", Boolean, nullable=False, server_default=false()),
    Column("message", Text, nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("shown", JSON, nullable=False, server_default="[]"),  # article ids at the last successful reading
    UniqueConstraint("newsletter", "key"),
)

article = Table(
    "article",
    metadata,
    Column("id", Id, primary_key=True),
    Column("newsletter", String(100), nullable=False),
    Column("source", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_is_made", Boolean, nullable=False, server_default=false()),
    Column("teaser", Text, nullable=False, server_default=""),
    Column("author", Text, nullable=False, server_default=""),
    Column("published", UtcDateTime),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("dated", UtcDateTime, nullable=False),  # published, or else first seen; the basis of its age
    Column("image", JSON),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("language", String(35), nullable=False, server_default=""),
    Column("minutes", Integer),
    Column("is_backlog", Boolean, nullable=False, server_default=false()),
    Column("is_featured_at_source", Boolean, nullable=False, server_default=false()),
    Column("featured_at", UtcDateTime),
    Column("unfeatured_at", UtcDateTime),
    Column("excluded_at", UtcDateTime),
    Column("excluded_why", Text, nullable=False, server_default=""),
    Column("last_issue", Integer),
    Column("last_issued_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Index("ix_article_waiting", "newsletter", "last_issue", "first_seen"),
    Index("ix_article_dated", "newsletter", "last_issue", "dated"),
    Index("ix_article_featured", "newsletter", "featured_at"),
    # Covers the counts of new articles by day and source: see `desk_home.new_articles_by_day`.
    Index("ix_article_arrivals", "newsletter", "first_seen", "source", "is_backlog"),
)

article_key = Table(
    "article_key",
    metadata,
    Column("newsletter", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("article_id", ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_article_key_article_id", "article_id"),
    sqlite_with_rowid=False,
)

issue = Table(
    "issue",
    metadata,
    Column("id", Id, primary_key=True),
    Column("newsletter", String(100), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("selected_at", UtcDateTime, nullable=False),
    Column("layout", JSON, nullable=False),
    Column("rendered", JSON),
    Column("left_out", JSON, nullable=False, server_default="[]"),
    Column("content_hash", String(80), nullable=False, server_default=""),
    Column("approved_at", UtcDateTime),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("overrides", JSON, nullable=False, server_default="[]"),
    Column("sent_at", UtcDateTime),
    Column("slot_key", String(100), nullable=False, server_default=""),
    Column("candidates", Integer, nullable=False, server_default="0"),
    Column("texts", JSON, nullable=False, server_default="{}"),
    Column("taken_out", JSON, nullable=False, server_default="[]"),
    Column("revision", Integer, nullable=False, server_default="0"),  # rises with every edit
    Column("editors_told_at", UtcDateTime),  # when they were notified that it waits for them
    Column("send_at", UtcDateTime),  # the time it was approved for; null means its slot
    UniqueConstraint("newsletter", "number"),
)
# One slot makes one issue, even if two schedulers check it at once.
Index(
    "uq_issue_slot",
    issue.c.newsletter,
    issue.c.slot_key,
    unique=True,
    sqlite_where=issue.c.slot_key != "",
    postgresql_where=issue.c.slot_key != "",
)

# Which article is in which issue.  `appearance` is 0, and only goes up by one when an
# editor features an issued article again: otherwise an article is in at most one issue
# of a newsletter, whatever else goes wrong.
issue_article = Table(
    "issue_article",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("article_id", ForeignKey("article.id"), primary_key=True),
    Column("appearance", Integer, nullable=False, server_default="0"),
    UniqueConstraint("article_id", "appearance"),
)

# The history of an issue's content.  The content is stored with the edit that made it;
# `state` refers to that edit for an undo or redo.
revision = Table(
    "revision",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("deed", String(10), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False, server_default=""),
    Column("what", Text, nullable=False, server_default=""),
    Column("state", Integer, nullable=False),
    Column("before", Integer),
    Column("edit", JSON),
    Column("content", JSON),
)

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("language", String(35), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
    Column("newsletter", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("topics", JSON, nullable=False, server_default="[]"),
    Column("since", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_why", Text, nullable=False, server_default=""),
    UniqueConstraint("subscriber_id", "newsletter"),
    Index("ix_subscription_newsletter_state", "newsletter", "state"),
    # Its id is in unsubscribe links, so that of an erased person must never be reused.
    sqlite_autoincrement=True,
)

suppression = Table(
    "suppression",
    metadata,
    Column("address_key", Text, primary_key=True),
    Column("reason", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

consent_entry = Table(
    "consent_entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address_key", Text, nullable=False, index=True),
    Column("newsletter", String(100), nullable=False, server_default=""),
    Column("at", UtcDateTime, nullable=False),
    Column("what", String(40), nullable=False),
    Column("how", Text, nullable=False, server_default=""),
)

subscriber_file = Table(
    "subscriber_file",
    metadata,
    Column("newsletter", String(100), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("fingerprint", String(80), nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("subscription_id", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("language", String(35), nullable=False, server_default=""),
    Column("state", String(12), nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("owner", Text, nullable=False, server_default=""),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("provider_ref", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("batch_id", Text, nullable=False, server_default=""),  # of the request that carried it
    Column("event", String(20), nullable=False, server_default=""),  # the furthest reported by a provider
    Column("event_at", UtcDateTime),
    UniqueConstraint("issue_id", "address_key"),
    UniqueConstraint("issue_id", "subscription_id"),
)
# Pending rows only: an index over all states would be written three times for each message.
Index(
    "ix_delivery_pending",
    delivery.c.issue_id,
    delivery.c.id,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)

# Counting reported events must not read everything that was sent: see `delivery_events.outcome_counts`.
Index(
    "ix_delivery_told",
    delivery.c.issue_id,
    delivery.c.event,
    delivery.c.state,
    sqlite_where=delivery.c.event != "",
    postgresql_where=delivery.c.event != "",
)

# What providers reported, each event once.  An event of no delivery of ours has no
# delivery, no issue and no batch: it proves nothing.
delivery_event = Table(
    "delivery_event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", ForeignKey("delivery.id", ondelete="SET NULL")),
    Column("issue_id", ForeignKey("issue.id")),
    Column("batch_id", Text, nullable=False, server_default=""),
    Column("provider", String(20), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("event_key", String(80), nullable=False, unique=True),
    Column("at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("address_key", Text, nullable=False, server_default=""),  # a hash; see `erased_key`
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_delivery_event_delivery_id", "delivery_id"),
    Index("ix_delivery_event_batch", "issue_id", "batch_id"),
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("subscription_id", BigInteger, primary_key=True),
    Column("reason", String(20), nullable=False),
)

slot = Table(
    "slot",
    metadata,
    Column("newsletter", String(100), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("due", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("issue_number", Integer),
    Column("recorded_at", UtcDateTime, nullable=False),
)

# Since when a schedule is watched: earlier due times do not count.
watch = Table(
    "watch",
    metadata,
    Column("newsletter", String(100), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)

# What people did and what digest decided, with names as text: an entry outlives the account that it is
# about, and is never changed.  No subscriber's address and no secret is in it.
activity = Table(
    "activity",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("newsletter", String(100), nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),
    Column("what", String(30), nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("who", Text, nullable=False, server_default=""),
    Column("door", String(20), nullable=False, server_default=""),
    Column("network", String(50), nullable=False, server_default=""),
    Index("ix_activity_subject", "subject", "id"),
    Index("ix_activity_newsletter", "newsletter", "id"),
)

# Accounts of the desk.  A password hash leaves this table only for `passwords`.
editor = Table(
    "editor",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_at", UtcDateTime, nullable=False),
    # Sessions refer to it, so those of a removed editor must not match the next one.
    sqlite_autoincrement=True,
)

session = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("editor_id", ForeignKey("editor.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Index("ix_session_editor_id", "editor_id"),
)

# Names are hashed here: people sometimes type their password into that field.
login_attempt = Table(
    "login_attempt",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("name_hash", String(64), nullable=False),
    Column("network", String(50), nullable=False),
    Column("failed", Boolean, nullable=False),
    Index("ix_login_attempt_name", "name_hash", "at"),
    Index("ix_login_attempt_network", "network", "at"),
)

# Programs that may use the API.  The token is kept as a hash only.
api_token = Table(
    "api_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
)
