"""Work goes on whoever waits, is joined by whoever asks for the same, and ends when told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.server.jobs import Jobs, Unfinished, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from label_studio_gemini.gemini import Urgency

LONG = 60.0
_who: ContextVar[str] = ContextVar("who", default="nobody")


class Desk:
    """Some jobs, and the work that they are given: each item waits until it is released."""

    def __init__(self, places: int = 2, most_left_bytes: int = 10**9) -> None:
        self.jobs: Jobs[str] = Jobs(places, most_left_bytes=most_left_bytes)
        self.begun: list[str] = []
        self.urgent: list[str] = []
        self.urgencies: dict[str, Urgency] = {}
        self.origins: dict[str, str] = {}
        self._gates: dict[str, asyncio.Event] = {}

    def work(
        self, name: str, *, urgent: bool = False, key: bool = True, size: int = 0
    ) -> Work[str]:
        async def run(urgency: Urgency) -> str:
            self.begun.append(name)
            self.origins[name] = _who.get()
            self.urgencies[name] = urgency
            if urgency.is_waited_for:
                self.urgent.append(name)
            await self._gate(name).wait()
            return name.upper()

        return Work(run, key=name if key else None, urgent=urgent, size=size)

    def ask(self, *names: str, urgent: bool = False) -> asyncio.Task[list[str | Unfinished]]:
        works = [self.work(name, urgent=urgent) for name in names]
        return asyncio.create_task(self.jobs.run(works, seconds=LONG))

    def urgent_now(self) -> list[str]:
        """Return for whom a person waits, of what has begun."""
        return [name for name, one in self.urgencies.items() if one.is_waited_for]

    def release(self, *names: str) -> None:
        for name in names:
            self._gate(name).set()

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())


async def settle() -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.jobs.close(0)


async def test_outcomes_come_in_the_order_of_the_work(desk: Desk) -> None:
    asked = desk.ask("a", "b", "c")
    await settle()
    assert desk.begun == ["a", "b"], "no more at a time than there are places"
    desk.release("b", "c", "a")
    assert await asked == ["A", "B", "C"]
    assert await desk.jobs.run([], seconds=LONG) == []


async def test_what_is_not_done_in_time_goes_on_and_is_joined(desk: Desk) -> None:
    desk.release("a")
    works = [desk.work("a"), desk.work("b"), desk.work("c")]
    results = await desk.jobs.run(works, seconds=0.05)
    assert results == ["A", Unfinished.GOES_ON, Unfinished.GOES_ON]
    again = desk.ask("b", "c")
    await settle()
    desk.release("b", "c")
    assert await again == ["B", "C"]
    assert Counter(desk.begun) == {"a": 1, "b": 1, "c": 1}


async def test_who_hangs_up_ends_nothing(desk: Desk) -> None:
    first, second = desk.ask("a"), desk.ask("a")
    await settle()
    first.cancel()
    await settle()
    desk.release("a")
    assert await second == ["A"]
    assert desk.begun == ["a"]


async def test_what_has_no_key_is_like_nothing_else(desk: Desk) -> None:
    desk.release("a")
    works = [desk.work("a", key=False), desk.work("a", key=False)]
    assert await desk.jobs.run(works, seconds=LONG) == ["A", "A"]
    assert desk.begun == ["a", "a"]


async def test_what_was_done_is_done_anew(desk: Desk) -> None:
    """What is remembered is for the cache of replies to say."""
    desk.release("a")
    assert await desk.ask("a") == await desk.ask("a") == ["A"]
    assert desk.begun == ["a", "a"]


async def test_the_urgent_wait_for_no_place(desk: Desk) -> None:
    """A person opens a task that is queued in a batch: it begins now, for both."""
    batch = desk.ask("a", "b", "c", "d")
    await settle()
    opened = desk.ask("d", urgent=True)
    await settle()
    assert desk.begun == ["a", "b", "d"]
    assert desk.urgent == ["d"]
    desk.release("d")
    assert await opened == ["D"]
    desk.release("a", "b", "c")
    assert await batch == ["A", "B", "C", "D"]


async def test_what_has_begun_becomes_urgent_and_leaves_its_place(desk: Desk) -> None:
    batch = desk.ask("a", "b", "c", "d")
    await settle()
    assert desk.urgent_now() == []
    opened = [desk.ask("a", urgent=True), desk.ask("a", urgent=True)]
    await settle()
    assert desk.urgent_now() == ["a"]
    assert desk.begun == ["a", "b", "c"]
    desk.release("a")
    assert await opened[0] == await opened[1] == ["A"]
    assert desk.begun == ["a", "b", "c"], "its place was free before"
    desk.release("b", "c", "d")
    assert await batch == ["A", "B", "C", "D"]


async def test_who_still_waits_goes_first(desk: Desk) -> None:
    left = desk.ask("a", "b", "c", "d")
    await settle()
    left.cancel()
    await settle()
    asked = desk.ask("e")
    await settle()
    desk.release("a")
    await settle()
    assert desk.begun == ["a", "b", "e"]
    desk.release("e")
    assert await asked == ["E"]
    await settle()
    assert desk.begun == ["a", "b", "e", "c"], "then what was left is done"


async def test_a_task_that_was_left_and_is_asked_for_again_goes_first(desk: Desk) -> None:
    left = desk.ask("a", "b", "c", "d")
    await settle()
    left.cancel()
    await settle()
    asked = desk.ask("d")
    await settle()
    desk.release("a", "d")
    assert await asked == ["D"]
    assert desk.begun[:3] == ["a", "b", "d"]


async def test_not_everything_is_kept_that_nobody_waits_for() -> None:
    desk = Desk(places=1, most_left_bytes=25_000)
    works = [desk.work(name, size=5_000) for name in "abcde"]  # 10,000 each with the overhead
    results = await desk.jobs.run(works, seconds=0)
    assert set(results) <= {Unfinished.GOES_ON, Unfinished.GIVEN_UP}
    desk.release(*"abcde")
    await settle()
    assert desk.begun == ["a", "b", "c"], "one was under way, and two had room"
    await desk.jobs.close(0)


async def test_room_is_free_again_for_others() -> None:
    desk = Desk(places=1, most_left_bytes=25_000)
    desk.release(*"abcdefgh")
    for _ in range(5):
        left = asyncio.create_task(
            desk.jobs.run([desk.work(name, size=5_000) for name in "abc"], seconds=0)
        )
        await left
        await settle()
    assert desk.begun == [*"abc"] * 5
    await desk.jobs.close(0)


async def test_an_error_is_that_of_all_who_wait(desk: Desk) -> None:
    async def fail(_urgency: Urgency) -> str:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await desk.jobs.run([Work(fail)], seconds=LONG)


async def test_work_belongs_to_the_request_that_it_came_with(desk: Desk) -> None:
    """Whoever's end lets it begin."""
    token = _who.set("first")
    first = desk.ask("a", "b")
    await settle()
    _who.reset(token)
    _who.set("second")
    second = desk.ask("c")
    await settle()
    desk.release("a", "b", "c")
    await first
    await second
    assert desk.origins == {"a": "first", "b": "first", "c": "second"}


