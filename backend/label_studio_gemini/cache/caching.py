"""A Gemini that is never paid twice for the same answer."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from label_studio_gemini.cache.calls import Call, name_of, unbilled, usage_of, was_sent
from label_studio_gemini.cache.digest import digest_of_request
from label_studio_gemini.cache.entries import Kind
from label_studio_gemini.cache.store import Turn
from label_studio_gemini.errors import BudgetError, GeminiError, TransportError
from label_studio_gemini.gemini.types import Attempt, InlineImage

if TYPE_CHECKING:
    from label_studio_gemini.cache.budget import Budget
    from label_studio_gemini.cache.ledger import Ledger
    from label_studio_gemini.cache.rows import Outcome
    from label_studio_gemini.cache.store import ReplyStore
    from label_studio_gemini.gemini.types import Gemini, GeminiReply, GeminiRequest

_logger = logging.getLogger(__name__)

GRACE = 8.0
"""Seconds: Docker kills a container 10 s after it told it to stop."""
STOPPED_HINT = "Ask again when the program has started again."

_FIRST_LOOK = 0.02  # seconds until it is looked whether another process has its answer
_LONGEST_LOOK = 0.5
_SIGNS_OF_LIFE = 4  # in the time of a lease


class CachingGemini:
    """Asks once, whoever asks however often, and notes every attempt and request in the ledger.

    - A reply is stored before anyone gets it, and answers the same request from then on; so does a
      failure that will not change, for a while. Neither has a usage or a bill then.
    - Where a reply that is remembered is of no use, a `fresh` request asks anew, once: its reply
      takes the place of the first, and answers fresh requests too, for as long as a failure would.
    - Requests that are the same, and on their way together, are one call: within the process, and
      among all processes that share the store.
    - A call that was sent goes on when nobody waits for it any more: it is paid for, and answers
      the next one who asks.

    It belongs to one event loop.

    Args:
        inner: What answers; it is closed here, and so are the store and the ledger. Each attempt
            that it reports is a call in the ledger; if it reports none, the request is one.
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
        self._calls: dict[str, Call] = {}
        self._leased: set[str] = set()
        self._heart: asyncio.Task[None] | None = None
        self._is_closed = False

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`, from what was paid for before where there is such a thing.

        Raises:
            BudgetError: It would have to be paid for, and the budget does not allow it.
            GeminiError: As the inner one does, or as it did before.
        """
        start = time.perf_counter()
        digest = await self._digest(request)
        if self._is_closed:
            raise TransportError("The program was stopped.", hint=STOPPED_HINT)
        call, is_first = await self._join(digest, request)
        call.waiters += 1
        try:
            with call.clock.joined(), request.urgency.lent_to(call.request.urgency):
                outcome = await asyncio.shield(call.task)
        finally:
            call.waiters -= 1
        if outcome is None:
            raise TransportError("The program was stopped.", hint=STOPPED_HINT)
        if not (is_first and call.paid):
            outcome = unbilled(outcome)
            kind = Kind.HIT if was_sent(outcome) else Kind.REFUSED
            seconds = time.perf_counter() - start
            self._ledger.add(request, kind, name_of(outcome), seconds=seconds)
        if isinstance(outcome, GeminiError):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Wait a while for what was sent, then close everything; what came is stored."""
        self._is_closed = True
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

    async def _join(self, digest: str, request: GeminiRequest) -> tuple[Call, bool]:
        """Return the call that answers `request`, and whether it has just begun."""
        while (call := self._calls.get(digest)) is not None:
            if call.request.fresh or not request.fresh:
                return call, False
            # It may end in the very reply that was of no use; and there is one lease for both.
            await asyncio.wait([call.task])
            self._forget(digest, call)
        call = self._calls[digest] = Call(request)
        call.task = asyncio.create_task(self._run(digest, call), context=call.clock.context())
        return call, True

    async def _run(self, digest: str, call: Call) -> Outcome | None:
        """Come by an outcome; None if `aclose` has ended that, or nobody waits and it is free."""
        try:
            return await self._obtain(digest, call)
        except asyncio.CancelledError:
            return None
        finally:
            self._forget(digest, call)

    async def _obtain(self, digest: str, call: Call) -> Outcome | None:
        if self._store is None:
            return await self._afford(digest, call)
        found = await self._claim(self._store, digest, call)
        if found is not Turn.OURS:
            return found
        outcome = None
        self._keep_alive(self._store, digest)
        try:
            outcome = await self._afford(digest, call)
        finally:
            self._leased.discard(digest)
            request = call.request
            await self._store.finish(digest, outcome, request.model, fresh=request.fresh)
        return outcome

    async def _claim(
        self, store: ReplyStore, digest: str, call: Call
    ) -> Outcome | Literal[Turn.OURS] | None:
        """Return what is known, as soon as no other process is asking; None if nobody waits."""
        delay = _FIRST_LOOK
        fresh = call.request.fresh
        while (found := await store.claim(digest, fresh=fresh)) is Turn.THEIRS:
            if not call.waiters:
                self._forget(digest, call)
                return None
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_LOOK)
        return found

    async def _afford(self, digest: str, call: Call) -> Outcome | None:
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

    def _forget(self, digest: str, call: Call) -> None:
        if self._calls.get(digest) is call:
            del self._calls[digest]

    async def _ask(self, call: Call) -> Outcome:
        start = time.perf_counter()
        call.sent = call.asking = call.paid = True
        outcome: Outcome

        def note(attempt: Attempt) -> None:
            call.attempts += 1
            self._note(attempt)

        try:
            outcome = await self._inner.generate(replace(call.request, on_attempt=note))
        except GeminiError as error:
            outcome = error
        finally:
            call.asking = False
        if not call.attempts:
            self._note(Attempt(call.request, outcome, time.perf_counter() - start))
        return outcome

    def _note(self, attempt: Attempt) -> None:
        kind = Kind.CALL if was_sent(attempt.outcome) else Kind.REFUSED
        self._ledger.add(
            attempt.request,
            kind,
            name_of(attempt.outcome),
            seconds=attempt.seconds,
            usage=usage_of(attempt.outcome),
        )

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
