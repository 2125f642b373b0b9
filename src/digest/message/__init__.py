"""MIME: compile an issue once, splice in what differs per recipient, parse it back.

The standard library's `email` package parses here and never writes: it folds
List-Unsubscribe into encoded-words and lets a title forge headers.
"""
