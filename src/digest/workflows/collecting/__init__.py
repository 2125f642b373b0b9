"""Collecting articles from sources into the article store."""
