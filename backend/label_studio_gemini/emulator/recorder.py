"""What was sent to the emulator, for tests to assert on."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.api import Api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue


@dataclass(slots=True, eq=False)
class RecordedRequest:
    """One request: what came, and in the end what was answered.

    Attributes:
        number: Counts up from 1.
        method: The HTTP method.
        path: The path, without the query.
        query: The query.
        headers: The headers, their names in small letters.
        arrived: When its head was read, by `time.monotonic`.
        api: The endpoint.
        body: The JSON that was sent; None where there was none, or none that can be read.
        body_length: The bytes that were sent.
        model: The model that was asked.
        prompt: All text that was sent.
        images: The bytes of each picture of the last turn, as they were sent.
        photos: For each of them the file name of the photo of the key, or None.
        finished: When it was answered, broken off, or the client went away.
        status: The HTTP status; None where no answer was given.
    """

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    arrived: float
    api: Api = Api.OTHER
    body: JsonValue = None
    body_length: int = 0
    model: str | None = None
    prompt: str = ""
    images: tuple[bytes, ...] = field(default=(), repr=False)
    photos: tuple[str | None, ...] = ()
    finished: float | None = None
    status: int | None = None

    def summary(self) -> dict[str, JsonValue]:
        """Return what can be told to anyone: no key, no body."""
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "api": self.api.value,
            "model": self.model,
            "prompt": self.prompt,
            "images": [len(image) for image in self.images],
            "photos": [*self.photos],
            "body_length": self.body_length,
            "seconds": None if self.finished is None else self.finished - self.arrived,
            "status": self.status,
        }


class Recorder:
    """The last requests, in the order in which they came; several threads may look."""

    def __init__(self, *, keep: int, keep_bytes: int) -> None:
        """Start with none.

        Args:
            keep: How many requests to keep.
            keep_bytes: How many bytes of bodies to keep; the latest request is always kept.
        """
        self._lock = threading.Lock()
        self._requests: deque[RecordedRequest] = deque()
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._bytes = 0
        self._count = 0

    def start(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> RecordedRequest:
        """Record that a request has come."""
        with self._lock:
            self._count += 1
            record = RecordedRequest(self._count, method, path, query, headers, time.monotonic())
            self._requests.append(record)
            self._trim()
            return record

    def read(self, record: RecordedRequest, length: int) -> None:
        """Record how many bytes its body has."""
        with self._lock:
            record.body_length = length
            if record in self._requests:
                self._bytes += length
                self._trim()

    def finish(self, record: RecordedRequest, status: int | None) -> None:
        """Record how it ended."""
        record.finished = time.monotonic()
        record.status = status

    def snapshot(self) -> tuple[RecordedRequest, ...]:
        """Return the requests that are kept, the oldest first."""
        with self._lock:
            return tuple(self._requests)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()
            self._bytes = 0

    def _trim(self) -> None:
        while len(self._requests) > self._keep or (
            self._bytes > self._keep_bytes and len(self._requests) > 1
        ):
            self._bytes -= self._requests.popleft().body_length
