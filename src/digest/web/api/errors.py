"""Error responses: a status, a code for programs, and a message for people."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from digest.application.results import Blocked, Conflict, NoArticle
from digest.errors import Busy, DigestError, NotAllowed, NotFound
from digest.rules.email_addresses import InvalidAddress
from digest.web.api.responses import ErrorResponse, finding_document

log = logging.getLogger(__name__)


def refusal(
    status: int,
    code: str,
    message: str,
    *,
    mend: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """One error response."""
    told = ErrorResponse.model_validate({"error": {"code": code, "message": message, "mend": mend, **more}})
    document = told.model_dump(mode="json", exclude_none=True)
    return JSONResponse(document, status_code=status, headers=headers)


def refusal_of(error: Exception, *, edit: int | None = None) -> Response:  # noqa: PLR0911 - one for each kind
    """The error response for an exception; unexpected ones are logged for the operator.

    `edit` is the place in a list of edits that it is about.
    """
    match error:
        case NotFound():
            return refusal(404, "not_found", error.message, mend=error.mend, edit=edit)
        case NoArticle():
            return refusal(422, "no_article", error.message, mend=error.mend)
        case Blocked():
            checks = [finding_document(found) for found in error.report.blocks]
            mend = "Fix what the checks report, or list their ids in `overrides`."
            return refusal(409, "blocked", error.message, mend=mend, checks=checks)
        case Busy():
            return refusal(409, "busy", error.message, mend=error.mend)
        case NotAllowed():
            return refusal(409, "not_allowed", error.message, mend=error.mend, edit=edit)
        case InvalidAddress():
            return refusal(422, "invalid_address", f"That is not an email address: {error}")
        case HTTPException():
            return _of_http(error)
        case DigestError():
            log.error("api.failed: %s", error, exc_info=error)
            return refusal(503, "unavailable", error.message, mend=error.mend)
        case _:
            log.error("api.broken: %s", error, exc_info=error)
            return refusal(
                500, "broken", "Something went wrong, and the fault is ours.", mend="Try again later."
            )


def invalid(error: ValidationError) -> Response:
    """What is wrong in a body or query, field by field; never the values, which may be secret."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    if any(one["type"] == "json_invalid" for one in wrong):
        return refusal(400, "not_json", f"The body is not JSON: {wrong[0]['msg']}.")
    fields = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in wrong[:50]]
    named = ", ".join(dict.fromkeys(one["field"] or "the whole document" for one in fields))
    return refusal(422, "invalid", f"Invalid: {named}.", fields=fields)


def conflict(found: Conflict, *, edit: int | None = None) -> Response:
    """A conflict with an earlier edit, with both texts for whoever decides.  `edit` as in `refusal_of`."""
    return refusal(
        409,
        "conflict",
        found.sentence,
        mend="Fetch the current issue, decide, and send the edit again with the new `was`.",
        mine=found.mine,
        theirs=found.theirs,
        by=found.by,
        at=found.at,
        revision=found.issue.revision,
        edit=edit,
    )


def _of_http(error: HTTPException) -> Response:
    said = {
        404: ("not_found", "There is nothing at this address.", "See /api/docs."),
        405: ("method", "This address does not accept that method.", "See /api/docs."),
        413: ("too_large", "The body is too large; nothing was changed.", "Send less at once."),
    }
    code, message, mend = said.get(
        error.status_code, ("refused", "The request is invalid.", "See /api/docs.")
    )
    return refusal(error.status_code, code, message, mend=mend, headers=error.headers)
