"""Connections on which nothing comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


class PatientProtocol(H11Protocol):
    """Uvicorn's protocol, but it does not wait for ever for the second half of a head.

    Each such connection would take one of the thousand sockets that a process may have.

    Attributes:
        head_seconds: How long a head may take, and the rest of a body that was refused.
    """

    head_seconds = 30.0
    _given_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget()
        super().connection_lost(exc)

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
