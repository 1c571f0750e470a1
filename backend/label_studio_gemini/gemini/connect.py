"""From a key to something that answers."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from label_studio_gemini.errors import AuthenticationError, ConfigError
from label_studio_gemini.gemini.refusals import KEY_HINT
from label_studio_gemini.gemini.vertex import CREDENTIALS_HINT, GLOBAL, VertexProject

if TYPE_CHECKING:
    import ssl

    from label_studio_gemini.gemini.connection import Connection
    from label_studio_gemini.gemini.generate_content import GenerateContentGemini
    from label_studio_gemini.gemini.interactions import InteractionsGemini

Adapter: TypeAlias = "InteractionsGemini | GenerateContentGemini"
"""A `Gemini` that sends what it is given; its `connection` carries the Files API too."""

GOOGLE_URL = "https://generativelanguage.googleapis.com"


def connect_gemini(
    *,
    api: Literal["interactions", "generate_content"],
    api_key: str | None,
    base_url: str | None,
    timeout: float,
    api_version: str = "v1",
    vertex: VertexProject | None = None,
) -> Adapter:
    """Return what answers requests through one of Gemini's two APIs.

    No address is opened, but the SDK is imported, which takes about a second: a server calls this
    before it serves, or in a thread. What is returned belongs to one event loop.

    Args:
        api: Which of the two APIs; both are spoken on Vertex AI too, if by project and location.
        api_key: The key as the caller found it; the environment is not read here. On Vertex AI it
            is used in the express mode only: a project is entered with credentials.
        base_url: Where to send, or None for Google's own address.
        timeout: Seconds that one request may take, from first to last byte; the service tier flex
            is given 15 minutes at least.
        api_version: The version segment of the path; `*-latest` models exist in `v1beta` only.
        vertex: Where on Vertex AI, or None for the Gemini API. The Files API, and with it every
            uploaded image, is not to be had on Vertex AI.

    Raises:
        AuthenticationError: If there is no key, or it cannot be one.
        ConfigError: If Vertex AI's express mode is given a location, or the API interactions.
    """
    key = "" if vertex and vertex.project else _checked_key(api_key)
    if vertex and not vertex.project:
        _check_express_mode(vertex, api)
    # Imported here, so that importing the package costs no second (measured: 1.2 s).
    from label_studio_gemini.gemini.generate_content import GenerateContentGemini  # noqa: PLC0415
    from label_studio_gemini.gemini.interactions import InteractionsGemini  # noqa: PLC0415

    url = base_url or (vertex.url if vertex else GOOGLE_URL)
    connection = _connection(key, url, timeout, api_version, vertex)
    if api == "interactions":
        return InteractionsGemini(connection)
    return GenerateContentGemini(connection)


def _check_express_mode(vertex: VertexProject, api: str) -> None:
    if vertex.location != GLOBAL:
        raise ConfigError(
            f"Vertex AI is given the location {vertex.location!r} and no project.",
            hint="Give `project` too; without one (the express mode) there are no locations.",
        )
    # It is a 404 there: https://github.com/googleapis/python-aiplatform/issues/6966
    if api == "interactions":
        raise ConfigError(
            "Vertex AI's express mode, with a key and no project, has no Interactions API.",
            hint="Set `api: generate_content`, or give the `project` and sign in to Google Cloud.",
        )


def _checked_key(api_key: str | None) -> str:
    key = (api_key or "").strip()
    if not key:
        raise AuthenticationError("There is no Gemini API key.", hint=KEY_HINT)
    # A line break or a letter outside ASCII would fail as a header, and be quoted there.
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise AuthenticationError(
            "The Gemini API key has characters that no key has.",
            hint=f"It may have been copied with something else. {KEY_HINT}",
        )
    return key


@functools.cache
def _trust() -> ssl.SSLContext:
    """Load the certificates that are trusted once: each client would take 50 ms for it."""
    import httpx2  # noqa: PLC0415

    return httpx2.create_ssl_context()


def _connection(
    key: str, base_url: str, timeout: float, api_version: str, vertex: VertexProject | None
) -> Connection:
    """Build the SDK's client with every choice made here, none left to the environment."""
    from google import genai  # noqa: PLC0415
    from google.genai import client as genai_client  # noqa: PLC0415
    from google.genai import types  # noqa: PLC0415

    from label_studio_gemini.gemini.connection import Connection  # noqa: PLC0415
    from label_studio_gemini.gemini.transport import build_http  # noqa: PLC0415

    trust = _trust()
    http = build_http(trust, timeout)
    project = vertex.project if vertex else None
    client = genai.Client(
        api_key=key or None,
        vertexai=vertex is not None,
        project=project,
        location=vertex.location if vertex and project else None,
        credentials=vertex.credentials if vertex and project else None,
        # None given, or the SDK looks for a mode (record, replay) in the environment.
        debug_config=genai_client.DebugConfig(
            client_mode=None, replays_directory=None, replay_id=None
        ),
        http_options=types.HttpOptions(
            base_url=base_url,
            api_version=api_version,
            timeout=max(1, math.ceil(timeout * 1000)),  # milliseconds
            retry_options=types.HttpRetryOptions(attempts=1),  # one attempt: retries are ours
            httpx_async_client=http,
            client_args={"verify": trust},
            async_client_args={"verify": trust, "ssl": trust},  # `ssl` is for its web sockets
        ),
    )
    return Connection(
        client=client,
        http=http,
        timeout=timeout,
        secret=key,
        access_hint=CREDENTIALS_HINT if project else None,
    )
