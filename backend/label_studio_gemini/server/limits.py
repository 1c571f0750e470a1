"""How large a request may be."""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING

from label_studio_gemini.server.bodies import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MEGABYTE = 1_000_000
_LINGERING = 2.0  # seconds


class SizeLimit:
    """Refuses requests that are too large with 413, without reading all of them.

    Args:
        app: What answers the others.
        megabytes: The most.
    """

    def __init__(self, app: ASGIApp, *, megabytes: float) -> None:
        self._app = app
        self._megabytes = megabytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        messages = await self._read(scope, receive)
        if messages is None:
            await self._refuse(receive, send)
            return

        async def replay() -> Message:
            return messages.popleft() if messages else await receive()

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> deque[Message] | None:
        """Return the messages that bring the body; None if it is too large."""
        most = self._megabytes * _MEGABYTE
        if _announced(scope) > most:
            return None
        messages: deque[Message] = deque()
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > most:
                return None
            if not message.get("more_body", False):
                return messages

    async def _refuse(self, receive: Receive, send: Send) -> None:
        response = error_response(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request is larger than {self._megabytes:g} MB.",
            "select fewer tasks at once, address images instead of putting them into the tasks, or "
            "raise `max_request_megabytes` in the config.",
            {"Connection": "close"},
        )
        headers = response.raw_headers
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        # A client that is still sending would see a reset connection instead of the answer.
        try:
            async with asyncio.timeout(_LINGERING):
                while (await receive()).get("more_body", False):
                    pass
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _announced(scope: Scope) -> int:
    """Return the Content-Length, 0 where there is none; the server has checked that it is one."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
