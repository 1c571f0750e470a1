"""How many requests are on their way, how fast they follow each other, and who goes first."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_fakes import REPLY, FakeGemini, in_turn, request
from label_studio_gemini import errors
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.gemini.connect import connect_gemini
from label_studio_gemini.gemini.limits import LimitedGemini, LimitState
from label_studio_gemini.gemini.retry import RetryingGemini
from label_studio_gemini.gemini.types import (
    Gemini,
    GeminiReply,
    GeminiRequest,
    Usage,
)
from label_studio_gemini.gemini.urgency import Priority
from virtual_time import now, run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.emulator import RunningEmulator


def limited(
    inner: Gemini,
    *,
    concurrency: int = 1_000,
    requests: float | None = None,
    tokens: float | None = None,
    estimate: Callable[[GeminiRequest], int] = lambda _: 100,
) -> LimitedGemini:
    return LimitedGemini(
        inner,
        concurrency=concurrency,
        requests_per_minute=requests,
        tokens_per_minute=tokens,
        estimate=estimate,
    )


async def many(gemini: Gemini, number: int) -> list[GeminiReply | BaseException]:
    requests = (gemini.generate(request()) for _ in range(number))
    return await asyncio.gather(*requests, return_exceptions=True)


def most_in_a_minute(times: list[float]) -> int:
    """Return how many started in the fullest minute, its end not counted."""
    return max(sum(start <= other < start + 60 - 1e-6 for other in times) for start in times)


@given(per_minute=st.integers(1, 500), number=st.integers(1, 60))
def test_no_minute_has_more_requests_than_it_may(per_minute: int, number: int) -> None:
    fake = FakeGemini()
    run_virtually(many(limited(fake, requests=per_minute), number))
    assert len(fake.times) == number
    assert most_in_a_minute(fake.times) <= per_minute
    gaps = [after - before for before, after in itertools.pairwise(fake.times)]
    assert gaps == pytest.approx([60 / per_minute] * (number - 1))  # even, and no slower


@given(tokens=st.lists(st.integers(1, 3_000), min_size=1, max_size=40))
def test_tokens_are_spread_and_one_that_is_too_large_goes_alone(tokens: list[int]) -> None:
    """In any minute there is no more than a minute's worth, save for the last that started."""
    fake = FakeGemini(lambda asked: GeminiReply("[]", Usage(input_tokens=int(asked.prompt))))
    gemini = limited(fake, tokens=1_000, estimate=lambda asked: int(asked.prompt))

    async def main() -> None:
        await asyncio.gather(*(gemini.generate(request(prompt=str(n))) for n in tokens))

    run_virtually(main())
    assert len(fake.times) == len(tokens)
    for first, last in itertools.combinations(range(len(tokens)), 2):
        seconds = fake.times[last] - fake.times[first]
        assert sum(tokens[first:last]) <= seconds / 60 * 1_000 + 1e-3


def test_the_actual_tokens_replace_the_estimate() -> None:
    """A reply that cost less lets the next go sooner; one that cost more, later."""
    for actual, gap in ((100, 6), (500, 30), (2_000, 120), (0, 30)):
        fake = FakeGemini(in_turn(GeminiReply("[]", Usage(output_tokens=actual))))
        gemini = limited(fake, tokens=1_000, concurrency=1, estimate=lambda _: 500)
        run_virtually(many(gemini, 2))
        assert fake.times[1] - fake.times[0] == pytest.approx(gap), actual


def test_a_failed_request_used_what_it_was_billed_for() -> None:
    """A refused one nothing, a blocked one what it says; where no answer came, as estimated."""
    refused = errors.RateLimitError("Slowly.", hint="Wait.")
    blocked = errors.BlockedError("No.", hint="Look.", bill=Usage(100, 50, 50))
    lost = errors.TransportError("No answer.", hint="Wait.")
    for error, gap in ((refused, 1), (blocked, 12), (lost, 30)):
        fake = FakeGemini(in_turn(error))
        gemini = limited(fake, tokens=1_000, concurrency=1, estimate=lambda _: 500)
        run_virtually(many(gemini, 2))
        assert fake.times[1] - fake.times[0] == pytest.approx(gap)