async def test_a_stop_ends_what_is_not_begun_and_waits_for_the_rest(desk: Desk) -> None:
    asked = desk.ask("a", "b", "c", "d")
    await settle()
    desk.jobs.stop(LONG)
    desk.jobs.stop(0)  # said once more, which changes nothing
    await settle()
    assert not asked.done()
    late = await desk.jobs.run([desk.work("e", urgent=True)], seconds=LONG)
    assert late == [Unfinished.STOPPED]
    desk.release("a", "b")
    assert await asked == ["A", "B", Unfinished.STOPPED, Unfinished.STOPPED]
    assert desk.begun == ["a", "b"]


async def test_a_stop_ends_everything_after_its_grace(desk: Desk) -> None:
    asked = desk.ask("a")
    await settle()
    desk.jobs.stop(0.05)
    assert await asked == [Unfinished.STOPPED]


async def test_a_close_waits_for_what_nobody_waits_for(desk: Desk) -> None:
    desk.ask("a").cancel()
    left = desk.ask("b")
    await settle()
    left.cancel()
    closing = asyncio.create_task(desk.jobs.close(LONG))
    await settle()
    assert not closing.done()
    desk.release("a", "b")
    await closing
    assert "b" in desk.begun


async def test_a_close_does_not_wait_for_ever(desk: Desk) -> None:
    asked = desk.ask("a")
    await settle()
    await desk.jobs.close(0.05)
    assert await asked == [Unfinished.STOPPED]
