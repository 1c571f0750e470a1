"""What the API's own description says of each route, beside what its handler says."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from fastapi.responses import Response
from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from fastapi import FastAPI


class ErrorBody(BaseModel):
    """What went wrong, and what helps."""

    error: str
    hint: str


class HealthBody(BaseModel):
    """The server is up; Gemini was not asked."""

    status: Literal["UP"]
    model_class: str


class VersionsBody(BaseModel):
    """The versions that projects were told of, the last one first."""

    versions: list[str]


class SetupAnswer(BaseModel):
    """The version that the project's predictions will carry."""

    model_version: str


class PredictionAnswer(BaseModel):
    """A prediction; its result is empty where nothing was found."""

    result: list[dict[str, Any]] = Field(description="Regions as Label Studio stores them.")
    model_version: str


class TaskError(BaseModel):
    """Why a task has no prediction; without `task`, why none of the request has."""

    error: str
    hint: str
    task: int | None = None


class PredictAnswer(BaseModel):
    """One item per task, in their order: a prediction, or [] for a task that has none so far."""

    results: list[PredictionAnswer | list[Any]]
    model_version: str
    errors: list[TaskError]


class AcceptedBody(BaseModel):
    """The event was taken."""

    status: Literal["accepted"]


@dataclass(frozen=True)
class Route:
    """A route and what is said of it.

    Attributes:
        method: GET or POST.
        path: Its path.
        handler: What answers.
        answer: The model of its JSON, or the type of what it answers else.
        errors: The other statuses that it may answer with, each with an `ErrorBody`.
        body: What it takes, as OpenAPI has it, where no model of FastAPI's reads that.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Callable[..., Coroutine[None, None, Response]]
    answer: type[BaseModel] | Literal["text/html", "text/plain"]
    errors: tuple[HTTPStatus, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)


BAD = HTTPStatus.BAD_REQUEST
STRANGER = HTTPStatus.UNAUTHORIZED
NOWHERE = HTTPStatus.NOT_FOUND
SLOW = HTTPStatus.REQUEST_TIMEOUT
TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
INVALID = HTTPStatus.UNPROCESSABLE_ENTITY

_WHEN = {
    BAD: "The project cannot be predicted, or nothing can: without a key.",
    STRANGER: "The backend wants a login: BASIC_AUTH_USER and BASIC_AUTH_PASS.",
    NOWHERE: "There is no such address.",
    SLOW: "Nothing of the request's body came for half a minute.",
    TOO_LARGE: "The request is larger than `max_request_megabytes`.",
    INVALID: "The request is not as Label Studio sends it.",
}

WEBHOOK_BODY: Mapping[str, Any] = {
    "description": "An event, or START_TRAINING. Any other body is an event of an unknown kind.",
    "required": False,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "action": {"type": "string", "examples": ["ANNOTATION_CREATED"]},
                    "project": {"type": "object"},
                },
            }
        }
    },
}


def add_route(app: FastAPI, route: Route) -> None:
    """Add a route, described."""
    responses: dict[int | str, dict[str, Any]] = {
        status.value: {"model": ErrorBody, "description": _WHEN[status]} for status in route.errors
    }
    if isinstance(route.answer, str):
        content = {route.answer: {"schema": {"type": "string"}}}
        responses[HTTPStatus.OK.value] = {"content": content, "description": "As text."}
    else:
        said = route.answer.__doc__ or ""
        responses[HTTPStatus.OK.value] = {"model": route.answer, "description": said}
    app.add_api_route(
        route.path,
        route.handler,
        methods=[route.method],
        response_model=None,
        response_class=Response,  # of no type: `responses` says which
        responses=responses,
        openapi_extra={"requestBody": dict(route.body)} if route.body else None,
    )
