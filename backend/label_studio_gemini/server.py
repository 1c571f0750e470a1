"""The HTTP side: what Label Studio calls, and nothing that it does not.

What it sends and what it makes of the answers was observed with Label Studio 1.23.2: it shows
people no error of /predict, loses the whole batch over a malformed answer, and retries a task that
was answered with `[]`. So there is always exactly one answer per task. The server keeps nothing
between requests but the logins of /setup, on disk, shared by all its processes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from label_studio_gemini import __version__
from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError
from label_studio_gemini.images import LabelStudioLogin, LoginStore, choose_login
from label_studio_gemini.model import GeminiModel, NoPrediction, answer_from_outcome
from label_studio_gemini.pipeline import Failure, open_pipeline
from label_studio_gemini.plan import build_plan
from label_studio_gemini.versions import VersionStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.model import AnswerJson
    from label_studio_gemini.pipeline import Outcome, Pipeline

_log = logging.getLogger(__name__)


class SetupBody(BaseModel):
    """The body of POST /setup: a project introduces itself."""

    model_config = ConfigDict(extra="ignore")

    project: str = ""
    label_config: str = Field(alias="schema", default="")
    hostname: str | None = None
    access_token: str | None = None


class PredictBody(BaseModel):
    """The body of POST /predict. Tasks are read one by one later: a bad one is alone in that."""

    model_config = ConfigDict(extra="ignore")

    tasks: list[Any]
    project: str | None = None
    label_config: str = ""


class ErrorJson(TypedDict):
    """What went wrong, for whoever looks at the answer; Label Studio does not."""

    error: str
    hint: str
    task: NotRequired[int | None]


class PredictJson(TypedDict):
    """The answer to /predict: one result per task, in their order."""

    results: list[AnswerJson]
    model_version: str | None
    errors: list[ErrorJson]


class Backend:
    """The handlers, and what they share: the YAML, the environment, the logins, the pipeline."""

    def __init__(self, config: Config, environment: Environment) -> None:
        self._config = config
        self._environment = environment
        self._logins = LoginStore(environment.state_folder / "logins")
        self._versions = VersionStore(environment.state_folder / "versions")
        self._pipeline: Pipeline | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Hold the pipeline open for as long as the server runs."""
        async with open_pipeline(self._config, self._environment) as self._pipeline:
            yield

    async def health(self) -> JSONResponse:
        """Say that the server is up; Gemini is not asked."""
        return JSONResponse({"status": "UP", "model_class": GeminiModel.__name__})

    async def versions(self) -> JSONResponse:
        """List the versions that projects were told of."""
        return JSONResponse({"versions": await asyncio.to_thread(self._versions.list)})

    async def setup(self, body: SetupBody) -> JSONResponse:
        """Remember how to reach the project's images, and say which version answers it."""
        plan = build_plan(self._config, body.label_config)
        for tag in plan.label_config.unfilled:
            _log.warning("project %s: left to people: %s", body.project, tag)
        if body.hostname:
            login = LabelStudioLogin(body.hostname, body.access_token or None)
            await asyncio.to_thread(self._logins.save, body.project, login)
        await asyncio.to_thread(self._versions.note, plan.model_version)
        return JSONResponse({"model_version": plan.model_version})

    async def predict(self, body: PredictBody) -> JSONResponse:
        """Answer every task; a project that cannot be predicted has every task answered with []."""
        model = GeminiModel(
            label_config=body.label_config,
            pipeline=self._pipeline,
            login=await self._login(body.project),
        )
        try:
            outcomes, model_version = await model.predict_async(body.tasks)
        except BackendError as error:
            _log.error("project %s: no task was predicted: %s", body.project, error)
            return JSONResponse(_all_failed(len(body.tasks), error))
        return JSONResponse(_answer(body.tasks, outcomes, model_version))

    async def webhook(self, request: Request) -> JSONResponse:
        """Accept an event at once: Label Studio waits for it, in the annotator's time."""
        await request.body()
        return JSONResponse({"status": "accepted"})

    async def _login(self, project: str | None) -> LabelStudioLogin | None:
        remembered = await asyncio.to_thread(self._logins.load, project) if project else None
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


def _all_failed(count: int, error: BackendError) -> PredictJson:
    return {
        "results": [NoPrediction() for _ in range(count)],
        "model_version": None,
        "errors": [{"error": error.message, "hint": error.hint}],
    }


def _task_id(task: object) -> int | None:
    return task.get("id") if isinstance(task, dict) else None


async def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BackendError)
    _log.error("%s", error)
    return _error(HTTPStatus.BAD_REQUEST, error.message, error.hint)


async def _answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _error(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The request is not as Label Studio sends it: {where}: {first['msg']}.",
        "send JSON: /predict takes `tasks` and `label_config`, /setup `project` and `schema`.",
    )


async def _answer_bug(_request: Request, error: Exception) -> JSONResponse:
    _log.error("a request failed in a way that is a bug", exc_info=error)
    return _error(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An unexpected error; it is a bug.",
        "the log of the backend has its traceback: report it.",
    )


def _error(status: HTTPStatus, message: str, hint: str) -> JSONResponse:
    return JSONResponse({"error": message, "hint": hint}, status_code=status)
