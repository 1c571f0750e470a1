"""Gemini held up for as long as a test wants it: nothing depends on how long things take."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from label_studio_gemini.emulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from label_studio_gemini.emulator import RecordedRequest, RunningEmulator

PATIENCE = 60.0
"""Seconds after which a condition is believed never to come."""


class Gate:
    """Lets some requests to the emulator pass; whatever follows waits until it is opened."""

    def __init__(self, passes: int) -> None:
        self._passes = passes
        self._reached = threading.Event()
        self._open = threading.Event()

    def holds(self, _request: RecordedRequest) -> bool:
        """Wait, in a thread of the emulator's, and let nothing go wrong."""
        if self._passes:
            self._passes -= 1
        else:
            self._reached.set()
            assert self._open.wait(PATIENCE), "nobody opened the gate"
        return False

    def await_request(self) -> None:
        """Wait until a request stands at the gate."""
        assert self._reached.wait(PATIENCE), "no request came"

    def open(self) -> None:
        self._open.set()


@contextmanager
def gate(gemini: RunningEmulator, passes: int = 0) -> Iterator[Gate]:
    """Close a gate before the emulator; it is open when the block ends."""
    closed = Gate(passes)
    gemini.script(Fault(times=None, where=closed.holds))
    try:
        yield closed
    finally:
        closed.open()


def await_condition(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"it never came to be that {what}"
        time.sleep(0.01)


class Call:
    """A POST whose answer is read piece by piece."""

    def __init__(self, url: str, path: str, body: object) -> None:
        self._response: http.client.HTTPResponse | None = None
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        headers = {"content-type": "application/json"}
        self._connection.request("POST", path, json.dumps(body).encode(), headers)

    @property
    def response(self) -> http.client.HTTPResponse:
        """The answer, as soon as it has begun."""
        if self._response is None:
            self._response = self._connection.getresponse()
        return self._response

    def await_space(self) -> None:
        """Wait for the first sign of life: the work has been taken on, and is not done."""
        assert self.response.read(1) == b" "

    def read(self) -> Any:
        """Return all the JSON that follows."""
        text = self.response.read()
        self._connection.close()
        return json.loads(text)

    def __del__(self) -> None:
        # A test that fails leaves no open socket, for which another would be blamed.
        self.hang_up()

    def hang_up(self) -> None:
        if self._response is not None:
            self._response.close()
        self._connection.close()
