"""From a key to a client: what it costs, what it ignores, and how it fails, for both APIs."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest
from google.genai import _api_client

from gemini_recorder import Answer, recording
from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    ModelError,
    QuotaError,
    RateLimitError,
    RequestError,
    ServiceError,
    TransportError,
)
from label_studio_gemini.gemini import GeminiRequest, InlineImage, connect_gemini

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from label_studio_gemini.gemini import Gemini

Api = Literal["interactions", "generate_content"]
APIS: list[Api] = ["interactions", "generate_content"]
KEY = "AIzaSyA-0123456789_abcdefghijklmnopqrstu"
REQUEST = GeminiRequest(
    "gemini-9", "Private prompt.", (InlineImage(b"pixels", "image/png"),), {"type": "array"}
)
BODIES: dict[Api, object] = {
    "interactions": {
        "status": "completed",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": "[1]"}]}],
    },
    "generate_content": {
        "candidates": [{"content": {"parts": [{"text": "[1]"}]}, "finishReason": "STOP"}]
    },
}

PATHS: dict[Api, str] = {
    "interactions": "interactions",
    "generate_content": "models/gemini-9:generateContent",
}


@asynccontextmanager
async def connected(api: Api, url: str, limit: float = 20) -> AsyncIterator[Gemini]:
    gemini = connect_gemini(api=api, api_key=KEY, base_url=url, timeout=limit)
    try:
        yield gemini
    finally:
        await gemini.aclose()


@pytest.mark.parametrize("key", [None, "", " \n"])
def test_no_key_is_an_error_that_says_where_to_get_one(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the environment has one: the caller reads it, or nobody does."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with pytest.raises(AuthenticationError) as caught:
        connect_gemini(api="interactions", api_key=key, base_url=None, timeout=1)
    for part in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "https://aistudio.google.com/apikey"):
        assert part in caught.value.hint


@pytest.mark.parametrize("key", ["schlüssel-123", "two words", "line\nbreak", "tab\tbed"])
def test_what_can_be_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        connect_gemini(api="interactions", api_key=key, base_url=None, timeout=1)
    assert key not in str(caught.value)


@pytest.mark.parametrize("api", APIS)
async def test_white_space_around_a_key_is_no_part_of_it(api: Api) -> None:
    async with recording(Answer(BODIES[api])) as recorder:
        gemini = connect_gemini(api=api, api_key=f" {KEY}\n", base_url=recorder.url, timeout=5)
        await gemini.generate(REQUEST)
        await gemini.aclose()
    assert recorder.requests[0].headers["x-goog-api-key"] == KEY


SURPRISES = {
    "GOOGLE_API_KEY": "another-key",
    "GOOGLE_GENAI_API_KEY": "another-key",
    "GOOGLE_GENAI_ACCESS_TOKEN": "a-token",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GENAI_USE_ENTERPRISE": "1",
    "GOOGLE_CLOUD_PROJECT": "a-project",
    "GOOGLE_CLOUD_LOCATION": "us-central1",
    "GOOGLE_GENAI_USER_PROJECT": "a-project",
    "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9",
    "GOOGLE_GENAI_API_VERSION": "v9",
    "GOOGLE_GENAI_CLIENT_MODE": "replay",
    "GOOGLE_GENAI_HTTP_CLIENT": "httpx",
}


@pytest.mark.parametrize("api", APIS)
async def test_the_environment_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SURPRISES.items():
        monkeypatch.setenv(name, value)
    async with recording(Answer(BODIES[api])) as recorder, connected(api, recorder.url) as gemini:
        assert (await gemini.generate(REQUEST)).text == "[1]"
    [sent] = recorder.requests
    assert sent.line == f"POST /v1/{PATHS[api]} HTTP/1.1"
    assert sent.headers["x-goog-api-key"] == KEY
    assert not {"authorization", "x-goog-user-project"} & set(sent.headers)


@pytest.mark.parametrize("api", APIS)
async def test_aiohttp_is_not_used_where_it_is_installed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK believes here that it is, and would fail for want of it if it turned to it."""
    monkeypatch.setattr(_api_client, "has_aiohttp", True)
    async with recording(Answer(BODIES[api])) as recorder, connected(api, recorder.url) as gemini:
        assert (await gemini.generate(REQUEST)).text == "[1]"
    assert "aiohttp" not in recorder.requests[0].headers["user-agent"].lower()


