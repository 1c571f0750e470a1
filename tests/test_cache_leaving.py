"""Whoever goes away takes no call along that was sent, and leaves none behind that was not."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cache_kit import (
    HIT,
    REPLY,
    Door,
    ask,
    asked,
    caching,
    fake,
    noted,
    open_caching,
    store_of,
    until,
)
from label_studio_gemini.cache import Kind
from label_studio_gemini.cache.store import Turn
from label_studio_gemini.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.cache import CachingGemini


@contextmanager
def busy(gemini: CachingGemini) -> Iterator[None]:
    """Keep the thread of the store from doing anything."""
    free = threading.Event()
    assert gemini._store is not None
    gemini._store._db.run(free.wait)
    try:
        yield
    finally:
        free.set()


async def looked(gemini: CachingGemini, times: int) -> None:
    """Wait until it was looked so often whether another process has its answer."""
    store = gemini._store
    assert store is not None
    real, seen = store.claim, 0

    async def claim(digest: str, *, fresh: bool = False) -> object:
        nonlocal seen
        found = await real(digest, fresh=fresh)
        seen += found is Turn.THEIRS
        return found

    store.claim = claim  # type: ignore[method-assign,assignment]
    await until(lambda: seen >= times)


@pytest.mark.parametrize("goes", ["the first", "the second", "both"])
async def test_a_call_goes_on_when_someone_goes_away(goes: str, tmp_path: Path) -> None:
    door = Door()
    async with caching(tmp_path, door) as gemini:
        first = asyncio.create_task(gemini.generate(asked()))
        await until(lambda: door.came > 0)
        second = asyncio.create_task(gemini.generate(asked()))
        await asyncio.sleep(0)
        gone = {"the first": [first], "the second": [second], "both": [first, second]}[goes]
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        assert all(task.cancelled() for task in gone)
        door.open.set()
        for task in {first, second}.difference(gone):
            assert (await task).text == "[]"
        await until(lambda: door.done == 1)
        assert await gemini.generate(asked()) == HIT
    assert door.came == 1
    assert (await noted(tmp_path))[0] == (Kind.CALL, "ok", 100)


async def test_what_nobody_waits_for_any_more_is_not_sent(tmp_path: Path) -> None:
    """Whoever asks later gets a call of their own."""
    inner = fake()
    async with caching(tmp_path, inner) as gemini:
        with busy(gemini):
            task = asyncio.create_task(gemini.generate(asked()))
            await until(lambda: bool(gemini._calls))
            task.cancel()
            await asyncio.wait([task])
        await until(lambda: not gemini._calls)
        assert inner.asked == []
        assert await gemini.generate(asked()) == REPLY


async def test_who_asks_while_another_is_given_up_gets_an_answer(tmp_path: Path) -> None:
    inner = fake()
    async with caching(tmp_path, inner) as gemini:
        assert gemini._store is not None
        real, ending, end = gemini._store.finish, asyncio.Event(), asyncio.Event()

        async def finish(*given: Any, **named: Any) -> None:
            ending.set()
            await end.wait()
            await real(*given, **named)

        gemini._store.finish = finish  # type: ignore[method-assign]
        with busy(gemini):
            task = asyncio.create_task(gemini.generate(asked()))
            await until(lambda: bool(gemini._calls))
            task.cancel()
        await ending.wait()
        again = asyncio.create_task(gemini.generate(asked()))
        await until(lambda: len(inner.asked) == 1)
        end.set()
        assert await again == REPLY


async def test_a_reply_of_another_process_is_waited_for(tmp_path: Path) -> None:
    inner = fake()
    async with store_of(tmp_path) as other, caching(tmp_path, inner) as gemini:
        digest = await gemini._digest(asked())
        assert await other.claim(digest) is Turn.OURS
        kept = asyncio.create_task(gemini.generate(asked()))
        left = asyncio.create_task(gemini.generate(asked()))
        await looked(gemini, 3)
        left.cancel()
        await other.finish(digest, REPLY, "gemini-9")
        assert await kept == HIT
    assert inner.asked == []
    assert await noted(tmp_path) == [(Kind.HIT, "ok", 0)]


async def test_nothing_is_sent_for_those_who_left_while_another_process_asked(
    tmp_path: Path,
) -> None:
    inner = fake()
    lease = 3600.0  # it would take the call over otherwise
    async with (
        store_of(tmp_path, lease=lease) as other,
        caching(tmp_path, inner, store={"lease": lease}) as gemini,
    ):
        digest = await gemini._digest(asked())
        assert await other.claim(digest) is Turn.OURS
        task = asyncio.create_task(gemini.generate(asked()))
        await looked(gemini, 2)
        task.cancel()
        await until(lambda: not gemini._calls)
        await other.finish(digest, None, "gemini-9")
        assert await gemini.generate(asked()) == REPLY
    assert len(inner.asked) == 1


async def test_closing_waits_for_what_was_sent_and_keeps_it(tmp_path: Path) -> None:
    door = Door()
    gemini = open_caching(tmp_path, door, grace=30.0)
    task = asyncio.create_task(gemini.generate(asked()))
    await until(lambda: door.came > 0)
    task.cancel()
    closing = asyncio.create_task(gemini.aclose())
    await asyncio.sleep(0)
    assert not door.closed
    door.open.set()
    await closing
    assert (door.done, door.closed) == (1, True)
    async with caching(tmp_path, fake()) as again:
        assert await again.generate(asked()) == HIT


async def test_closing_gives_up_what_takes_too_long(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever still waits is told so; another process can ask at once."""
    door = Door()
    gemini = open_caching(tmp_path, door, grace=0.01)
    task = asyncio.create_task(ask(gemini, asked()))
    await until(lambda: door.came > 0)
    await gemini.aclose()
    outcome = await task
    assert isinstance(outcome, TransportError)
    assert "stopped" in outcome.message
    assert "took too long" in caplog.text
    async with store_of(tmp_path) as store:
        assert await store.claim(await gemini._digest(asked())) is Turn.OURS


async def test_closing_does_not_wait_for_other_processes(tmp_path: Path) -> None:
    async with store_of(tmp_path) as other:
        gemini = open_caching(tmp_path, fake(), grace=60.0)
        assert await other.claim(await gemini._digest(asked())) is Turn.OURS
        task = asyncio.create_task(ask(gemini, asked()))
        await looked(gemini, 1)
        async with asyncio.timeout(10.0):
            await gemini.aclose()
        assert isinstance(await task, TransportError)
