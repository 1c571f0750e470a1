"""The handlers, and what they share."""

from __future__ import annotations

import asyncio
import importlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 - FastAPI reads the annotations of handlers
from fastapi.responses import Response  # noqa: TC002
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from label_studio_gemini.errors import BackendError
from label_studio_gemini.server.auth import build_refusal
from label_studio_gemini.server.bodies import (
    PredictBody,
    SetupBody,
    WebhookBody,
    build_failed,
    json_bytes,
    json_response,
)
from label_studio_gemini.server.jobs import Jobs
from label_studio_gemini.server.logs import note_failed, note_request
from label_studio_gemini.server.stopping import on_stop_signal
from label_studio_gemini.server.streaming import respond_patiently

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from fastapi import FastAPI

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.pipeline import Outcome
    from label_studio_gemini.server.auth import Guard
    from label_studio_gemini.server.bodies import PredictJson
    from label_studio_gemini.server.engine import Engine

_log = logging.getLogger(__name__)

A_BUG = BackendError(
    "An unexpected error; it is a bug.", hint="the log of the backend has its traceback: report it."
)


class Backend:
    """Answers what Label Studio asks. One per process.

    Args:
        config: The YAML.
        environment: The keys, and where state is kept.
        guard: Who may send webhooks.
    """

    def __init__(self, config: Config, environment: Environment, guard: Guard) -> None:
        self._config = config
        self._environment = environment
        self._guard = guard
        self._jobs: Jobs[Outcome] = Jobs(config.concurrency)
        self._engine: asyncio.Future[Engine]

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Serve at once, with an engine that is loaded meanwhile; stop in an orderly way."""
        self._engine = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        host = asyncio.create_task(self._host_engine(closing))
        grace = self._config.stop_grace
        with on_stop_signal(lambda: self._jobs.stop(grace)):
            try:
                yield
                await self._jobs.close(grace)
            finally:
                closing.set()
                await host

    async def health(self) -> Response:
        """Say that the server is up; Gemini is not asked."""
        return json_response({"status": "UP", "model_class": "GeminiModel"})

    async def versions(self) -> Response:
        """List the versions that projects were told of."""
        engine = await self._loaded()
        return json_response({"versions": await engine.versions()})

    async def setup(self, body: SetupBody) -> Response:
        """Remember how to reach the project's images, and say which version answers it."""
        note_request(body.project)
        engine = await self._loaded()
        return json_response({"model_version": await engine.setup(body)})

    async def predict(self, body: PredictBody) -> Response:
        """Answer every task, however long that takes; what is not done in time goes on."""
        note_request(body.project, len(body.tasks))
        return await respond_patiently(self._predict(body))

    async def webhook(self, request: Request) -> Response:
        """Accept an event at once: Label Studio waits for it, in the annotator's time.

        It sends events without the login, and a training that a person starts with it.
        """
        body = await request.body()
        if self._guard.knows(request.scope) or self._is_welcome(body):
            return json_response({"status": "accepted"})
        return build_refusal("This webhook is not for everyone.")

    async def secret_webhook(self, secret: str, request: Request) -> Response:
        """Accept what comes to the address that only Label Studio was told of."""
        if not self._guard.knows_secret(secret):
            raise HTTPException(404)
        await request.body()
        return json_response({"status": "accepted"})

    def _is_welcome(self, body: bytes) -> bool:
        """Return whether a webhook without login is accepted."""
        if self._guard.wants_secret or not self._guard.wants_login:
            return not self._guard.wants_secret
        try:
            return WebhookBody.model_validate_json(body).is_event
        except ValidationError:
            return False

    async def _predict(self, body: PredictBody) -> bytes:
        """Return the answer; a project that cannot be predicted has every task answered by []."""
        try:
            answer = await self._answer(body)
        except BackendError as error:
            _log.error("project %r: no task was predicted: %s", body.project, error)
            answer = build_failed(len(body.tasks), error, self._config.model)
        except Exception:  # noqa: BLE001 - the edge: Label Studio is to have its answers all the same
            _log.exception("project %r: no task was predicted, which is a bug", body.project)
            answer = build_failed(len(body.tasks), A_BUG, self._config.model)
        note_failed(answer["results"].count([]))
        return json_bytes(answer)

    async def _answer(self, body: PredictBody) -> PredictJson:
        engine = await self._loaded()
        predictor = await engine.predictor(body)
        works = engine.works(predictor, body)
        results = await self._jobs.run(works, seconds=self._config.predict_deadline)
        return engine.answer(predictor, body, results)

    async def _loaded(self) -> Engine:
        """Return the engine as soon as it is there.

        Raises:
            BackendError: It could not be opened.
        """
        return await asyncio.shield(self._engine)

    async def _host_engine(self, closing: asyncio.Event) -> None:
        """Load the engine in a thread, and keep it open until `closing`."""
        try:
            opened = await asyncio.to_thread(_load, self._config, self._environment)
            async with opened as engine:
                self._engine.set_result(engine)
                # The tables of prices take a second to load: not that of the first batch.
                await asyncio.to_thread(importlib.import_module, "genai_prices")
                await closing.wait()
        except Exception as error:
            if self._engine.done():
                raise
            known = isinstance(error, BackendError)
            _log.error("nothing can be predicted: %s", error, exc_info=None if known else error)
            self._engine.set_exception(error)
            self._engine.exception()  # it is told to whoever asks; nobody may


def _load(config: Config, environment: Environment) -> AbstractAsyncContextManager[Engine]:
    importlib.import_module(f"label_studio_gemini.gemini.{config.api}")  # Google's SDK
    from label_studio_gemini.server.engine import open_engine  # noqa: PLC0415 - takes a second

    return open_engine(config, environment)
