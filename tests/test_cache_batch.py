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


async def test_what_comes_within_the_pace_is_done_together(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=0.02)
        await asyncio.gather(batch.add(1), _later(batch, 3), batch.add(2))
        await batch.add(4)
    assert done == [[1, 2, 3], [4]]


async def test_without_a_pace_it_is_done_at_once(tmp_path: Path) -> None:
    done: list[list[int]] = []
    go = threading.Event()
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append)
        await batch.add(1)
        database.run(go.wait)  # the thread is busy
        waiting = asyncio.gather(batch.add(2), _later(batch, 3))
        for _ in range(20):
            await asyncio.sleep(0)
        go.set()
        await waiting
    assert done == [[1], [2, 3]]


async def _later(batch: Batch[int], number: int) -> None:
    for _ in range(5):  # turns of the event loop
        await asyncio.sleep(0)
    await batch.add(number)


async def test_whoever_has_to_find_it_done_does_not_wait_for_the_pace(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=LONG)
        batch.add(1)
        await database.run(batch.drain)
        assert done == [[1]]


async def test_what_was_done_meanwhile_is_over_all_the_same(tmp_path: Path) -> None:
    done: list[list[int]] = []
    async with opened(tmp_path) as database:
        batch = Batch(database, done.append, pace=0.02)
        first = batch.add(1)
        await database.run(batch.drain)
        await first
        await batch.add(2)
    assert done == [[1], [2]]


async def test_a_bug_is_told_to_all_who_wait(tmp_path: Path) -> None:
    def fail(_: list[int]) -> None:
        raise ZeroDivisionError

    async with opened(tmp_path) as database:
        batch = Batch(database, fail, pace=0.02)
        for late in (batch.add(1), batch.add(2)):
            with pytest.raises(ZeroDivisionError):
                await late
