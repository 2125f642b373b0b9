"""MIME: compile an issue once, splice in what differs per recipient, parse the result.

The standard library's `email` package is used for parsing only, never for writing: it
folds List-Unsubscribe into encoded-words and lets a title forge headers.
"""
