"""Collecting: from the sources into the article store."""
