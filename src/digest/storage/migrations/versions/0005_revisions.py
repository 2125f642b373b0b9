"""Revisions: what editors changed in an issue, and its content at each step."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("issue", sa.Column("texts", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("issue", sa.Column("taken_out", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("issue", sa.Column("revision", sa.Integer(), server_default="0", nullable=False))
    op.add_column("issue", sa.Column("editors_told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "revision",
        sa.Column("issue_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("deed", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("edit", sa.JSON(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name=op.f("fk_revision_issue_id_issue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "number", name=op.f("pk_revision")),
    )


def downgrade() -> None:
    op.drop_table("revision")
    for column in ("editors_told_at", "revision", "taken_out", "texts"):
        op.drop_column("issue", column)
