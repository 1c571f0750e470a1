"""What the store keeps, for how long, and how much of it."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cache_kit import HIT, REPLY, Clock, store_of
from label_studio_gemini.cache import Limits, tables
from label_studio_gemini.cache.rows import REMEMBERED, Kept
from label_studio_gemini.cache.store import USE, Turn
from label_studio_gemini.errors import (
    AuthenticationError,
    BlockedError,
    FailedError,
    GeminiError,
    IncompleteError,
    ModelError,
    OutOfTokensError,
    PromptBlockedError,
    QuotaError,
    RateLimitError,
    RecitationError,
    RequestError,
    SafetyError,
    ServiceError,
    TransportError,
)
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from label_studio_gemini.cache import ReplyStore

DAY = 86_400.0


async def keep(store: ReplyStore, digest: str, reply: GeminiReply = REPLY) -> None:
    await store.finish(digest, reply, "gemini-9")


async def kept(store: ReplyStore, digests: str) -> str:
    """Return those of the digests that are known; the others are ours, and given up."""
    known = ""
    for digest in digests:
        if await store.claim(digest) is Turn.OURS:
            await store.finish(digest, None, "gemini-9")
        else:
            known += digest
    return known


async def test_what_is_kept_is_found_again_and_costs_nothing(tmp_path: Path) -> None:
    async with store_of(tmp_path) as store:
        assert await store.claim("a") is Turn.OURS
        await keep(store, "a")
        assert await store.claim("a") == HIT
    async with store_of(tmp_path) as store:
        assert await store.claim("a") == HIT
        assert await store.claim("b") is Turn.OURS


@pytest.mark.parametrize(
    "text", ["", "[]", "Straße 日本 🚗", "a\x00b", "\ud83d half of a character", "x" * 3_000_000]
)
async def test_any_text_is_kept_as_it_came(text: str, tmp_path: Path) -> None:
    async with store_of(tmp_path) as store:
        await keep(store, "a", GeminiReply(text, Usage(10**30), truncated=True))
    async with store_of(tmp_path) as store:
        assert await store.claim("a") == GeminiReply(text, Usage(), truncated=True, cached=True)


@pytest.mark.parametrize(
    "kind", [BlockedError, PromptBlockedError, SafetyError, RecitationError, OutOfTokensError]
)
async def test_a_failure_that_will_not_change_is_remembered_with_an_end(
    kind: type[GeminiError], tmp_path: Path
) -> None:
    clock = Clock()
    error = kind("It was blocked \ud83d.", hint="Look at it.", bill=Usage(5))
    async with store_of(tmp_path, clock=clock) as store:
        await store.finish("a", error, "gemini-9")
        clock.now += 3599
        again = await store.claim("a")
        assert type(again) is kind
        assert again.message.startswith("It was blocked ?. (Remembered since ")
        assert "asked again from " in again.message
        assert (again.hint, again.bill) == ("Look at it.", None)
        clock.now += 2
        assert await store.claim("a") is Turn.OURS
        await store.finish("a", error, "gemini-9")
        assert type(await store.claim("a")) is kind
        clock.now += 3601
        assert await store.claim("a") is Turn.OURS
        await keep(store, "a")
        assert await store.claim("a") == HIT
        assert (await store.show()).failures == 0


async def test_a_clock_that_is_set_back_prolongs_no_failure(tmp_path: Path) -> None:
    clock = Clock()
    async with store_of(tmp_path, clock=clock) as store:
        await store.finish("a", BlockedError("No.", hint="Look."), "gemini-9")
        clock.now -= 30
        assert type(await store.claim("a")) is BlockedError
        clock.now -= 30 * DAY
        assert await store.claim("a") is Turn.OURS


@pytest.mark.parametrize(
    "kind",
    [
        *(AuthenticationError, RequestError, ModelError, QuotaError, RateLimitError, ServiceError),
        *(TransportError, FailedError, IncompleteError, GeminiError),
    ],
)
async def test_a_failure_that_may_change_is_not_remembered(
    kind: type[GeminiError], tmp_path: Path
) -> None:
    async with store_of(tmp_path) as store:
        await store.claim("a")
        await store.finish("a", kind("No.", hint="Wait."), "gemini-9")
        assert await store.claim("a") is Turn.OURS
        assert (await store.show()).failures == 0


def test_every_remembered_failure_can_be_raised_again() -> None:
    """Each has the arguments of its root, and no others."""

    def below(kind: type[GeminiError]) -> list[type[GeminiError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    kinds = [one for kind in REMEMBERED for one in below(kind)]
    assert len(kinds) == 5
    for kind in kinds:
        assert str(kind("No.", hint="Wait.")) == "No. Hint: Wait."


async def test_replies_grow_old_by_when_they_came(tmp_path: Path) -> None:
    clock = Clock()
    async with store_of(tmp_path, Limits(max_age=DAY), clock=clock) as store:
        await keep(store, "a")
        clock.now += DAY - 1
        assert await kept(store, "a") == "a"
        clock.now += 2
        assert await kept(store, "a") == ""
        assert (await store.show()).replies == 1, "it is not used, but not deleted either"
    async with store_of(tmp_path, Limits(max_age=DAY), clock=clock) as store:
        await keep(store, "b")  # the first thing that is written makes room
        assert (await store.show()).replies == 1
        assert await kept(store, "b") == "b"


async def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    """A reply that is used stays, though it is the oldest; a trim leaves room for more."""
    clock = Clock()
    text = GeminiReply("x" * 10_000, Usage())
    async with store_of(tmp_path, clock=clock) as store:
        for digest in "abcdefgh":
            await keep(store, digest, text)
            clock.now += USE + 1
        assert await kept(store, "ab") == "ab"
    async with store_of(tmp_path, Limits(max_bytes=60_000), clock=clock) as store:
        clock.now += 1
        await keep(store, "i", text)  # the first thing that is written makes room
        assert await kept(store, "abcdefghi") == "abghi"
        assert (await store.show()).bytes <= 0.9 * 60_000


async def test_the_file_gets_smaller_again(tmp_path: Path) -> None:
    file = tmp_path / "replies.sqlite"
    async with store_of(tmp_path) as store:
        for number in range(20):
            await keep(store, f"{number}", GeminiReply("x" * 100_000, Usage()))
    assert file.stat().st_size > 2_000_000
    async with store_of(tmp_path) as store:
        assert await store.clear() == 20
        assert await kept(store, "1") == ""
    assert file.stat().st_size < 100_000


async def test_what_there_is_is_shown(tmp_path: Path) -> None:
    clock = Clock()
    start = clock.now
    async with store_of(tmp_path / "none", clock=clock) as store:
        empty = await store.show()
        assert (empty.replies, empty.failures, empty.bytes, empty.oldest) == (0, 0, 0, None)
        assert await store.clear() == 0
    assert not (tmp_path / "none").exists()
    async with store_of(tmp_path, clock=clock) as store:
        await keep(store, "a", GeminiReply("x" * 1000, Usage()))
        clock.now += 5
        await keep(store, "b")
        await store.finish("c", SafetyError("No.", hint="Look."), "gemini-9")
        state = await store.show()
        assert (state.replies, state.failures, state.oldest) == (2, 1, start)
        assert 1000 < state.bytes < 2000
        assert state.trouble is None
        assert await store.clear() == 3


async def test_a_lease_keeps_others_out_until_it_ends(tmp_path: Path) -> None:
    clock = Clock()
    async with store_of(tmp_path, clock=clock) as one, store_of(tmp_path, clock=clock) as two:
        assert await one.claim("a") is Turn.OURS
        assert await one.claim("a") is Turn.OURS
        assert await two.claim("a") is Turn.THEIRS
        clock.now += 9
        await one.renew(("a",))
        clock.now += 9
        assert await two.claim("a") is Turn.THEIRS
        clock.now += 2
        assert await two.claim("a") is Turn.OURS
        await one.renew(("a",))  # too late
        assert await one.claim("a") is Turn.THEIRS


async def test_a_reply_that_comes_between_reading_and_claiming_is_found(tmp_path: Path) -> None:
    async with store_of(tmp_path) as store:
        await keep(store, "other")
        real = store._db.read

        def read(work: Callable[[sqlite3.Connection], object]) -> object:
            found = real(work)
            with closing(sqlite3.connect(tmp_path / "replies.sqlite")) as db, db:
                tables.keep(db, {"a": Kept(REPLY, "gemini-9", Clock().now, math.inf)})
            return found

        store._db.read = read  # type: ignore[method-assign,assignment]
        assert await store.claim("a") == HIT


async def test_what_was_let_go_takes_no_later_lease_along(tmp_path: Path) -> None:
    """Asked, given up and asked again, while the thread has a claim to do that came before."""
    async with store_of(tmp_path) as store, store_of(tmp_path) as other:
        assert await store.claim("a") is Turn.OURS
        free = threading.Event()
        store._db.run(free.wait)
        before = asyncio.create_task(store.claim("b"))
        await asyncio.sleep(0)
        given_up = asyncio.create_task(store.finish("a", None, "gemini-9"))
        await asyncio.sleep(0)
        again = asyncio.create_task(store.claim("a"))
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(before, given_up)
        assert await again is Turn.OURS
        assert await other.claim("a") is Turn.THEIRS


@pytest.mark.parametrize("ends", ["finished", "closed"])
async def test_a_lease_that_is_given_up_is_free_at_once(ends: str, tmp_path: Path) -> None:
    async with store_of(tmp_path) as two:
        async with store_of(tmp_path) as one:
            assert await one.claim("a") is Turn.OURS
            assert await two.claim("a") is Turn.THEIRS
            if ends == "finished":
                await one.finish("a", None, "gemini-9")
                assert await two.claim("a") is Turn.OURS
        assert await two.claim("a") is Turn.OURS


async def test_who_goes_away_takes_nobody_along(tmp_path: Path) -> None:
    """Claims that come while the thread is busy are answered together."""
    free = threading.Event()
    async with store_of(tmp_path) as store:
        store._db.run(free.wait)
        claims = [asyncio.create_task(store.claim(digest)) for digest in "abc"]
        await asyncio.sleep(0)
        claims[1].cancel()
        await asyncio.wait([claims[1]])
        free.set()
        assert [await claims[0], await claims[2]] == [Turn.OURS] * 2


async def test_a_reply_that_came_after_all_is_kept_though_the_lease_is_lost(tmp_path: Path) -> None:
    clock = Clock()
    async with store_of(tmp_path, clock=clock) as one, store_of(tmp_path, clock=clock) as two:
        await one.claim("a")
        clock.now += 11
        assert await two.claim("a") is Turn.OURS
        await keep(one, "a")
        assert await two.claim("a") == HIT


async def test_only_what_is_needed_is_stored(tmp_path: Path) -> None:
    async with store_of(tmp_path) as store:
        await store.claim("d" * 64)
        await keep(store, "d" * 64, replace(REPLY, text="the reply"))
    with closing(sqlite3.connect(tmp_path / "replies.sqlite")) as db:
        (row,) = db.execute("SELECT * FROM replies").fetchall()
        names = [one[1] for one in db.execute("PRAGMA table_info(replies)").fetchall()]
        assert db.execute("SELECT COUNT(*) FROM leases").fetchone() == (0,)
    values = dict(zip(names, row, strict=True))
    assert values.pop("stored") == values.pop("used")
    assert values.pop("size") > len("the reply")
    assert values == {
        "digest": "d" * 64,
        "model": "gemini-9",
        "truncated": 0,
        "text": b"the reply",
        "input_tokens": 90,
        "output_tokens": 7,
        "thought_tokens": 3,
        "cached_tokens": 0,
        "image_tokens": 0,
        "again_from": None,
    }


async def test_files_are_their_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    async with store_of(folder) as store:
        await keep(store, "a")
        files = sorted(folder.iterdir())
        assert [one.name for one in files] == [f"replies.sqlite{s}" for s in ("", "-shm", "-wal")]
        assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
