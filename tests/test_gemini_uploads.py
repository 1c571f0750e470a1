"""How images travel: what the emulator was really sent, by both APIs."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from emulator_kit import delete, write_key
from label_studio_gemini.emulator import (
    Fault,
    Problem,
    RunningEmulator,
    read_answer_key,
    run_emulator,
)
from label_studio_gemini.emulator.api import Api as Endpoint
from label_studio_gemini.errors import AuthenticationError, ModelError, RequestError, ServiceError
from label_studio_gemini.gemini.types import MediaResolution, UriImage
from label_studio_gemini.gemini.uploads import MemoryUploadStore, SqliteUploadStore
from uploads_kit import (
    APIS,
    PARK,
    Api,
    Clock,
    asked,
    image,
    padded,
    questions,
    starts,
    uploading,
    ways,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.emulator.recorder import RecordedRequest
    from label_studio_gemini.errors import GeminiError
    from label_studio_gemini.gemini import GeminiReply, GeminiRequest

HOUR = 3600.0
MB = 1_000_000
ADDRESS = "https://bilder.example/straße/日本.png?größe=1"
UPLOADS = frozenset({Endpoint.FILES})


@pytest.fixture(scope="module")
def running_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    key = read_answer_key(*write_key(tmp_path_factory.mktemp("key")))
    with run_emulator(key) as running:
        running.publish(ADDRESS, PARK, "image/png")
        yield running


@pytest.mark.parametrize("api", APIS)
async def test_inline_sends_the_bytes_and_uploads_nothing(
    api: Api, gemini: RunningEmulator
) -> None:
    async with uploading(gemini, "inline", api=api) as wrapper:
        reply = await wrapper.generate(asked(padded(2 * MB), examples=[image()]))
    assert '"person"' in reply.text
    assert [ways(one) for one in gemini.requests] == [["inline", "inline"]]


@pytest.mark.parametrize("api", APIS)
async def test_a_public_address_is_passed_on_untouched(api: Api, gemini: RunningEmulator) -> None:
    """Letters outside ASCII included; what has no address goes inline."""
    async with uploading(gemini, "url", api=api) as wrapper:
        await wrapper.generate(asked(image(address=ADDRESS), image()))
    (question,) = gemini.requests
    assert ways(question) == [ADDRESS, "inline"]
    assert question.images == (PARK, PARK)


@pytest.mark.parametrize("api", APIS)
async def test_an_address_that_gemini_cannot_open_is_sent_inline_after_all(
    api: Api, gemini: RunningEmulator
) -> None:
    async with uploading(gemini, "url", api=api) as wrapper:
        await wrapper.generate(asked(image(address="https://bilder.example/gone.png")))
    assert [ways(one) for one in gemini.requests] == [
        ["https://bilder.example/gone.png"],
        ["inline"],
    ]


async def test_a_request_refused_for_another_reason_is_not_sent_twice(
    gemini: RunningEmulator,
) -> None:
    gemini.script(Fault(problem=Problem.BAD_REQUEST))
    async with uploading(gemini, "url") as wrapper:
        with pytest.raises(RequestError):
            await wrapper.generate(asked(image(address=ADDRESS)))
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_an_uploaded_image_is_named_by_its_address(api: Api, gemini: RunningEmulator) -> None:
    """The very bytes arrive, as their type, without any name that would say whose they are."""
    async with uploading(gemini, "files", api=api) as wrapper:
        reply = await wrapper.generate(asked())
    (start,), (question,) = starts(gemini), questions(gemini)
    assert start.body == {"file": {"mime_type": "image/png", "size_bytes": len(PARK)}}
    (uri,) = ways(question)
    assert uri.startswith(f"{gemini.url}/v1beta/files/")
    assert (question.images, question.photos) == ((PARK,), ("park.png",))
    assert '"person"' in reply.text


async def test_examples_and_own_addresses_travel_too(gemini: RunningEmulator) -> None:
    """The same image is uploaded once; its resolution goes along; an address stays one."""
    low = UriImage(ADDRESS, "image/png", MediaResolution.LOW)
    request = asked(image(digest=False), examples=[image(), padded(100_000, seed=2)])
    async with uploading(gemini, "files") as wrapper:
        await wrapper.generate(dataclasses.replace(request, images=(*request.images, low)))
    ours, theirs, *own = ways(questions(gemini)[0])
    assert own == [ours, ADDRESS]
    assert theirs not in {ours, "inline"}
    assert len(starts(gemini)) == 2


async def test_more_than_8_mib_come_in_pieces(gemini: RunningEmulator) -> None:
    large = padded(9 * 2**20)
    async with uploading(gemini, "files") as wrapper:
        await wrapper.generate(asked(large))
    _, *pieces, question = gemini.requests
    assert [one.body_length for one in pieces] == [8 * 2**20, 2**20]
    assert question.images == (large.data,)


async def test_many_requests_with_one_large_image_upload_it_once(gemini: RunningEmulator) -> None:
    """At the same time and later; only the first could not know that there would be others."""
    large = padded(2 * MB)
    async with uploading(gemini, "auto") as wrapper:
        await asyncio.gather(*(wrapper.generate(asked(large)) for _ in range(32)))
        await wrapper.generate(asked(large))
    assert len(starts(gemini)) == 1
    sent = [way for one in questions(gemini) for way in ways(one)]
    assert sent.count("inline") == 1
    assert len(set(sent)) == 2
    assert all(one.images == (large.data,) for one in questions(gemini))


async def test_who_gives_up_waiting_does_not_end_the_upload_of_the_others(
    gemini: RunningEmulator,
) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begins(_request: RecordedRequest) -> bool:
        loop.call_soon_threadsafe(begun.set)
        return True

    gemini.script(Fault(delay=0.2, on=UPLOADS, where=begins))
    async with uploading(gemini, "files") as wrapper:
        first = asyncio.create_task(wrapper.generate(asked()))
        second = asyncio.create_task(wrapper.generate(asked()))
        await begun.wait()
        first.cancel()
        await second
        assert first.cancelled()
    assert len(starts(gemini)) == 1


@pytest.mark.parametrize(("age", "uploads"), [(0, 1), (46.9, 1), (47.1, 2), (49, 2)])
async def test_a_file_is_used_until_an_hour_before_its_end(
    age: float, uploads: int, gemini: RunningEmulator
) -> None:
    clock, store = Clock(), MemoryUploadStore()
    async with uploading(gemini, "files", clock=clock, store=store) as wrapper:
        await wrapper.generate(asked())
        clock.now += age * HOUR
        await wrapper.generate(asked())
    assert len(starts(gemini)) == uploads
    assert len({way for one in questions(gemini) for way in ways(one)}) == uploads


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", ["expired", "deleted"])
async def test_a_file_that_is_gone_is_uploaded_again(
    api: Api, how: str, gemini: RunningEmulator
) -> None:
    """All requests that meet it share the new upload, and the old one is never named again."""
    store = MemoryUploadStore()
    async with uploading(gemini, "files", api=api, store=store) as wrapper:
        await wrapper.generate(asked())
        old = ways(questions(gemini)[0])[0]
        if how == "deleted":
            delete(old)
        else:
            gemini.emulator._state.files.let_pass(timedelta(hours=48))
        replies = await asyncio.gather(*(wrapper.generate(asked()) for _ in range(8)))
        await wrapper.generate(asked())
    assert all('"person"' in reply.text for reply in replies)
    assert len(starts(gemini)) == 2
    failed = [one for one in questions(gemini) if one.status == 403]
    assert 1 <= len(failed) <= 8
    assert ways(questions(gemini)[-1]) != [old]


class Refusing:
    """A Gemini that never finds a file, and says so in its own words."""

    def __init__(self, error: GeminiError) -> None:
        self.error = error
        self.asked = 0

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        self.asked += 1
        (uri,) = (one.uri for one in request.images if isinstance(one, UriImage))
        self.error.message = self.error.message.replace("{id}", uri.rpartition("/")[2])
        raise self.error

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (AuthenticationError("403: No permission to access the File {id}.", hint=""), 2),
        (ModelError("404: {id} is not found.", hint=""), 2),
        (AuthenticationError("403: Some file may not exist.", hint=""), 2),
        (RequestError("400: The File {id} is not in an ACTIVE state.", hint=""), 2),
        (RequestError("400: A file is no image.", hint=""), 1),
        (AuthenticationError("403: The caller does not have permission.", hint=""), 1),
        (ServiceError("500: {id}", hint=""), 1),
    ],
    ids=str,
)
async def test_only_a_lost_file_is_uploaded_again_and_only_once(
    error: GeminiError, times: int, gemini: RunningEmulator
) -> None:
    inner = Refusing(error)
    async with uploading(gemini, "files", inner=inner) as wrapper:
        with pytest.raises(type(error)):
            await wrapper.generate(asked())
    assert (inner.asked, len(starts(gemini))) == (times, times)


async def test_uploads_are_shared_by_processes_with_the_same_key(
    gemini: RunningEmulator, tmp_path: Path
) -> None:
    """Another key has other files, even of the same image."""
    path, clock = tmp_path / "cache" / "uploads.sqlite", Clock()
    for key in ("one-key", "one-key", "other-key"):
        store = SqliteUploadStore(path, clock)
        async with uploading(gemini, "files", store=store, clock=clock, key=key) as wrapper:
            await wrapper.generate(asked())
    assert [one.headers["x-goog-api-key"] for one in starts(gemini)] == ["one-key", "other-key"]
    assert b"one-key" not in path.read_bytes()
