"""Request models: they validate what programs send and describe it in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_type_hints

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)

from digest.model.activity import ActivityKind, Door
from digest.model.edit import EDIT_KINDS, FILLED_IN_HERE, Edit


class RequestModel(BaseModel):
    """A JSON body; nothing in it is guessed, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class QueryModel(BaseModel):
    """Query parameters, which are all text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PictureRequest(RequestModel):
    url: str = Field(max_length=4000, description="Its full URL, http or https.")
    alt: str = Field(default="", max_length=1000, description="Text alternative: what the picture shows.")


class ArticleRequest(RequestModel):
    """An article as a site publishes it."""

    newsletter: str = Field(description="The newsletter's name, as in the settings.")
    url: str = Field(max_length=4000, description="The full URL where people read it.")
    title: str = Field(min_length=1, max_length=2000, description="The title, as plain text.")
    teaser: str = Field(
        default="", description="The first sentences, as text or HTML; only the text is stored."
    )
    author: str = Field(default="", max_length=1000, description="One name, or several in one text.")
    published: AwareDatetime | None = Field(
        default=None,
        ge=datetime(1970, 1, 1, tzinfo=UTC),
        le=datetime(2200, 1, 1, tzinfo=UTC),
        description="When it was published, with a UTC offset; if missing, it counts as published now.",
    )
    image: PictureRequest | None = Field(default=None, description="The article's picture.")
    tags: list[str] = Field(default=[], max_length=100, description="Tags or categories.")
    language: str = Field(default="", max_length=35, description="BCP 47 tag, such as `en` or `pt-BR`.")
    featured: bool = Field(default=False, description="Put it into the next issue, at the top.")
    id: str = Field(default="", max_length=1000, description="The program's own permanent id for it.")


class MarkRequest(RequestModel):
    """An editor's mark on an article."""

    url: str = Field(min_length=1, max_length=4000, description="The URL where people read it.")
    mark: Literal["featured", "unfeatured", "excluded", "unmarked"] = Field(
        description="`featured`: into the next issue, even if it is old or was sent before. `unfeatured`: "
        "not at the top, whatever its source says. `excluded`: out of all future issues until featured. "
        "`unmarked`: removes all of these marks."
    )
    why: str = Field(default="", max_length=300, description="Why it is excluded; recorded.")


class ShareRequest(RequestModel):
    """How long a link shows the draft."""

    days: int = Field(default=7, ge=1, le=90, description="Days from now.")


class RevisionRequest(RequestModel):
    """The revision of the issue that the caller saw."""

    revision: int = Field(ge=0, description="The `revision` of the issue that you saw.")


class ApproveRequest(RevisionRequest):
    """When to send the issue, and which blocking checks to override."""

    when: Literal["slot", "now"] | datetime = Field(
        default="slot",
        description="At its slot, now, or at a time; a time without an offset is in the newsletter's zone.",
    )
    overrides: list[str] = Field(
        default=[], max_length=100, description="Ids of the blocking checks to override."
    )


class ProofRequest(RequestModel):
    """The recipients of a test copy."""

    to: list[str] = Field(min_length=1, max_length=10, description="Addresses.")


class ResolveRequest(RequestModel):
    """The decision on uncertain deliveries, which may or may not have arrived."""

    decision: Literal["resend", "skip"] = Field(
        description="`resend`: some people may get the issue twice. `skip`: some people may not get it."
    )


class IssueQuery(QueryModel):
    checks: bool = Field(default=False, description="`1` also runs the pre-flight checks.")


class PlanQuery(QueryModel):
    all: bool = Field(default=False, description="`1` also lists articles settled long ago.")


class SearchQuery(QueryModel):
    q: str = Field(min_length=1, max_length=200, description="Words that must all be in the title or teaser.")


def _one_of(words: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [word.value for word in words if word.value]})


_MomentOfQuery = Annotated[AwareDatetime | None, WithJsonSchema({"type": "string", "format": "date-time"})]


class IssueLogQuery(QueryModel):
    before: int = Field(default=0, ge=0, description="`next` of an earlier response, to get older entries.")
    limit: int = Field(default=50, ge=1, le=500, description="The most entries to return.")


class LogQuery(IssueLogQuery):
    newsletter: str = Field(default="", max_length=100, description="The name of a newsletter.")
    issue: str = Field(default="", max_length=120, description="Such as `weekly/3`.")
    who: str = Field(default="", max_length=200, description="A name, exactly as in the log.")
    door: Annotated[Door | None, _one_of(Door)] = Field(default=None, description="How it was done.")
    action: Annotated[ActivityKind | None, _one_of(ActivityKind)] = Field(
        default=None, description="What was done."
    )
    since: _MomentOfQuery = Field(
        default=None, description="Inclusive; with an offset, such as 2026-11-24T09:00:00Z."
    )
    until: _MomentOfQuery = Field(default=None, description="Exclusive; with an offset.")


# --- edits: one model for each edit kind, field by field ----------------------

_MEANINGS = {
    "article": "The id of the article.",
    "section": "The title of a section; empty for the one without a title.",
    "position": "0 is the first.",
    "reason": "Recorded in the history.",
    "field": "Which part of the story.",
    "text": "Which text of the issue.",
    "value": "The new text.",
    "was": "The text you saw; if it has changed since, the edit is refused as a conflict.",
    "title": "The title of the section.",
    "new": "The section's new title.",
}


def _model_of(kind: type[Any]) -> type[RequestModel]:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {
        part.name: (
            hints[part.name],
            Field(default=... if part.default is MISSING else part.default, description=_MEANINGS[part.name]),
        )
        for part in fields(kind)
        if part.name not in FILLED_IN_HERE
    }
    name = kind.__name__
    named: Any = (Literal[name], Field(description="The kind of edit."))
    return create_model(name, __base__=RequestModel, __doc__=kind.__doc__, kind=named, **values)


_AnyEdit: Any = Annotated[
    Union[tuple(_model_of(kind) for kind in EDIT_KINDS.values())],  # noqa: UP007 - made at run time
    Field(discriminator="kind"),
]


def _listed(given: object) -> object:
    return [given] if isinstance(given, Mapping) else given


EditsRequest: type[RevisionRequest] = create_model(
    "EditsRequest",
    __base__=RevisionRequest,
    __doc__="Edits, applied in order: all of them or none.",
    edits=(
        Annotated[list[_AnyEdit], BeforeValidator(_listed, json_schema_input_type=_AnyEdit | list[_AnyEdit])],
        Field(min_length=1, max_length=100, description="One edit, or a list of them."),
    ),
)


def edits_of(body: Any) -> list[Edit]:
    """The edits of an `EditsRequest`, as values of the model."""
    return [_edit_of(**one.model_dump()) for one in body.edits]


def _edit_of(*, kind: str, **values: Any) -> Edit:
    return EDIT_KINDS[kind](**values)
