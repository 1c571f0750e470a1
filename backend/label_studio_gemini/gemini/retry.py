"""Another attempt where time can heal."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, TypeVar

from label_studio_gemini.errors import GeminiError, LaterError
from label_studio_gemini.gemini.time_limits import current_deadline, time_limit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from label_studio_gemini.gemini.types import Gemini, GeminiReply, GeminiRequest

__all__ = ["FIRST_BACKOFF", "LONGEST_BACKOFF", "Retries", "RetryingGemini", "time_limit"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

LONGEST_BACKOFF = 60.0
"""Seconds; beyond this, waiting longer between attempts gains nothing (a quota's minute)."""
FIRST_BACKOFF = 1.0
"""Seconds that the wait after a first failure may take; it doubles with each further one."""


class Retries:
    """How often, and when, a call is tried again that a `retryable` error ended.

    These are 408, 429, 5xx, and no or half an answer. The server's own delay is obeyed to the
    second, and a little more, so that not all come back at the same moment. Without one the wait is
    anything up to 1, 2, 4 … 60 s ("full jitter":
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Args:
        attempts: How many in all, the first included; 1 or more.
        uniform: A random number between two; given by tests.
    """

    def __init__(
        self, attempts: int, *, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._attempts = attempts
        self._uniform = uniform

    async def run(self, call: Callable[[], Awaitable[_T]], *, name: str) -> _T:
        """Return what `call` gives, at the first attempt or a later one.

        Args:
            call: What is tried, each time anew.
            name: What answers, for the log.

        Raises:
            GeminiError: The last attempt's; its message says how many there were.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return await call()
            except GeminiError as error:
                error.sent = error.sent or attempt > 1
                if not error.retryable:
                    raise
                wait = self._wait(error, attempt)
                reason = self._reason_to_stop(attempt, wait)
                if reason:
                    error.message = f"{error.message} (Given up after {reason}.)"
                    raise
                _log.info(
                    "Attempt %d of %d with %s failed (%s); the next comes in %.1f s.",
                    attempt,
                    self._attempts,
                    name,
                    type(error).__name__,
                    wait,
                )
            await asyncio.sleep(wait)

    def _wait(self, error: GeminiError, attempt: int) -> float:
        if isinstance(error, LaterError) and error.retry_after is not None:
            return error.retry_after + self._uniform(0, FIRST_BACKOFF)
        return self._uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1)))

    def _reason_to_stop(self, attempt: int, wait: float) -> str:
        attempts = f"{attempt} attempt{'s' if attempt > 1 else ''}"
        if attempt >= self._attempts:
            return attempts
        if asyncio.get_running_loop().time() + wait >= current_deadline():
            return f"{attempts}: the next could come in {wait:.0f} s, after the task's time limit"
        return ""


class RetryingGemini:
    """Tries a request again where time can heal what ended it.

    Args:
        inner: What answers.
        attempts: As in `Retries`.
        uniform: As in `Retries`.
    """

    def __init__(
        self,
        inner: Gemini,
        *,
        attempts: int,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._inner = inner
        self._retries = Retries(attempts, uniform=uniform)

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`, at the first attempt or a later one.

        Raises:
            GeminiError: The last attempt's; its message says how many there were.
        """
        return await self._retries.run(lambda: self._inner.generate(request), name=request.model)

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()
