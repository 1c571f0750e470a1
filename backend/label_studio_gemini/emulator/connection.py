"""What an emulator does to a connection: waits, breaks it off, or drops it in mid-sentence."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Never

from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from label_studio_gemini.emulator.faults import Breakage

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_TRANSPORT = "transport"
_DRIP_SECONDS = 0.05


class EmulatorProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also hands the connection itself to the app."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport where each request of this connection finds it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class Gone(Exception):  # noqa: N818 - it ends a wait, nobody made an error
    """The client hung up, or the emulator is stopping."""


async def wait(seconds: float | None, receive: Receive, stopping: asyncio.Event) -> None:
    """Wait so long, or for ever.

    Args:
        seconds: How long; None for ever.
        receive: The ASGI channel of the request, whose body has been read.
        stopping: Set when the emulator stops.

    Raises:
        Gone: If the client hung up first, or the emulator is stopping.
    """
    watchers = {asyncio.ensure_future(_hung_up(receive)), asyncio.ensure_future(stopping.wait())}
    try:
        done, _ = await asyncio.wait(watchers, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    if done:
        raise Gone


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class BrokenResponse(Response):
    """An answer that never comes, or not all of it."""

    def __init__(self, breakage: Breakage, body: bytes, stopping: asyncio.Event) -> None:
        """Prepare to break.

        Args:
            breakage: How; `NOT_JSON` and `GARBAGE` are no matter of the connection.
            body: What would have been answered.
            stopping: Set when the emulator stops.
        """
        super().__init__(body, media_type="application/json")
        self._breakage = breakage
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Break."""
        transport: asyncio.Transport = scope["state"][_TRANSPORT]
        if self._breakage is Breakage.RESET:
            _reset(transport)
        elif self._breakage is Breakage.CUT_BODY:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            half = bytes(self.body[: len(self.body) // 2])
            await send({"type": "http.response.body", "body": half, "more_body": True})
            transport.close()
        with contextlib.suppress(Gone):
            if self._breakage is Breakage.DRIP:
                await self._drip(receive, send)
            await wait(None, receive, self._stopping)
        transport.close()
        # uvicorn calls an unfinished answer of an open connection an error of the app.
        with contextlib.suppress(Gone):
            await wait(None, receive, asyncio.Event())

    async def _drip(self, receive: Receive, send: Send) -> Never:
        """Send white space, and never what it stands before.

        Raises:
            Gone: If the client hung up, or the emulator is stopping.
        """
        headers = [(b"content-type", b"application/json")]  # no length: it is chunked
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await wait(_DRIP_SECONDS, receive, self._stopping)


def _reset(transport: asyncio.Transport) -> None:
    """Close with RST, not FIN."""
    handle: socket.socket = transport.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
