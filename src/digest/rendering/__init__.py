"""Making an issue readable: templates in, HTML and plain text out.

`issue.py` is the way in.  The words and the looks live in the top-level folder
`templates`; which stories an issue has, and in which order, was decided before.
"""
