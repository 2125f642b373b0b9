"""What somebody can say of an article by hand."""

from __future__ import annotations

from digest.model.article import Article, Mark
from digest.rules.selection import featured_since_last_issue


def mark_of(article: Article) -> Mark:
    """What counts of all that was said of it by hand."""
    if featured_since_last_issue(article):
        return Mark.FEATURED
    if article.excluded_at is not None:
        return Mark.EXCLUDED
    return Mark.UNFEATURED if article.unfeatured_at is not None else Mark.NONE
