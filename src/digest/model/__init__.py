"""The nouns: frozen values, one file per family.  No behaviour beyond their own consistency.

Words are those of docs/glossary.md.  All times are aware and in UTC.
"""
