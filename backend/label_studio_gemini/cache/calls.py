"""A call that several may wait for, and what is said of its outcome to each and to the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from label_studio_gemini.cache.entries import OK
from label_studio_gemini.errors import LaterError
from label_studio_gemini.gemini.time_limits import SharedClock
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    import asyncio

    from label_studio_gemini.cache.rows import Outcome
    from label_studio_gemini.gemini.types import GeminiRequest


@dataclass(eq=False)
class Call:
    """A request that is being answered, for all who wait for it.

    Attributes:
        request: The request of the first.
        waiters: How many wait.
        sent: Whether it was passed on, and has to be paid: it is not given up any more.
        asking: Whether Gemini's answer is being waited for.
        paid: Whether its outcome was paid for by this very call.
        attempts: So many times it was sent, as far as that was reported.
        clock: The time of all who wait: it stands for each of them while the call has to.
        task: What comes of it; None if it was given up.
    """

    request: GeminiRequest
    waiters: int = 0
    sent: bool = False
    asking: bool = False
    paid: bool = False
    attempts: int = 0
    clock: SharedClock = field(default_factory=SharedClock)
    task: asyncio.Task[Outcome | None] = field(init=False)


def unbilled(outcome: Outcome) -> Outcome:
    """Return an outcome as those get it who did not pay for it; errors are never shared."""
    if isinstance(outcome, GeminiReply):
        return replace(outcome, usage=Usage(), cached=True)
    if isinstance(outcome, LaterError):
        return type(outcome)(outcome.message, hint=outcome.hint, retry_after=outcome.retry_after)
    copy = type(outcome)(outcome.message, hint=outcome.hint)
    copy.sent = outcome.sent
    return copy


def was_sent(outcome: Outcome) -> bool:
    """Return whether Gemini was asked for it."""
    return isinstance(outcome, GeminiReply) or outcome.sent


def name_of(outcome: Outcome) -> str:
    """Return what the ledger calls it."""
    return OK if isinstance(outcome, GeminiReply) else type(outcome).__name__


def usage_of(outcome: Outcome) -> Usage:
    """Return the tokens that were billed for it."""
    if isinstance(outcome, GeminiReply):
        return outcome.usage
    return Usage() if outcome.bill is None else Usage() + outcome.bill
