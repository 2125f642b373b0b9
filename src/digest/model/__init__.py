"""The nouns: frozen values, one file per family, with no behaviour beyond their own consistency.

The words are those of docs/glossary.md.  All times are time-zone aware and in UTC.
"""
