"""What a model refuses is corrected, remembered and logged once; on the wire as well."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

from gemini_fakes import REPLY, FakeGemini, in_turn, request
from label_studio_gemini import errors
from label_studio_gemini.emulator import Fault, Problem, Stop
from label_studio_gemini.gemini.connect import connect_gemini
from label_studio_gemini.gemini.learning import MOST_CORRECTIONS, LearningGemini
from label_studio_gemini.gemini.types import (
    GeminiReply,
    GeminiRequest,
    InlineImage,
    LeastThinking,
    Options,
    Thinking,
    ThinkingLevel,
    Usage,
)
from virtual_time import now, run_virtually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

MINIMAL, LOW, MEDIUM, HIGH = ThinkingLevel
LEAST = request(options=Options(thinking=LeastThinking()))
OPAQUE = "Request contains an invalid argument."
Api: TypeAlias = Literal["interactions", "generate_content"]


def refusal(said: str) -> errors.RequestError:
    return errors.RequestError(f"Gemini answered 400: {said}", hint="Change it.")


def no_minimal(asked: GeminiRequest) -> GeminiReply | Exception:
    if asked.options.thinking is MINIMAL:
        return refusal("Thinking level MINIMAL is not supported for this model.")
    return REPLY


def thoughts(fake: FakeGemini) -> list[Thinking | None]:
    return [asked.options.thinking for asked in fake.asked]


def test_a_refusal_is_corrected_and_remembered_for_that_model() -> None:
    fake = FakeGemini(no_minimal)
    gemini = LearningGemini(fake)
    for _ in range(2):
        assert run_virtually(gemini.generate(LEAST)) is REPLY
    run_virtually(gemini.generate(replace(LEAST, model="another")))
    assert thoughts(fake) == [MINIMAL, LOW, LOW, MINIMAL, LOW]


def test_a_lesson_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    gemini = LearningGemini(FakeGemini(no_minimal))
    for _ in range(3):
        run_virtually(gemini.generate(LEAST))
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "gemini-9 is asked without thinking_level minimal from now on: Gemini answered 400: "
        "Thinking level MINIMAL is not supported for this model."
    )


def test_several_parts_are_corrected_one_after_the_other() -> None:
    def answer(asked: GeminiRequest) -> GeminiReply | Exception:
        if asked.options.temperature is not None:
            return refusal("Unknown parameter 'temperature' at 'generation_config'.")
        if asked.options.seed is not None:
            return refusal("Unknown parameter 'seed' at 'generation_config'.")
        return no_minimal(asked)

    fake = FakeGemini(answer)
    ask = request(options=Options(thinking=LeastThinking(), temperature=0.5, seed=1, top_p=0.9))
    run_virtually(LearningGemini(fake).generate(ask))
    assert fake.asked[-1].options == Options(thinking=LOW, top_p=0.9)
    assert len(fake.asked) == 4


def test_a_refusal_about_anything_else_is_passed_on_as_it_is() -> None:
    error = refusal("Unable to process input image. Please retry.")
    fake = FakeGemini(in_turn(error))
    with pytest.raises(errors.RequestError) as caught:
        run_virtually(LearningGemini(fake).generate(LEAST))
    assert caught.value is error
    assert len(fake.asked) == 1


def test_one_request_is_corrected_a_bounded_number_of_times() -> None:
    """A service that finds fault with everything is not asked for ever."""
    schema = {"type": "string"} | {f"keyWord{letter}": 1 for letter in "ABCDEFGHIJKLMNOPQRST"}

    def answer(asked: GeminiRequest) -> Exception:
        assert asked.schema
        return refusal(f"Unknown name {list(asked.schema)[-1]!r}: Cannot find field.")

    fake = FakeGemini(answer)
    with pytest.raises(errors.RequestError):
        run_virtually(LearningGemini(fake).generate(request(schema=schema)))
    assert len(fake.asked) == MOST_CORRECTIONS + 1


def test_a_service_that_contradicts_itself_comes_to_an_end() -> None:
    def answer(asked: GeminiRequest) -> Exception:
        low = 600 if asked.options.thinking == 700 else 700
        return refusal(f"thinking_budget must be between {low} and {low}")

    fake = FakeGemini(answer)
    with pytest.raises(errors.RequestError):
        run_virtually(LearningGemini(fake).generate(request(options=Options(thinking=600))))
    assert len(fake.asked) <= MOST_CORRECTIONS + 1


SCHEMA = {"type": "array", "maxItems": 900, "items": {"type": "string"}}
PLAIN_SCHEMA = {"type": "array", "items": {"type": "string"}}


def test_a_refusal_without_a_reason_is_tried_without_bounds_and_learnt_if_that_helps() -> None:
    def answer(asked: GeminiRequest) -> GeminiReply | Exception:
        return refusal(OPAQUE) if asked.schema == SCHEMA else REPLY

    fake = FakeGemini(answer)
    gemini = LearningGemini(fake)
    for _ in range(2):
        run_virtually(gemini.generate(request(schema=SCHEMA)))
    assert [asked.schema for asked in fake.asked] == [SCHEMA, PLAIN_SCHEMA, PLAIN_SCHEMA]


def test_a_wrong_guess_is_made_once_and_not_learnt() -> None:
    fake = FakeGemini(in_turn(refusal(OPAQUE), refusal(OPAQUE), refusal(OPAQUE), REPLY))
    gemini = LearningGemini(fake)
    for _ in range(2):
        with pytest.raises(errors.RequestError):
            run_virtually(gemini.generate(request(schema=SCHEMA)))
    run_virtually(gemini.generate(request(schema=SCHEMA)))
    assert [asked.schema for asked in fake.asked] == [SCHEMA, PLAIN_SCHEMA, SCHEMA, SCHEMA]


async def many(gemini: LearningGemini, number: int, ask: GeminiRequest = LEAST) -> list[Any]:
    requests = (gemini.generate(ask) for _ in range(number))
    return await asyncio.gather(*requests, return_exceptions=True)


def test_of_64_at_once_only_one_is_refused() -> None:
    """A refusal comes fast: the others wait for it, and no longer than that."""

    class Quick(FakeGemini):
        async def generate(self, request: GeminiRequest) -> GeminiReply:
            self.seconds = 0.2 if request.options.thinking is MINIMAL else 10
            return await super().generate(request)

    async def main() -> None:
        fake = Quick(no_minimal)
        assert await many(LearningGemini(fake), 64) == [REPLY] * 64
        assert thoughts(fake).count(MINIMAL) == 1
        assert len(fake.asked) == 65
        assert now() - 1_000 < 0.2 + 2 + 10 + 0.1

    run_virtually(main())


def test_what_is_known_to_be_taken_is_not_waited_for() -> None:
    async def main() -> None:
        fake = FakeGemini(seconds=10)
        gemini = LearningGemini(fake)
        await many(gemini, 1)
        started = now()
        await many(gemini, 64)
        assert now() - started == 10

    run_virtually(main())


@pytest.mark.parametrize(
    "error",
    [
        errors.ServiceError("Gemini answered 503.", hint="Wait."),
        refusal("Unable to process input image."),
    ],
)
def test_one_that_fails_for_another_reason_holds_nobody_up(error: errors.GeminiError) -> None:
    async def main() -> None:
        fake = FakeGemini(in_turn(error), seconds=1)
        assert await many(LearningGemini(fake), 64) == [error] * 64
        assert now() == 1_002

    run_virtually(main())


def test_one_that_is_cancelled_holds_nobody_up() -> None:
    async def main() -> None:
        fake = FakeGemini(no_minimal, seconds=1)
        gemini = LearningGemini(fake)
        tasks = [asyncio.create_task(gemini.generate(LEAST)) for _ in range(8)]
        await asyncio.sleep(0.5)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1:] == [REPLY] * 7
        assert thoughts(fake).count(MINIMAL) == 2

    run_virtually(main())


def test_thoughts_that_ate_all_tokens_are_tried_once_more_with_the_least() -> None:
    def answer(asked: GeminiRequest) -> GeminiReply | Exception:
        if asked.options.thinking is LOW:
            return REPLY
        if asked.options.thinking is MINIMAL:
            return no_minimal(asked)
        return errors.OutOfTokensError("Out.", hint="Less.", bill=Usage(10, 0, 500, 1, 9))

    fake = FakeGemini(answer)
    gemini = LearningGemini(fake)
    reply = run_virtually(gemini.generate(request(options=Options(thinking=HIGH))))
    assert thoughts(fake) == [HIGH, MINIMAL, LOW]
    assert reply.usage == Usage(20, 0, 500, 1, 9)  # both were paid for
    run_virtually(gemini.generate(request()))
    assert thoughts(fake)[3:] == [None, LOW]


def test_out_of_tokens_with_the_least_thinking_is_final() -> None:
    out = errors.OutOfTokensError("Out.", hint="Less.", bill=Usage(10, 0, 500))
    fake = FakeGemini(in_turn(out))
    gemini = LearningGemini(fake)
    with pytest.raises(errors.OutOfTokensError):
        run_virtually(gemini.generate(LEAST))
    assert thoughts(fake) == [MINIMAL]
    again = errors.OutOfTokensError("Out.", hint="Less.", bill=Usage(10, 0, 50))
    fake = FakeGemini(in_turn(out, again))
    with pytest.raises(errors.OutOfTokensError) as caught:
        run_virtually(LearningGemini(fake).generate(request(options=Options(thinking=HIGH))))
    assert caught.value is again
    assert caught.value.bill == Usage(20, 0, 550)
    assert thoughts(fake) == [HIGH, MINIMAL]


async def test_closing_closes_what_is_inside() -> None:
    fake = FakeGemini()
    await LearningGemini(fake).aclose()
    assert fake.closed


# Through the adapters, to the emulator's door: what was really sent.


@dataclass(frozen=True)
class Wire:
    """What is sent, one request after the other: a level, a budget, or None for neither."""

    model: str
    wanted: Thinking
    generate_content: list[str | int | None]
    interactions: list[str | None]


WIRES = [
    Wire("gemini-3-flash-preview", LeastThinking(), ["MINIMAL"], ["minimal"]),
    Wire("gemini-3.8-flash", LeastThinking(), ["MINIMAL", "LOW"], ["minimal", "low"]),
    Wire("gemini-3.1-pro-preview", LeastThinking(), ["MINIMAL", "LOW"], ["minimal", "low"]),
    Wire("gemini-2.5-flash", LeastThinking(), ["MINIMAL", 0], ["minimal", None]),
    Wire("gemini-2.5-pro", LeastThinking(), ["MINIMAL", 0, 128], ["minimal", None]),
    Wire("gemini-3-flash-preview", HIGH, ["HIGH"], ["high"]),
    Wire("gemini-3.8-flash", MINIMAL, ["MINIMAL", "LOW"], ["minimal", "low"]),
    Wire("gemini-2.5-flash", MEDIUM, ["MEDIUM", 8_192], ["medium", None]),
    Wire("gemini-2.5-flash", HIGH, ["HIGH", 24_576], ["high", None]),
    Wire("gemini-3.1-pro-preview", 0, [0, 128], ["minimal", "low"]),
    Wire("gemini-3-flash-preview", 0, [0], ["minimal"]),
    Wire("gemini-3-flash-preview", 1_000, [1_000], ["low"]),
]


def wires() -> Iterator[Any]:
    for wire in WIRES:
        wanted = wire.wanted if isinstance(wire.wanted, int | str) else "least"
        for api in ("generate_content", "interactions"):
            yield pytest.param(api, wire, id=f"{api}-{wire.model}-{wanted}")


def sent_thinking(body: Any) -> object:
    config = body.get("generationConfig", body.get("generation_config", {}))
    thinking = config.get("thinkingConfig", config)
    return thinking.get("thinking_level", thinking.get("thinking_budget"))


def ask_about(photos: Path, **options: Any) -> GeminiRequest:
    image = InlineImage((photos / "coins.jpg").read_bytes(), "image/jpeg")
    schema = {"type": "array", "items": {"type": "object"}}
    return GeminiRequest(
        "gemini-3-flash-preview", "Detect every coin.", (image,), schema, Options(**options)
    )


def connected(api: Api, gemini: RunningEmulator) -> LearningGemini:
    inner = connect_gemini(api=api, api_key="any", base_url=gemini.url, timeout=60)
    return LearningGemini(inner, patience=30)  # however slow the machine is


@pytest.mark.parametrize(("api", "wire"), list(wires()))
async def test_each_model_is_sent_what_it_takes_and_the_second_time_at_once(
    api: Api, wire: Wire, gemini: RunningEmulator, photos: Path
) -> None:
    learning = connected(api, gemini)
    ask = replace(ask_about(photos, thinking=wire.wanted), model=wire.model)
    assert (await learning.generate(ask)).text
    first = [sent_thinking(one.body) for one in gemini.requests]
    await learning.generate(ask)
    await learning.aclose()
    expected = wire.generate_content if api == "generate_content" else wire.interactions
    assert first == expected
    assert [sent_thinking(one.body) for one in gemini.requests] == [*expected, expected[-1]]
    statuses = [one.status for one in gemini.requests]
    assert statuses == [400] * (len(expected) - 1) + [200, 200]


async def test_it_is_said_that_the_api_has_no_budgets(
    gemini: RunningEmulator, photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No model refuses it, and nothing was sent."""
    learning = connected("interactions", gemini)
    await learning.generate(ask_about(photos, thinking=1_000))
    await learning.aclose()
    assert len(gemini.requests) == 1
    (said,) = (one.getMessage() for one in caplog.records if one.levelno == logging.WARNING)
    assert said == (
        "gemini-3-flash-preview is asked without thinking_budget from now on: "
        "The Interactions API takes no `thinking_budget`."
    )