def test_no_estimate_is_made_where_tokens_are_not_limited() -> None:
    def fail(_: GeminiRequest) -> int:
        raise AssertionError

    run_virtually(limited(FakeGemini(), estimate=fail).generate(request()))


def test_no_more_are_on_their_way_than_may_be() -> None:
    fake = FakeGemini()
    gemini = limited(fake, concurrency=7)
    assert len(run_virtually(many(gemini, 50))) == 50
    assert fake.most == 7
    assert gemini.state == LimitState(limit=7, running=0, waiting=0)


def test_the_state_says_who_runs_and_who_waits() -> None:
    async def main() -> None:
        gemini = limited(FakeGemini(), concurrency=3)
        tasks = [asyncio.create_task(gemini.generate(request())) for _ in range(5)]
        await asyncio.sleep(0.5)
        assert gemini.state == LimitState(limit=3, running=3, waiting=2)
        await asyncio.gather(*tasks)

    run_virtually(main())


def test_a_round_of_refusals_halves_the_limit_once() -> None:
    """64 simultaneous 429s are one message, not 64."""
    refused = errors.RateLimitError("Slowly.", hint="Wait.")
    gemini = limited(FakeGemini(in_turn(refused)), concurrency=64)
    run_virtually(many(gemini, 64))
    assert gemini.state.limit == 32
    for expected in (16, 8, 4, 2, 1, 1):
        run_virtually(many(gemini, gemini.state.limit))
        assert gemini.state.limit == expected


def test_the_limit_grows_back_with_successes_and_no_further() -> None:
    answers = [errors.RateLimitError("Slowly.", hint="Wait.")] * 64
    fake = FakeGemini(in_turn(*answers, REPLY))
    gemini = limited(fake, concurrency=64)
    limits = []
    run_virtually(many(gemini, 64))
    while gemini.state.limit < 64:
        limits.append(gemini.state.limit)
        run_virtually(many(gemini, gemini.state.limit))
    assert limits == sorted(limits)
    assert 3 <= len(limits) <= 6  # an eighth of 64 with each round
    run_virtually(many(gemini, 200))
    assert gemini.state.limit == 64


def test_a_failing_service_does_not_halve_the_limit() -> None:
    gemini = limited(FakeGemini(in_turn(errors.ServiceError("503", hint="Wait."))), concurrency=8)
    run_virtually(many(gemini, 8))
    assert gemini.state.limit == 8


def test_successes_from_before_a_refusal_do_not_count() -> None:
    async def main() -> None:
        slow = [REPLY] * 7
        fake = FakeGemini(in_turn(errors.RateLimitError("Slowly.", hint="Wait."), *slow))
        gemini = limited(fake, concurrency=8)
        await many(gemini, 8)
        assert gemini.state.limit == 4

    run_virtually(main())


@pytest.mark.parametrize("kind", [errors.RateLimitError, errors.ServiceError])
def test_a_delay_holds_for_everyone(kind: type[errors.LaterError]) -> None:
    """Those who wait and those who come later; who is on the way is let go on."""

    async def main() -> None:
        fake = FakeGemini(in_turn(kind("Slowly.", hint="W.", retry_after=5), REPLY))
        gemini = limited(fake, concurrency=4)
        first = asyncio.create_task(many(gemini, 10))
        await asyncio.sleep(2)
        second = asyncio.create_task(many(gemini, 3))
        await first
        await second
        early = [at for at in fake.times if at < 1_001 + 5]
        assert early == [1_000] * 4
        assert len(fake.times) == 13

    run_virtually(main())


def test_a_shorter_delay_does_not_open_the_door_early() -> None:
    async def main() -> None:
        errors_ = [errors.RateLimitError("Slowly.", hint="W.", retry_after=wait) for wait in (9, 1)]
        fake = FakeGemini(in_turn(*errors_, REPLY))
        await many(limited(fake, concurrency=2), 4)
        assert sorted(fake.times)[2:] == pytest.approx([1_010, 1_011])  # the limit is 1 by then

    run_virtually(main())