@pytest.mark.parametrize("api", APIS)
async def test_neither_key_nor_image_nor_prompt_is_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even with the SDK's own switch for it, which is meant for the SDK's developers."""
    monkeypatch.setenv("GOOGLE_GENAI_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    async with recording(Answer(BODIES[api])) as recorder, connected(api, recorder.url) as gemini:
        await gemini.generate(REQUEST)
    sent = json.dumps(recorder.requests[0].body)
    assert "Private prompt." in sent
    for secret in (KEY, "Private prompt.", "cGl4ZWxz"):
        assert secret not in caplog.text


@pytest.mark.parametrize("api", APIS)
async def test_the_version_can_be_chosen(api: Api) -> None:
    async with recording(Answer(BODIES[api])) as recorder:
        gemini = connect_gemini(
            api=api, api_key=KEY, base_url=recorder.url + "/", timeout=5, api_version="v1beta"
        )
        await gemini.generate(REQUEST)
        await gemini.aclose()
    assert recorder.requests[0].line.startswith("POST /v1beta/")


@pytest.mark.parametrize("api", APIS)
async def test_128_requests_at_once_do_not_wait_for_each_other(api: Api) -> None:
    """None is answered before all have come in: with fewer connections this would never end."""
    async with (
        recording(Answer(BODIES[api]), together=128) as recorder,
        connected(api, recorder.url, limit=60) as gemini,
    ):
        replies = await asyncio.gather(*(gemini.generate(REQUEST) for _ in range(128)))
    assert len(replies) == len(recorder.requests) == 128


@dataclass(frozen=True)
class Case:
    name: str
    answer: Answer
    expected: type[GeminiError]
    said: str = ""


HTML = "<html><body>Bad Gateway</body></html>"
DAY = {"error": {"message": "Quota.", "details": [{"violations": [{"quotaId": "APerDayB"}]}]}}
CASES = [
    Case("503", Answer({"error": {"message": "Overloaded."}}, 503), ServiceError, "Overloaded."),
    Case("html 502", Answer(HTML, 502, content_type="text/html"), ServiceError, "502."),
    Case("empty 500", Answer(b"", 500), ServiceError, "500."),
    Case("binary 500", Answer(b"\xff\xfe\x00", 500), GeminiError),
    Case("429", Answer("{}", 429, {"Retry-After": "2"}), RateLimitError),
    Case("429 a day", Answer(DAY, 429), QuotaError),
    Case("400", Answer({"error": {"message": "Bad schema."}}, 400), RequestError, "Bad schema."),
    Case("403", Answer({"error": {"message": f"'api_key:{KEY}'"}}, 403), AuthenticationError),
    Case("404", Answer({"error": {"message": "Gone."}}, 404), ModelError, "`gemini-9`"),
    Case("html 404", Answer(HTML, 404, content_type="text/html"), ModelError),
    Case("redirect", Answer(b"", 302, {"Location": "http://127.0.0.1:9/"}), RequestError, "302"),
    Case("cut", Answer("{}" * 99, fault="cut"), TransportError),
    Case("reset", Answer(fault="reset"), TransportError),
    Case("not json", Answer("pong"), TransportError, "not what Gemini sends"),
    Case("half json", Answer('{"candidates": [{"con'), TransportError, "not what Gemini sends"),
    Case("html 200", Answer(HTML, content_type="text/html"), TransportError),
    Case("binary 200", Answer(b"\xff\xfe\x00"), TransportError),
    Case("a list", Answer("[]"), TransportError),
    Case("bad gzip", Answer(b"no", headers={"Content-Encoding": "gzip"}), TransportError),
    Case("empty 200", Answer(b""), TransportError),
]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_failure_is_one_request_and_one_of_our_errors(case: Case, api: Api) -> None:
    """One request: the SDK's own retries are off, ours are somewhere else."""
    async with recording(case.answer) as recorder, connected(api, recorder.url) as gemini:
        with pytest.raises(case.expected) as caught:
            await gemini.generate(REQUEST)
    assert case.said in caught.value.message
    assert KEY not in str(caught.value)
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_a_wait_that_is_asked_for_in_a_header_is_kept(api: Api) -> None:
    answer = Answer("{}", 429, {"Retry-After": "2"})
    async with recording(answer) as recorder, connected(api, recorder.url) as gemini:
        with pytest.raises(RateLimitError) as caught:
            await gemini.generate(REQUEST)
    assert caught.value.retry_after == 2


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_no_answer_in_time_is_a_transport_error(
    api: Api, fault: Literal["hang", "drip"]
) -> None:
    """A drip keeps each read within the SDK's limit: the limit around the whole ends it."""
    async with (
        recording(Answer(BODIES[api], fault=fault)) as recorder,
        connected(api, recorder.url, limit=0.4) as gemini,
    ):
        start = time.monotonic()
        with pytest.raises(TransportError, match=r"0\.4 s") as caught:
            await gemini.generate(REQUEST)
        assert time.monotonic() - start < 2
    assert "time limit" in caught.value.hint
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_a_port_where_nobody_listens_is_a_transport_error(api: Api) -> None:
    async with recording(Answer()) as recorder:
        url = recorder.url
    async with connected(api, url) as gemini:
        with pytest.raises(TransportError, match="connection failed") as caught:
            await gemini.generate(REQUEST)
    assert "base URL" in caught.value.hint


@pytest.mark.parametrize("api", APIS)
async def test_an_address_without_a_scheme_is_a_request_error(api: Api) -> None:
    async with connected(api, "127.0.0.1") as gemini:
        with pytest.raises(RequestError, match="cannot be sent"):
            await gemini.generate(REQUEST)


@pytest.mark.parametrize("api", APIS)
async def test_cancelling_is_no_error(api: Api) -> None:
    """And the client can still be used."""
    answers = (Answer(fault="hang"), Answer(BODIES[api]))
    async with recording(*answers) as recorder, connected(api, recorder.url) as gemini:
        task = asyncio.create_task(gemini.generate(REQUEST))
        await recorder.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await gemini.generate(REQUEST)).text == "[1]"


@pytest.mark.parametrize("api", APIS)
async def test_closing_closes_every_connection(api: Api) -> None:
    """What stayed open would be a ResourceWarning, and those are errors here."""
    async with recording(Answer(BODIES[api])) as recorder:
        gemini = connect_gemini(api=api, api_key=KEY, base_url=recorder.url, timeout=5)
        await asyncio.gather(*(gemini.generate(REQUEST) for _ in range(3)))
        await gemini.aclose()
        async with asyncio.timeout(5):
            await recorder.closed()
    with pytest.raises(RuntimeError, match="closed"):
        await gemini.generate(REQUEST)
