"""The status page, before a backend that says what it is told to say."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from label_studio_gemini.server.page import page_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StatusServer:
    """Serves the page, and at api/status what it is told to; also below `/behind/a/proxy/`.

    Attributes:
        status: What is answered.
        code: The HTTP status of the answer.
        asked: How often the status was asked for.
        paths: What was asked for.
        before_answer: Called before the status is answered.
    """

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        self.code = 200
        self.asked = 0
        self.paths: list[str] = []
        self.before_answer: Callable[[], object] | None = None
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.kit = self
        self.port = self._server.server_address[1]
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, at the same port as before."""
        if self._server.fileno() < 0:
            self._server = _Server(("127.0.0.1", self.port), _Handler)
            self._server.kit = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    kit: StatusServer
    daemon_threads = False  # server_close waits for them


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kit = cast("_Server", self.server).kit
        kit.paths.append(self.path)
        path = self.path.removeprefix("/behind/a/proxy")
        if path in {"", "/"}:
            response = page_response()
            self._answer(200, dict(response.headers), bytes(response.body))
        elif path == "/api/status":
            kit.asked += 1
            if kit.before_answer is not None:
                kit.before_answer()
            body = json.dumps(kit.status).encode()
            self._answer(kit.code, {"content-type": "application/json"}, body)
        else:
            self._answer(404, {}, b"")

    def _answer(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for name, value in ({"content-length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        pass


@contextmanager
def serve_status(status: dict[str, Any]) -> Iterator[StatusServer]:
    """Serve until the block ends."""
    server = StatusServer(deepcopy(status))
    server.start()
    try:
        yield server
    finally:
        server.stop()
