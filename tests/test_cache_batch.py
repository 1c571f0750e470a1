"""Small jobs for a database's thread, done together."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.cache.batch import Batch
from label_studio_gemini.cache.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LONG = 3600.0  # seconds: no test waits for it


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    database = Database(folder / "a.sqlite", [["CREATE TABLE t (n)"]], holds="things")
    try:
        yield database
    finally:
        await database.aclose()


async def test_what_comes_after_a_pause_is_done_at_once(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=LONG)
        await batch.add(1)
    assert done == [[1]]


async def test_what_comes_soon_after_is_done_together(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=0.5)
        await batch.add(1)
        await asyncio.gather(batch.add(2), _later(batch, 3), batch.add(4))
    assert done[0] == [1]
    assert sorted(number for numbers in done for number in numbers) == [1, 2, 3, 4]
    assert len(done) == 2


async def _later(batch: Batch[int], number: int) -> None:
    for _ in range(5):  # turns of the event loop
        await asyncio.sleep(0)
    await batch.add(number)


async def test_whoever_has_to_find_it_done_does_not_wait_for_the_pace(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=LONG)
        await batch.add(1)
        batch.add(2)
        await database.run(batch.drain)
        assert done == [[1], [2]]


async def test_what_was_done_meanwhile_is_over_all_the_same(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=0.02)
        await batch.add(1)
        second = batch.add(2)
        await database.run(batch.drain)
        await second
        await batch.add(3)
    assert done == [[1], [2], [3]]


async def test_nothing_is_over_before_it_is_done(tmp_path: Path) -> None:
    """Though something else has begun with it before its time had come."""
    done: list[list[int]] = []
    begun, go = threading.Event(), threading.Event()

    def do(numbers: list[int]) -> None:
        if numbers == [2]:
            begun.set()
            go.wait(10)
        done.append(numbers)

    async with opened(tmp_path) as database:
        batch = Batch(database, do, pace=0.01)
        await batch.add(1)
        second = batch.add(2)
        draining = database.run(batch.drain)
        await asyncio.to_thread(begun.wait, 10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(second), 0.1)
        go.set()
        await second
        assert done == [[1], [2]]
        await draining


async def test_a_bug_is_told_to_all_who_wait(tmp_path: Path) -> None:
    def fail(numbers: list[int]) -> None:
        if numbers != [1]:
            raise ZeroDivisionError

    async with opened(tmp_path) as database:
        batch = Batch(database, fail, pace=0.02)
        await batch.add(1)
        for late in (batch.add(2), batch.add(3)):
            with pytest.raises(ZeroDivisionError):
                await late
