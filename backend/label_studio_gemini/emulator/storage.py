"""The endpoints of the Files API and of the list of models."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import Response

from label_studio_gemini.emulator.catalogue import LISTED, build_model, check_model
from label_studio_gemini.emulator.generation import body_of
from label_studio_gemini.emulator.refusals import Refusal, not_offered
from label_studio_gemini.emulator.responses import json_response

if TYPE_CHECKING:
    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.state import Call, State

_PAGE = 10
_LONGEST_PAGE = 100


def upload(state: State, call: Call) -> Response:
    """Answer the start of an upload, or take a piece of one.

    Raises:
        Refusal: If it does not fit the protocol.
    """
    headers = call.request.headers
    command = headers.get("x-goog-upload-command", "")
    upload_id = call.request.query_params.get("upload_id")
    if upload_id is not None:
        return _piece(state, call, upload_id, command)
    if headers.get("x-goog-upload-protocol") != "resumable" or command != "start":
        raise not_offered("any upload but the resumable one")
    upload_id = state.files.start(
        body_of(call) if call.raw else {},
        mime_type=headers.get("x-goog-upload-header-content-type"),
        size=headers.get("x-goog-upload-header-content-length"),
    )
    query = urlencode({"upload_id": upload_id, "upload_protocol": "resumable"})
    return json_response(
        {},
        headers={
            "X-Goog-Upload-URL": f"{call.base_url()}/upload/{call.version}/files?{query}",
            "X-Goog-Upload-Status": "active",
            "X-Goog-Upload-Chunk-Granularity": "8388608",
        },
    )


def _piece(state: State, call: Call, upload_id: str, command: str) -> Response:
    offset = call.request.headers.get("x-goog-upload-offset")
    done = state.files.receive(upload_id, call.raw, offset=offset, command=command)
    if isinstance(done, int):
        received = {"X-Goog-Upload-Size-Received": str(done), "X-Goog-Upload-Status": "active"}
        return Response(headers=received)
    resource: JsonObject = {"file": done.resource(call.base_url())}
    return json_response(resource, headers={"X-Goog-Upload-Status": "final"})


def file(state: State, call: Call) -> Response:
    """Answer a request about one file: what it is, or that it be deleted.

    Raises:
        Refusal: If there is no such file.
    """
    name = f"files/{call.name}"
    if call.request.method == "DELETE":
        state.files.delete(name)
        return json_response({})
    return json_response(state.files.look(name).resource(call.base_url()))


def files(state: State, call: Call) -> Response:
    """Answer the list of files, a page at a time.

    Raises:
        Refusal: If the page is none.
    """
    query = call.request.query_params
    size, token = query.get("pageSize", str(_PAGE)), query.get("pageToken", "0")
    if not (size.isdigit() and token.isdigit() and 0 <= int(size) <= _LONGEST_PAGE):
        raise Refusal(f"Invalid page: pageSize {size}, pageToken {token}.")
    start, length = int(token), int(size) or _PAGE
    every = state.files.list()
    page: JsonObject = {}
    if every:
        page["files"] = [f.resource(call.base_url()) for f in every[start : start + length]]
    if start + length < len(every):
        page["nextPageToken"] = str(start + length)
    return json_response(page)


def models(state: State, call: Call) -> Response:
    """Answer the list of models, or one of them.

    Raises:
        Refusal: If there is no such model.
    """
    if not call.name:
        return json_response({"models": [build_model(name) for name in LISTED]})
    check_model(call.name, call.version, state.settings.model_prefixes)
    return json_response(build_model(call.name))
