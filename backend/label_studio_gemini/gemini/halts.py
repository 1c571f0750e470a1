"""A wrong key or a used-up day: what could only be refused is not sent."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    QuotaError,
    ServiceError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_log = logging.getLogger(__name__)

KEY_SECONDS = 60.0
"""For which nothing is sent after a key was refused: it may be given its rights meanwhile."""
QUOTA_SECONDS = 300.0
"""For which nothing is sent after a day's quota was found used up."""

_FILE = re.compile(r"\bfiles?\b", re.IGNORECASE)


@dataclass(eq=False)
class _Door:
    """What is known of one service.

    Attributes:
        shut: Done, with the refusal, as soon as nothing more is to be sent.
        proven: Whether the key was taken, and since then nothing was refused for good.
        until: The loop's time until which nothing is sent.
        trial: Set when the request ends that went ahead.
        trial_until: The loop's time from which on nobody waits for that, while the key is new.
    """

    shut: asyncio.Future[GeminiError]
    proven: bool = False
    until: float = 0.0
    trial: asyncio.Event | None = None
    trial_until: float = 0.0

    def refusal(self) -> GeminiError | None:
        return self.shut.result() if self.shut.done() else None


class Halts:
    """Lets requests through unless they are known to be refused: by the key, or until tomorrow.

    - After such a refusal, all that have not been sent are refused likewise, for a minute (the key)
      or five (the day's quota). Then one goes ahead, and the others wait for what becomes of it.
    - While a key is new, one goes ahead too, and the others wait for it for a moment.

    One object is shared by all requests of a process, in one event loop.

    Args:
        patience: Seconds for which requests wait while the key is new; none by default.
    """

    def __init__(self, *, patience: float = 0.0) -> None:
        self._patience = patience
        self._doors: dict[str, _Door] = {}

    @asynccontextmanager
    async def passing(self, name: str) -> AsyncIterator[asyncio.Future[GeminiError]]:
        """Enclose a request, and yield what is done when it is not to be sent any more.

        Args:
            name: The service, usually a model: what is used up for one is not for another.

        Raises:
            AuthenticationError: As another request was refused.
            QuotaError: As another request was refused.
        """
        loop = asyncio.get_running_loop()
        door = self._doors.setdefault(name, _Door(loop.create_future()))
        await self._wait(door)
        trial = None
        if door.trial is None and self._needs_trial(door):
            trial = door.trial = asyncio.Event()
            door.trial_until = loop.time() + self._patience
        # A trial has a future of its own, since the door is still shut for all others.
        shut = loop.create_future() if trial and door.shut.done() else door.shut
        try:
            yield shut
        except GeminiError as error:
            _note(door, name, error)
            raise
        else:
            _note(door, name, None)
        finally:
            if trial is not None:
                door.trial = None
                trial.set()

    async def _wait(self, door: _Door) -> None:
        """Wait while another one tries; return when it is this one's turn to, or to go."""
        loop = asyncio.get_running_loop()
        while True:
            refusal = door.refusal()
            if refusal is not None and loop.time() < door.until:
                raise copy_of(refusal)
            if door.trial is None or not self._needs_trial(door):
                return
            if refusal is not None:
                await door.trial.wait()
                continue
            try:
                async with asyncio.timeout_at(door.trial_until):
                    await door.trial.wait()
            except TimeoutError:
                return

    def _needs_trial(self, door: _Door) -> bool:
        return door.shut.done() or (not door.proven and self._patience > 0)


def copy_of(refusal: GeminiError) -> GeminiError:
    """Return the same refusal for another request, which is not sent; errors are never shared."""
    copy = type(refusal)(refusal.message, hint=refusal.hint)
    copy.sent = False
    return copy


def _note(door: _Door, name: str, error: GeminiError | None) -> None:
    """Open or shut a door by how a request ended; what was sent before it was shut says nothing."""
    loop = asyncio.get_running_loop()
    if door.shut.done() and loop.time() < door.until:
        return
    if door.shut.done():
        door.shut = loop.create_future()
    seconds = _seconds_of(error)
    if error is None or seconds is None:
        door.proven = door.proven or not isinstance(error, TransportError | ServiceError)
        return
    door.proven, door.until = False, loop.time() + seconds
    door.shut.set_result(copy_of(error))
    _log.warning("Nothing is sent to %s for %d s: %s", name, seconds, error.message)


def _seconds_of(error: GeminiError | None) -> float | None:
    """Return for how long an error holds for all requests, or None if it is about one alone."""
    if isinstance(error, QuotaError):
        return QUOTA_SECONDS
    # "You do not have permission to access the File …" is about that file.
    if isinstance(error, AuthenticationError) and not _FILE.search(error.message):
        return KEY_SECONDS
    return None
