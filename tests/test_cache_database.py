"""Whatever becomes of the file, no answer is lost, and it is used again as soon as it can be."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import resource
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cache_kit import HIT, REPLY, Clock, asked, caching, fake, ledger_of, locked, store_of
from label_studio_gemini.cache.database import Database
from label_studio_gemini.cache.rows import Kept
from label_studio_gemini.cache.store import Turn
from label_studio_gemini.cache.tables import SCHEMA, keep
from label_studio_gemini.errors import SafetyError
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NOW = {"patience": 0.05, "pause": 0.0}  # seconds: what cannot be used is tried again at once
LATER = {"patience": 0.05, "pause": 3600.0}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def delete_all(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def set_aside(folder: Path) -> list[Path]:
    return list(folder.glob("replies.sqlite.damaged-*[0-9]"))


def replies_of(file: Path) -> Database:
    return Database(file, SCHEMA, holds="replies")


def count(db: sqlite3.Connection) -> int:
    """Return the length of all texts, for which every page has to be read."""
    (length,) = db.execute("SELECT COALESCE(SUM(LENGTH(text || '')), 0) FROM replies").fetchone()
    return int(length)


async def fill(folder: Path, replies: int = 50) -> Path:
    """Make a store of some pages; all of it is in the file, nothing beside it."""
    async with store_of(folder) as store:
        for number in range(replies):
            await store.finish(f"{number}", GeminiReply("x" * 3000, Usage()), "gemini-9")
    return folder / "replies.sqlite"


@contextmanager
def full_disk(largest: int) -> Iterator[None]:
    """Let no file of this process grow beyond `largest` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


