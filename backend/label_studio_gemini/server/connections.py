"""Connections on which nothing comes, or a head without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, but neither its patience nor its memory is without end.

    Each connection that waits for the second half of a head would take one of the thousand sockets
    that a process may have. And a head, or what may stand around the pieces of a body, is kept
    whole, however long it is.

    Attributes:
        head_seconds: How long a head may take, and the rest of a body that was refused.
        head_bytes: How long it may be, give or take what is read at once.
    """

    head_seconds = 30.0
    head_bytes = 65_536
    _given_up: asyncio.TimerHandle | None = None
    _unheard = 0  # bytes that came since the last ones that were of a body, or ended a head

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._unheard += len(data)
        super().data_received(data)
        if self._unheard > self.head_bytes:
            self._refuse()
        self._watch()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._unheard = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._unheard = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget()
        super().connection_lost(exc)

    def _refuse(self) -> None:
        if self._is_busy():  # an answer may be on its way
            self.transport.abort()
            return
        message = f"The head of a request may have {self.head_bytes:,} bytes."
        self.logger.warning("a connection is closed: %s", message)
        self.send_400_response(message)

    def _watch(self) -> None:
        """Set the clock where no request is being answered; further pieces do not set it back."""
        if self._is_busy():
            self._forget()
        elif self._given_up is None:
            self._given_up = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._given_up = None
        if not self._is_busy():
            self.transport.abort()

    def _forget(self) -> None:
        if self._given_up is not None:
            self._given_up.cancel()
            self._given_up = None

    def _is_busy(self) -> bool:
        cycle = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete  # type: ignore[redundant-expr]
