"""A reply in which nothing can be used: what is said of it, and that it was paid for."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cache_kit import Clock, caching
from images_server import PNG, reading
from label_studio_gemini.cache import Limits
from label_studio_gemini.config import Config
from label_studio_gemini.errors import BackendError, OutOfTokensError, ReplyError
from label_studio_gemini.gemini import GeminiReply, Usage
from label_studio_gemini.pipeline import Asker, Failure, Pipeline
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.gemini import GeminiRequest

XML = """<View><Image name="a" value="$a"/>
<RectangleLabels name="one" toName="a"><Label value="Car"/></RectangleLabels></View>"""
USAGE = Usage(input_tokens=10, output_tokens=2, thought_tokens=1)
TASK = {"data": {"a": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}}


@dataclass
class Answering:
    """Answers the same whatever it is asked."""

    reply: GeminiReply
    calls: int = 0

    async def generate(self, _request: GeminiRequest) -> GeminiReply:
        self.calls += 1
        return self.reply

    async def aclose(self) -> None:
        pass


@dataclass(frozen=True)
class Case:
    text: str
    error: type[BackendError]
    said: str
    truncated: bool = False


CASES = [
    Case("Sorry.", ReplyError, "no list and no object"),
    Case("[7]", ReplyError, "not_an_object"),
    Case('[{"box_2d": [1', ReplyError, "cut short"),
    Case("I see", OutOfTokensError, "limit of output tokens", truncated=True),
    Case('[{"box_2d": [1', OutOfTokensError, "limit of output tokens", truncated=True),
    Case("[]", OutOfTokensError, "limit of output tokens", truncated=True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.text}-{case.truncated}")
async def test_the_error_says_why_and_what_it_cost(case: Case) -> None:
    config = Config()
    gemini = Answering(GeminiReply(case.text, USAGE, truncated=case.truncated))
    async with reading() as reader:
        pipeline = Pipeline(config, gemini, Asker(config, reader, reader))
        outcome = await pipeline.predict(TASK, build_plan(config, XML), None)
    assert isinstance(outcome, Failure)
    assert type(outcome.error) is case.error
    assert case.said in outcome.error.message
    assert isinstance(outcome.error, ReplyError | OutOfTokensError)
    assert outcome.error.bill == USAGE


async def test_a_task_that_is_opened_again_and_again_is_asked_for_twice(tmp_path: Path) -> None:
    """The second reply of no use is remembered for as long as a block is, and then once more."""
    config, clock = Config(), Clock()
    refusing = Answering(GeminiReply("I cannot help with that.", USAGE))
    store = {"limits": Limits(failures_for=60.0), "clock": clock}
    async with reading() as reader, caching(tmp_path, refusing, store=store) as gemini:
        pipeline = Pipeline(config, gemini, Asker(config, reader, reader))
        plan = build_plan(config, XML)

        async def open_it() -> ReplyError:
            outcome = await pipeline.predict(TASK, plan, None)
            assert isinstance(outcome, Failure)
            assert isinstance(outcome.error, ReplyError)
            return outcome.error

        errors = [await open_it() for _ in range(4)]
        assert refusing.calls == 2
        assert [error.bill for error in errors] == [USAGE, USAGE, Usage(), Usage()]
        assert errors[2].message.startswith(f"{errors[0].message} (Asked for anew, it was no bett")
        assert "asked again from" in str(errors[3])
        clock.now += 60
        assert [(await open_it()).bill for _ in range(2)] == [USAGE, Usage()]
    assert refusing.calls == 3