DAMAGE: Mapping[str, Callable[[bytes], bytes]] = {
    "no database": lambda _: b"<html>No space left</html>" * 1000,
    "cut off": lambda whole: whole[: len(whole) // 3],
    "overwritten": lambda whole: whole[:4096] + b"\xa5" * (len(whole) - 4096),
    "its head": lambda whole: os.urandom(100) + whole[100:],
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_file_is_set_aside_and_begun_anew(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = await fill(tmp_path)
    damaged = DAMAGE[damage](file.read_bytes())
    file.write_bytes(damaged)
    inner = fake()
    async with caching(tmp_path, inner) as gemini:
        assert await gemini.generate(asked()) == REPLY
        assert await gemini.generate(asked()) == HIT
    (aside,) = set_aside(tmp_path)
    assert aside.read_bytes() == damaged
    (warning,) = warnings(caplog)
    assert aside.name in warning
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT COUNT(*) FROM replies").fetchone() == (1,)


async def test_all_who_have_a_damaged_file_open_go_on_with_the_same_new_one(tmp_path: Path) -> None:
    file = await fill(tmp_path)
    async with store_of(tmp_path) as one, store_of(tmp_path) as two:
        assert isinstance(await one.claim("1"), GeminiReply)
        assert isinstance(await two.claim("1"), GeminiReply)
        file.write_bytes(DAMAGE["overwritten"](file.read_bytes()))
        assert await one.claim("30") is Turn.OURS
        await one.finish("30", REPLY, "gemini-9")
        assert await two.claim("30") == HIT
    assert len(set_aside(tmp_path)) == 1


def keep_one(db: sqlite3.Connection) -> bool:
    keep(db, {"new": Kept(REPLY, "gemini-9", 1.0, math.inf)})
    return True


def test_a_file_that_another_has_set_aside_meanwhile_is_not_set_aside_again(
    tmp_path: Path,
) -> None:
    """The damage is met in the middle of the work, and the file is a new and good one by then."""
    file = asyncio.run(fill(tmp_path))
    one, two = replies_of(file), replies_of(file)
    attempts: list[sqlite3.Connection] = []

    def work(db: sqlite3.Connection) -> int:
        if not attempts:
            one.read(count)
            one.write(keep_one)
        attempts.append(db)
        return count(db)

    assert two.read(lambda db: db.total_changes) == 0  # it is open
    file.write_bytes(DAMAGE["overwritten"](file.read_bytes()))
    assert two.read(work) == 2
    assert len(attempts) == 2
    assert len(set_aside(tmp_path)) == 1
    for database in (one, two):
        database.close()


def test_tables_that_another_makes_meanwhile_are_not_made_twice(tmp_path: Path) -> None:
    other = replies_of(tmp_path / "replies.sqlite")

    class Slow(Database):
        def _switch_to_wal(self, db: sqlite3.Connection) -> None:
            super()._switch_to_wal(db)
            other.write(count)

    slow = Slow(tmp_path / "replies.sqlite", SCHEMA, holds="replies")
    assert slow.write(count) == 0
    assert slow.trouble is None
    for database in (slow, other):
        database.close()


async def test_a_file_that_is_deleted_or_replaced_is_opened_anew(tmp_path: Path) -> None:
    async with store_of(tmp_path) as store:
        await store.finish("a", REPLY, "gemini-9")
        delete_all(tmp_path)
        assert await store.claim("a") is Turn.OURS
        await store.finish("a", REPLY, "gemini-9")
        assert await store.claim("a") == HIT


@pytest.mark.parametrize("what", ["no folder", "read-only", "a folder"])
async def test_where_nothing_can_be_written_answers_come_with_one_warning(
    what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    if what == "no folder":
        folder.write_text("a file is in its place")
    elif what == "read-only":
        folder = Path("/proc/self/net")  # nobody can write there, not even root
    else:
        (folder / "replies.sqlite").mkdir(parents=True)
    inner = fake()
    async with caching(folder, inner, store=LATER) as gemini:
        for number in range(5):
            assert await gemini.generate(asked(f"{number}")) == REPLY
        assert await gemini.generate(asked("0")) == HIT  # from memory
        assert len([one for one in warnings(caplog) if "replies" in one]) == 1
    assert len(inner.asked) == 5


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a store that nobody may write."""
    asyncio.run(fill(tmp_path)).chmod(0o400)
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("root may write everywhere")
    yield tmp_path
    tmp_path.chmod(0o700)


async def test_a_read_only_folder_still_answers(read_only: Path) -> None:
    inner = fake()
    async with caching(read_only, inner, store=LATER) as gemini:
        assert await gemini.generate(asked()) == REPLY


async def test_a_locked_file_is_left_alone_and_used_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is there is still read; what comes meanwhile is written afterwards."""
    file = await fill(tmp_path)
    caplog.set_level(logging.INFO)
    async with store_of(tmp_path, **NOW) as store:
        with locked(file):
            assert isinstance(await store.claim("1"), GeminiReply)
            for digest in "abc":
                assert await store.claim(digest) is Turn.OURS
                await store.finish(digest, REPLY, "gemini-9")
                assert await store.claim(digest) == HIT
            assert (await store.show()).trouble == "database is locked"
            assert warnings(caplog) == [f"The replies in {file} cannot be used: database is locked"]
        assert await store.claim("d") is Turn.OURS
        assert (await store.show()).trouble is None
        assert caplog.records[-1].getMessage() == f"The replies in {file} can be used again."
    async with store_of(tmp_path) as store:
        assert [await store.claim(digest) for digest in "abc"] == [HIT] * 3


async def test_a_file_that_cannot_be_used_is_not_waited_for_each_time(tmp_path: Path) -> None:
    """After the first attempt nobody waits for the lock until the pause is over, or the end."""
    file = await fill(tmp_path)
    async with store_of(tmp_path, **LATER) as store:
        with locked(file):
            assert await store.claim("a") is Turn.OURS
        assert await store.claim("a") is Turn.OURS
        await store.finish("a", REPLY, "gemini-9")
        async with store_of(tmp_path, lease=-1.0) as other:
            assert await other.claim("a") is Turn.OURS  # nothing was written during the pause
    async with store_of(tmp_path) as store:
        assert await store.claim("a") == HIT


async def test_a_full_disk_costs_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = await fill(tmp_path)
    reply = GeminiReply("y" * 300_000, Usage())
    inner = fake(reply)
    async with caching(tmp_path, inner, store=NOW) as gemini:
        with full_disk(file.stat().st_size):
            for number in range(3):
                assert await gemini.generate(asked(f"{number}")) == reply
        assert any("replies" in one for one in warnings(caplog))
        assert await gemini.generate(asked("3")) == reply
    inner = fake()
    async with caching(tmp_path, inner) as gemini:
        for number in range(4):
            assert (await gemini.generate(asked(f"{number}"))).cached
    assert inner.asked == []


async def test_what_cannot_be_written_takes_little_memory(tmp_path: Path) -> None:
    """Of 30 MB, the last 16 are held; of many, 1,000."""
    (tmp_path / "replies.sqlite").mkdir()
    async with store_of(tmp_path, **LATER) as store:
        for number in range(30):
            await store.finish(f"{number}", GeminiReply("x" * 1_000_000, Usage()), "gemini-9")
        found = [isinstance(await store.claim(f"{number}"), GeminiReply) for number in range(30)]
        assert found == [False] * 14 + [True] * 16
        for number in range(1500):
            await store.finish(f"n{number}", REPLY, "gemini-9")
        found = [isinstance(await store.claim(f"n{number}"), GeminiReply) for number in range(1500)]
        assert found == [False] * 500 + [True] * 1000


async def test_what_can_be_written_has_no_limit(tmp_path: Path) -> None:
    """However much comes at once, and however large one is."""
    text = GeminiReply("x" * 1_000_000, Usage())
    async with store_of(tmp_path) as store:
        digests = [f"{number}" for number in range(25)]
        await asyncio.gather(*(store.finish(digest, text, "gemini-9") for digest in digests))
        await store.finish("large", GeminiReply("x" * 17_000_000, Usage()), "gemini-9")
        assert (await store.show()).replies == 26


async def test_a_locked_file_does_not_end_the_lease_of_who_still_works(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        store_of(tmp_path, clock=clock, **LATER) as one,
        store_of(tmp_path, clock=clock) as two,
    ):
        assert await one.claim("a") is Turn.OURS
        with locked(tmp_path / "replies.sqlite"):
            clock.now += 5
            await one.renew(["a"])  # in vain: the file is left alone from now on
        clock.now += 4
        await one.renew(["a"])
        clock.now += 9
        assert await two.claim("a") is Turn.THEIRS


async def test_a_failure_that_could_not_be_written_ends_too(tmp_path: Path) -> None:
    (tmp_path / "replies.sqlite").mkdir()
    clock = Clock()
    async with store_of(tmp_path, clock=clock, **LATER) as store:
        await store.finish("a", SafetyError("No.", hint="Look."), "gemini-9")
        assert isinstance(await store.claim("a"), SafetyError)
        clock.now += 3601
        assert await store.claim("a") is Turn.OURS


async def test_a_file_of_a_newer_version_is_not_touched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = await fill(tmp_path)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    async with caching(tmp_path, fake(), store=LATER) as gemini:
        assert await gemini.generate(asked()) == REPLY
    assert file.read_bytes() == before
    warning, lost = warnings(caplog)
    assert warning.endswith("it is of a newer version of this program")
    assert "could not be kept" in lost


async def test_a_damaged_cache_leaves_the_ledger_alone(tmp_path: Path) -> None:
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked())
    (tmp_path / "replies.sqlite").write_bytes(b"damaged" * 1000)
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked())
    async with ledger_of(tmp_path) as ledger:
        assert len(await ledger.last(9)) == 2
