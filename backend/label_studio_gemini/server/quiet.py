"""What would be said thousands of times is said a few times."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_FAILURES = 20
"""The tasks of one request of which each has its own line when it fails."""


class NoSocketsOnce(logging.Filter):
    """Lets asyncio say once a minute that there are no sockets left, not a thousand times a second.

    Args:
        seconds: How long it is silent in between.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether it may say so."""
        if not record.getMessage().startswith("socket.accept() out of system resource"):
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        record.msg = "too many connections: there is no socket left for another (see `ulimit -n`)"
        record.args, record.exc_info = None, None
        return True


class FewFailures(logging.Filter):
    """Lets the first failures of each request through: a batch of bad tasks has thousands.

    Args:
        count: Counts one more failure of the present request; None outside any.
    """

    def __init__(self, count: Callable[[], int | None]) -> None:
        super().__init__()
        self._count = count

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether it is one of the first."""
        if record.levelno != logging.WARNING:
            return True
        number = self._count()
        return number is None or number <= MOST_FAILURES


class NoCancellations(logging.Filter):
    """Leaves out the tracebacks of what a second Ctrl-C cuts off: they are no defects."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether it is something else."""
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, asyncio.CancelledError)
