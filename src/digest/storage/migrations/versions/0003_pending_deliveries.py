"""Only pending deliveries are looked up by state: an index over all states cost three writes a message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index("ix_delivery_work", table_name="delivery")
    op.create_index(
        "ix_delivery_pending",
        "delivery",
        ["issue_id", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_pending", table_name="delivery")
    op.create_index("ix_delivery_work", "delivery", ["issue_id", "state", "id"], unique=False)
