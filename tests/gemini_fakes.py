"""A Gemini that answers by a function, and remembers what it was asked and when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.gemini.types import GeminiReply, GeminiRequest, Options, Usage
from label_studio_gemini.gemini.urgency import Priority, Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Answer: TypeAlias = "Callable[[GeminiRequest], GeminiReply | Exception]"

REPLY = GeminiReply(text="[]", usage=Usage(input_tokens=10))


def request(
    *,
    model: str = "gemini-9",
    prompt: str = "Detect.",
    schema: Mapping[str, object] | None = None,
    options: Options | None = None,
    priority: Priority = Priority.BATCH,
) -> GeminiRequest:
    return GeminiRequest(
        model=model,
        prompt=prompt,
        images=(),
        schema=schema,
        options=options or Options(),
        urgency=Urgency(priority),
    )


@dataclass(eq=False)
class FakeGemini:
    """Answers `answer(request)` after `seconds`; an error is raised instead."""

    answer: Answer = lambda _: REPLY
    seconds: float = 1.0
    asked: list[GeminiRequest] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    most: int = 0
    running: int = 0
    closed: bool = False

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        self.asked.append(request)
        self.times.append(asyncio.get_running_loop().time())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            answer = self.answer(request)
            await asyncio.sleep(self.seconds)
        finally:
            self.running -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.closed = True


def in_turn(
    *answers: GeminiReply | Exception,
) -> Callable[[GeminiRequest], GeminiReply | Exception]:
    """Return a function that gives one answer after another, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
