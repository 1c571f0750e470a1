"""Who waits for a place, and who goes on without one."""

from __future__ import annotations

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.gemini import Priority, Urgency
from label_studio_gemini.pipeline.places import place
from virtual_time import run_virtually


class Room:
    """A room with some places, and who is in it."""

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.inside: list[str] = []

    async def visit(self, name: str, urgency: Urgency, seconds: float = 10.0) -> None:
        async with place(self.places, urgency):
            self.inside.append(name)
            await asyncio.sleep(seconds)
            self.inside.remove(name)

    def admit(self, name: str, urgency: Urgency) -> asyncio.Task[None]:
        return asyncio.create_task(self.visit(name, urgency))


def test_a_person_needs_no_place() -> None:
    async def main() -> None:
        room = Room(1)
        tasks = [room.admit("a", Urgency()), room.admit("b", Urgency())]
        tasks.append(room.admit("c", Urgency(Priority.INTERACTIVE)))
        await asyncio.sleep(1)
        assert room.inside == ["a", "c"]
        await asyncio.gather(*tasks)

    run_virtually(main())


def test_who_waits_goes_on_as_soon_as_a_person_waits_too() -> None:
    async def main() -> None:
        room, urgency = Room(1), Urgency()
        tasks = [room.admit("a", Urgency()), room.admit("b", Urgency()), room.admit("c", urgency)]
        await asyncio.sleep(1)
        urgency.rise()
        await asyncio.sleep(1)
        assert room.inside == ["a", "c"]
        await asyncio.gather(*tasks)
        assert not room.places.locked(), "nobody gave back what was never taken"
        await room.places.acquire()
        assert room.places.locked()

    run_virtually(main())


def test_a_cancelled_one_is_cancelled_though_a_person_waits() -> None:
    async def main() -> None:
        room, urgency = Room(1), Urgency()
        tasks = [room.admit("a", Urgency()), room.admit("b", urgency)]
        await asyncio.sleep(1)
        tasks[1].cancel()
        urgency.rise()
        await asyncio.wait(tasks)
        assert tasks[1].cancelled()
        assert not room.places.locked()

    run_virtually(main())


# All of it at the very moments at which places become free, and in any order.
MOMENTS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 4).map(lambda n: n * 10.0)))


@given(risen=MOMENTS, cancelled=MOMENTS, places=st.integers(1, 3), late=st.booleans())
def test_no_place_is_lost_and_none_comes_to_be(
    risen: list[tuple[int, float]],
    cancelled: list[tuple[int, float]],
    places: int,
    late: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    async def main() -> None:
        room = Room(places)
        urgencies = [Urgency() for _ in range(8)]
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []

        def cancel(number: int) -> None:
            tasks[number].cancel()

        if late:
            tasks += [room.admit(str(number), one) for number, one in enumerate(urgencies)]
            await asyncio.sleep(0)
        for number, at in risen:
            loop.call_later(at, urgencies[number].rise)
        for number, at in cancelled:
            loop.call_later(at, partial(cancel, number))
        if not late:
            tasks += [room.admit(str(number), one) for number, one in enumerate(urgencies)]
        await asyncio.wait(tasks)
        gone = {number for number, _ in cancelled}
        assert all(not task.cancelled() for n, task in enumerate(tasks) if n not in gone)
        for _ in range(places):
            assert not room.places.locked()
            await room.places.acquire()
        assert room.places.locked()

    run_virtually(main())
