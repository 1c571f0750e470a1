"""A remembered reply that was of no use is asked for anew, once for all who met it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from cache_kit import REPLY, Clock, Door, ask, asked, caching, fake, noted, store_of, until
from label_studio_gemini.cache import Kind, Limits
from label_studio_gemini.cache.tables import SCHEMA
from label_studio_gemini.errors import SafetyError, ServiceError
from label_studio_gemini.gemini.types import GeminiReply

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.cache import CachingGemini

FRESH = replace(asked(), fresh=True)
BETTER = replace(REPLY, text="better")
LIMITS = Limits(failures_for=60.0)


async def text_of(gemini: CachingGemini, *, fresh: bool = False) -> str:
    return (await gemini.generate(FRESH if fresh else asked())).text


async def test_a_fresh_reply_takes_the_place_of_the_first(tmp_path: Path) -> None:
    inner = fake(REPLY, BETTER)
    async with caching(tmp_path, inner) as gemini:
        assert await gemini.generate(asked()) == REPLY
        assert await gemini.generate(FRESH) == BETTER
        assert await text_of(gemini) == "better"
    assert len(inner.asked) == 2


async def test_it_answers_fresh_requests_too_until_its_time_is_over(tmp_path: Path) -> None:
    """Also those of another process, and of one that is started later."""
    clock = Clock()
    inner = fake(*(replace(REPLY, text=text) for text in "abcd"))
    store = {"limits": LIMITS, "clock": clock}
    async with caching(tmp_path, inner, store=store) as gemini:
        assert [await text_of(gemini, fresh=fresh) for fresh in (False, True)] == ["a", "b"]
        again = await gemini.generate(FRESH)
        assert (again.text, again.cached, again.again_from) == ("b", True, clock.now + 60)
    async with caching(tmp_path, inner, store=store) as gemini:
        clock.now += 59
        assert await text_of(gemini, fresh=True) == "b"
        clock.now += 1
        late = await gemini.generate(asked())
        assert (late.text, late.again_from) == ("b", None)
        assert await text_of(gemini, fresh=True) == "c"
        assert await text_of(gemini, fresh=True) == "c"
    assert len(inner.asked) == 3
    calls = [kind for kind, _, _ in await noted(tmp_path) if kind is Kind.CALL]
    assert len(calls) == 3


async def test_it_does_so_where_no_file_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "replies.sqlite").mkdir()
    inner = fake(*(replace(REPLY, text=text) for text in "abcd"))
    async with caching(tmp_path, inner) as gemini:
        texts = [await text_of(gemini, fresh=fresh) for fresh in (False, True, False, True)]
    assert texts == ["a", "b", "b", "b"]


async def test_a_block_takes_the_place_of_a_reply_of_no_use(tmp_path: Path) -> None:
    inner = fake(REPLY, SafetyError("Blocked.", hint="Look at it."), BETTER)
    clock = Clock()
    async with caching(tmp_path, inner, store={"limits": LIMITS, "clock": clock}) as gemini:
        await gemini.generate(asked())
        for request in (FRESH, asked(), FRESH):
            assert isinstance(await ask(gemini, request), SafetyError)
        assert len(inner.asked) == 2
        clock.now += 60
        assert await text_of(gemini) == "better"


async def test_what_time_heals_leaves_the_reply_where_it_is(tmp_path: Path) -> None:
    inner = fake(REPLY, ServiceError("No.", hint="Wait."), BETTER)
    async with caching(tmp_path, inner) as gemini:
        await gemini.generate(asked())
        assert isinstance(await ask(gemini, FRESH), ServiceError)
        assert await text_of(gemini) == REPLY.text
        assert await text_of(gemini, fresh=True) == "better"


async def test_fresh_requests_together_are_one_call(tmp_path: Path) -> None:
    """In one process, and whoever asks for the first time meanwhile gets its reply too."""
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked())
    door = Door(BETTER)
    async with caching(tmp_path, door) as gemini:
        tasks = [asyncio.create_task(text_of(gemini, fresh=True)) for _ in range(5)]
        await until(lambda: door.came > 0)
        tasks += [asyncio.create_task(text_of(gemini, fresh=fresh)) for fresh in (True, False)]
        await asyncio.sleep(0)
        door.open.set()
        assert await asyncio.gather(*tasks) == ["better"] * 7
    assert door.came == 1


async def test_two_processes_at_once_make_one_fresh_call(tmp_path: Path) -> None:
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked())
    doors = [Door(BETTER), Door(BETTER)]
    async with caching(tmp_path, doors[0]) as one, caching(tmp_path, doors[1]) as other:
        tasks = [asyncio.create_task(text_of(gemini, fresh=True)) for gemini in (one, other)]
        await until(lambda: any(door.came for door in doors))
        async with caching(tmp_path, fake()) as third:
            assert await text_of(third) == REPLY.text
        for door in doors:
            door.open.set()
        assert await asyncio.gather(*tasks) == ["better"] * 2
    assert sorted(door.came for door in doors) == [0, 1]


async def test_a_fresh_request_waits_for_a_look_at_what_is_known(tmp_path: Path) -> None:
    """It does not join it: that would end in the reply that was of no use."""
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked())
    inner = fake(BETTER)
    async with caching(tmp_path, inner) as gemini:
        texts = await asyncio.gather(
            *(text_of(gemini, fresh=fresh) for fresh in (False, True, False, True))
        )
    assert texts[1::2] == ["better"] * 2
    assert len(inner.asked) == 1


async def test_a_fresh_request_ends_where_the_look_was_cancelled(tmp_path: Path) -> None:
    """A call that was stopped before it ran is not waited for again and again."""
    inner = fake(BETTER)
    async with caching(tmp_path, inner) as gemini:
        first = asyncio.create_task(text_of(gemini))
        while not gemini._calls:  # noqa: ASYNC110 - at once, before the call begins to run
            await asyncio.sleep(0)
        (call,) = gemini._calls.values()
        call.task.cancel()
        async with asyncio.timeout(10):
            assert await text_of(gemini, fresh=True) == "better"
        await asyncio.wait([first])
        assert first.cancelled() or first.exception() is not None


async def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "replies.sqlite")) as db:
        for statement in SCHEMA[0]:
            db.execute(statement)
        db.execute(
            "INSERT INTO replies VALUES ('d', 'gemini-9', 9e9, 9e9, 300, 0, 1, 1, 1, 0, 0, ?)",
            (b"the reply",),
        )
        db.execute("PRAGMA user_version = 1")
        db.commit()
    async with store_of(tmp_path) as store:
        found = await store.claim("d")
    assert isinstance(found, GeminiReply)
    assert (found.text, found.again_from) == ("the reply", None)
