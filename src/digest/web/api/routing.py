"""Routes of the API, and its door: a token, a role, a body that is what it has to be."""

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
    """Everything below /api."""
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
            # The application's own limit would be told in plain text; see `_content`.
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
    """For programs there is no page of HTML, also where there is nothing."""

    def nothing(request: Request) -> Response:
        near = [door for door in doors if door.matches(request.scope)[0] is Match.PARTIAL]
        if near:
            allowed = ", ".join(sorted(set().union(*(door.methods or () for door in near))))
            return refusal(
                405,
                "method",
                "That cannot be done at this address.",
                mend=f"It knows {allowed}.",
                headers={"Allow": allowed},
            )
        return refusal(404, "not_found", "There is nothing at this address.", mend="See /api/docs.")

    return nothing


class _Door:
    """Lets in who shows a token with the right role."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def endpoint(self, operation: Operation) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            try:
                token = await run_in_threadpool(self._token, request, operation)
                if isinstance(token, Response):
                    return token
                # Only now: who has no token shall not make us read a megabyte.
                body = await _body(request, operation)
                if isinstance(body, Response):
                    return body
                return await run_in_threadpool(self._answer, request, operation, token, body)
            except Exception as error:  # noqa: BLE001 - a program is told in its own language, whatever it is
                return refusal_of(error)

        return endpoint

    def _token(self, request: Request, operation: Operation) -> ApiToken | Response:
        given = bearer(request.headers.get("authorization", ""))
        if not given:
            return _no_token(_REALM, "A token is needed.")
        shown = self._app.check_token(given, address=caller(request))
        if shown.token is None and shown.wait:
            return refusal(
                429,
                "too_many",
                "There were too many wrong tokens from this network.",
                mend="Wait, and show one that is right.",
                headers={"Retry-After": str(ceil(shown.wait.total_seconds()))},
            )
        if shown.token is None:
            return _no_token(f'{_REALM}, error="invalid_token"', "This token is not known.")
        least = least_role(operation.action)
        if not includes(shown.token.role, least):
            return refusal(
                403,
                "role",
                f"This takes the role {least.value}; the token has the role {shown.token.role.value}.",
                mend="`digest tokens add` makes another token.",
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
            "A body is JSON here.",
            mend="Send it with Content-Type: application/json.",
            headers={"Accept-Post": "application/json"},
        )
    try:
        return operation.body.model_validate_json(await _content(request, limit=operation.limit))
    except ValidationError as error:
        return invalid(error)


async def _content(request: Request, *, limit: int) -> bytes:
    """The bytes of a body, and no more of them than it may have.

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
    """Checked against the model that the document shows, so that the two cannot differ."""
    assert isinstance(done, tuple)  # noqa: S101 - told apart by the caller
    status, values = done
    model = operation.answers[status][1]
    assert isinstance(model, type)  # noqa: S101 - what is no document comes as a response
    assert issubclass(model, ResponseModel)  # noqa: S101
    content = model.model_validate(values).model_dump_json()
    return Response(content, status_code=status, media_type="application/json")


def _no_token(challenge: str, message: str) -> Response:
    return refusal(
        401,
        "token",
        message,
        mend="Send one as Authorization: Bearer …; `digest tokens add` makes it.",
        headers={"WWW-Authenticate": challenge},
    )
