"""Articles as the expected answers beside the test data write them."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from digest.model.article import FoundArticle, Image


def as_json(article: FoundArticle) -> dict[str, object]:
    """The fields that say something, as in the files."""
    said: dict[str, object] = {}
    for field in fields(article):
        value = getattr(article, field.name)
        if not value:
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Image):
            value = {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name)}
        said[field.name] = list(value) if isinstance(value, tuple) else value
    return said
