"""Vertex AI: where requests go, and who asks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import google.auth
import pytest
from google import genai
from google.auth import exceptions
from google.auth.credentials import AnonymousCredentials, Credentials
from google.genai.types import HttpOptions

from gemini_features import ANSWERS, APIS, PLAIN, Api
from gemini_recorder import Answer, Recorder, recording
from label_studio_gemini.errors import AuthenticationError, ConfigError, GeminiError, TransportError
from label_studio_gemini.gemini import VertexProject, connect_gemini
from label_studio_gemini.gemini.interactions_body import build_body
from label_studio_gemini.gemini.json_body import write_json

if TYPE_CHECKING:
    from label_studio_gemini.gemini import GeminiReply

KEY = "K-of-google-cloud"
auth_errors: Any = exceptions  # their constructors have no types
TOKEN = "ya29.token-of-the-test"


class Token(Credentials):
    """Credentials that are renewed by a count: a token each time, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.error = error
        self.renewed = 0

    def refresh(self, request: Any) -> None:
        del request
        self.renewed += 1
        if self.error:
            raise self.error
        self.token = TOKEN


async def asked(
    api: Api, recorder: Recorder, vertex: VertexProject, key: str | None = None
) -> GeminiReply:
    gemini = connect_gemini(api=api, api_key=key, base_url=recorder.url, timeout=9, vertex=vertex)
    try:
        return await gemini.generate(PLAIN)
    finally:
        await gemini.aclose()


PLACE = "projects/my-project/locations/europe-west4"
PATHS: dict[Api, str] = {
    "generate_content": f"{PLACE}/publishers/google/models/{PLAIN.model}:generateContent",
    "interactions": f"{PLACE}/interactions",
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("key", [None, "AIza-of-ai-studio"])
async def test_a_project_is_entered_with_credentials(
    api: Api, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key, given or in the environment, is for the other API: it stays here."""
    monkeypatch.setenv("GOOGLE_API_KEY", "another-key")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another-project")
    credentials = Token()
    async with recording(Answer(ANSWERS[api])) as recorder:
        vertex = VertexProject("my-project", "europe-west4", credentials)
        assert (await asked(api, recorder, vertex, key)).text == "[]"
        await asked(api, recorder, vertex, key)
    for sent in recorder.requests:
        assert sent.line == f"POST /v1/{PATHS[api]} HTTP/1.1"
        assert sent.headers["authorization"] == f"Bearer {TOKEN}"
        assert "x-goog-api-key" not in sent.headers
    assert credentials.renewed == 1


@pytest.mark.parametrize("api", APIS)
async def test_the_default_credentials_are_looked_up_at_the_first_request(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before: it may ask a server, and it must not hold up the event loop."""
    threads: list[bool] = []

    def default(scopes: list[str]) -> tuple[Token, str]:
        assert scopes == ["https://www.googleapis.com/auth/cloud-platform"]
        threads.append(asyncio._get_running_loop() is None)
        return Token(), "project-of-the-credentials"

    monkeypatch.setattr(google.auth, "default", default)
    async with recording(Answer(ANSWERS[api])) as recorder:
        gemini = connect_gemini(
            api=api,
            api_key=None,
            base_url=recorder.url,
            timeout=9,
            vertex=VertexProject("my-project", "europe-west4"),
        )
        assert not threads
        await gemini.generate(PLAIN)
        await gemini.generate(PLAIN)
        await gemini.aclose()
    assert threads == [True]
    assert recorder.requests[0].line == f"POST /v1/{PATHS[api]} HTTP/1.1"


async def test_the_express_mode_takes_a_key_and_no_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another-project")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-central1")
    async with recording(Answer(ANSWERS["generate_content"])) as recorder:
        await asked("generate_content", recorder, VertexProject(), KEY)
    [sent] = recorder.requests
    path = f"publishers/google/models/{PLAIN.model}:generateContent"
    assert sent.line == f"POST /v1/{path} HTTP/1.1"
    assert sent.headers["x-goog-api-key"] == KEY
    assert "authorization" not in sent.headers


async def test_an_interaction_goes_where_the_sdk_would_send_it() -> None:
    async with recording(Answer(ANSWERS["interactions"])) as recorder:
        sdk = genai.Client(
            vertexai=True,
            project="my-project",
            location="europe-west4",
            credentials=Token(),
            http_options=HttpOptions(base_url=recorder.url, api_version="v1", timeout=9000),
        )
        body: Any = json.loads(write_json(build_body(PLAIN)))
        await sdk.aio.interactions.create(**body)
        await sdk.aio.aclose()
        sdk.close()
        vertex = VertexProject("my-project", "europe-west4", Token())
        await asked("interactions", recorder, vertex)
    theirs, ours = recorder.requests
    assert (ours.line, ours.body) == (theirs.line, theirs.body)
    assert ours.headers["authorization"] == theirs.headers["authorization"]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (auth_errors.RefreshError("Bad grant."), AuthenticationError),
        (auth_errors.DefaultCredentialsError("None were found."), AuthenticationError),
        (auth_errors.RefreshError("Busy.", retryable=True), TransportError),
        (auth_errors.TransportError("No route."), TransportError),
        (None, AuthenticationError),
    ],
    ids=["refused", "none", "busy", "no network", "anonymous"],
)
async def test_no_access_is_an_error_before_anything_is_sent(
    api: Api, error: Exception | None, expected: type[GeminiError]
) -> None:
    credentials = Token(error) if error else AnonymousCredentials()  # type: ignore[no-untyped-call]
    async with recording(Answer(ANSWERS[api])) as recorder:
        with pytest.raises(expected) as caught:
            await asked(api, recorder, VertexProject("p", credentials=credentials))
    assert not recorder.requests
    assert expected is TransportError or "gcloud auth" in caught.value.hint
    assert expected is not TransportError or "network" in caught.value.hint


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_does_not_speak_of_keys(api: Api, status: int) -> None:
    answer = Answer({"error": {"message": "Permission denied on the project."}}, status)
    async with recording(answer) as recorder:
        with pytest.raises(AuthenticationError, match="Permission denied") as caught:
            await asked(api, recorder, VertexProject("p", credentials=Token()))
    assert "gcloud auth" in caught.value.hint
    assert "GEMINI_API_KEY" not in caught.value.hint


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
    ],
)
def test_each_location_has_the_address_that_the_sdk_would_take(location: str, url: str) -> None:
    """Ours, so that the environment cannot send prompts, images and tokens elsewhere."""
    sdk = genai.Client(vertexai=True, project="p", location=location, credentials=Token())
    theirs = sdk._api_client._http_options.base_url
    sdk.close()
    assert theirs == f"{url}/"
    assert VertexProject("p", location).url == url


def test_the_express_mode_needs_a_key_and_has_no_location() -> None:
    with pytest.raises(AuthenticationError):
        connect_gemini(
            api="interactions", api_key="", base_url=None, timeout=9, vertex=VertexProject()
        )
    with pytest.raises(ConfigError, match="no project") as caught:
        connect_gemini(
            api="interactions",
            api_key=KEY,
            base_url=None,
            timeout=9,
            vertex=VertexProject(location="eu"),
        )
    assert "`project`" in caught.value.hint


def test_the_express_mode_has_no_interactions() -> None:
    with pytest.raises(ConfigError, match="no Interactions API") as caught:
        connect_gemini(
            api="interactions", api_key=KEY, base_url=None, timeout=9, vertex=VertexProject()
        )
    assert "`api: generate_content`" in caught.value.hint


def test_credentials_are_not_shown() -> None:
    assert "Token" not in repr(VertexProject("p", credentials=Token()))
