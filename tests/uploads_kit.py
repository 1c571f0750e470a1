"""A wrapper around each adapter, on an emulator, with a clock that a test sets."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from emulator_kit import ASKED, BOX_SCHEMA, MODEL, picture_file
from label_studio_gemini.gemini import GeminiRequest, connect_gemini
from label_studio_gemini.gemini.types import Example, InlineImage
from label_studio_gemini.gemini.uploads import Files, MemoryUploadStore, UploadingGemini

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.emulator.recorder import RecordedRequest
    from label_studio_gemini.gemini import Gemini
    from label_studio_gemini.gemini.connection import Connection
    from label_studio_gemini.gemini.halts import Halts
    from label_studio_gemini.gemini.uploads import Transport, UploadStore

Api = Literal["interactions", "generate_content"]
APIS: list[Api] = ["interactions", "generate_content"]
PARK = picture_file(1)


def image(data: bytes = PARK, *, address: str | None = None, digest: bool = True) -> InlineImage:
    """Return an image as the reader of images gives it, or one without a digest."""
    known = hashlib.sha256(data).hexdigest() if digest else ""
    return InlineImage(data, "image/png", known, address=address)


def padded(size: int, seed: int = 1) -> InlineImage:
    """Return a picture of so many bytes: what follows the end of a PNG does not matter to it."""
    data = picture_file(seed)
    return image(data + bytes(size - len(data)))


def asked(*images: InlineImage, examples: Iterable[InlineImage] = ()) -> GeminiRequest:
    answered = tuple(Example("Where?", (one,), "[]") for one in examples)
    return GeminiRequest(MODEL, ASKED, images or (image(),), BOX_SCHEMA, examples=answered)


@dataclass
class Clock:
    """The time, moved by hand."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Naps:
    """A sleep that takes no time, and remembers how long it would have been."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(
    url: str, *, api: Api = "interactions", key: str = "any"
) -> AsyncIterator[tuple[Any, Connection]]:
    adapter = cast("Any", connect_gemini(api=api, api_key=key, base_url=url, timeout=20))
    try:
        yield adapter, adapter.connection
    finally:
        await adapter.aclose()


@asynccontextmanager
async def uploading(
    gemini: RunningEmulator,
    transport: Transport,
    *,
    api: Api = "interactions",
    inline_bytes: int = 20_000_000,
    store: UploadStore | None = None,
    clock: Clock | None = None,
    key: str = "any",
    inner: Gemini | None = None,
    attempts: int = 1,
    halts: Halts | None = None,
) -> AsyncIterator[UploadingGemini]:
    async with connected(gemini.url, api=api, key=key) as (adapter, connection):
        wrapper = UploadingGemini(
            inner or adapter,
            Files(connection, sleep=Naps()),
            transport=transport,
            inline_bytes=inline_bytes,
            store=store or MemoryUploadStore(),
            clock=clock or Clock(),
            attempts=attempts,
            halts=halts,
        )
        try:
            yield wrapper
        finally:
            await wrapper.aclose()


def starts(gemini: RunningEmulator) -> list[RecordedRequest]:
    """Return the requests that began an upload."""
    command = "x-goog-upload-command"
    return [one for one in gemini.requests if one.headers.get(command) == "start"]


def questions(gemini: RunningEmulator) -> list[RecordedRequest]:
    return [one for one in gemini.requests if one.model is not None]


def ways(record: RecordedRequest) -> list[str]:
    """Return how each image of a request travelled: `inline`, or its address."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            if node.get("type") == "image" or "inlineData" in node or "fileData" in node:
                file = node.get("fileData", {})
                uri = node.get("uri") or file.get("file_uri") or file.get("fileUri")
                found.append(uri or "inline")
            else:
                walk(list(node.values()))

    walk(record.body)
    return found
