"""Routes of the API; each checks the token, its role and the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Route

from digest.application import Application
from digest.model.activity import Actor, Door
from digest.model.api_token import ApiToken
from digest.rules.accounts import includes, least_role, network_of
from digest.rules.api_tokens import bearer
from digest.web.access import caller
from digest.web.api.docs_page import page_context
from digest.web.api.errors import invalid, refusal, refusal_of
from digest.web.api.openapi import document
from digest.web.api.operations import OPERATIONS, Call, Done, Operation
from digest.web.api.responses import ResponseModel
from digest.web.pages import Pages

_REALM = 'Bearer realm="digest"'


def routes(
    app: Application,
    *,
    pages: Pages,
    operations: Sequence[Operation] = OPERATIONS,
) -> list[Route]:
    """The routes below /api."""
    described = document(operations, server=app.settings.site.public_url)

    def openapi(_: Request) -> Response:
        return JSONResponse(described, headers={"Cache-Control": "no-cache"})

    def docs(_: Request) -> Response:
        return pages.page("api/docs.html", page_context(operations, described))

    door = _Door(app)
    doors = [
        Route(
            operation.path.replace("{number}", "{number:int}"),
            door.endpoint(operation),
            methods=[operation.method],
            # The web application's own limit would answer in plain text; see `_content`.
            max_body_size=operation.limit * 2,
        )
        for operation in operations
    ]
    return [
        Route("/api/openapi.json", openapi, methods=["GET"]),
        Route("/api/docs", docs, methods=["GET"]),
        Route("/api", lambda _: RedirectResponse("/api/docs", status_code=303), methods=["GET"]),
        *doors,
        Route("/api/{rest:path}", _nothing(doors), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]


def _nothing(doors: Sequence[Route]) -> Callable[[Request], Response]:
    """Unknown addresses get a JSON error, never an HTML page."""

    def nothing(request: Request) -> Response:
        near = [door for door in doors if door.matches(request.scope)[0] is Match.PARTIAL]
        if near:
            allowed = ", ".join(sorted(set().union(*(door.methods or () for door in near))))
            return refusal(
                405,
                "method",
                "This address does not accept that method.",
                mend=f"Use {allowed}.",
                headers={"Allow": allowed},
            )
        return refusal(404, "not_found", "There is nothing at this address.", mend="See /api/docs.")

    return nothing


class _Door:
    """Requires a token with the right role."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def endpoint(self, operation: Operation) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            try:
                token = await run_in_threadpool(self._token, request, operation)
                if isinstance(token, Response):
                    return token
                # Authenticate first, so unauthenticated callers cannot make us read a large body.
                body = await _body(request, operation)
                if isinstance(body, Response):
                    return body
                return await run_in_threadpool(self._answer, request, operation, token, body)
            except Exception as error:  # noqa: BLE001 - programs get every error as JSON
                return refusal_of(error)

        return endpoint

    def _token(self, request: Request, operation: Operation) -> ApiToken | Response:
        given = bearer(request.headers.get("authorization", ""))
        if not given:
            return _no_token(_REALM, "This needs a token.")
        shown = self._app.check_token(given, address=caller(request))
        if shown.token is None and shown.wait:
            return refusal(
                429,
                "too_many",
                "Too many wrong tokens came from this network.",
                mend="Wait, then send a valid token.",
                headers={"Retry-After": str(ceil(shown.wait.total_seconds()))},
            )
        if shown.token is None:
            return _no_token(f'{_REALM}, error="invalid_token"', "This token is unknown.")
        least = least_role(operation.action)
        if not includes(shown.token.role, least):
            return refusal(
                403,
                "role",
                f"This needs the role {least.value}; the token has the role {shown.token.role.value}.",
                mend="Create another token with `digest tokens add`.",
                headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"'},
            )
        return shown.token

    def _answer(
        self, request: Request, operation: Operation, token: ApiToken, body: BaseModel | None
    ) -> Response:
        try:
            query = operation.query.model_validate(dict(request.query_params)) if operation.query else None
        except ValidationError as error:
            return invalid(error)
        call = Call(
            app=self._app,
            path=request.path_params,
            body=body,
            query=query,
            by=Actor(token.who, Door.API, network_of(caller(request))),
        )
        done = operation.does(call)
        return done if isinstance(done, Response) else _written(operation, done)


async def _body(request: Request, operation: Operation) -> BaseModel | Response | None:
    if operation.body is None:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json":
        return refusal(
            415,
            "media_type",
            "The body must be JSON.",
            mend="Send it with Content-Type: application/json.",
            headers={"Accept-Post": "application/json"},
        )
    try:
        return operation.body.model_validate_json(await _content(request, limit=operation.limit))
    except ValidationError as error:
        return invalid(error)


async def _content(request: Request, *, limit: int) -> bytes:
    """The bytes of a body, up to its limit.

    Raises:
        HTTPException: it is too large.
    """
    said = request.headers.get("content-length", "")
    content = b""
    if not said.isdecimal() or int(said) <= limit:
        async for part in request.stream():
            content += part
            if len(content) > limit:
                break
        else:
            return content
    raise HTTPException(413)


def _written(operation: Operation, done: Done) -> Response:
    """Validate against the documented model, so that the two cannot differ."""
    assert isinstance(done, tuple)  # noqa: S101 - the caller checked
    status, values = done
    model = operation.answers[status][1]
    assert isinstance(model, type)  # noqa: S101 - anything but a document arrives as a response
    assert issubclass(model, ResponseModel)  # noqa: S101
    content = model.model_validate(values).model_dump_json()
    return Response(content, status_code=status, media_type="application/json")


def _no_token(challenge: str, message: str) -> Response:
    return refusal(
        401,
        "token",
        message,
        mend="Send one as Authorization: Bearer …; create it with `digest tokens add`.",
        headers={"WWW-Authenticate": challenge},
    )