def test_interactive_requests_go_before_batch_ones_and_each_in_order() -> None:
    async def main() -> None:
        fake = FakeGemini()
        gemini = limited(fake, concurrency=1)
        kinds = [Priority.BATCH, Priority.BATCH, Priority.INTERACTIVE, Priority.BATCH]
        kinds += [Priority.INTERACTIVE]
        tasks = [
            asyncio.create_task(gemini.generate(request(prompt=str(place), priority=kind)))
            for place, kind in enumerate(kinds)
        ]
        await asyncio.gather(*tasks)
        # The first two went at once: one person's request goes beyond the limit.
        assert [asked.prompt for asked in fake.asked] == ["0", "2", "4", "1", "3"]
        assert fake.times == pytest.approx([1_000, 1_000, 1_001, 1_002, 1_003])

    run_virtually(main())


def test_an_eighth_as_many_go_beyond_the_limit_for_persons() -> None:
    async def main() -> None:
        fake = FakeGemini(seconds=60.0)
        gemini = limited(fake, concurrency=16)
        batch = asyncio.create_task(many(gemini, 20))
        await asyncio.sleep(1)
        people = [
            asyncio.create_task(gemini.generate(request(priority=Priority.INTERACTIVE)))
            for _ in range(3)
        ]
        await asyncio.sleep(1)
        assert gemini.state == LimitState(limit=16, running=18, waiting=5)
        await asyncio.gather(batch, *people)
        assert fake.most == 18

    run_virtually(main())


def test_a_request_that_a_person_comes_to_wait_for_overtakes() -> None:
    """It is in the queue twice then, and goes once."""

    async def main() -> None:
        fake = FakeGemini()
        gemini = limited(fake, requests=6)
        asked = [request(prompt=str(number)) for number in range(5)]
        tasks = [asyncio.create_task(gemini.generate(one)) for one in asked]
        await asyncio.sleep(15)
        asked[4].urgency.rise()
        asked[4].urgency.rise()
        await asyncio.gather(*tasks)
        assert [one.prompt for one in fake.asked] == ["0", "1", "4", "2", "3"]
        assert gemini.state == LimitState(limit=1_000, running=0, waiting=0)

    run_virtually(main())


