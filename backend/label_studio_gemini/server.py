"""The HTTP side: what Label Studio calls, and nothing that it does not.

What it sends and what it makes of the answers was observed with Label Studio 1.23.2: it shows
people no error of /predict, loses the whole batch over a malformed answer, and retries a task that
was answered with `[]`. So there is always exactly one answer per task. The server keeps nothing
between requests but what /setup told, on disk, shared by all its processes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from label_studio_gemini import __version__
from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError
from label_studio_gemini.gemini import Priority
from label_studio_gemini.images import LabelStudioLogin, LoginStore, choose_login
from label_studio_gemini.model import GeminiModel, answer_from_outcome
from label_studio_gemini.pipeline import Failure, open_pipeline
from label_studio_gemini.plan import Plans
from label_studio_gemini.versions import VersionStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.model import AnswerJson
    from label_studio_gemini.pipeline import Outcome, Pipeline

_log = logging.getLogger(__name__)

_A_BUG = BackendError(
    "An unexpected error; it is a bug.", hint="the log of the backend has its traceback: report it."
)


class SetupBody(BaseModel):
    """The body of POST /setup: a project introduces itself."""

    model_config = ConfigDict(extra="ignore")

    project: str | int | None = None
    label_config: str | None = Field(alias="schema", default=None)
    hostname: str | None = None
    access_token: str | None = None


class PredictBody(BaseModel):
    """The body of POST /predict. Tasks are read one by one later: a bad one is alone in that."""

    model_config = ConfigDict(extra="ignore")

    tasks: list[Any]
    project: str | int | None = None
    label_config: str | None = None
    params: Any = None

    @property
    def priority(self) -> Priority:
        """Whether a person waits: a smart tool sends its context, and who opens a task one task."""
        context = self.params.get("context") if isinstance(self.params, dict) else None
        waits = context is not None or len(self.tasks) == 1
        return Priority.INTERACTIVE if waits else Priority.BATCH


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


class Backend:
    """The handlers, and what they share: the YAML, the environment, the logins, the pipeline."""

    def __init__(self, config: Config, environment: Environment) -> None:
        self._config = config
        self._environment = environment
        self._logins = LoginStore(environment.state_folder / "logins")
        self._versions = VersionStore(environment.state_folder / "versions")
        self._plans = Plans(config)
        self._pipeline: Pipeline | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Hold the pipeline open for as long as the server runs."""
        async with open_pipeline(self._config, self._environment) as self._pipeline:
            yield

    async def health(self) -> Response:
        """Say that the server is up; Gemini is not asked."""
        return _json({"status": "UP", "model_class": GeminiModel.__name__})

    async def versions(self) -> Response:
        """List the versions that projects were told of."""
        return _json({"versions": await asyncio.to_thread(self._versions.list)})

    async def setup(self, body: SetupBody) -> Response:
        """Remember how to reach the project's images, and say which version answers it."""
        if body.hostname and body.project is not None:
            login = LabelStudioLogin(body.hostname, body.access_token or None)
            await asyncio.to_thread(self._logins.save, str(body.project), login)
        plan = self._plans.plan(body.label_config or "")
        for tag in plan.unfilled:
            _log.warning("project %r: left to people: %s", body.project, tag)
        await asyncio.to_thread(self._versions.note, plan.model_version)
        return _json({"model_version": plan.model_version})

    async def predict(self, body: PredictBody) -> Response:
        """Answer every task; a project that cannot be predicted has every task answered with []."""
        try:
            model = GeminiModel(
                label_config=body.label_config,
                pipeline=self._pipeline,
                login=await self._login(body.project),
            )
            outcomes, model_version = await model.predict_async(body.tasks, body.priority)
        except BackendError as error:
            _log.error("project %r: no task was predicted: %s", body.project, error)
            return _json(_all_failed(len(body.tasks), error, self._config.model))
        except Exception:  # noqa: BLE001 - the edge: Label Studio is to have its answers all the same
            _log.exception("project %r: no task was predicted, which is a bug", body.project)
            return _json(_all_failed(len(body.tasks), _A_BUG, self._config.model))
        return _json(_answer(body.tasks, outcomes, model_version))

    async def webhook(self, request: Request) -> Response:
        """Accept an event at once: Label Studio waits for it, in the annotator's time."""
        await request.body()
        return _json({"status": "accepted"})

    async def _login(self, project: str | int | None) -> LabelStudioLogin | None:
        remembered = None
        if project is not None:
            remembered = await asyncio.to_thread(self._logins.load, str(project))
        url, token = self._environment.label_studio_url, self._environment.label_studio_token
        return choose_login(url, token, remembered)


def create_app() -> FastAPI:
    """Build the app from the environment alone: what each worker process starts with."""
    environment = read_environment(os.environ)
    logging.basicConfig(
        level=environment.log_level.upper(),
        format="%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s",
    )
    return build_app(read_config(environment.config_file), environment)


def build_app(config: Config, environment: Environment) -> FastAPI:
    """Build the ASGI app; nothing is connected before it starts up."""
    backend = Backend(config, environment)
    app = FastAPI(
        title="label-studio-gemini",
        version=__version__,
        lifespan=backend.lifespan,
        docs_url=None,
        redoc_url=None,
    )
    for path, handler, method in (
        ("/", backend.health, "GET"),
        ("/health", backend.health, "GET"),
        ("/setup", backend.setup, "POST"),
        ("/predict", backend.predict, "POST"),
        ("/webhook", backend.webhook, "POST"),
        ("/versions", backend.versions, "GET"),
    ):
        app.add_api_route(path, handler, methods=[method], response_model=None)
    app.add_exception_handler(BackendError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_bug)
    return app


def _answer(tasks: list[Any], outcomes: list[Outcome], model_version: str) -> PredictJson:
    return {
        "results": [answer_from_outcome(outcome, model_version) for outcome in outcomes],
        "model_version": model_version,
        "errors": [
            {"error": outcome.error.message, "hint": outcome.error.hint, "task": _task_id(task)}
            for task, outcome in zip(tasks, outcomes, strict=True)
            if isinstance(outcome, Failure)
        ],
    }


def _all_failed(count: int, error: BackendError, model: str) -> PredictJson:
    return {
        "results": [[] for _ in range(count)],
        "model_version": model,  # never null; no prediction carries it
        "errors": [{"error": error.message, "hint": error.hint}],
    }


def _task_id(task: object) -> int | None:
    """Return the id of a task; whatever else stands there may be no JSON at all."""
    number = task.get("id") if isinstance(task, dict) else None
    return number if type(number) is int else None


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BackendError)
    _log.error("%s", error)
    return _error(HTTPStatus.BAD_REQUEST, error.message, error.hint)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _error(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The request is not as Label Studio sends it: {where}: {first['msg']}.",
        "send JSON: /predict takes `tasks` and `label_config`, /setup `project` and `schema`.",
    )


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(
        HTTPStatus(error.status_code),
        f"{request.method} {request.url.path}: {error.detail}.",
        "Label Studio asks for /health, /setup, /predict, /webhook and /versions, with JSON.",
    )


async def _answer_bug(_request: Request, error: Exception) -> Response:
    _log.error("a request failed in a way that is a bug", exc_info=error)
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, _A_BUG.message, _A_BUG.hint)


def _error(status: HTTPStatus, message: str, hint: str) -> Response:
    return _json({"error": message, "hint": hint}, status)


def _json(content: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Answer in ASCII: a lone surrogate of a task or a label can be escaped, and not encoded."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json")
