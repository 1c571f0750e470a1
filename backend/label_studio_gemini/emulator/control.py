"""The emulator's own endpoints, by which another process scripts faults and looks at requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from starlette.responses import JSONResponse, Response

from label_studio_gemini.emulator.faults import Fault

if TYPE_CHECKING:
    from starlette.requests import Request

    from label_studio_gemini.emulator.state import State

_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


async def faults(state: State, request: Request) -> Response:
    """POST: add the fault or the list of faults in the body. DELETE: forget all of them."""
    if request.method == "DELETE":
        state.faults.clear()
        return JSONResponse({})
    body = (await request.body()).strip()
    try:
        scripted = _FAULTS.validate_json(body if body.startswith(b"[") else b"[" + body + b"]")
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        return JSONResponse({"problems": problems}, status_code=400)
    state.faults.script(scripted)
    return JSONResponse({"scripted": len(scripted)})


async def requests(state: State, request: Request) -> Response:
    """GET: the requests that are kept, without keys, bodies and pictures. DELETE: forget them."""
    if request.method == "DELETE":
        state.recorder.clear()
        return JSONResponse({})
    return JSONResponse({"requests": [one.summary() for one in state.recorder.snapshot()]})


async def health(_state: State, _request: Request) -> Response:
    """Say that the emulator runs."""
    return JSONResponse({"status": "UP"})
