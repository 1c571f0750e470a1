"""A Gemini that is never paid twice for the same answer."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from label_studio_gemini.cache.digest import digest_of_request
from label_studio_gemini.cache.entries import OK, Kind
from label_studio_gemini.cache.store import Turn
from label_studio_gemini.errors import BudgetError, GeminiError, LaterError, TransportError
from label_studio_gemini.gemini.time_limits import SharedClock
from label_studio_gemini.gemini.types import GeminiReply, InlineImage, Usage

if TYPE_CHECKING:
    from label_studio_gemini.cache.budget import Budget
    from label_studio_gemini.cache.ledger import Ledger
    from label_studio_gemini.cache.rows import Outcome
    from label_studio_gemini.cache.store import ReplyStore
    from label_studio_gemini.errors import Bill
    from label_studio_gemini.gemini.types import Gemini, GeminiRequest

_logger = logging.getLogger(__name__)

GRACE = 8.0
"""Seconds: Docker kills a container 10 s after it told it to stop."""
STOPPED_HINT = "Ask again when the program has started again."

_FIRST_LOOK = 0.02  # seconds until it is looked whether another process has its answer
_LONGEST_LOOK = 0.5
_SIGNS_OF_LIFE = 4  # in the time of a lease


@dataclass(eq=False)
class _Call:
    """A request that is being answered, for all who wait for it.

    Attributes:
        request: The request of the first.
        waiters: How many wait.
        sent: Whether it was passed on, and has to be paid: it is not given up any more.
        asking: Whether Gemini's answer is being waited for.
        paid: Whether its outcome was paid for by this very call.
        clock: The time of all who wait: it stands for each of them while the call has to.
        task: What comes of it; None if it was given up.
    """

    request: GeminiRequest
    waiters: int = 0
    sent: bool = False
    asking: bool = False
    paid: bool = False
    clock: SharedClock = field(default_factory=SharedClock)
    task: asyncio.Task[Outcome | None] = field(init=False)


class CachingGemini:
    """Asks once, whoever asks however often, and notes every request in the ledger.

    - A reply is stored before anyone gets it, and answers the same request from then on; so does a
      failure that will not change, for a while. Neither has a usage or a bill then.
    - Requests that are the same, and on their way together, are one call: within the process, and
      among all processes that share the store.
    - A call that was sent goes on when nobody waits for it any more: it is paid for, and answers
      the next one who asks.

    It belongs to one event loop.

    Args:
        inner: What answers; it is closed here, and so are the store and the ledger.
        store: What remembers replies; None to remember none.
        ledger: What notes requests.
        api: Which of the two APIs answers: a part of what makes requests the same.
        where: Its address and version: likewise.
        budget: What may forbid a call; None for no limit.
        grace: Seconds for which `aclose` waits for calls that are on their way.
    """

    def __init__(
        self,
        inner: Gemini,
        *,
        store: ReplyStore | None,
        ledger: Ledger,
        api: str,
        where: str,
        budget: Budget | None = None,
        grace: float = GRACE,
    ) -> None:
        self._inner = inner
        self._store = store
        self._ledger = ledger
        self._api = api
        self._where = where
        self._budget = budget
        self._grace = grace
        self._calls: dict[str, _Call] = {}
        self._leased: set[str] = set()
        self._heart: asyncio.Task[None] | None = None

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`, from what was paid for before where there is such a thing.

        Raises:
            BudgetError: It would have to be paid for, and the budget does not allow it.
            GeminiError: As the inner one does, or as it did before.
        """
        start = time.perf_counter()
        digest = await self._digest(request)
        call = self._calls.get(digest)
        is_first = call is None
        if call is None:
            call = self._calls[digest] = _Call(request)
            call.task = asyncio.create_task(self._run(digest, call), context=call.clock.context())
        call.waiters += 1
        try:
            with call.clock.joined():
                outcome = await asyncio.shield(call.task)
        finally:
            call.waiters -= 1
        if outcome is None:
            raise TransportError("The program was stopped.", hint=STOPPED_HINT)
        if not (is_first and call.paid):
            outcome = _unbilled(outcome)
            kind = Kind.HIT if _was_sent(outcome) else Kind.REFUSED
            seconds = time.perf_counter() - start
            self._ledger.add(request, kind, _name(outcome), seconds=seconds)
        if isinstance(outcome, GeminiError):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Wait a while for what was sent, then close everything; what came is stored."""
        calls = list(self._calls.values())
        for call in calls:
            if not call.sent:
                call.task.cancel()
        if calls:
            await asyncio.wait([call.task for call in calls], timeout=self._grace)
        for call in calls:
            if call.asking:
                _logger.warning("A call to %s is given up: it took too long.", call.request.model)
                call.task.cancel()
        await asyncio.gather(*(call.task for call in calls), return_exceptions=True)
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait([self._heart])
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._ledger.aclose)
            if self._store is not None:
                stack.push_async_callback(self._store.aclose)
            stack.push_async_callback(self._inner.aclose)

    async def _digest(self, request: GeminiRequest) -> str:
        images = (*request.images, *(one for shown in request.examples for one in shown.images))
        digested = all(image.digest for image in images if isinstance(image, InlineImage))
        if digested:
            return digest_of_request(request, api=self._api, where=self._where)
        return await asyncio.to_thread(digest_of_request, request, api=self._api, where=self._where)

    async def _run(self, digest: str, call: _Call) -> Outcome | None:
        """Come by an outcome; None if `aclose` has ended that, or nobody waits and it is free."""
        try:
            return await self._obtain(digest, call)
        except asyncio.CancelledError:
            return None
        finally:
            self._forget(digest, call)

    async def _obtain(self, digest: str, call: _Call) -> Outcome | None:
        if self._store is None:
            return await self._afford(digest, call)
        if call.request.fresh:
            outcome = await self._afford(digest, call)
            await self._store.finish(digest, outcome, call.request.model)
            return outcome
        found = await self._claim(self._store, digest, call)
        if found is not Turn.OURS:
            return found
        outcome = None
        self._keep_alive(self._store, digest)
        try:
            outcome = await self._afford(digest, call)
        finally:
            self._leased.discard(digest)
            await self._store.finish(digest, outcome, call.request.model)
        return outcome

    async def _claim(
        self, store: ReplyStore, digest: str, call: _Call
    ) -> Outcome | Literal[Turn.OURS] | None:
        """Return what is known, as soon as no other process is asking; None if nobody waits."""
        delay = _FIRST_LOOK
        while (found := await store.claim(digest)) is Turn.THEIRS:
            if not call.waiters:
                self._forget(digest, call)
                return None
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_LOOK)
        return found

    async def _afford(self, digest: str, call: _Call) -> Outcome | None:
        try:
            async with AsyncExitStack() as stack:
                if self._budget is not None:
                    await stack.enter_async_context(self._budget.place(call.request))
                if call.waiters:
                    return await self._ask(call)
                self._forget(digest, call)  # before anyone else joins it
                return None
        except BudgetError as error:
            return error

    def _forget(self, digest: str, call: _Call) -> None:
        if self._calls.get(digest) is call:
            del self._calls[digest]

    async def _ask(self, call: _Call) -> Outcome:
        start = time.perf_counter()
        call.sent = call.asking = call.paid = True
        outcome: Outcome
        try:
            outcome = await self._inner.generate(call.request)
        except GeminiError as error:
            outcome = error
        finally:
            call.asking = False
        bill = outcome.usage if isinstance(outcome, GeminiReply) else outcome.bill
        self._ledger.add(
            call.request,
            Kind.CALL if _was_sent(outcome) else Kind.REFUSED,
            _name(outcome),
            seconds=time.perf_counter() - start,
            usage=_usage_of(bill),
        )
        return outcome

    def _keep_alive(self, store: ReplyStore, digest: str) -> None:
        """Renew a lease, for as long as it is among those of this process."""
        self._leased.add(digest)
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat(store))

    async def _beat(self, store: ReplyStore) -> None:
        while self._leased:
            await asyncio.sleep(store.lease / _SIGNS_OF_LIFE)
            if self._leased:
                await store.renew(tuple(self._leased))


def _unbilled(outcome: Outcome) -> Outcome:
    """Return an outcome as those get it who did not pay for it; errors are never shared."""
    if isinstance(outcome, GeminiReply):
        return replace(outcome, usage=Usage(), cached=True)
    if isinstance(outcome, LaterError):
        return type(outcome)(outcome.message, hint=outcome.hint, retry_after=outcome.retry_after)
    copy = type(outcome)(outcome.message, hint=outcome.hint)
    copy.sent = outcome.sent
    return copy


def _was_sent(outcome: Outcome) -> bool:
    return isinstance(outcome, GeminiReply) or outcome.sent


def _name(outcome: Outcome) -> str:
    return OK if isinstance(outcome, GeminiReply) else type(outcome).__name__


def _usage_of(bill: Bill | None) -> Usage:
    if bill is None:
        return Usage()
    return Usage(
        bill.input_tokens,
        bill.output_tokens,
        bill.thought_tokens,
        bill.cached_tokens,
        bill.image_tokens,
    )
