"""Who may ask: a key, or on Vertex AI a token of a Google account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.emulator.refusals import bad_key, missing_key, unauthenticated

if TYPE_CHECKING:
    from starlette.requests import Request

    from label_studio_gemini.emulator.api import Api
    from label_studio_gemini.emulator.settings import EmulatorSettings

_BEARER = "bearer "


def check_access(request: Request, api: Api, settings: EmulatorSettings) -> None:
    """Refuse a request without a valid key; of a project's address, one without a valid token.

    Raises:
        Refusal: 400, 401 or 403.
    """
    if "upload_id" in request.query_params:
        return  # the address of an upload is its own proof
    if "project" in request.path_params:
        _check_token(request.headers.get("authorization", ""), settings)
        return
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key")
    if not key:
        raise missing_key(api)
    if not settings.key_is_valid(key):
        raise bad_key()


def _check_token(said: str, settings: EmulatorSettings) -> None:
    token = said[len(_BEARER) :] if said.lower().startswith(_BEARER) else ""
    if not token or not settings.key_is_valid(token):
        raise unauthenticated()
