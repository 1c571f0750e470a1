"""Uploads that fail for a passing reason are tried again; then `auto` does without, if it can."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import _api_client

from gemini_recorder import Answer, recording
from label_studio_gemini.emulator import Breakage, Fault, Problem
from label_studio_gemini.emulator.api import Api as Endpoint
from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    RateLimitError,
    ServiceError,
    TransportError,
)
from label_studio_gemini.gemini.halts import Halts
from label_studio_gemini.gemini.retry import Retries
from label_studio_gemini.gemini.time_limits import time_limit
from label_studio_gemini.gemini.uploads import Files, MemoryUploadStore, UploadedFile
from label_studio_gemini.gemini.uploads.uploader import Uploader
from uploads_kit import asked, connected, image, padded, questions, starts, uploading, ways

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator

MB = 1_000_000
UPLOADS = frozenset({Endpoint.FILES})


@dataclass(frozen=True)
class Case:
    """What goes wrong, and the error where it does so for ever."""

    name: str
    fault: Fault
    error: type[GeminiError]


CASES = [
    Case("503", Fault(problem=Problem.OVERLOADED, on=UPLOADS), ServiceError),
    Case("500", Fault(problem=Problem.INTERNAL, on=UPLOADS), ServiceError),
    Case("408", Fault(problem=Problem.TIMEOUT, on=UPLOADS), ServiceError),
    Case("429", Fault(problem=Problem.RATE_LIMIT, retry_seconds=0.1, on=UPLOADS), RateLimitError),
    Case("reset", Fault(breakage=Breakage.RESET, on=UPLOADS), TransportError),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_passing_failure_fails_no_request(case: Case, gemini: RunningEmulator) -> None:
    """All requests that want the image wait for the same second attempt."""
    gemini.script(case.fault)
    async with uploading(gemini, "files", attempts=5) as wrapper:
        replies = await asyncio.gather(*(wrapper.generate(asked()) for _ in range(12)))
    assert all(reply.text for reply in replies)
    assert len(starts(gemini)) == 2
    assert all("files/" in way for one in questions(gemini) for way in ways(one))


@pytest.mark.parametrize("command", ["start", "upload, finalize"])
async def test_whichever_part_of_an_upload_fails(
    command: str, gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is answered late was taken; what the SDK then sends again finds no upload."""
    monkeypatch.setattr(_api_client, "INITIAL_RETRY_DELAY", 0.01)
    header = "x-goog-upload-command"
    gemini.script(
        Fault(
            problem=Problem.OVERLOADED,
            on=UPLOADS,
            where=lambda one: one.headers.get(header) == command,
        )
    )
    async with uploading(gemini, "files", attempts=2) as wrapper:
        assert (await wrapper.generate(asked())).text
    assert len(starts(gemini)) == 2


async def test_an_upload_that_the_service_breaks_off_is_tried_again() -> None:
    begun = {"X-Goog-Upload-URL": "https://elsewhere.example/upload/1"}  # the SDK takes the path
    ended = {"X-Goog-Upload-Status": "cancelled"}
    answers = (Answer({}, 200, begun), Answer({}, 200, ended))
    async with recording(*answers) as recorder, connected(recorder.url) as (_, connection):
        with pytest.raises(TransportError, match="broken off"):
            await Files(connection).upload(b"1", "image/png")
    assert len(recorder.requests) == 2


async def test_the_servers_own_delay_is_obeyed(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.OVERLOADED, retry_seconds=0.5, on=UPLOADS))
    async with uploading(gemini, "files", attempts=2) as wrapper:
        await wrapper.generate(asked())
    first, second = starts(gemini)
    assert first.finished is not None
    assert second.arrived - first.finished >= 1  # rounded up


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_files_says_how_often_it_tried(case: Case, gemini: RunningEmulator) -> None:
    gemini.script(case.fault.model_copy(update={"times": None}))
    async with uploading(gemini, "files", attempts=2) as wrapper:
        with pytest.raises(case.error, match="after 2 attempts"):
            await wrapper.generate(asked())
    assert len(starts(gemini)) == 2


async def test_one_example_and_forty_tasks_survive_one_failed_upload(
    gemini: RunningEmulator,
) -> None:
    """By default: examples are uploaded, and one 503 is nothing to fail for."""
    gemini.script(Fault(problem=Problem.OVERLOADED, on=UPLOADS))
    async with uploading(gemini, "auto", attempts=5) as wrapper:
        request = asked(examples=[image()])
        replies = await asyncio.gather(*(wrapper.generate(request) for _ in range(40)))
    assert len(replies) == 40
    assert len(starts(gemini)) == 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_auto_sends_inline_what_cannot_be_uploaded_for_now(
    case: Case, gemini: RunningEmulator
) -> None:
    gemini.script(case.fault.model_copy(update={"times": None}))
    async with uploading(gemini, "auto", attempts=2) as wrapper:
        assert (await wrapper.generate(asked(examples=[image()]))).text
    assert len(starts(gemini)) == 2
    assert [ways(one) for one in questions(gemini)] == [["inline", "inline"]]


async def test_what_is_too_large_for_that_fails_and_can_be_tried_later(
    gemini: RunningEmulator,
) -> None:
    gemini.script(Fault(problem=Problem.OVERLOADED, on=UPLOADS, times=2))
    async with uploading(gemini, "auto", inline_bytes=MB, attempts=2) as wrapper:
        with pytest.raises(ServiceError):
            await wrapper.generate(asked(padded(MB)))
        assert questions(gemini) == []
        assert (await wrapper.generate(asked(padded(MB)))).text


async def test_a_wrong_key_is_uploaded_with_once(gemini: RunningEmulator) -> None:
    halts = Halts(patience=30)
    async with uploading(gemini, "files", attempts=5, key="wrong-key", halts=halts) as wrapper:
        asks = (wrapper.generate(asked(padded(50_000 + n))) for n in range(30))
        results = await asyncio.gather(*asks, return_exceptions=True)
    assert {type(one) for one in results} == {AuthenticationError}
    assert len(gemini.requests) == 1


class SlowFiles:
    """A Files API that asks to wait for a moment, for ever."""

    available = True
    owner = "me"

    def __init__(self) -> None:
        self.uploads = 0

    async def upload(self, _data: bytes, _mime_type: str) -> UploadedFile:
        self.uploads += 1
        raise ServiceError("Later.", hint="Wait.", retry_after=0.3)


@pytest.mark.parametrize(("longer", "uploads"), [(60.0, 3), (0.2, 1)])
async def test_an_upload_is_tried_for_as_long_as_the_last_who_waits_has_time(
    longer: float, uploads: int
) -> None:
    """It is not the first one's time that decides; and beyond the last one's nothing is tried."""
    files: Any = SlowFiles()
    retries = Retries(3, uniform=lambda low, _high: low)
    uploader = Uploader(files, MemoryUploadStore(), time.time, retries=retries, halts=Halts())

    async def task(seconds: float) -> None:
        async with time_limit(seconds):
            await uploader.uris_of([image()])

    short, long = await asyncio.gather(task(0.2), task(longer), return_exceptions=True)
    await uploader.aclose()
    assert isinstance(short, TransportError | ServiceError)
    assert isinstance(long, ServiceError)
    assert ("3 attempts" if uploads > 1 else "time limit") in long.message
    assert files.uploads == uploads
