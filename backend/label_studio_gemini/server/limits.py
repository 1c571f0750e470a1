"""How large a request may be, and how slow."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.responses import Response

from label_studio_gemini.server.auth import is_webhook
from label_studio_gemini.server.bodies import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

WEBHOOK_BYTES = 1_000_000
"""What is kept of an event: its name comes first, an annotation may be much longer."""

_MEGABYTE = 1_000_000
_LINGERING = 2.0  # seconds


class SizeLimit:
    """Reads requests; refuses those that are too large with 413, and those that stall with 408.

    Of a webhook, which strangers may send, little more than `WEBHOOK_BYTES` are kept.

    Args:
        app: What answers the others.
        megabytes: The most.
        patience: How many seconds nothing may come.
    """

    def __init__(self, app: ASGIApp, *, megabytes: float, patience: float = 30.0) -> None:
        self._app = app
        self._megabytes = megabytes
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first = await self._read(scope, receive)
        if isinstance(first, Response):
            await _refuse(first, receive, send)
            return
        if first["type"] == "http.disconnect":  # nobody is left to be answered
            return
        ahead = [first]

        async def replay() -> Message:
            return ahead.pop() if ahead else await receive()

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> Message | Response:
        """Return the message that brings the whole body, or that there is none; or a refusal."""
        most = self._megabytes * _MEGABYTE
        kept = WEBHOOK_BYTES if is_webhook(scope) else most
        if _announced(scope) > most:
            return self._too_large()
        body, size = bytearray(), 0
        while True:
            try:
                async with asyncio.timeout(self._patience):
                    message = await receive()
            except TimeoutError:
                return self._too_slow()
            if message["type"] != "http.request":
                return message
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > most:
                return self._too_large()
            if len(body) <= kept:
                body += chunk
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}

    def _too_large(self) -> Response:
        return error_response(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request is larger than {self._megabytes:g} MB.",
            "select fewer tasks at once, address images instead of putting them into the tasks, or "
            "raise `max_request_megabytes` in the config.",
            {"Connection": "close"},
        )

    def _too_slow(self) -> Response:
        return error_response(
            HTTPStatus.REQUEST_TIMEOUT,
            f"Nothing of the request's body came for {self._patience:g} s.",
            "send it again; a proxy may have lost the rest.",
            {"Connection": "close"},
        )


async def _refuse(response: Response, receive: Receive, send: Send) -> None:
    headers = response.raw_headers
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
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
