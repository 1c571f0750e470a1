"""Compressed answers, where people look on from afar; never to /predict, which streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.gzip import GZipMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ZIPPED = frozenset({"/", "/api/status"})
"""The paths whose answers are worth it, and hold no secret next to what a stranger chose."""

_SMALLEST = 1_000  # bytes


class Zipping:
    """ASGI middleware that compresses some answers for whoever accepts it.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._zipped = GZipMiddleware(app, minimum_size=_SMALLEST, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_zipped = scope["type"] == "http" and scope["path"] in ZIPPED
        await (self._zipped if is_zipped else self._app)(scope, receive, send)
