"""A reply that is cut before there is anything in it: once more with less thinking, or an error."""

from __future__ import annotations

import pytest

from gemini_fakes import REPLY, FakeGemini, in_turn, request
from label_studio_gemini import errors
from label_studio_gemini.gemini.learning import LearningGemini
from label_studio_gemini.gemini.types import (
    GeminiReply,
    GeminiRequest,
    LeastThinking,
    Options,
    Thinking,
    ThinkingLevel,
    Usage,
)
from virtual_time import run_virtually

HIGH, MINIMAL = ThinkingLevel.HIGH, ThinkingLevel.MINIMAL


def thoughts(fake: FakeGemini) -> list[Thinking | None]:
    return [asked.options.thinking for asked in fake.asked]


def cut_after(text: str) -> GeminiReply:
    return GeminiReply(text, Usage(10, 5, 40), truncated=True)


def test_a_reply_that_is_cut_before_its_first_item_is_tried_once_more_with_the_least() -> None:
    def answer(asked: GeminiRequest) -> GeminiReply:
        return cut_after('[{"box_2d": [1') if asked.options.thinking is HIGH else REPLY

    fake = FakeGemini(answer)
    gemini = LearningGemini(fake, is_empty=lambda text: "}" not in text)
    reply = run_virtually(gemini.generate(request(options=Options(thinking=HIGH))))
    assert thoughts(fake) == [HIGH, MINIMAL]
    assert reply.usage == Usage(20, 5, 40)  # both were paid for


@pytest.mark.parametrize(("thinking", "times"), [(HIGH, 2), (LeastThinking(), 1)])
def test_if_that_does_not_help_the_error_names_the_limit(thinking: Thinking, times: int) -> None:
    fake = FakeGemini(in_turn(cut_after("[{")))
    gemini = LearningGemini(fake, is_empty=lambda _: True)
    with pytest.raises(errors.OutOfTokensError, match="limit of output tokens") as caught:
        run_virtually(gemini.generate(request(options=Options(thinking=thinking))))
    assert len(fake.asked) == times
    assert caught.value.bill == Usage(10 * times, 5 * times, 40 * times)
    assert "`max_output_tokens`" in caught.value.hint
    assert "`thinking`" in caught.value.hint


def test_what_is_cut_and_can_be_used_is_used() -> None:
    cut = cut_after("[{}, {")
    gemini = LearningGemini(FakeGemini(in_turn(cut)), is_empty=lambda text: "}" not in text)
    assert run_virtually(gemini.generate(request(options=Options(thinking=HIGH)))) is cut
