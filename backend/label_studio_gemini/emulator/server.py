"""The emulator on a port: beside other code in one process, or for itself."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from label_studio_gemini.emulator.app import Emulator, build_emulator
from label_studio_gemini.emulator.connection import EmulatorProtocol
from label_studio_gemini.emulator.errors import EmulatorError
from label_studio_gemini.emulator.settings import DEFAULT_SETTINGS, EmulatorSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from label_studio_gemini.emulator.faults import Fault
    from label_studio_gemini.emulator.key import AnswerKey
    from label_studio_gemini.emulator.recorder import RecordedRequest

_log = logging.getLogger(__name__)
_READY_SECONDS = 30
_HIGHEST_PORT = 65_535


class RunningEmulator:
    """An emulator that is being served.

    Attributes:
        url: Its base URL, without a slash at the end.
        emulator: The emulator itself.
    """

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator = emulator
        self.url = url

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Return every request to the API that is kept, the oldest first."""
        return self.emulator.requests

    def script(self, *faults: Fault) -> None:
        """Make things go wrong, in this order; see `Fault`."""
        self.emulator.script(*faults)

    def clear_faults(self) -> None:
        """Let all go well again."""
        self.emulator.clear_faults()

    def clear_requests(self) -> None:
        """Forget the requests that came."""
        self.emulator.clear_requests()

    def publish(self, uri: str, data: bytes, mime_type: str) -> None:
        """Let requests name a picture by this public address; the emulator opens no real one."""
        self.emulator.publish(uri, data, mime_type)


class _Server(uvicorn.Server):
    """uvicorn, which says when it is ready, and ends the emulator's waits when it stops."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(
            uvicorn.Config(
                emulator.app,
                http=EmulatorProtocol,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
            )
        )
        self.ready = threading.Event()
        self._emulator = emulator

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all waits, then stop."""
        self._emulator.stop()
        await super().shutdown(sockets)


@contextlib.contextmanager
def run_emulator(
    answers: AnswerKey,
    settings: EmulatorSettings = DEFAULT_SETTINGS,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[RunningEmulator]:
    """Serve an emulator in a thread for as long as the context lasts.

    Args:
        answers: What it knows.
        settings: How strict it is.
        host: The address to bind.
        port: The port; 0 for a free one.

    Raises:
        EmulatorError: If the address cannot be bound.
    """
    emulator = build_emulator(answers, settings)
    listener = _bind(host, port)
    server = _Server(emulator)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="emulator", daemon=True
    )
    thread.start()
    try:
        if not server.ready.wait(_READY_SECONDS):
            raise EmulatorError(
                "The emulator did not start.", hint="Look at the log for what stopped it."
            )
        yield RunningEmulator(emulator, _url(listener, host))
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def serve_emulator(
    answers: AnswerKey,
    *,
    host: str = "127.0.0.1",
    port: int = 9100,
    settings: EmulatorSettings = DEFAULT_SETTINGS,
) -> None:
    """Serve an emulator until the process is told to stop.

    Raises:
        EmulatorError: If the address cannot be bound.
    """
    with _bind(host, port) as listener:
        _log.info(
            "The emulator knows %d photos and listens at %s",
            len(answers.photos),
            _url(listener, host),
        )
        # uvicorn stops in order at the first Ctrl-C, and only then passes it on.
        with contextlib.suppress(KeyboardInterrupt):
            _Server(build_emulator(answers, settings)).run(sockets=[listener])


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _HIGHEST_PORT:
        raise EmulatorError(f"{port} is no port.", hint="Give one from 0 to 65535; 0 is any.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise EmulatorError(
            f"The emulator cannot listen at {host}:{port}: {error.strerror}.",
            hint="Choose another --port, or stop what uses this one.",
        ) from error
    return listener


def _url(listener: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