@pytest.mark.parametrize("api", ["generate_content", "interactions"])
async def test_other_parts_are_left_out_on_the_wire(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    """The rest of the request, and the parts that are taken, stay."""
    learning = connected(api, gemini)
    reply = await learning.generate(ask_about(photos, temperature=3.0, top_p=1.5, seed=7))
    await learning.aclose()
    assert reply.text
    refused, *_, answered = gemini.requests
    assert [one.status for one in gemini.requests] == [400, 400, 200]
    name = "generationConfig" if api == "generate_content" else "generation_config"
    assert isinstance(refused.body, dict)
    assert isinstance(answered.body, dict)
    config = answered.body[name]
    assert isinstance(config, dict)
    assert {"temperature", "top_p", "topP"}.isdisjoint(config)
    assert config["seed"] == 7
    rest = {key: value for key, value in refused.body.items() if key != name}
    assert rest == {key: value for key, value in answered.body.items() if key != name}


@pytest.mark.parametrize("api", ["generate_content", "interactions"])
async def test_64_at_once_teach_with_few_refusals_on_the_wire(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    learning = connected(api, gemini)
    ask = replace(ask_about(photos, thinking=LeastThinking()), model="gemini-3.8-flash")
    replies = await asyncio.gather(*(learning.generate(ask) for _ in range(64)))
    await learning.aclose()
    assert all(reply.text for reply in replies)
    statuses = [one.status for one in gemini.requests]
    assert (statuses.count(400), statuses.count(200)) == (1, 64)


@pytest.mark.parametrize("api", ["generate_content", "interactions"])
async def test_out_of_tokens_is_sent_once_more_with_less_on_the_wire(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(Fault(stop=Stop.OUT_OF_TOKENS))
    learning = connected(api, gemini)
    reply = await learning.generate(ask_about(photos, thinking=HIGH))
    await learning.aclose()
    assert reply.text
    first, second = (sent_thinking(one.body) for one in gemini.requests)
    assert (str(first).lower(), str(second).lower()) == ("high", "minimal")
    assert reply.usage.thought_tokens > 0


@pytest.mark.parametrize("api", ["generate_content", "interactions"])
async def test_a_refusal_that_teaches_nothing_is_one_request_on_the_wire(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(Fault(problem=Problem.BAD_REQUEST, times=None))
    learning = connected(api, gemini)
    with pytest.raises(errors.RequestError, match="invalid argument"):
        await learning.generate(ask_about(photos, thinking=LeastThinking(), temperature=0.5))
    await learning.aclose()
    assert len(gemini.requests) == 1