@given(
    risen=st.lists(st.tuples(st.integers(0, 29), st.floats(0, 12))),
    cancelled=st.lists(st.tuples(st.integers(0, 29), st.floats(0, 12))),
    concurrency=st.integers(1, 5),
)
def test_who_overtakes_and_who_is_cancelled_leaves_nothing_behind(
    risen: list[tuple[int, float]], cancelled: list[tuple[int, float]], concurrency: int
) -> None:
    async def main() -> None:
        fake = FakeGemini()
        gemini = limited(fake, concurrency=concurrency)
        asked = [request() for _ in range(30)]
        tasks = [asyncio.create_task(gemini.generate(one)) for one in asked]
        loop = asyncio.get_running_loop()
        for number, at in risen:
            loop.call_later(at, asked[number].urgency.rise)
        for number, at in cancelled:
            loop.call_later(at, tasks[number].cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert gemini.state == LimitState(limit=concurrency, running=0, waiting=0)
        gone = {number for number, _ in cancelled}
        assert all(result is REPLY for n, result in enumerate(results) if n not in gone)
        assert fake.most <= concurrency + 1

    run_virtually(main())


def test_an_interactive_request_overtakes_while_the_rate_is_waited_for() -> None:
    async def main() -> None:
        fake = FakeGemini()
        gemini = limited(fake, requests=6)
        batch = asyncio.create_task(many(gemini, 4))
        await asyncio.sleep(15)
        await gemini.generate(request(prompt="Now.", priority=Priority.INTERACTIVE))
        assert now() == pytest.approx(1_021)
        await batch

    run_virtually(main())


@given(
    cancelled=st.sets(st.integers(0, 29)),
    at=st.floats(0, 12),
    concurrency=st.integers(1, 5),
)
def test_who_is_cancelled_leaves_nothing_behind(
    cancelled: set[int], at: float, concurrency: int
) -> None:
    """Waiting, running or just let in: no place is lost, and the others all finish."""

    async def main() -> None:
        fake = FakeGemini()
        gemini = limited(fake, concurrency=concurrency)
        tasks = [asyncio.create_task(gemini.generate(request())) for _ in range(30)]
        await asyncio.sleep(at)
        for number in cancelled:
            tasks[number].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert gemini.state == LimitState(limit=concurrency, running=0, waiting=0)
        assert all(result is REPLY for n, result in enumerate(results) if n not in cancelled)
        assert fake.most <= concurrency

    run_virtually(main())


def test_who_is_cancelled_in_the_moment_of_being_let_in_gives_the_place_back() -> None:
    async def main() -> None:
        fake = FakeGemini()
        gemini = limited(fake, concurrency=1, tokens=6_000)

        async def first() -> None:
            await gemini.generate(request())
            second.cancel()  # its turn has come, but it has not run yet

        running = asyncio.create_task(first())
        await asyncio.sleep(0.5)
        second = asyncio.create_task(gemini.generate(request()))
        await running
        with pytest.raises(asyncio.CancelledError):
            await second
        assert len(fake.asked) == 1
        assert gemini.state == LimitState(limit=1, running=0, waiting=0)
        before = now()
        assert await gemini.generate(request()) is REPLY
        assert now() - before == 1  # nor did it use up any tokens

    run_virtually(main())


def test_closing_leaves_no_timer_behind() -> None:
    async def main() -> None:
        gemini = limited(FakeGemini(), requests=1)
        waiting = asyncio.create_task(many(gemini, 2))
        await asyncio.sleep(5)
        waiting.cancel()
        await gemini.aclose()
        left = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        assert left == []

    run_virtually(main())


async def test_closing_closes_what_is_inside() -> None:
    fake = FakeGemini()
    await limited(fake).aclose()
    assert fake.closed


@pytest.mark.parametrize(
    "api", ["interactions", pytest.param("generate_content", marks=pytest.mark.slow)]
)
async def test_64_at_once_are_told_to_wait_2_seconds(
    api: str, gemini: RunningEmulator, measured: Callable[[str], None]
) -> None:
    """All finish, none is sent before its time, and the limit recovers: on the wire."""
    gemini.script(Fault(problem=Problem.RATE_LIMIT, retry_seconds=2, times=40))
    ask = GeminiRequest(
        model="gemini-3-flash-preview",
        prompt="Detect every coin.",
        images=(),
        schema={"type": "array", "items": {"type": "object"}},
    )
    inner = connect_gemini(api=api, api_key="any", base_url=gemini.url, timeout=60)  # type: ignore[arg-type]
    door = limited(inner, concurrency=64)
    retrying = RetryingGemini(door, attempts=6)
    replies = await asyncio.gather(*(retrying.generate(ask) for _ in range(64)))
    after = door.state.limit
    for _ in range(4):
        await asyncio.gather(*(retrying.generate(ask) for _ in range(64)))
    await retrying.aclose()

    assert len(replies) == 64
    assert all(reply.text for reply in replies)
    statuses = Counter(one.status for one in gemini.requests)
    assert statuses == {429: 40, 200: 64 * 5}
    refused = [one.finished for one in gemini.requests if one.status == 429 and one.finished]
    later = min(one.arrived for one in gemini.requests[64:])
    assert later >= max(refused) + 2
    assert after < 64
    assert door.state == LimitState(limit=64, running=0, waiting=0)
    measured(
        f"{api}: 64 at once, 40 of them 429 with RetryInfo 2 s (within {spread(refused):.2f} s): "
        f"the next request came {later - max(refused):.2f} s after the last 429; limit {after}, "
        "then 64 again"
    )


def spread(times: list[float]) -> float:
    return max(times) - min(times)
