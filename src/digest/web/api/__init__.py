"""The API: what editors do at the desk, as JSON for programs.

One table of operations (`operations`) makes the routes, the OpenAPI document and
the page that people read, so none of them can say something else than another.
Bodies are read into the models of `requests`, answers leave through those of
`responses`, and both stand in the document as they are.

A program shows its token in every request.  No cookie is looked at, so there is
nothing that a foreign page could make a browser send along, and no form tokens.
"""

from digest.web.api.routing import routes

__all__ = ["routes"]
