"""The OpenAPI document (3.1), made from the table of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from digest import __version__
from digest.rules.accounts import least_role
from digest.web.api.operations import Operation
from digest.web.api.responses import ErrorResponse, ResponseModel

_REFERENCE = "#/components/schemas/{model}"
_ERRORS = {
    400: "The body is not JSON.",
    401: "The token is missing or unknown.",
    403: "The token's role does not allow this.",
    404: "There is no such newsletter or issue.",
    409: "Not possible right now: a conflict with somebody else's edit, a blocking check, "
    "or a state that does not allow it.",
    413: "The body is too large. Nothing was changed.",
    415: "The body is not declared as JSON.",
    422: "Something in the body or the query is invalid; `fields` says what.",
    429: "Too many wrong tokens from this network; Retry-After says how long to wait.",
    503: "The database, a template or a mail server is unavailable at the moment.",
}
_PARAMETERS = {
    "newsletter": {
        "schema": {"type": "string"},
        "description": "The newsletter's name, as in the settings.",
    },
    "number": {"schema": {"type": "integer", "minimum": 0}, "description": "The number of the issue."},
}
Mode = Literal["validation", "serialization"]


def document(operations: Sequence[Operation], *, server: str) -> dict[str, Any]:
    """The whole document; with every request and response model once."""
    references, schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references)
    error = {"application/json": {"schema": references[ErrorResponse, "serialization"]}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "digest",
            "version": __version__,
            "description": "What editors do at the desk, for programs. Send a token with every request; "
            "create one with `digest tokens add NAME --role ROLE`. Cookies are ignored.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "tags": [{"name": group} for group in dict.fromkeys(one.group for one in operations)],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "dgt_…"}},
            "responses": {
                f"Error{status}": {"description": text, "content": error} for status, text in _ERRORS.items()
            },
            "schemas": schemas,
        },
    }


def errors_of(operation: Operation) -> list[int]:
    """The error statuses that this operation may return."""
    found = [401, 403, 429, 503]
    if "{" in operation.path or operation.body is not None:
        found.append(404)
    if operation.method != "GET" or operation.of_issue:
        found.append(409)
    if operation.body is not None:
        found += [400, 413, 415]
    if operation.body is not None or operation.query is not None:
        found.append(422)
    return sorted(found)


def _operation(
    operation: Operation, references: Mapping[tuple[type[BaseModel], Mode], dict[str, Any]]
) -> dict[str, Any]:
    role = least_role(operation.action)
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": operation.summary,
        "description": f"{operation.text} Needs a token with the role {role.value} or higher.".strip(),
        "x-role": role.value,
        "responses": {
            str(status): {"description": text, "content": _content(model, references)}
            for status, (text, model) in operation.answers.items()
        }
        | {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in errors_of(operation)},
    }
    if parameters := [*_of_path(operation.path), *_of_query(operation.query)]:
        made["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": references[operation.body, "validation"]}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _content(
    model: type[ResponseModel] | str, references: Mapping[tuple[type[BaseModel], Mode], dict[str, Any]]
) -> dict[str, Any]:
    if isinstance(model, str):
        return {model: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": references[model, "serialization"]}}


def _of_path(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, **_PARAMETERS[name]}


def _of_query(model: type[BaseModel] | None) -> Iterable[dict[str, Any]]:
    if model is None:
        return
    schema = model.model_json_schema()
    for name, described in schema["properties"].items():
        text = described.pop("description", "")
        described.pop("title", None)
        is_needed = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": is_needed, "schema": described, "description": text}


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[tuple[type[BaseModel], Mode], dict[str, Any]], dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], Mode], None] = {(ErrorResponse, "serialization"): None}
    for operation in operations:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        for _, model in operation.answers.values():
            if not isinstance(model, str):
                wanted[model, "serialization"] = None
    references, definitions = _generated(tuple(wanted))
    return dict(references), deepcopy(definitions)


@lru_cache(maxsize=4)
def _generated(
    wanted: tuple[tuple[type[BaseModel], Mode], ...],
) -> tuple[dict[tuple[type[BaseModel], Mode], dict[str, Any]], dict[str, Any]]:
    """Takes most of the time in which the application is put together; the models are always the same."""
    references, definitions = models_json_schema(list(wanted), ref_template=_REFERENCE)
    return references, definitions["$defs"]  # type: ignore[return-value]  # the modes are those asked for
