"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "article",
        sa.Column("id", _ID, nullable=False),
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_is_made", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("teaser", sa.Text(), server_default="", nullable=False),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("published", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("image", sa.JSON(), nullable=True),
        sa.Column("tags", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("language", sa.String(length=35), server_default="", nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("is_backlog", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_featured_at_source", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("featured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unfeatured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("excluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("excluded_why", sa.Text(), server_default="", nullable=False),
        sa.Column("last_issue", sa.Integer(), nullable=True),
        sa.Column("last_issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
    )
    op.create_index("ix_article_dated", "article", ["newsletter", "last_issue", "dated"], unique=False)
    op.create_index("ix_article_featured", "article", ["newsletter", "featured_at"], unique=False)
    op.create_index("ix_article_waiting", "article", ["newsletter", "last_issue", "first_seen"], unique=False)
    op.create_table(
        "consent_entry",
        sa.Column("id", _ID, nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("newsletter", sa.String(length=100), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("how", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_entry")),
    )
    op.create_index(op.f("ix_consent_entry_address_key"), "consent_entry", ["address_key"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("newsletter", sa.String(length=100), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_table(
        "issue",
        sa.Column("id", _ID, nullable=False),
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("selected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=False),
        sa.Column("rendered", sa.JSON(), nullable=True),
        sa.Column("left_out", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("content_hash", sa.String(length=80), server_default="", nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("overrides", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slot_key", sa.String(length=100), server_default="", nullable=False),
        sa.Column("candidates", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
        sa.UniqueConstraint("newsletter", "number", name=op.f("uq_issue_newsletter_number")),
    )
    op.create_index(
        "uq_issue_slot",
        "issue",
        ["newsletter", "slot_key"],
        unique=True,
        sqlite_where=sa.text("slot_key != ''"),
        postgresql_where=sa.text("slot_key != ''"),
    )
    op.create_table(
        "slot",
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("issue_number", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("newsletter", "key", name=op.f("pk_slot")),
    )
    op.create_table(
        "source",
        sa.Column("id", _ID, nullable=False),
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), server_default="", nullable=False),
        sa.Column("last_modified", sa.Text(), server_default="", nullable=False),
        sa.Column("first_read", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_fetched", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_new", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ok", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shown", sa.JSON(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("newsletter", "key", name=op.f("uq_source_newsletter_key")),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", _ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.String(length=35), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("address_key", name=op.f("uq_subscriber_address_key")),
    )
    op.create_table(
        "subscriber_file",
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=80), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("newsletter", "path", name=op.f("pk_subscriber_file")),
    )
    op.create_table(
        "suppression",
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_key", name=op.f("pk_suppression")),
    )
    op.create_table(
        "watch",
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("newsletter", name=op.f("pk_watch")),
    )
    op.create_table(
        "article_key",
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_key_article_id_article"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("newsletter", "kind", "value", "article_id", name=op.f("pk_article_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_article_key_article_id", "article_key", ["article_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("issue_id", _ID, nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.String(length=35), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("provider_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_delivery_issue_id_issue")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("issue_id", "address_key", name=op.f("uq_delivery_issue_id_address_key")),
        sa.UniqueConstraint("issue_id", "subscription_id", name=op.f("uq_delivery_issue_id_subscription_id")),
    )
    op.create_index("ix_delivery_work", "delivery", ["issue_id", "state", "id"], unique=False)
    op.create_table(
        "exclusion",
        sa.Column("issue_id", _ID, nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name=op.f("fk_exclusion_issue_id_issue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "subscription_id", name=op.f("pk_exclusion")),
    )
    op.create_table(
        "issue_article",
        sa.Column("issue_id", _ID, nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("appearance", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_issue_article_article_id_article")
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name=op.f("fk_issue_article_issue_id_issue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "article_id", name=op.f("pk_issue_article")),
        sa.UniqueConstraint("article_id", "appearance", name=op.f("uq_issue_article_article_id_appearance")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subscriber_id", _ID, nullable=False),
        sa.Column("newsletter", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("topics", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name=op.f("fk_subscription_subscriber_id_subscriber"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint(
            "subscriber_id", "newsletter", name=op.f("uq_subscription_subscriber_id_newsletter")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscription_newsletter_state", "subscription", ["newsletter", "state"], unique=False)


def downgrade() -> None:
    for table in (
        "subscription",
        "issue_article",
        "exclusion",
        "delivery",
        "article_key",
        "watch",
        "suppression",
        "subscriber_file",
        "subscriber",
        "source",
        "slot",
        "issue",
        "event",
        "consent_entry",
        "article",
    ):
        op.drop_table(table)
