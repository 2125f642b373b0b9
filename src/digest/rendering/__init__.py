"""Renders issues: templates in, HTML and plain text out.

`issue.py` is the entry point.  Wording and looks are in the top-level folder
`templates`; which stories an issue has, and in which order, is decided before.
"""
