"""New articles are counted by day and source on every look at the desk."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index(
        "ix_article_arrivals",
        "article",
        ["newsletter", "first_seen", "source", "is_backlog"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_article_arrivals", table_name="article")
