"""What a task's time limit counts: all but the waiting for our own limits."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from gemini_fakes import REPLY, FakeGemini, in_turn, request
from label_studio_gemini import errors
from label_studio_gemini.gemini.limits import LimitedGemini
from label_studio_gemini.gemini.time_limits import (
    SharedClock,
    current_deadline,
    stopped_clock,
    time_limit,
)
from virtual_time import now, run_virtually

if TYPE_CHECKING:
    from label_studio_gemini.gemini import Gemini, GeminiReply

INFINITE = float("inf")


def limited(
    inner: Gemini, *, concurrency: int = 32, requests: float | None = None
) -> LimitedGemini:
    return LimitedGemini(
        inner, concurrency=concurrency, requests_per_minute=requests, estimate=lambda _: 0
    )


async def task(gemini: Gemini, seconds: float) -> GeminiReply:
    async with time_limit(seconds):
        return await gemini.generate(request())


async def tasks(gemini: Gemini, seconds: float, number: int) -> list[GeminiReply | BaseException]:
    work = (task(gemini, seconds) for _ in range(number))
    return await asyncio.gather(*work, return_exceptions=True)


@pytest.mark.parametrize(
    ("requests", "concurrency"), [(60, 32), (None, 1)], ids=["by rate", "by number"]
)
def test_a_healthy_slow_limit_fails_no_task(requests: float | None, concurrency: int) -> None:
    """16 tasks at one a second, each with 5 s: the last waits 15 s for its turn."""

    async def main() -> None:
        gemini = limited(FakeGemini(seconds=1), requests=requests, concurrency=concurrency)
        assert await tasks(gemini, 5, 16) == [REPLY] * 16
        assert now() == pytest.approx(1_016)

    run_virtually(main())


def test_what_is_sent_still_has_to_end_in_time() -> None:
    """The time that was left before the wait is what is left after it."""

    async def main() -> None:
        fake = FakeGemini(seconds=4.5)
        gemini = limited(fake, requests=60)
        assert await task(gemini, 5) is REPLY
        fake.seconds = 5.5
        results = await tasks(gemini, 5, 3)
        assert [type(one) for one in results] == [errors.TransportError] * 3
        assert fake.running == 0

    run_virtually(main())


def test_what_gemini_asks_to_wait_counts() -> None:
    """A delay of an hour is no limit of ours: nobody waits for its end with the clock stopped."""

    async def main() -> None:
        later = errors.ServiceError("Later.", hint="W.", retry_after=3_600)
        gemini = limited(FakeGemini(in_turn(later, REPLY)), concurrency=1)
        first, *others = await tasks(gemini, 5, 4)
        assert first is later
        assert [type(one) for one in others] == [errors.TransportError] * 3
        assert now() == pytest.approx(1_006)  # 1 s in the queue, which did not count
        assert await tasks(gemini, 3_700, 1) == [REPLY]

    run_virtually(main())


def test_an_outer_limit_stands_too() -> None:
    async def work(seconds: float) -> None:
        async with time_limit(3), time_limit(5):
            with stopped_clock():
                await asyncio.sleep(10)
            await asyncio.sleep(seconds)

    run_virtually(work(2.9))
    with pytest.raises(errors.TransportError, match="within 3 s"):
        run_virtually(work(3.1))


def test_the_clock_stands_until_all_waits_have_ended() -> None:
    """A task may have several requests; while one waits for its turn, the clock stands."""

    async def wait(seconds: float) -> None:
        with stopped_clock():
            await asyncio.sleep(seconds)

    async def main() -> None:
        async with time_limit(5):
            assert current_deadline() == 1_005
            waits = asyncio.gather(wait(10), wait(20), asyncio.sleep(15))
            await asyncio.sleep(1)
            assert current_deadline() == INFINITE
            await waits
            assert current_deadline() == pytest.approx(1_025)
        assert current_deadline() == INFINITE

    run_virtually(main())


def test_work_that_outlives_its_task_may_still_stop_the_clock() -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def work() -> None:
            with stopped_clock():
                begun.set()
                await asyncio.sleep(10)
            with stopped_clock():
                await asyncio.sleep(10)

        with suppress(asyncio.CancelledError):
            async with time_limit(5):
                running = asyncio.create_task(work())
                await begun.wait()
                raise asyncio.CancelledError
        await running

    run_virtually(main())


def test_without_a_limit_there_is_no_clock_to_stop() -> None:
    async def main() -> None:
        with stopped_clock():
            assert current_deadline() == INFINITE

    run_virtually(main())


async def shared(clock: SharedClock, work: asyncio.Task[float], seconds: float) -> float:
    async with time_limit(seconds):
        with clock.joined():
            return await asyncio.shield(work)


def test_shared_work_stops_the_clocks_of_all_who_wait_for_it() -> None:
    """Of one who comes later too, and no longer than he waits."""

    async def work() -> float:
        with stopped_clock():
            await asyncio.sleep(20)
        deadline = current_deadline()
        await asyncio.sleep(2)
        return deadline

    async def main() -> None:
        clock = SharedClock()
        running = asyncio.create_task(work(), context=clock.context())
        first = asyncio.create_task(shared(clock, running, 3))
        await asyncio.sleep(10)
        second = asyncio.create_task(shared(clock, running, 5))
        assert [await first, await second] == [1_025] * 2  # the longer of the two
        async with time_limit(5):
            with clock.joined():
                assert current_deadline() == 1_027
            await asyncio.sleep(4)

    run_virtually(main())


def test_who_stops_waiting_for_shared_work_has_his_own_time_again() -> None:
    async def work() -> float:
        with stopped_clock():
            await asyncio.sleep(20)
        return current_deadline()

    async def impatient(clock: SharedClock, running: asyncio.Task[float]) -> None:
        async with time_limit(5):
            with clock.joined(), suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await asyncio.shield(running)
            await asyncio.sleep(6)

    async def main() -> None:
        clock = SharedClock()
        running = asyncio.create_task(work(), context=clock.context())
        with pytest.raises(errors.TransportError):
            await impatient(clock, running)
        assert now() == pytest.approx(1_015)
        assert await running == -INFINITE  # nobody waits: it is not tried again

    run_virtually(main())
