"""What each model refuses is learnt from its refusals, and not sent to it again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from label_studio_gemini.errors import GeminiError, OutOfTokensError, RequestError
from label_studio_gemini.gemini.lessons import (
    BUDGET,
    LEVEL,
    NOTHING,
    Refused,
    build_allowed,
    guess_refusal,
    optional_parts,
    read_refusal,
)
from label_studio_gemini.gemini.stops import cut_short_error
from label_studio_gemini.gemini.types import GeminiReply, LeastThinking, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from label_studio_gemini.errors import Bill
    from label_studio_gemini.gemini.types import Gemini, GeminiRequest

_log = logging.getLogger(__name__)

MOST_CORRECTIONS = 12
"""Of one request; more than any model was seen to need."""
PATIENCE = 2.0
"""Seconds: a refusal comes before the model begins, so what was not refused by then is taken."""


@dataclass(eq=False)
class _Model:
    """What is known of one model.

    Attributes:
        name: Its name.
        refused: What it does not take.
        taken: The parts that it was sent and did not refuse.
        guessed: Whether a refusal that says nothing was interpreted before.
        trial: Set when the request ends that went ahead with parts not yet known to be taken.
        trial_until: The loop's time from which on nobody waits for that.
    """

    name: str
    refused: Refused = NOTHING
    taken: set[object] = field(default_factory=set)
    guessed: bool = False
    trial: asyncio.Event | None = None
    trial_until: float = 0.0

    @asynccontextmanager
    async def turn(
        self, request: GeminiRequest, guess: Refused, patience: float
    ) -> AsyncIterator[tuple[GeminiRequest, set[object]]]:
        """Yield what to send of `request` and its parts, once it is its turn.

        Errors count as taken, as far as they leave this context: they are no lesson.
        """
        sent = await self._wait(request, guess)
        parts, trial = _parts(sent), None
        if self.trial is None and not parts <= self.taken:
            trial = self.trial = asyncio.Event()
            self.trial_until = asyncio.get_running_loop().time() + patience
        try:
            yield sent, parts
        except GeminiError:
            self.taken |= parts
            raise
        finally:
            if trial is not None:
                self.trial = None
                trial.set()

    def accept(self, parts: set[object], guess: Refused) -> None:
        """Remember what was taken, and that a guess was right."""
        self.taken |= parts
        self._add(guess, "it said nothing more, but takes the request without")

    def learn(
        self, error: RequestError, request: GeminiRequest, sent: GeminiRequest, guess: Refused
    ) -> Refused | None:
        """Return what to leave out on trial, or None if `error` teaches nothing."""
        lesson = read_refusal(error.message, sent)
        if lesson and build_allowed(request, self.refused | guess | lesson) != sent:
            self._add(lesson, error.message)
            return guess
        trial = None if self.guessed else guess_refusal(error.message, sent)
        self.guessed = self.guessed or trial is not None
        return trial

    async def _wait(self, request: GeminiRequest, guess: Refused) -> GeminiRequest:
        while True:
            sent = build_allowed(request, self.refused | guess)
            if self.trial is None or _parts(sent) <= self.taken:
                return sent
            try:
                async with asyncio.timeout_at(self.trial_until):
                    await self.trial.wait()
            except TimeoutError:
                return sent

    def _add(self, lesson: Refused, said: str) -> None:
        refused = self.refused | lesson
        if refused != self.refused:
            self.refused = refused
            _log.warning("%s is asked without %s from now on: %s", self.name, lesson, said)


class LearningGemini:
    """Corrects what a model refuses, remembers it for that model, and says so once in the log.

    - `LeastThinking` becomes the least that the model takes; any other thinking that it refuses,
      the nearest that it takes.
    - Any other optional part that a refusal (400) names is left out. A refusal about anything else
      is passed on as it is.
    - Where the tokens were used up before there was an answer, be it by thoughts, the request is
      sent once more with the least thinking.

    Of requests that come together, one goes ahead while a model's ways are unknown, so that not all
    of them are refused.

    One object stands for one API and one process; its memory goes with it.

    Args:
        inner: What answers, retries included.
        patience: Seconds for which requests wait for the one that went ahead.
        is_empty: Says of the text of a reply that was cut off whether nothing in it can be used.
    """

    def __init__(
        self,
        inner: Gemini,
        *,
        patience: float = PATIENCE,
        is_empty: Callable[[str], bool] = str.isspace,
    ) -> None:
        self._inner = inner
        self._patience = patience
        self._is_empty = is_empty
        self._models: dict[str, _Model] = {}

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`, or what is left of it after what the model refuses.

        Raises:
            GeminiError: As the inner one does.
        """
        try:
            return await self._corrected(request)
        except OutOfTokensError as error:
            calmer = replace(request, options=replace(request.options, thinking=LeastThinking()))
            refused = self._model(request.model).refused
            if build_allowed(calmer, refused) == build_allowed(request, refused):
                raise
            bill = error.bill
        _log.info("%s was out of tokens before it answered: again, thinking less.", request.model)
        try:
            reply = await self._corrected(calmer)
        except GeminiError as error:
            error.bill, error.sent = _sum(bill, error.bill), True
            raise
        return replace(reply, usage=_sum(bill, reply.usage))

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()

    async def _corrected(self, request: GeminiRequest) -> GeminiReply:
        model = self._model(request.model)
        guess = NOTHING
        corrections = 0
        while True:
            async with model.turn(request, guess, self._patience) as (sent, parts):
                try:
                    reply = await self._inner.generate(sent)
                except RequestError as error:
                    corrections += 1
                    trial = model.learn(error, request, sent, guess)
                    if trial is None or corrections > MOST_CORRECTIONS:
                        raise
                    guess = trial
                    continue
                model.accept(parts, guess)
                if reply.truncated and self._is_empty(reply.text):
                    raise cut_short_error(reply)
                return reply

    def _model(self, name: str) -> _Model:
        return self._models.setdefault(name, _Model(name))


def _parts(request: GeminiRequest) -> set[object]:
    """Return what a request is tried for: which parts, and how much thinking."""
    return {
        (name, value) if name in {LEVEL, BUDGET} else name
        for name, value in optional_parts(request).items()
    }


def _sum(first: Bill | None, second: Bill | None) -> Usage:
    total = Usage()
    for bill in (first, second):
        if bill is not None:
            total += bill
    return total
