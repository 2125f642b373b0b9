"""View model of the reference page: the operations and schemas of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digest.rules.accounts import least_role
from digest.web.api.operations import Operation


def page_context(operations: Sequence[Operation], document: Mapping[str, Any]) -> dict[str, Any]:
    """For the template: operations by group, and the schemas they use."""
    schemas = document["components"]["schemas"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for operation in operations:
        groups.setdefault(operation.group, []).append(_operation(operation, document))
    return {
        "server": document["servers"][0]["url"],
        "version": document["info"]["version"],
        "groups": groups,
        "shapes": {name: _shape(schema) for name, schema in sorted(schemas.items())},
    }


def _operation(operation: Operation, document: Mapping[str, Any]) -> dict[str, Any]:
    described = document["paths"][operation.path][operation.method.lower()]
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    errors = document["components"]["responses"]
    answers = []
    for status, answer in sorted(described["responses"].items()):
        kind: list[tuple[str, str]] = []
        if "$ref" in answer:
            text = errors[answer["$ref"].rpartition("/")[2]]["description"]
        else:
            media, content = next(iter(answer["content"].items()))
            text = answer["description"]
            kind = kind_of(content["schema"]) if media == "application/json" else [(media, "")]
        answers.append({"status": status, "text": text, "kind": kind})
    return {
        "name": operation.name,
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary,
        "text": operation.text,
        "role": least_role(operation.action).value,
        "query": [p for p in described.get("parameters", []) if p["in"] == "query"],
        "body": kind_of(body) if body else [],
        "answers": [answer for answer in answers if answer["status"] < "300"],
        "errors": [answer for answer in answers if answer["status"] >= "300"],
    }


def _shape(schema: Mapping[str, Any]) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    return {
        "text": schema.get("description", ""),
        "values": schema.get("enum", []),
        "fields": [
            {
                "name": name,
                "kind": kind_of(part),
                "is_required": name in required,
                "text": part.get("description", ""),
            }
            for name, part in schema.get("properties", {}).items()
        ],
    }


def kind_of(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A schema as words, each with the name of the schema it links to, if any."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        words: list[tuple[str, str]] = []
        for one in several:
            words += [(" or ", ""), *kind_of(one)] if words else kind_of(one)
        return words
    if schema.get("type") == "array":
        return [("list of ", ""), *kind_of(schema.get("items", {}))]
    if "const" in schema:
        return [(f"“{schema['const']}”", "")]
    if values := schema.get("enum"):
        return [(" or ".join(f"“{value}”" for value in values), "")]
    plain = {"date-time": "time"}.get(schema.get("format", ""), schema.get("type", "anything"))
    return [(plain, "")]
