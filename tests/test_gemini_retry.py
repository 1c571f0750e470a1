"""Another attempt: for what, when, how often, and within which time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from gemini_fakes import REPLY, FakeGemini, in_turn, request
from gemini_features import ANSWERS, APIS, Api
from gemini_recorder import Answer, recording
from label_studio_gemini import errors
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.gemini.connect import connect_gemini
from label_studio_gemini.gemini.retry import RetryingGemini, time_limit
from virtual_time import now, run_virtually

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator


def rate_limit(retry_after: float | None = None) -> errors.RateLimitError:
    return errors.RateLimitError("Too many.", hint="Wait.", retry_after=retry_after)


def service(retry_after: float | None = None) -> errors.ServiceError:
    return errors.ServiceError("Gemini answered 503.", hint="Wait.", retry_after=retry_after)


def longest(_low: float, high: float) -> float:
    return high


def shortest(low: float, _high: float) -> float:
    return low


STATUSES = {Problem.OVERLOADED: 503, Problem.INTERNAL: 500, Problem.TIMEOUT: 408}


@dataclass(frozen=True)
class Case:
    error: errors.GeminiError
    attempts: int


CASES = [
    Case(rate_limit(), 3),
    Case(service(), 3),
    Case(errors.TransportError("No answer.", hint="Wait."), 3),
    Case(errors.QuotaError("The day is over.", hint="Wait."), 1),
    Case(errors.AuthenticationError("No such key.", hint="Get one."), 1),
    Case(errors.RequestError("Bad.", hint="Change it."), 1),
    Case(errors.ModelError("No such model.", hint="Change it."), 1),
    Case(errors.BlockedError("Blocked.", hint="Look."), 1),
    Case(errors.IncompleteError("Stopped.", hint="Look."), 1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case.error).__name__)
def test_only_what_time_can_heal_is_tried_again(case: Case) -> None:
    fake = FakeGemini(in_turn(case.error))
    with pytest.raises(type(case.error)) as caught:
        run_virtually(RetryingGemini(fake, attempts=3).generate(request()))
    assert len(fake.times) == case.attempts
    assert caught.value is case.error
    assert ("(Given up after 3 attempts.)" in caught.value.message) is (case.attempts == 3)


def test_a_later_attempt_may_answer() -> None:
    fake = FakeGemini(in_turn(service(), rate_limit(), REPLY))
    assert run_virtually(RetryingGemini(fake, attempts=3).generate(request())) is REPLY


def test_what_is_not_sent_at_the_second_attempt_was_at_the_first() -> None:
    halted = errors.QuotaError("No more today.", hint="Wait.")
    halted.sent = False
    for answers, sent in (((halted,), False), ((service(), halted), True)):
        gemini = RetryingGemini(FakeGemini(in_turn(*answers)), attempts=3)
        halted.sent = False
        with pytest.raises(errors.QuotaError) as caught:
            run_virtually(gemini.generate(request()))
        assert caught.value.sent is sent


def test_the_wait_doubles_up_to_a_minute_and_is_anything_below() -> None:
    for uniform, expected in (
        (longest, [1, 2, 4, 8, 16, 32, 60, 60]),
        (shortest, [0] * 8),
    ):
        fake = FakeGemini(in_turn(*[service()] * 8, REPLY), seconds=0)
        run_virtually(RetryingGemini(fake, attempts=9, uniform=uniform).generate(request()))
        waits = [after - before for before, after in zip(fake.times, fake.times[1:], strict=False)]
        assert waits == pytest.approx(expected)


def test_the_servers_own_delay_is_obeyed_and_never_cut_short() -> None:
    for uniform in (shortest, longest):
        fake = FakeGemini(in_turn(rate_limit(47), service(100), REPLY), seconds=0)
        run_virtually(RetryingGemini(fake, attempts=3, uniform=uniform).generate(request()))
        first, second, third = fake.times
        assert 47 <= second - first <= 48
        assert 100 <= third - second <= 101


def test_no_wait_goes_past_the_time_limit_of_the_task() -> None:
    """The error of the attempt is raised at once: it says more than that the time is up."""

    async def main() -> None:
        started = now()
        gemini = RetryingGemini(FakeGemini(in_turn(service(), rate_limit(47))), attempts=9)
        with pytest.raises(errors.RateLimitError, match=r"after 2 attempts: .* time limit"):
            async with time_limit(40):
                await gemini.generate(request())
        assert now() - started <= 4

    run_virtually(main())


def test_tasks_started_within_a_time_limit_share_it() -> None:
    async def main() -> None:
        gemini = RetryingGemini(FakeGemini(in_turn(rate_limit(47))), attempts=9)
        async with time_limit(40):
            results = await asyncio.gather(
                *(gemini.generate(request()) for _ in range(3)), return_exceptions=True
            )
        assert {type(result) for result in results} == {errors.RateLimitError}
        assert now() == 1_001

    run_virtually(main())


def test_what_runs_too_long_is_ended_with_an_error_of_ours() -> None:
    async def main() -> None:
        fake = FakeGemini(seconds=1e9)
        with pytest.raises(errors.TransportError, match="within 40 s") as caught:
            async with time_limit(40):
                await RetryingGemini(fake, attempts=2).generate(request())
        assert "time limit" in caught.value.hint
        assert now() == 1_040
        assert fake.running == 0

    run_virtually(main())


def test_an_inner_time_limit_is_shorter_or_nothing() -> None:
    async def main() -> None:
        with pytest.raises(errors.TransportError):
            async with time_limit(10), time_limit(99):
                await asyncio.sleep(50)
        assert now() == 1_010
        async with time_limit(99):
            with pytest.raises(errors.TransportError, match="within 5 s"):
                async with time_limit(5):
                    await asyncio.sleep(50)
            await asyncio.sleep(50)
        assert now() == 1_065

    run_virtually(main())


def test_an_inner_time_limit_does_not_make_room_for_a_retry() -> None:
    async def main() -> None:
        gemini = RetryingGemini(FakeGemini(in_turn(rate_limit(47))), attempts=9)
        with pytest.raises(errors.RateLimitError):
            async with time_limit(40), time_limit(99):
                await gemini.generate(request())
        assert now() == 1_001

    run_virtually(main())


def test_a_timeout_of_something_else_is_left_alone() -> None:
    async def main() -> None:
        async with time_limit(10):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        run_virtually(main())


def test_a_retry_is_logged_once_and_without_the_request(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeGemini(in_turn(service(), REPLY))
    with caplog.at_level(logging.INFO):
        run_virtually(RetryingGemini(fake, attempts=3, uniform=longest).generate(request()))
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        "Attempt 1 of 3 with gemini-9 failed (ServiceError); the next comes in 1.0 s."
    )


async def test_closing_closes_what_is_inside() -> None:
    fake = FakeGemini()
    await RetryingGemini(fake, attempts=1).aclose()
    assert fake.closed


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("problem", [Problem.OVERLOADED, Problem.INTERNAL, Problem.TIMEOUT])
async def test_a_delay_of_a_failed_service_is_rounded_up_and_obeyed_on_the_wire(
    api: Api, problem: Problem, gemini: RunningEmulator
) -> None:
    """One API says it in the body, the other in a header."""
    gemini.script(Fault(problem=problem, retry_seconds=0.3))
    inner = connect_gemini(api=api, api_key="any", base_url=gemini.url, timeout=30)
    retrying = RetryingGemini(inner, attempts=2, uniform=shortest)
    assert (await retrying.generate(request(model="gemini-3-flash-preview"))).text
    await retrying.aclose()
    failed, answered = gemini.requests
    assert (failed.status, answered.status) == (STATUSES[problem], 200)
    assert failed.finished is not None
    assert answered.arrived >= failed.finished + 1


@pytest.mark.parametrize("api", APIS)
async def test_a_date_to_wait_for_is_obeyed_on_the_wire(api: Api) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    later = Answer("", 503, {"Retry-After": format_datetime(until, usegmt=True)})
    async with recording(later, Answer(ANSWERS[api])) as recorder:
        inner = connect_gemini(api=api, api_key="any", base_url=recorder.url, timeout=30)
        retrying = RetryingGemini(inner, attempts=2, uniform=shortest)
        asked = asyncio.create_task(retrying.generate(request()))
        await recorder.arrived.wait()
        recorder.arrived.clear()
        await recorder.arrived.wait()
        assert datetime.now(UTC) >= until
        await asked
        await retrying.aclose()
    assert len(recorder.requests) == 2


async def test_a_wrong_key_fails_at_once_and_once(gemini: RunningEmulator) -> None:
    inner = connect_gemini(api="interactions", api_key="wrong-key", base_url=gemini.url, timeout=30)
    retrying = RetryingGemini(inner, attempts=5)
    with pytest.raises(errors.AuthenticationError):
        await retrying.generate(request(model="gemini-3-flash-preview", schema={"type": "array"}))
    await retrying.aclose()
    assert len(gemini.requests) == 1
