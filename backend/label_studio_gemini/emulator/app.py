"""The emulator as an ASGI app: it routes, refuses, records, and goes wrong as scripted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from label_studio_gemini.emulator import control, generation, storage
from label_studio_gemini.emulator.access import check_access
from label_studio_gemini.emulator.api import Api
from label_studio_gemini.emulator.connection import BrokenResponse, Gone, wait
from label_studio_gemini.emulator.faults import Breakage, Fault
from label_studio_gemini.emulator.refusals import (
    Refusal,
    not_found,
    not_offered,
    refusal_from_problem,
)
from label_studio_gemini.emulator.responses import json_response
from label_studio_gemini.emulator.settings import DEFAULT_SETTINGS, EmulatorSettings
from label_studio_gemini.emulator.state import Call, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from label_studio_gemini.emulator.key import AnswerKey
    from label_studio_gemini.emulator.recorder import RecordedRequest

    Handler: TypeAlias = "Callable[[State, Call], Callable[[Fault], Response]]"
    Plain: TypeAlias = "Callable[[State, Call], Response]"
    Row: TypeAlias = tuple[str, list[str], Api, Handler]
    Own: TypeAlias = "Callable[[State, Request], Awaitable[Response]]"

_PROJECT = "/{version}/projects/{project}/locations/{location}"  # of Vertex AI
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_OTHER_BODIES = {
    Breakage.NOT_JSON: b"<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title></html>",
    Breakage.GARBAGE: bytes(range(0x80, 0x100)) * 32,
}


class Emulator:
    """A local Gemini.

    Attributes:
        app: The ASGI app. It relies on `EmulatorProtocol` for faults that break connections.
    """

    def __init__(self, answers: AnswerKey, settings: EmulatorSettings = DEFAULT_SETTINGS) -> None:
        self._state = State(answers, settings)
        self.app = Starlette(routes=self._routes())

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Return every request to the API that is kept, the oldest first."""
        return self._state.recorder.snapshot()

    def script(self, *faults: Fault) -> None:
        """Make things go wrong, in this order; see `Fault`."""
        self._state.faults.script(faults)

    def clear_faults(self) -> None:
        """Let all go well again."""
        self._state.faults.clear()

    def clear_requests(self) -> None:
        """Forget the requests that came."""
        self._state.recorder.clear()

    def publish(self, uri: str, data: bytes, mime_type: str) -> None:
        """Let requests name a picture by this public address; the emulator opens no real one."""
        self._state.files.publish(uri, data, mime_type)

    def stop(self) -> None:
        """End all waits; call it in the event loop that serves the app."""
        self._state.stopping.set()

    def _routes(self) -> list[Route]:
        routes = [
            Route(path, self._endpoint(api, handler), methods=methods)
            for path, methods, api, handler in self._table()
        ]
        own: list[tuple[str, list[str], Own]] = [
            ("/emulator/faults", ["POST", "DELETE"], control.faults),
            ("/emulator/requests", ["GET", "DELETE"], control.requests),
            ("/emulator/health", ["GET"], control.health),
        ]
        return [
            *(Route(path, self._own(handler), methods=methods) for path, methods, handler in own),
            *routes,
            Route("/{path:path}", self._endpoint(Api.OTHER, _nowhere), methods=_EVERY_METHOD),
        ]

    def _table(self) -> list[Row]:
        models, files = _plain(storage.models), _plain(storage.files)
        return [
            *self._models("/{version}/models/{name}"),
            *self._interactions("/{version}"),
            *self._models(f"{_PROJECT}/publishers/google/models/{{name}}"),
            *self._interactions(_PROJECT),
            *self._models("/{version}/publishers/google/models/{name}"),  # the express mode
            ("/{version}/models/{name}", ["GET"], Api.MODELS, models),
            ("/{version}/models", ["GET"], Api.MODELS, models),
            ("/upload/{version}/files", ["POST"], Api.FILES, _plain(storage.upload)),
            ("/{version}/files/{name}", ["GET", "DELETE"], Api.FILES, _plain(storage.file)),
            ("/{version}/files", ["GET"], Api.FILES, files),
        ]

    def _models(self, model: str) -> list[Row]:
        """Return what can be asked of a model at its address."""
        return [
            (f"{model}:generateContent", ["POST"], Api.GENERATE_CONTENT, generation.generate),
            (f"{model}:countTokens", ["POST"], Api.COUNT_TOKENS, _plain(generation.count)),
            (f"{model}:{{method}}", ["POST"], Api.OTHER, _not_offered),
        ]

    def _interactions(self, place: str) -> list[Row]:
        kept = _plain(generation.interaction)
        return [
            (f"{place}/interactions", ["POST"], Api.INTERACTIONS, generation.generate),
            (f"{place}/interactions/{{name}}", ["GET", "DELETE"], Api.INTERACTIONS, kept),
            (f"{place}/interactions/{{name}}/cancel", ["POST"], Api.INTERACTIONS, kept),
        ]

    def _own(self, handler: Own) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await handler(self._state, request)

        return endpoint

    def _endpoint(self, api: Api, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            recorder = self._state.recorder
            record = recorder.start(
                request.method,
                request.url.path,
                dict(request.query_params),
                dict(request.headers),
            )
            record.api = api
            try:
                response: Response = await self._exchange(request, record, handler)
            except Refusal as refusal:
                response = json_response(
                    refusal.body(api), status=refusal.status, headers=refusal.headers(api)
                )
            except (Gone, ClientDisconnect):
                recorder.finish(record, None)
                return Response(status_code=503)
            broken = isinstance(response, BrokenResponse)
            recorder.finish(record, None if broken else response.status_code)
            return response

        return endpoint

    async def _exchange(
        self, request: Request, record: RecordedRequest, handler: Handler
    ) -> Response:
        raw = await self._body(request)
        self._state.recorder.read(record, len(raw))
        check_access(request, record.api, self._state.settings)
        call = Call(request, record, raw)
        fault, response = await asyncio.to_thread(self._answer, handler, call)
        if fault.delay:
            await wait(fault.delay, request.receive, self._state.stopping)
        if isinstance(response, Refusal):
            raise response
        return self._broken(response, fault.breakage)

    def _answer(self, handler: Handler, call: Call) -> tuple[Fault, Response | Refusal]:
        """Return what goes wrong, and what is answered after the delay of that.

        All that takes time runs here, in a thread, so that it holds up nobody's delay.

        Raises:
            Refusal: If the request is refused whatever goes wrong, and at once.
        """
        answer = handler(self._state, call)
        fault = self._state.faults.take(call.record)
        if fault.problem is None:
            return fault, answer(fault)
        model = call.record.model or ""
        refusal = refusal_from_problem(
            fault.problem, model=model, retry_seconds=fault.retry_seconds
        )
        return fault, refusal

    async def _body(self, request: Request) -> bytes:
        largest = self._state.settings.largest_body
        pieces: list[bytes] = []
        length = 0
        async for piece in request.stream():
            length += len(piece)
            # What is too much is still read: to hang up on a client that is sending tells it less.
            if length <= largest:
                pieces.append(piece)
        if length > largest:
            raise Refusal(f"Request payload size exceeds the limit: {largest} bytes.")
        return b"".join(pieces)

    def _broken(self, response: Response, breakage: Breakage | None) -> Response:
        if breakage is None:
            return response
        if breakage in _OTHER_BODIES:
            return Response(_OTHER_BODIES[breakage], media_type="application/json")
        return BrokenResponse(breakage, bytes(response.body), self._state.stopping)


def _plain(handler: Plain) -> Handler:
    def run(state: State, call: Call) -> Callable[[Fault], Response]:
        response = handler(state, call)
        return lambda _fault: response

    return run


def _not_offered(_state: State, call: Call) -> Callable[[Fault], Response]:
    raise not_offered(f"`{call.request.path_params['method']}`")


def _nowhere(_state: State, call: Call) -> Callable[[Fault], Response]:
    raise not_found(f"The address {call.request.method} {call.request.url.path}")


def build_emulator(answers: AnswerKey, settings: EmulatorSettings = DEFAULT_SETTINGS) -> Emulator:
    """Return an emulator that answers from `answers`; its `app` is to be served."""
    return Emulator(answers, settings)
