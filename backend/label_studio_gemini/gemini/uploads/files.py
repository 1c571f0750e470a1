"""The Files API, through the connection of an adapter: upload, wait until usable, delete."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from label_studio_gemini.errors import (
    GeminiError,
    ModelError,
    RequestError,
    ServiceError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.genai import types
    from google.genai.files import AsyncFiles

    from label_studio_gemini.gemini.connection import Connection

_logger = logging.getLogger(__name__)

_KEPT = timedelta(hours=48)  # https://ai.google.dev/gemini-api/docs/files
_PAUSES = (0.2, 0.4, 0.8, *(1.0,) * 58)  # seconds between looks: a minute in all

NO_FILES_HINT = (
    "Set `image_transport: inline`, or look at the base URL: the Files API is Google's own, and "
    "a proxy, a gateway or Vertex AI may not have it."
)
_UNREADABLE_HINT = (
    "Something between here and Google (a proxy, a wrong base URL) may have answered in its place; "
    "if it does so again, set `image_transport: inline`."
)
_SLOW_HINT = "Try again in a while, or set `image_transport: inline`."
_FAILED_HINT = "Look whether the image is whole and of a type that Gemini takes."


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that can be used.

    Attributes:
        name: `files/…`, by which it is deleted.
        uri: By which requests name it.
        lifetime: Seconds from its upload until the service deletes it.
    """

    name: str
    uri: str
    lifetime: float


class Files:
    """The files of one key.

    Args:
        connection: The adapter's, which also closes it.
        sleep: What waits between two looks at a file that is still processed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._sleep = sleep
        self._available = not connection.client.vertexai

    @property
    def available(self) -> bool:
        """Whether there is a Files API, as far as is known: Vertex AI has none."""
        return self._available

    @property
    def owner(self) -> str:
        """A fingerprint of the key and the base URL: who else has the same may use the files."""
        return hashlib.sha256(f"{self._base_url}\n{self._connection.secret}".encode()).hexdigest()

    async def upload(self, data: bytes, mime_type: str) -> UploadedFile:
        """Upload a file, and wait until it can be used.

        It gets no name of ours: none is needed, and one of a person's file is nobody's business.

        Raises:
            RequestError: If it is refused, cannot be processed, or there is no Files API.
            ServiceError: If it is still being processed after a minute.
            GeminiError: In place of whatever else the SDK raises.
        """
        # With a base URL of its own, the SDK also sends the pieces there, not to the host that
        # the answer names, which is Google's own even behind a proxy.
        options: types.UploadFileConfigDict = {
            "mime_type": mime_type,
            "http_options": {"base_url": self._base_url},
        }
        body = BytesIO(data)
        async with self._call(body):
            try:
                file = await self._files.upload(file=body, config=options)
            except (KeyError, TypeError):  # the SDK misses a header or a field of the answer
                raise _unreadable() from None
            except ValueError as error:
                if "finalized" in str(error):  # so the SDK says that the service broke it off
                    raise _broken_off() from None
                raise
        if not file.name:
            raise _unreadable()
        try:
            return _uploaded(await self._settled(file, file.name))
        except GeminiError:
            await self._delete_quietly(file.name)
            raise

    async def delete(self, name: str) -> None:
        """Delete a file.

        Raises:
            GeminiError: If that is refused, also because there is none.
        """
        async with self._call():
            await self._files.delete(name=name)

    async def _settled(self, file: types.File, name: str) -> types.File:
        for pause in _PAUSES:
            if file.state != "PROCESSING":
                break
            await self._sleep(pause)
            async with self._call():
                file = await self._files.get(name=name)
        if file.state == "PROCESSING":
            raise ServiceError("An uploaded image is still being processed.", hint=_SLOW_HINT)
        return file

    async def _delete_quietly(self, name: str) -> None:
        try:
            await self.delete(name)
        except GeminiError as error:  # it goes by itself after two days
            _logger.debug("The file %s is left behind: %s", name, error.message)

    @asynccontextmanager
    async def _call(self, body: BytesIO | None = None) -> AsyncIterator[None]:
        """Enclose a call; `body` is what is uploaded in it, if anything is."""
        try:
            async with self._connection.call("files"):
                yield
        except ModelError:  # how a 404 reads where it is about a model
            if body is not None and body.tell():  # a part was sent: it did begin
                raise _broken_off() from None
            self._available = False
            message = "There is no Files API at this base URL."
            raise RequestError(message, hint=NO_FILES_HINT) from None

    @property
    def _files(self) -> AsyncFiles:
        return self._connection.client.aio.files

    @property
    def _base_url(self) -> str:
        options = self._connection.client._api_client.get_read_only_http_options()  # noqa: SLF001
        return str(options["base_url"])


def _uploaded(file: types.File) -> UploadedFile:
    if file.state == "FAILED":
        said = (file.error and file.error.message) or "no reason given"
        raise RequestError(f"Gemini cannot process an image: {said}.", hint=_FAILED_HINT)
    if not (file.name and file.uri):
        raise _unreadable()
    # Its length of life, not its end: the clocks here and there may differ.
    lifetime = _KEPT
    if file.create_time and file.expiration_time:
        lifetime = file.expiration_time - file.create_time
    return UploadedFile(file.name, file.uri, lifetime.total_seconds())


def _broken_off() -> TransportError:
    return TransportError("The upload of an image was broken off.", hint=_SLOW_HINT)


def _unreadable() -> TransportError:
    return TransportError("The answer is not what the Files API sends.", hint=_UNREADABLE_HINT)
