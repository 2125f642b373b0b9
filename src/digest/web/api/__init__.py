"""The API: what editors do at the desk, as JSON for programs.

One table of operations (`operations`) produces the routes, the OpenAPI document and
the reference page, so they always agree.  Bodies are parsed into the models of
`requests` and responses are built from those of `responses`; the document
describes the same models.

A program sends its token with every request.  Cookies are ignored, so there is
nothing a foreign page could make a browser send along, and no form tokens.
"""

from digest.web.api.routing import routes

__all__ = ["routes"]
