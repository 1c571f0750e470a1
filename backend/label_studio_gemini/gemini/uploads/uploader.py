"""Each image is uploaded once, however many requests want it at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from label_studio_gemini.gemini.time_limits import SharedClock
from label_studio_gemini.gemini.uploads.choice import digest_of
from label_studio_gemini.gemini.uploads.store import Upload, UploadKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from label_studio_gemini.gemini.halts import Halts
    from label_studio_gemini.gemini.retry import Retries
    from label_studio_gemini.gemini.types import InlineImage
    from label_studio_gemini.gemini.uploads.files import Files, UploadedFile
    from label_studio_gemini.gemini.uploads.store import UploadStore

MARGIN = 3600.0
"""Seconds before its end from which a file is uploaded again: a request may wait for long (flex
takes 15 minutes), and clocks may differ."""

_AT_ONCE = 8  # uploads: a request may have 3,600 images
_NAME = "the Files API"


@dataclass(eq=False)
class _Running:
    """An upload for all who wait for it, and for as long as the last of them has time."""

    clock: SharedClock = field(default_factory=SharedClock)
    task: asyncio.Task[Upload] = field(init=False)


class Uploader:
    """Uploads, and what is remembered of them.

    Args:
        files: Where to.
        store: What remembers.
        clock: The time in seconds since 1970.
        retries: How often an upload is tried.
        halts: What is known to be refused.
    """

    def __init__(
        self,
        files: Files,
        store: UploadStore,
        clock: Callable[[], float],
        *,
        retries: Retries,
        halts: Halts,
    ) -> None:
        self._files = files
        self._retries = retries
        self._halts = halts
        self._owner = files.owner
        self._store = store
        self._clock = clock
        self._running: dict[UploadKey, _Running] = {}
        self._lost: set[str] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def uris_of(self, images: Iterable[InlineImage]) -> Mapping[str, str]:
        """Return digest -> address, having uploaded what was not there.

        Raises:
            GeminiError: If an upload fails; the others go on, and are remembered.
        """
        distinct = {digest_of(image): image for image in images}
        uris = await asyncio.gather(*(self._uri(*item) for item in distinct.items()))
        return dict(zip(distinct, uris, strict=True))

    def give_up(self, uris: Iterable[str]) -> None:
        """Never name these files again: the service does not know them any more."""
        self._lost.update(uris)

    async def aclose(self) -> None:
        """End the uploads that still run."""
        tasks = tuple(running.task for running in self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _uri(self, digest: str, image: InlineImage) -> str:
        while True:
            running = self._upload(UploadKey(digest, self._owner), image)
            with running.clock.joined():
                # Shielded: whoever is cancelled, the others still wait for the same upload.
                upload = await asyncio.shield(running.task)
            if upload.uri not in self._lost:  # as it may have become while it was looked up
                return upload.uri

    def _upload(self, key: UploadKey, image: InlineImage) -> _Running:
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = _Running()
            work = self._found_or_uploaded(key, image)
            running.task = asyncio.create_task(work, context=running.clock.context())
            running.task.add_done_callback(lambda done: self._finish(key, done))
        return running

    def _finish(self, key: UploadKey, task: asyncio.Task[Upload]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # looked at, or Python complains where everyone was cancelled

    async def _found_or_uploaded(self, key: UploadKey, image: InlineImage) -> Upload:
        async with self._slots:
            found = await asyncio.to_thread(self._store.find, key)
            if found and found.uri not in self._lost and found.expires - self._clock() > MARGIN:
                return found
            begun = self._clock()
            file = await self._retries.run(lambda: self._sent(image), name=_NAME)
            upload = Upload(file.uri, begun + file.lifetime)
            await asyncio.to_thread(self._store.keep, key, upload)
            return upload

    async def _sent(self, image: InlineImage) -> UploadedFile:
        async with self._halts.passing(_NAME):
            return await self._files.upload(image.data, image.mime_type)
