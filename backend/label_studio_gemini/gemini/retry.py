"""Another attempt where time can heal, and the time limit that all attempts share."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from label_studio_gemini.errors import GeminiError, RateLimitError, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from label_studio_gemini.gemini.types import Gemini, GeminiReply, GeminiRequest

_log = logging.getLogger(__name__)

LONGEST_BACKOFF = 60.0
"""Seconds; beyond this, waiting longer between attempts gains nothing (a quota's minute)."""
FIRST_BACKOFF = 1.0
"""Seconds that the wait after a first failure may take; it doubles with each further one."""
TIME_LIMIT_HINT = (
    "Raise the time limit of a task, or send fewer requests at once: they may have waited for the "
    "rate limit."
)

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Enclose a whole task: what still runs after `seconds` ends, whatever it waits for.

    A retry that could only come later than that is not waited for: its error is raised at once,
    since it says more than "too late". A limit inside another one does not extend it.

    Raises:
        TransportError: If the time is up.
    """
    until = min(_deadline.get(), asyncio.get_running_loop().time() + seconds)
    before = _deadline.set(until)
    limit = asyncio.timeout_at(until)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        message = f"The task was not done within {seconds:g} s."
        raise TransportError(message, hint=TIME_LIMIT_HINT) from error
    finally:
        _deadline.reset(before)


class RetryingGemini:
    """Tries again what `retryable` errors ended: 408, 429, 5xx, and no or half an answer.

    The server's own delay is obeyed to the second, and a little more, so that not all come back
    at the same moment. Without one the wait is anything up to 1, 2, 4 … 60 s ("full jitter":
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Args:
        inner: What answers.
        attempts: How many in all, the first included; 1 or more.
        uniform: A random number between two; given by tests.
    """

    def __init__(
        self,
        inner: Gemini,
        *,
        attempts: int,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._inner = inner
        self._attempts = attempts
        self._uniform = uniform

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`, at the first attempt or a later one.

        Raises:
            GeminiError: The last attempt's; its message says how many there were.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._inner.generate(request)
            except GeminiError as error:
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
                    request.model,
                    type(error).__name__,
                    wait,
                )
            await asyncio.sleep(wait)

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()

    def _wait(self, error: GeminiError, attempt: int) -> float:
        if isinstance(error, RateLimitError) and error.retry_after is not None:
            return error.retry_after + self._uniform(0, FIRST_BACKOFF)
        return self._uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1)))

    def _reason_to_stop(self, attempt: int, wait: float) -> str:
        attempts = f"{attempt} attempt{'s' if attempt > 1 else ''}"
        if attempt >= self._attempts:
            return attempts
        if asyncio.get_running_loop().time() + wait >= _deadline.get():
            return f"{attempts}: the next could come in {wait:.0f} s, after the task's time limit"
        return ""
