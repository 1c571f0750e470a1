"""Each image is uploaded once, however many requests want it at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from label_studio_gemini.gemini.uploads.choice import digest_of
from label_studio_gemini.gemini.uploads.store import Upload, UploadKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from label_studio_gemini.gemini.types import InlineImage
    from label_studio_gemini.gemini.uploads.files import Files
    from label_studio_gemini.gemini.uploads.store import UploadStore

MARGIN = 3600.0
"""Seconds before its end from which a file is uploaded again: a request may wait for long (flex
takes 15 minutes), and clocks may differ."""

_AT_ONCE = 8  # uploads: a request may have 3,600 images


class Uploader:
    """Uploads, and what is remembered of them.

    Args:
        files: Where to.
        store: What remembers.
        clock: The time in seconds since 1970.
    """

    def __init__(self, files: Files, store: UploadStore, clock: Callable[[], float]) -> None:
        self._files = files
        self._owner = files.owner
        self._store = store
        self._clock = clock
        self._running: dict[UploadKey, asyncio.Task[Upload]] = {}
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
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _uri(self, digest: str, image: InlineImage) -> str:
        while True:
            # Shielded: whoever is cancelled, the others still wait for the same upload.
            upload = await asyncio.shield(self._task(UploadKey(digest, self._owner), image))
            if upload.uri not in self._lost:  # as it may have become while it was looked up
                return upload.uri

    def _task(self, key: UploadKey, image: InlineImage) -> asyncio.Task[Upload]:
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._found_or_uploaded(key, image))
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

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
            file = await self._files.upload(image.data, image.mime_type)
            upload = Upload(file.uri, begun + file.lifetime)
            await asyncio.to_thread(self._store.keep, key, upload)
            return upload
