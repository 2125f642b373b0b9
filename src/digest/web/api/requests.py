"""What programs send, as models: they check it, and they describe it in the OpenAPI document."""

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
    """A JSON body: nothing in it is guessed, and nothing that is not known is passed over."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class QueryModel(BaseModel):
    """What stands behind the question mark of an address, which is all text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PictureRequest(RequestModel):
    url: str = Field(max_length=4000, description="Its whole address, http or https.")
    alt: str = Field(default="", max_length=1000, description="What is to be seen on it, for who cannot.")


class ArticleRequest(RequestModel):
    """An article, as a site publishes it."""

    newsletter: str = Field(description="The name of the newsletter, as in the settings.")
    url: str = Field(max_length=4000, description="Where a reader reads it: the whole address.")
    title: str = Field(min_length=1, max_length=2000, description="Its title, as text.")
    teaser: str = Field(default="", description="Its first sentences, as text or HTML; the text is kept.")
    author: str = Field(default="", max_length=1000, description="A name, or several as one text.")
    published: AwareDatetime | None = Field(
        default=None,
        ge=datetime(1970, 1, 1, tzinfo=UTC),
        le=datetime(2200, 1, 1, tzinfo=UTC),
        description="When it was published, with its offset; without it, it is new now.",
    )
    image: PictureRequest | None = Field(default=None, description="The picture that belongs to it.")
    tags: list[str] = Field(default=[], max_length=100, description="Words that it is filed under.")
    language: str = Field(default="", max_length=35, description="BCP 47, as `en` or `pt-BR`.")
    featured: bool = Field(default=False, description="It is to be in the next issue, and on top.")
    id: str = Field(
        default="", max_length=1000, description="The program's own name for it, the same for ever."
    )


class MarkRequest(RequestModel):
    """What an editor says of an article."""

    url: str = Field(min_length=1, max_length=4000, description="Where a reader reads it.")
    mark: Literal["featured", "unfeatured", "excluded", "unmarked"] = Field(
        description="`featured`: into the next issue, even if it is old or was sent before. `unfeatured`: "
        "not on top, whatever its source says. `excluded`: out of every issue to come, until it is featured. "
        "`unmarked`: takes back all of these."
    )
    why: str = Field(default="", max_length=300, description="Why it is excluded; kept for the record.")


class ShareRequest(RequestModel):
    """For how long a link is to show the draft."""

    days: int = Field(default=7, ge=1, le=30, description="Days from now.")


class RevisionRequest(RequestModel):
    """Which revision of the issue was looked at."""

    revision: int = Field(ge=0, description="The `revision` of the issue that was looked at.")


class ApproveRequest(RevisionRequest):
    """When the issue is to go, and what stops it no longer."""

    when: Literal["slot", "now"] | datetime = Field(
        default="slot", description="At its slot, now, or at a time; without a zone it is the newsletter's."
    )
    overrides: list[str] = Field(
        default=[], max_length=100, description="The ids of blocking checks that a person lets pass."
    )


class ProofRequest(RequestModel):
    """Who gets a test copy."""

    to: list[str] = Field(min_length=1, max_length=10, description="Addresses.")


class ResolveRequest(RequestModel):
    """What becomes of deliveries of which nobody knows whether they arrived."""

    decision: Literal["resend", "skip"] = Field(
        description="`resend`: somebody may get the issue twice. `skip`: somebody may not get it."
    )


class IssueQuery(QueryModel):
    checks: bool = Field(default=False, description="`1` also runs the pre-flight.")


class PlanQuery(QueryModel):
    all: bool = Field(default=False, description="`1` also lists what was settled long ago.")


class SearchQuery(QueryModel):
    q: str = Field(min_length=1, max_length=200, description="Words, all of which are in title or teaser.")


def _one_of(words: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [word.value for word in words if word.value]})


_MomentOfQuery = Annotated[AwareDatetime | None, WithJsonSchema({"type": "string", "format": "date-time"})]


class IssueLogQuery(QueryModel):
    before: int = Field(default=0, ge=0, description="`next` of an earlier answer, for what is older.")
    limit: int = Field(default=50, ge=1, le=500, description="How many entries at most.")


class LogQuery(IssueLogQuery):
    newsletter: str = Field(default="", max_length=100, description="The name of a newsletter.")
    issue: str = Field(default="", max_length=120, description="Such as `weekly/3`.")
    who: str = Field(default="", max_length=200, description="A name, exactly as the log writes it.")
    door: Annotated[Door | None, _one_of(Door)] = Field(default=None, description="How it was done.")
    action: Annotated[ActivityKind | None, _one_of(ActivityKind)] = Field(
        default=None, description="What was done."
    )
    since: _MomentOfQuery = Field(default=None, description="With its offset, as 2026-11-24T09:00:00Z.")
    until: _MomentOfQuery = Field(default=None, description="This moment is not included.")


# --- edits: each kind is what the model knows, field by field ----------------------

_MEANINGS = {
    "article": "The id of the article.",
    "section": "The title of a section; empty for the one without a title.",
    "position": "0 is the first.",
    "reason": "Kept for the record.",
    "field": "Which part of the story.",
    "text": "Which text of the issue.",
    "value": "What is to stand there.",
    "was": "What stood there when it was looked at; if it is something else by now, nothing is changed.",
    "title": "The title of the section.",
    "new": "Its new title.",
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
    __doc__="Edits, carried out one after the other: all of them, or none.",
    edits=(
        Annotated[list[_AnyEdit], BeforeValidator(_listed, json_schema_input_type=_AnyEdit | list[_AnyEdit])],
        Field(min_length=1, max_length=100, description="One edit, or a list of them."),
    ),
)


def edits_of(body: Any) -> list[Edit]:
    """The edits of an `EditsRequest`, as the model knows them."""
    return [_edit_of(**one.model_dump()) for one in body.edits]


def _edit_of(*, kind: str, **values: Any) -> Edit:
    return EDIT_KINDS[kind](**values)
