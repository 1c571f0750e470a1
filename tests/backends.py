"""Our own server in a thread of the test, over a real loopback socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import unittest.mock
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import uvicorn

from label_studio_gemini.server import build_app
from loopback import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment


@dataclass(frozen=True, slots=True)
class RunningBackend:
    """A backend, and a client that speaks to it."""

    url: str
    client: httpx2.Client

    def post(self, path: str, body: object) -> httpx2.Response:
        return self.post_text(path, json.dumps(body))

    def post_text(self, path: str, body: str) -> httpx2.Response:
        headers = {"content-type": "application/json"}
        return self.client.post(path, content=body, headers=headers)


@contextlib.contextmanager
def run_backend(config: Config, environment: Environment) -> Iterator[RunningBackend]:
    """Serve until the block ends."""
    with (
        # A test looks again at once.
        unittest.mock.patch("label_studio_gemini.server.monitor.MEMORY_SECONDS", 0.0),
        run_app(build_app(config, environment)) as url,
        httpx2.Client(base_url=url, verify=NOBODY, trust_env=False, timeout=60) as client,
    ):
        client.get("/versions")  # answers as soon as everything is loaded
        yield RunningBackend(url, client)


@contextlib.contextmanager
def run_app(app: FastAPI) -> Iterator[str]:
    """Serve an ASGI app on a free port, from the moment that it is ready."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", loop="asyncio"))
    ready = threading.Event()
    startup = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = started  # type: ignore[method-assign]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            assert ready.wait(30), "the server did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
