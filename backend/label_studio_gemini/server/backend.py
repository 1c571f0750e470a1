"""The handlers, and what they share."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 - FastAPI reads the annotations of handlers
from fastapi.responses import Response  # noqa: TC002
from pydantic import ValidationError

from label_studio_gemini.errors import BackendError
from label_studio_gemini.server.auth import build_refusal
from label_studio_gemini.server.bodies import (
    A_BUG,
    PredictBody,
    SetupBody,
    TasksDeletedBody,
    WebhookBody,
    build_failed,
    json_bytes,
    json_response,
)
from label_studio_gemini.server.jobs import Jobs
from label_studio_gemini.server.limits import WEBHOOK_BYTES
from label_studio_gemini.server.logs import note_failed, note_request
from label_studio_gemini.server.stopping import on_stop_signal
from label_studio_gemini.server.streaming import respond_patiently

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from label_studio_gemini.config import Config
    from label_studio_gemini.pipeline import Outcome
    from label_studio_gemini.server.auth import Guard
    from label_studio_gemini.server.bodies import PredictJson
    from label_studio_gemini.server.hosting import Host

_log = logging.getLogger(__name__)


class Backend:
    """Answers what Label Studio asks. One per process.

    Args:
        config: The YAML.
        host: Loads what answers.
        guard: Who may send webhooks.
    """

    def __init__(self, config: Config, host: Host, guard: Guard) -> None:
        self._config = config
        self._host = host
        self._guard = guard
        self._jobs: Jobs[Outcome] = Jobs(config.tasks_at_once)

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Serve at once, with an engine that is loaded meanwhile; stop in an orderly way."""
        try:
            async with self._host.running():
                with on_stop_signal(self._stop):
                    yield
                    self._stop()
                    await self._jobs.close(self._config.stop_grace)
        except asyncio.CancelledError:  # a second Ctrl-C; who awaits this would print its traceback
            _log.warning("stopped at once: what was under way is not finished")

    def _stop(self) -> None:
        self._jobs.stop(self._config.stop_grace)
        self._host.stop()

    async def health(self) -> Response:
        """Say that the server is up; Gemini is not asked."""
        return json_response({"status": "UP", "model_class": "GeminiModel"})

    async def versions(self) -> Response:
        """List the versions that projects were told of."""
        engine = await self._host.engine()
        return json_response({"versions": await engine.versions()})

    async def setup(self, body: SetupBody) -> Response:
        """Remember how to reach the project's images, and say which version answers it."""
        note_request(body.project)
        try:
            engine = await self._host.engine()
            version = await engine.setup(body)
        except BackendError as error:
            if (records := await self._host.records()) is not None:
                records.activity.refuse(body.project_name, error)
            raise
        return json_response({"model_version": version})

    async def predict(self, body: PredictBody) -> Response:
        """Answer every task, however long that takes; what is not done in time goes on."""
        note_request(body.project, len(body.tasks))
        return await respond_patiently(self._predict(body))

    async def webhook(self, request: Request) -> Response:
        """Accept an event at once: Label Studio waits for it, in the annotator's time.

        It sends events without the login, and a training that a person starts with it.
        """
        body = await request.body()
        is_known = not self._guard.wants_login or self._guard.knows(request.scope)
        if is_known or _is_event(body):
            await self._note_event(body)
            return json_response({"status": "accepted"})
        return build_refusal("This webhook is not for everyone.")

    async def secret_webhook(
        self,
        secret: str,  # noqa: ARG002 - see `LoginWall`
        request: Request,
    ) -> Response:
        """Accept what comes to the address that only Label Studio was told of."""
        await self._note_event(await request.body())
        return json_response({"status": "accepted"})

    async def _note_event(self, body: bytes) -> None:
        if (records := await self._host.records()) is not None:
            with suppress(ValidationError):  # most tell of something else
                records.note_deleted(TasksDeletedBody.model_validate_json(body))

    async def _predict(self, body: PredictBody) -> bytes:
        """Return the answer; a project that cannot be predicted has every task answered by []."""
        try:
            answer = await self._answer(body)
        except BackendError as error:
            _log.error("project %r: no task was predicted: %s", body.project, error)
            answer = await self._fail(body, error)
        except Exception:  # noqa: BLE001 - the edge: Label Studio is to have its answers all the same
            _log.exception("project %r: no task was predicted, which is a bug", body.project)
            answer = await self._fail(body, A_BUG)
        note_failed(answer["results"].count([]))
        return json_bytes(answer)

    async def _answer(self, body: PredictBody) -> PredictJson:
        engine = await self._host.engine()
        predictor = await engine.predictor(body)
        works = engine.works(predictor, body)
        with engine.following(predictor, body) as note_end:
            results = await self._jobs.run(
                works, seconds=self._config.predict_deadline, on_end=note_end
            )
        return engine.answer(predictor, body, results)

    async def _fail(self, body: PredictBody, error: BackendError) -> PredictJson:
        if (records := await self._host.records()) is not None:
            records.note_refused(body, error)
        return build_failed(len(body.tasks), error, self._config.model)


def _is_event(body: bytes) -> bool:
    """Return whether a webhook tells of something; one that was not kept whole does."""
    if len(body) > WEBHOOK_BYTES:
        return True
    try:
        return WebhookBody.model_validate_json(body).is_event
    except ValidationError:
        return False
