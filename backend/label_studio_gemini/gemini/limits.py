"""How many requests may be on their way, and how fast they may follow each other."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.errors import GeminiError, LaterError, RateLimitError, TransportError
from label_studio_gemini.gemini.halts import Halts, copy_of
from label_studio_gemini.gemini.time_limits import stopped_clock
from label_studio_gemini.gemini.urgency import Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.gemini.types import Gemini, GeminiReply, GeminiRequest
    from label_studio_gemini.gemini.urgency import Urgency

_log = logging.getLogger(__name__)

_FIRST = asyncio.FIRST_COMPLETED
_SPARE = 8
"""The part of `concurrency` that a person's requests may take beyond it."""

_GROWTH = 8
"""A full round of successes gives back this part of the largest limit: from 1 to all in 8."""


class LimitState(NamedTuple):
    """What a `LimitedGemini` is doing, for metrics.

    Attributes:
        limit: How many requests may be on their way now.
        running: How many are.
        waiting: How many wait for their turn.
    """

    limit: int
    running: int
    waiting: int


class _Pace:
    """So much per minute, spread evenly: what is spent is paid off before the next may go.

    Nothing is saved up while nothing is spent, or a quiet minute and a busy one would meet in more
    than a minute's worth (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm, without
    tolerance). What is larger than a minute's worth goes all the same, and is paid off after.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._seconds_each = 60 / per_minute if per_minute else 0.0
        self.free_at = -math.inf

    def spend(self, amount: float, now: float) -> None:
        self.free_at = max(self.free_at, now) + amount * self._seconds_each

    def correct(self, amount: float) -> None:
        """Add to what was spent, or take from it."""
        self.free_at += amount * self._seconds_each


class _Waiter(NamedTuple):
    """A request in the queue; they compare as they go: by priority, then as they came."""

    priority: int
    number: int
    tokens: int
    turn: asyncio.Future[None]


class LimitedGemini:
    """Lets requests through as fast as the limits allow, the interactive ones first.

    Three limits hold together:

    - `requests_per_minute` and `tokens_per_minute` are spread evenly. Tokens are estimated before
      a request, and put right by what its reply was billed for.
    - At most `concurrency` requests are on their way. A 429 halves that, once for all the requests
      that were under way together, and never below 1; each success gives a little back. Beyond it
      go an eighth as many that a person waits for: else they would wait for a batch's to end.
    - An answer that names a delay (429, 408, 5xx) closes the door for everyone until then.
    - What says that all others would be refused too (the key, the day's quota) refuses all that
      wait, and for a while all that come: see `Halts`.

    While a request waits for its turn, the clock of its task stands; what Gemini itself asks to
    wait counts.

    One object is shared by all requests of a process, in one event loop.

    Args:
        inner: What answers.
        concurrency: The most requests on their way.
        requests_per_minute: None for any number.
        tokens_per_minute: Input, output and thoughts together; None for any number.
        estimate: The tokens that a request will take; asked only if tokens are limited.
        halts: What is known to be refused; by default it begins with nothing.
    """

    def __init__(
        self,
        inner: Gemini,
        *,
        concurrency: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        estimate: Callable[[GeminiRequest], int],
        halts: Halts | None = None,
    ) -> None:
        self._inner = inner
        self._halts = halts or Halts()
        self._estimate = estimate if tokens_per_minute else _nothing
        self._requests = _Pace(requests_per_minute)
        self._tokens = _Pace(tokens_per_minute)
        self._largest = concurrency
        self._limit = float(concurrency)
        self._spare = math.ceil(concurrency / _SPARE)
        self._halvings = 0
        self._closed_until = -math.inf
        self._closing: asyncio.Future[None] | None = None
        self._waiters: list[_Waiter] = []
        self._numbers = itertools.count()
        self._running = 0
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> LimitState:
        """How things stand."""
        return LimitState(int(self._limit), self._running, self._waiting)

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request` when its turn has come.

        Raises:
            GeminiError: As the inner one does.
        """
        estimated = self._estimate(request)
        async with self._halts.passing(request.model) as halt:
            await self._turn(request.urgency, estimated, halt)
            return await self._send(request, estimated)

    async def aclose(self) -> None:
        """Close what is inside."""
        if self._timer is not None:
            self._timer.cancel()
        await self._inner.aclose()

    async def _send(self, request: GeminiRequest, estimated: int) -> GeminiReply:
        halvings, spent = self._halvings, estimated
        try:
            reply = await self._inner.generate(request)
        except GeminiError as error:
            spent = _spent_in_vain(error, estimated)
            if isinstance(error, LaterError):
                self._close_for(error.retry_after)
            if isinstance(error, RateLimitError):
                self._slow_down(halvings)
            raise
        else:
            spent = reply.usage.total or estimated
            self._speed_up(halvings)
            return reply
        finally:
            self._leave(spent - estimated)

    async def _turn(self, urgency: Urgency, tokens: int, halt: asyncio.Future[GeminiError]) -> None:
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(urgency.priority, next(self._numbers), tokens, turn)
        self._waiting += 1
        self._queue(waiter)
        try:
            with urgency.heard(lambda: self._queue(waiter._replace(priority=Priority.INTERACTIVE))):
                await self._wait(turn, halt)
            if halt.done():
                raise copy_of(halt.result())
        except (asyncio.CancelledError, GeminiError):
            if turn.cancel():
                self._waiting -= 1
            else:  # it was let in, and cancelled before it could move
                self._leave(-tokens)
            raise

    async def _wait(self, turn: asyncio.Future[None], halt: asyncio.Future[GeminiError]) -> None:
        """Wait for one of the two; the task's time runs on only while the door is closed."""
        loop = asyncio.get_running_loop()
        while not turn.done() and not halt.done():
            closed_for = self._closed_until - loop.time()
            if closed_for > 0:
                await asyncio.wait((turn, halt), timeout=closed_for, return_when=_FIRST)
                continue
            if self._closing is None or self._closing.done():
                self._closing = loop.create_future()
            with stopped_clock():
                await asyncio.wait((turn, halt, self._closing), return_when=_FIRST)

    def _queue(self, waiter: _Waiter) -> None:
        """Let it wait, in a second place too if it already does: it goes when the first is due."""
        heapq.heappush(self._waiters, waiter)
        self._admit()

    def _room(self, waiter: _Waiter) -> int:
        """Return how many others may be on their way if this one is to go."""
        spare = self._spare if waiter.priority is Priority.INTERACTIVE else 0
        return int(self._limit) + spare

    def _leave(self, correction: float) -> None:
        """Take back a place, and put right what was set aside for it."""
        self._running -= 1
        self._tokens.correct(correction)
        self._admit()

    def _admit(self) -> None:
        """Let in all whose turn has come; where only time is missing, come back then."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiters and self._running < self._room(self._waiters[0]):
            if self._waiters[0].turn.done():  # cancelled, or let in before its turn
                heapq.heappop(self._waiters)
                continue
            opens_at = max(self._closed_until, self._requests.free_at, self._tokens.free_at)
            if opens_at > loop.time():
                self._timer = loop.call_at(opens_at, self._admit)
                return
            waiter = heapq.heappop(self._waiters)
            self._requests.spend(1, loop.time())
            self._tokens.spend(waiter.tokens, loop.time())
            self._running += 1
            self._waiting -= 1
            waiter.turn.set_result(None)

    def _close_for(self, seconds: float | None) -> None:
        """Let nobody in before the time that the server named."""
        if seconds is not None:
            opens_at = asyncio.get_running_loop().time() + seconds
            self._closed_until = max(self._closed_until, opens_at)
            if self._closing is not None and not self._closing.done():
                self._closing.set_result(None)

    def _slow_down(self, halvings: int) -> None:
        """Halve the limit, unless that was done since the request of this refusal started."""
        if halvings == self._halvings:
            self._halvings += 1
            self._limit = max(1.0, self._limit / 2)
            _log.info(
                "Gemini limits the rate: at most %d requests at once, %d wait.",
                int(self._limit),
                self._waiting,
            )

    def _speed_up(self, halvings: int) -> None:
        """Give a little back for a success that started since the last halving."""
        if halvings == self._halvings:
            step = max(1.0, self._largest / _GROWTH)
            self._limit = min(self._largest, self._limit + step / self._limit)


def _nothing(_request: GeminiRequest) -> int:
    return 0


def _spent_in_vain(error: GeminiError, estimated: int) -> int:
    """Return the tokens of an attempt that failed; where no answer came, nobody knows them."""
    if error.bill is not None:
        return error.bill.input_tokens + error.bill.output_tokens + error.bill.thought_tokens
    return estimated if isinstance(error, TransportError) else 0
