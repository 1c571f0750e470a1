"""What comes in and what goes out, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, Never, NotRequired, TypedDict

from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from label_studio_gemini.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http import HTTPStatus

    from label_studio_gemini.predictor import AnswerJson


A_BUG = BackendError(
    "An unexpected error; it is a bug.", hint="the log of the backend has its traceback: report it."
)


MOST_TASKS = 100_000
"""In one request."""

_LONGEST_NAME = 200


class _ProjectBody(BaseModel):
    """A body that says which project it is about."""

    model_config = ConfigDict(extra="ignore")

    project: str | int | None = None

    @field_validator("project", mode="after")
    @classmethod
    def _cut(cls, project: str | int | None) -> str | int | None:
        """Cut what is no name: it goes into each line of the log, the ledger and the activity."""
        name = str(project)
        return project if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME]

    @property
    def project_name(self) -> str | None:
        """Label Studio's name of the project, where the request has one."""
        return None if self.project is None else str(self.project)


class SetupBody(_ProjectBody):
    """The body of POST /setup: a project introduces itself."""

    label_config: str | None = Field(alias="schema", default=None)
    hostname: str | None = None
    access_token: str | None = None


class PredictBody(_ProjectBody):
    """The body of POST /predict. Tasks are read one by one later: a bad one is alone in that."""

    tasks: list[Any] = Field(max_length=MOST_TASKS)
    label_config: str | None = None
    params: Any = None

    @property
    def context(self) -> object:
        """What a smart tool says about its prompts; None where no smart tool asks."""
        return self.params.get("context") if isinstance(self.params, dict) else None

    @property
    def is_waited_for(self) -> bool:
        """Whether a person waits: at a smart tool, or for the one task that was opened."""
        return self.context is not None or len(self.tasks) == 1


class _EventProject(BaseModel):
    """Of which project a webhook tells."""

    model_config = ConfigDict(extra="ignore")

    id: int
    created_at: AwareDatetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called in other requests: `<id>.<the moment it was made>`, or its id."""
        if self.created_at is None:
            return (str(self.id),)
        return (str(self.id), f"{self.id}.{int(self.created_at.timestamp())}")


class _EventTask(BaseModel):
    """Of which task a webhook tells."""

    model_config = ConfigDict(extra="ignore")

    id: int


class WebhookBody(BaseModel):
    """The part of the body of POST /webhook that says what happened."""

    model_config = ConfigDict(extra="ignore")

    action: str = ""

    @property
    def is_event(self) -> bool:
        """Whether it tells of something, rather than asks for something to be done."""
        return self.action not in {"", "START_TRAINING"}


class TasksDeletedBody(BaseModel):
    """The body of POST /webhook that tells of tasks that are no more."""

    model_config = ConfigDict(extra="ignore")

    action: Literal["TASKS_DELETED"]
    project: _EventProject
    tasks: list[_EventTask]


class ErrorJson(TypedDict):
    """What went wrong, for whoever looks at the answer; Label Studio does not."""

    error: str
    hint: str
    task: NotRequired[int | None]


class PredictJson(TypedDict):
    """The answer to /predict: one result per task, in their order."""

    results: list[AnswerJson]
    model_version: str
    errors: list[ErrorJson]


def build_failed(count: int, error: BackendError, model_version: str) -> PredictJson:
    """Return the answer for `count` tasks of which none can be predicted.

    The version is never null: Label Studio would lose the batch; no prediction carries it.
    """
    results: list[list[Never]] = [[] for _ in range(count)]
    return {
        "results": [*results],
        "model_version": model_version,
        "errors": [{"error": error.message, "hint": error.hint}],
    }


def json_bytes(content: object) -> bytes:
    """Write JSON in ASCII: a lone surrogate of a task or a label can be escaped, not encoded."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def json_response(content: object) -> Response:
    """Answer with JSON, status 200."""
    return Response(json_bytes(content), media_type="application/json")


def error_response(
    status: HTTPStatus, message: str, hint: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with an error, and what helps."""
    body = json_bytes({"error": message, "hint": hint})
    return Response(body, status, headers, media_type="application/json")


def read_task_id(task: object) -> int | None:
    """Return the id of a task; whatever else stands there may be no JSON at all."""
    number = task.get("id") if isinstance(task, dict) else None
    return number if type(number) is int else None
