"""No more than so many dollars a day."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from label_studio_gemini.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from label_studio_gemini.cache.ledger import Ledger
    from label_studio_gemini.gemini.types import GeminiRequest

SPENT_HINT = (
    "Raise `budget: {per_day: …}` in the YAML, or go on tomorrow; what was answered before is "
    "still served."
)
UNPRICED_HINT = (
    "Give `prices: {input: …, output: …}` in the YAML, in US dollars per million tokens, or take "
    "`budget` out."
)


class Budget:
    """Lets a call go only if the day's calls, those on their way included, leave money for it.

    What a call will cost is set aside until the ledger has it. Where what is left is set aside for
    others, a call waits for them: they may cost less. So one process spends at most one call more
    than the budget. Others see what is spent when a call has ended, but not what is set aside: each
    may spend what it has on its way when the money runs out.

    Args:
        per_day: US dollars, from midnight to midnight of the machine's local time.
        ledger: What knows what was spent.
        estimate: What a request will cost; None if its price is not known: it is not sent then,
            since nobody could say when to stop. It is called in a thread.
    """

    def __init__(
        self,
        per_day: Decimal,
        ledger: Ledger,
        estimate: Callable[[GeminiRequest], Decimal | None],
    ) -> None:
        self._per_day = per_day
        self._ledger = ledger
        self._estimate = estimate
        self._reserved = Decimal(0)
        self._settled = asyncio.Event()  # set, and replaced, whenever a call has ended

    @asynccontextmanager
    async def place(self, request: GeminiRequest) -> AsyncIterator[None]:
        """Enclose a call and its entry in the ledger.

        Raises:
            BudgetError: The budget is used up, or the price is not known.
        """
        estimate = await asyncio.to_thread(self._estimate, request)
        if estimate is None:
            message = f"The price of {request.model} is not known, so no budget can be kept."
            raise BudgetError(message, hint=UNPRICED_HINT)
        await self._wait()
        self._reserved += estimate
        try:
            yield
        finally:
            self._reserved -= estimate
            self._settled.set()
            self._settled = asyncio.Event()

    async def _wait(self) -> None:
        """Return, and give up control no more, when there is money left."""
        while True:
            settled = self._settled
            spent = await self._ledger.spent_today()
            if settled.is_set():
                continue  # `spent` may lack what has just been settled
            if spent >= self._per_day:
                message = f"Today's budget of ${self._per_day:.2f} is used up (${spent:.2f})."
                raise BudgetError(message, hint=SPENT_HINT)
            if spent + self._reserved < self._per_day:
                return
            await settled.wait()
