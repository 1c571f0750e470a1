"""Whatever bits of a file are wrong, nothing comes out, and what comes afterwards is stored."""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from activity_kit import BROKEN, activity_of
from cache_kit import HIT, REPLY, USAGE, asked, ledger_of, store_of
from label_studio_gemini.activity import Result
from label_studio_gemini.cache import Kind
from label_studio_gemini.cache.database import Database
from label_studio_gemini.cache.tables import SCHEMA
from label_studio_gemini.errors import SafetyError
from label_studio_gemini.gemini.types import Options, ServiceTier

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from label_studio_gemini.cache.rows import Outcome

DIGESTS = [f"{number:064d}" for number in range(40)]
VERSION = range(60, 64)  # `user_version`: with another the file is of a newer program, and is left


async def use_replies(folder: Path) -> bool:
    """Use the store as a backend does; return whether what comes is kept."""
    async with store_of(folder) as store:
        await asyncio.gather(*(store.claim(digest) for digest in (*DIGESTS, "failed")))
        await store.show()
        error = SafetyError("No.", hint="Look.")
        kept: list[tuple[str, Outcome]] = [
            *((digest, REPLY) for digest in DIGESTS[:20]),
            ("failed", error),
        ]
        await asyncio.gather(*(store.finish(digest, one, "gemini-9") for digest, one in kept))
        found = await store.claim(DIGESTS[0])
        # What an index hides that is out of order costs a call: SQLite itself does not notice.
        return found == HIT or await store._db.run(lambda: bool(store._db.read(is_stored)))


def is_stored(db: sqlite3.Connection) -> bool:
    found = db.execute("SELECT digest FROM replies NOT INDEXED WHERE text = ?", (b"[]",))
    return DIGESTS[0] in {digest for (digest,) in found}


async def use_ledger(folder: Path) -> bool:
    async with ledger_of(folder) as ledger:
        await ledger.by_day_and_project(30)
        await ledger.written()
        await ledger.last(50)
        tier = Options(tier=ServiceTier.FLEX)
        for number in range(30):
            request = replace(asked(project=f"{number % 5}.{number}"), options=tier)
            ledger.add(request, Kind.CALL, "ok", seconds=1.0, usage=USAGE)
        await ledger.spent_today()
        return ledger.trouble is None and not ledger._sums


async def use_activity(folder: Path) -> bool:
    async with activity_of(folder) as activity:
        await activity.show()
        await activity.counts()
        activity.accept("1.1", model_version="v1", unfilled=["one", "two"], url="http://ls")
        activity.refuse("2.2", BROKEN)
        progress = activity.begin("1.1", request="r", tasks=40)
        for task in range(40):
            found = {"unmatched": {f"lorry {task}": 2}}
            activity.finish("1.1", task, Result.PREDICTED if task % 3 else BROKEN, left_out=found)
            progress.finish_task(failed=not task % 3)
        shown = await activity.show()
        return activity.trouble is None and any(one.name == "1.1" for one in shown.projects)


@dataclass(frozen=True)
class File:
    """A file, and how it is used."""

    name: str
    use: Callable[[Path], Coroutine[None, None, bool]]


FILES = [
    File("replies", use_replies),
    File("ledger", use_ledger),
    File("activity", use_activity),
]


def set_aside(folder: Path) -> list[Path]:
    return list(folder.glob("*.damaged-*[0-9]"))


def damaged(whole: bytes, dice: random.Random) -> bytes:
    """Turn a few bits, four of five of them where there is something."""
    data = bytearray(whole)
    filled = [place for place, byte in enumerate(data) if byte and place not in VERSION]
    for _ in range(dice.choice([1, 1, 3, 20])):
        place = dice.choice(filled) if dice.random() < 0.8 else dice.randrange(100, len(data))
        data[place] ^= 1 << dice.randrange(8)
    return bytes(data)


@pytest.mark.parametrize("damages", [8, pytest.param(150, marks=pytest.mark.slow)])
@pytest.mark.parametrize("file", FILES, ids=lambda one: one.name)
def test_no_damage_costs_anything_but_what_was_in_the_file(
    file: File, damages: int, tmp_path: Path
) -> None:
    """It may be met in the middle of the work, which is lost then; the next is not."""
    assert asyncio.run(file.use(tmp_path))
    path = tmp_path / f"{file.name}.sqlite"
    whole = path.read_bytes()
    dice = random.Random(f"{file.name} {damages}")
    unkept = []
    for number in range(damages):
        for old in tmp_path.iterdir():
            old.unlink()
        path.write_bytes(damaged(whole, dice))
        asyncio.run(file.use(tmp_path))
        if not asyncio.run(file.use(tmp_path)):
            unkept.append(number)
    assert unkept == []


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.name)
@pytest.mark.parametrize("what", ["a table", "all tables", "a column"])
def test_a_file_that_lacks_what_it_should_have_is_begun_anew(
    what: str, file: File, tmp_path: Path
) -> None:
    """Its version is right."""
    assert asyncio.run(file.use(tmp_path))
    with closing(sqlite3.connect(tmp_path / f"{file.name}.sqlite")) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        if what == "a column":
            column = {"replies": "truncated", "ledger": "unpriced", "activity": "unfilled"}
            table = {"replies": "replies", "ledger": "days", "activity": "projects"}
            db.execute(f"ALTER TABLE {table[file.name]} DROP COLUMN {column[file.name]}")
        else:
            for table_name in tables if what == "all tables" else tables[:1]:
                db.execute(f"DROP TABLE {table_name}")
    assert asyncio.run(file.use(tmp_path))
    assert len(set_aside(tmp_path)) == 1


async def test_a_damaged_row_of_a_day_is_left_out_of_its_sums(tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as ledger:
        for project in "123":
            ledger.add(asked(project=project), Kind.CALL, "ok", seconds=1.0, usage=USAGE)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db, db:
        db.execute("UPDATE days SET dollars = '0.0x1' WHERE project = '1'")
        db.execute("UPDATE days SET calls = x'00' WHERE project = '2'")
        db.execute("UPDATE calls SET kind = 'carl' WHERE project = '2'")
    async with ledger_of(tmp_path) as ledger:
        assert (await ledger.by_day(1))[0].totals.calls == 1
        assert [one.origin.project for one in await ledger.last(9) if one.origin] == ["3", "1"]
        ledger.add(asked(project="1"), Kind.CALL, "ok", seconds=1.0, usage=USAGE)
        assert (await ledger.by_day(1))[0].totals.calls == 2
    assert not set_aside(tmp_path)


def test_a_bug_costs_no_file_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails with an empty file too is no damage."""
    database = Database(tmp_path / "x.sqlite", SCHEMA, holds="replies")
    assert database.write(lambda _: 1) == 1

    def bug(_: sqlite3.Connection) -> int:
        raise TypeError("ours")

    assert database.read(bug) is None
    assert database.trouble == "TypeError: ours"
    (error,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert error.exc_info is not None
    assert isinstance(error.exc_info[1], TypeError)
    assert not set_aside(tmp_path)
    database.close()
