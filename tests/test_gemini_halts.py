"""After a wrong key or a used-up day nothing is sent for a while; then one request tries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from gemini_fakes import REPLY, FakeGemini, in_turn, request
from label_studio_gemini import errors
from label_studio_gemini.gemini.halts import KEY_SECONDS, QUOTA_SECONDS, Halts
from label_studio_gemini.gemini.limits import LimitedGemini, LimitState
from virtual_time import now, run_virtually

if TYPE_CHECKING:
    from label_studio_gemini.gemini import GeminiReply, GeminiRequest

KEY = errors.AuthenticationError("Gemini answered 400: API key not valid.", hint="Get one.")
QUOTA = errors.QuotaError("Gemini answered 429: per day.", hint="Wait.")
BUSY = errors.ServiceError("Gemini answered 503.", hint="Wait.")


def limited(
    fake: FakeGemini, *, concurrency: int = 4, requests: float | None = None, patience: float = 0
) -> LimitedGemini:
    return LimitedGemini(
        fake,
        concurrency=concurrency,
        requests_per_minute=requests,
        estimate=lambda _: 0,
        halts=Halts(patience=patience),
    )


async def many(gemini: LimitedGemini, number: int, **fields: Any) -> list[Any]:
    asked = (gemini.generate(request(**fields)) for _ in range(number))
    return await asyncio.gather(*asked, return_exceptions=True)


def kinds(results: list[Any]) -> set[type]:
    return {type(one) for one in results}


@dataclass(frozen=True)
class Case:
    error: errors.GeminiError
    seconds: float


CASES = [Case(KEY, KEY_SECONDS), Case(QUOTA, QUOTA_SECONDS)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case.error).__name__)
def test_all_that_wait_and_all_that_come_are_refused_at_once(case: Case) -> None:
    """With the same words, in no time, and by errors of their own; what is on its way goes on."""

    async def main() -> None:
        fake = FakeGemini(in_turn(case.error))
        gemini = limited(fake, concurrency=4, requests=600)
        results = await many(gemini, 200)
        assert kinds(results) == {type(case.error)}
        assert {(one.message, one.hint) for one in results} == {
            (case.error.message, case.error.hint)
        }
        assert len({id(one) for one in results}) == 200 - 4 + 1  # the fake raises one and the same
        assert [one.sent for one in results].count(True) == 4
        assert len(fake.asked) == 4
        assert now() < 1_002
        assert gemini.state == LimitState(limit=4, running=0, waiting=0)
        await asyncio.sleep(case.seconds - 2)
        assert kinds(await many(gemini, 50)) == {type(case.error)}
        assert len(fake.asked) == 4

    run_virtually(main())


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case.error).__name__)
def test_after_a_while_one_goes_ahead_and_the_others_wait_for_it(case: Case) -> None:
    async def main() -> None:
        fake = FakeGemini(in_turn(case.error, case.error, REPLY))
        gemini = limited(fake, concurrency=32)
        await many(gemini, 1)
        await asyncio.sleep(case.seconds + 1)
        assert kinds(await many(gemini, 20)) == {type(case.error)}
        assert len(fake.asked) == 2
        await asyncio.sleep(case.seconds + 1)
        assert await many(gemini, 20) == [REPLY] * 20
        assert fake.times[2] + 1 == fake.times[3] == fake.times[-1]

    run_virtually(main())


def test_one_that_tries_and_is_cancelled_leaves_it_to_the_next() -> None:
    async def main() -> None:
        fake = FakeGemini(in_turn(KEY, REPLY))
        gemini = limited(fake)
        await many(gemini, 1)
        await asyncio.sleep(KEY_SECONDS)
        first = asyncio.create_task(gemini.generate(request()))
        others = asyncio.create_task(many(gemini, 3))
        await asyncio.sleep(0.5)
        first.cancel()
        assert await others == [REPLY] * 3
        assert len(fake.asked) == 1 + 1 + 3

    run_virtually(main())


def test_one_that_tries_and_fails_otherwise_holds_nobody_up() -> None:
    async def main() -> None:
        fake = FakeGemini(in_turn(KEY, BUSY, REPLY))
        gemini = limited(fake)
        await many(gemini, 1)
        await asyncio.sleep(KEY_SECONDS)
        results = await many(gemini, 4)
        assert results == [BUSY, REPLY, REPLY, REPLY]

    run_virtually(main())


def test_what_was_sent_before_the_refusal_opens_nothing() -> None:
    async def main() -> None:
        fake = FakeGemini(in_turn(REPLY, KEY), seconds=10)
        gemini = limited(fake)
        slow = asyncio.create_task(gemini.generate(request()))
        await asyncio.sleep(1)
        fake.seconds = 1
        await many(gemini, 1)
        assert await slow is REPLY
        assert kinds(await many(gemini, 5)) == {errors.AuthenticationError}
        assert len(fake.asked) == 2

    run_virtually(main())


def test_the_quota_of_one_model_is_not_that_of_another() -> None:
    def answer(asked: GeminiRequest) -> GeminiReply | Exception:
        return QUOTA if asked.model == "used-up" else REPLY

    async def main() -> None:
        gemini = limited(FakeGemini(answer))
        await many(gemini, 3, model="used-up")
        assert await many(gemini, 3, model="another") == [REPLY] * 3

    run_virtually(main())


def test_a_file_that_may_not_be_seen_is_no_wrong_key() -> None:
    lost = errors.AuthenticationError(
        "Gemini answered 403: You do not have permission to access the File a1 or it may not "
        "exist.",
        hint="",
    )
    fake = FakeGemini(in_turn(lost, REPLY))

    async def main() -> None:
        gemini = limited(fake, concurrency=1)
        assert await many(gemini, 5) == [lost, *[REPLY] * 4]

    run_virtually(main())


def test_while_the_key_is_new_one_goes_ahead() -> None:
    """A wrong key costs one request, of whatever number that come together."""

    async def main() -> None:
        fake = FakeGemini(in_turn(KEY), seconds=0.05)
        gemini = limited(fake, concurrency=64, patience=0.1)
        assert kinds(await many(gemini, 64)) == {errors.AuthenticationError}
        assert len(fake.asked) == 1

    run_virtually(main())


def test_a_good_key_is_waited_for_once_and_briefly() -> None:
    async def main() -> None:
        fake = FakeGemini(seconds=1)
        gemini = limited(fake, concurrency=64, patience=0.1)
        assert await many(gemini, 64) == [REPLY] * 64
        assert now() == pytest.approx(1_001.1)
        await many(gemini, 64)
        assert now() == pytest.approx(1_002.1)

    run_virtually(main())


def test_a_service_that_is_down_says_nothing_of_the_key() -> None:
    """The next again goes ahead, and nobody waits longer than a moment."""

    async def main() -> None:
        fake = FakeGemini(in_turn(BUSY, KEY), seconds=0.05)
        gemini = limited(fake, concurrency=64, patience=0.1)
        results = await many(gemini, 64)
        assert len(fake.asked) == 2
        assert results[0] is BUSY
        assert kinds(results[1:]) == {errors.AuthenticationError}

    run_virtually(main())


def test_any_other_refusal_proves_the_key() -> None:
    async def main() -> None:
        refused = errors.RequestError("Gemini answered 400: bad.", hint="Change it.")
        fake = FakeGemini(in_turn(refused, REPLY), seconds=0.05)
        gemini = limited(fake, concurrency=64, patience=0.1)
        assert len(await many(gemini, 64)) == 64
        assert fake.times[1] == fake.times[-1] == fake.times[0] + 0.05

    run_virtually(main())


def test_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeGemini(in_turn(KEY))
    run_virtually(many(limited(fake), 50))
    (record,) = caplog.records
    assert record.getMessage() == (
        "Nothing is sent to gemini-9 for 60 s: Gemini answered 400: API key not valid."
    )
