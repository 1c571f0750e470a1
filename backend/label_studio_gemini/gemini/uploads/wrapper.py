"""A Gemini that decides for each image how it travels."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter, OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from label_studio_gemini.errors import (
    AuthenticationError,
    ConfigError,
    GeminiError,
    ModelError,
    RequestError,
)
from label_studio_gemini.gemini.halts import Halts
from label_studio_gemini.gemini.retry import Retries
from label_studio_gemini.gemini.uploads.addresses import ClosedHosts
from label_studio_gemini.gemini.uploads.choice import (
    choose_uploads,
    digest_of,
    inline_images,
    inline_size,
    route,
)
from label_studio_gemini.gemini.uploads.files import NO_FILES_HINT
from label_studio_gemini.gemini.uploads.uploader import Uploader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from label_studio_gemini.gemini.types import Gemini, GeminiReply, GeminiRequest
    from label_studio_gemini.gemini.uploads.choice import Transport
    from label_studio_gemini.gemini.uploads.files import Files
    from label_studio_gemini.gemini.uploads.store import UploadStore

_logger = logging.getLogger(__name__)

_FILE = re.compile(r"\bfiles?\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\b(?:url|uri|fetch\w*|robots)\b", re.IGNORECASE)
_KNOWN = 10_000


class UploadingGemini:
    """Sends images inline, as uploaded files or by their addresses, and passes requests on.

    Args:
        inner: What answers; this wrapper closes it.
        files: The Files API, on the connection of `inner`.
        transport: `inline`, `files`, `url` (inline where there is no address), or `auto`: inline
            but for what is too large, and for what several requests use.
        inline_bytes: The most bytes, in base64, that the images of one request may take inside
            it (`auto`).
        store: What remembers uploads.
        clock: The time in seconds since 1970.
        attempts: How often an upload is tried that fails for a passing reason; as `Retries` does.
        halts: What is known to be refused; by default it begins with nothing.

    Raises:
        ConfigError: If there is no Files API for `files`.
    """

    def __init__(
        self,
        inner: Gemini,
        files: Files,
        *,
        transport: Transport,
        inline_bytes: int,
        store: UploadStore,
        clock: Callable[[], float] = time.time,
        attempts: int = 1,
        halts: Halts | None = None,
    ) -> None:
        if transport == "files" and not files.available:
            message = "`image_transport: files` cannot be had: Vertex AI has no Files API."
            raise ConfigError(message, hint=NO_FILES_HINT)
        self._inner = inner
        self._files = files
        self._transport = transport
        self._inline_bytes = inline_bytes
        self._uploader = Uploader(
            files, store, clock, retries=Retries(attempts), halts=halts or Halts()
        )
        self._uses = _Uses()
        self._closed = ClosedHosts()

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`.

        A file that the service has lost is uploaded again, and an image that it cannot fetch by
        its address is sent inline: once, with one more request. The host of that address is
        remembered, and its other images are sent inline at once.

        Raises:
            GeminiError: In every case in which there is no text to return.
        """
        by_files = self._by_files(request)
        named = self._closed.open_addresses(request) if self._transport == "url" else frozenset()
        with self._uses.of(request):
            uris = await self._uris(request, by_files)
            try:
                return await self._inner.generate(route(request, uris, named))
            except GeminiError as error:
                lost = _lost_files(error, uris)
                if not lost and not (named and _is_about_an_address(error)):
                    raise
                _logger.warning("An image could not be opened by Gemini: %s", error.message)
                said = error.message
            self._uploader.give_up(lost)
            uris = await self._uris(request, by_files)
            reply = await self._inner.generate(route(request, uris))
            self._closed.add(named, said)  # now that it is sure that the addresses were the reason
            return reply

    async def aclose(self) -> None:
        """End what is still being uploaded, and close what answers."""
        await self._uploader.aclose()
        await self._inner.aclose()

    def _by_files(self, request: GeminiRequest) -> frozenset[str]:
        """Return the digests of the images that go by the Files API."""
        if self._transport == "files":
            return frozenset(map(digest_of, inline_images(request)))
        if self._transport == "auto" and self._files.available:
            return choose_uploads(
                request, inline_bytes=self._inline_bytes, is_used=self._uses.is_known
            )
        return frozenset()

    async def _uris(self, request: GeminiRequest, digests: frozenset[str]) -> Mapping[str, str]:
        chosen = [image for image in inline_images(request) if digest_of(image) in digests]
        try:
            return await self._uploader.uris_of(chosen)
        except GeminiError as error:
            if self._transport != "auto" or not self._may_be_inline(request, error):
                raise
            _logger.warning("Images are sent inline, as they cannot be uploaded: %s", error.message)
            return {}

    def _may_be_inline(self, request: GeminiRequest, error: GeminiError) -> bool:
        """Return whether what could not be uploaded can travel inside the request instead.

        What is too large for that waits for a better hour, unless there is none to come.
        """
        size = sum(map(inline_size, inline_images(request)))
        return isinstance(error, RequestError) or size <= self._inline_bytes


class _Uses:
    """Which images are in requests that run, or that were answered.

    A request that failed does not count, or the same one tried again would look like two.
    """

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._answered: OrderedDict[str, None] = OrderedDict()

    def is_known(self, digest: str) -> bool:
        return digest in self._running or digest in self._answered

    @contextmanager
    def of(self, request: GeminiRequest) -> Iterator[None]:
        """Enclose a request that uses its images."""
        digests = frozenset(map(digest_of, inline_images(request)))
        self._running.update(digests)
        try:
            yield
        finally:
            self._running.subtract(digests)
            self._running = +self._running
        for digest in digests:
            self._answered[digest] = None
            self._answered.move_to_end(digest)
        while len(self._answered) > _KNOWN:
            self._answered.popitem(last=False)


def _lost_files(error: GeminiError, uris: Mapping[str, str]) -> frozenset[str]:
    """Return the addresses of the files that the service no longer has, as it says.

    It says so with 403 or 404, and 400 for a file that is not active (any more); it names the file,
    though of a 403 or 404 about files in general each may be meant.
    """
    if not isinstance(error, AuthenticationError | ModelError | RequestError):
        return frozenset()
    named = frozenset(uri for uri in uris.values() if uri.rpartition("/")[2] in error.message)
    if named or isinstance(error, RequestError) or not _FILE.search(error.message):
        return named
    return frozenset(uris.values())


def _is_about_an_address(error: GeminiError) -> bool:
    return isinstance(error, RequestError) and _ADDRESS.search(error.message) is not None
