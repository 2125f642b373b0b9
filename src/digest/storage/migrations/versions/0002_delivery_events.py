"""Delivery events: what a provider reports later, and by which batch it took a message."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("batch_id", sa.Text(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("event", sa.String(length=20), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("event_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_delivery_told",
        "delivery",
        ["issue_id", "event", "state"],
        unique=False,
        sqlite_where=sa.text("event != ''"),
        postgresql_where=sa.text("event != ''"),
    )
    op.create_table(
        "delivery_event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("delivery_id", _ID, nullable=True),
        sa.Column("issue_id", _ID, nullable=True),
        sa.Column("batch_id", sa.Text(), server_default="", nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("event_key", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address_key", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name=op.f("fk_delivery_event_delivery_id_delivery"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_delivery_event_issue_id_issue")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_event")),
        sa.UniqueConstraint("event_key", name=op.f("uq_delivery_event_event_key")),
    )
    op.create_index("ix_delivery_event_delivery_id", "delivery_event", ["delivery_id"], unique=False)
    op.create_index("ix_delivery_event_batch", "delivery_event", ["issue_id", "batch_id"], unique=False)


def downgrade() -> None:
    op.drop_table("delivery_event")
    op.drop_index("ix_delivery_told", table_name="delivery")
    for column in ("event_at", "event", "batch_id"):
        op.drop_column("delivery", column)
