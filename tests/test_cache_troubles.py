"""A file that cannot be used for a while, may only be read, or is lost: what holds nevertheless."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from activity_kit import activity_of
from cache_kit import HIT, PRICE, REPLY, USAGE, Clock, asked, ledger_of, locked, store_of, until
from commands import run_here
from label_studio_gemini.activity import BatchState, Result
from label_studio_gemini.cache import Budget, Kind, Ledger
from label_studio_gemini.cache.store import Turn
from label_studio_gemini.cli.cache import run_cache
from label_studio_gemini.errors import BudgetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON = {"patience": 0.05, "pause": 0.1}
LATER = {"patience": 0.05, "pause": 3600.0}
COST = USAGE.total * PRICE
NOBODY = 65534


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def call(ledger: Ledger) -> None:
    ledger.add(asked(), Kind.CALL, "ok", seconds=1.0, usage=USAGE)


async def test_closing_writes_what_could_not_be_written_before(tmp_path: Path) -> None:
    """The pause is an hour long."""
    async with (
        store_of(tmp_path, **LATER) as store,
        ledger_of(tmp_path, **LATER) as ledger,
        activity_of(tmp_path, **LATER) as activity,
    ):
        files = [tmp_path / f"{name}.sqlite" for name in ("replies", "ledger", "activity")]
        for file in files:
            file.mkdir()
        await store.finish("a", REPLY, "gemini-9")
        call(ledger)
        activity.finish("1.1", 1, Result.PREDICTED)
        await ledger.by_day(1)
        await activity.show()
        assert store._db.trouble
        assert ledger.trouble
        assert activity.trouble
        for file in files:
            file.rmdir()
    async with (
        store_of(tmp_path) as store,
        ledger_of(tmp_path) as ledger,
        activity_of(tmp_path) as activity,
    ):
        assert await store.claim("a") == HIT
        assert len(await ledger.last(2)) == 1
        assert (await activity.show()).projects[0].predicted == 1


async def test_closing_says_what_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("replies", "ledger", "activity"):
        (tmp_path / f"{name}.sqlite").mkdir()
    async with store_of(tmp_path, **LATER) as store, ledger_of(tmp_path, **LATER) as ledger:
        async with activity_of(tmp_path, **LATER) as activity:
            activity.finish("1.1", 1, Result.PREDICTED)
        await store.finish("a", REPLY, "gemini-9")
        call(ledger)
        call(ledger)
    said = "\n".join(warnings(caplog))
    assert "1 answers of Gemini's could not be kept" in said
    assert "2 requests, and what they cost, could not be written" in said
    assert "1 things that were done could not be written" in said


async def test_a_file_is_tried_again_though_nobody_asks(tmp_path: Path) -> None:
    async with store_of(tmp_path, **SOON) as store, ledger_of(tmp_path, **SOON) as ledger:
        for name in ("replies", "ledger"):
            (tmp_path / f"{name}.sqlite").mkdir()
        await store.finish("a", REPLY, "gemini-9")
        await ledger.spent_today()  # nothing is to be written, and nothing can be read
        assert store._db.trouble
        assert ledger.trouble
        for name in ("replies", "ledger"):
            (tmp_path / f"{name}.sqlite").rmdir()
        await until(lambda: store._db.trouble is None and ledger.trouble is None)
        async with store_of(tmp_path) as other:
            assert await other.claim("a") == HIT


async def test_retries_do_not_pile_up(tmp_path: Path) -> None:
    """However often it fails, there is one at a time."""
    async with store_of(tmp_path, patience=0.05, pause=0.0) as store:
        await store.finish("a", REPLY, "gemini-9")
        with locked(tmp_path / "replies.sqlite"):
            for digest in "bcde":
                await store.claim(digest)
            tries: list[None] = []
            store._db._retry = lambda: tries.append(None)
            await until(lambda: len(tries) > 8)
            assert store._db._thread._work_queue.qsize() <= 1


async def test_a_lease_that_lies_too_far_ahead_is_none(tmp_path: Path) -> None:
    """The clock was set back by a day."""
    clock = Clock()
    async with store_of(tmp_path, clock=clock) as one, store_of(tmp_path, clock=clock) as two:
        await one.claim("a")
        assert await two.claim("a") is Turn.THEIRS
        clock.now -= 86_400
        assert await two.claim("a") is Turn.OURS


async def test_a_sign_of_life_that_is_to_come_is_none(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as one:
        one.begin("1.1", request="r", tasks=3)
        await one.show()
        clock.now -= 86_400
        async with activity_of(tmp_path, clock=clock) as other:
            assert [batch.state for batch in (await other.show()).batches] == [
                BatchState.INTERRUPTED
            ]
            counts = await other.counts()
            assert counts is not None
            assert counts.tasks_in_flight == 0


@pytest.mark.parametrize("loss", ["deleted", "damaged", "emptied", "an old copy"])
async def test_a_budget_holds_though_the_ledger_is_lost(loss: str, tmp_path: Path) -> None:
    """What others had spent counts too, as far as it was known."""
    file = tmp_path / "ledger.sqlite"
    async with ledger_of(tmp_path) as other:
        call(other)
        await other.spent_today()
        old = file.with_name("old")
        with closing(sqlite3.connect(file)) as db:
            db.execute("VACUUM INTO ?", (str(old),))
        call(other)
    async with ledger_of(tmp_path) as ledger:
        budget = Budget(5 * COST, ledger, lambda _: COST)
        call(ledger)
        assert await ledger.spent_today() == 3 * COST
        if loss == "damaged":
            file.write_bytes(b"\xa5" * 20_000)
        elif loss == "emptied":
            with closing(sqlite3.connect(file)) as db, db:
                db.execute("DELETE FROM days")
        else:
            for suffix in ("", "-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)
        if loss == "an old copy":
            shutil.copy(old, file)
        assert await ledger.spent_today() == 3 * COST
        async with budget.place(asked()):
            call(ledger)
        assert await ledger.spent_today() == 4 * COST
        call(ledger)
        with pytest.raises(BudgetError):
            async with budget.place(asked()):
                pass
        assert (await ledger.by_day(2))[-1].totals.dollars == 5 * COST


async def test_a_budget_without_a_ledger_is_said_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    async with ledger_of(tmp_path, guards_budget=True, **LATER) as ledger:
        await ledger.probe()
        await ledger.probe()
        assert "the budget does not survive a restart" in (ledger.trouble or "")
    (warning,) = warnings(caplog)
    assert "the budget does not survive a restart" in warning


async def test_a_projects_name_is_bounded(tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as ledger:
        for end in "ab":
            request = asked(project="x" * 1_000_000 + end)
            ledger.add(request, Kind.CALL, "ok", seconds=1.0, usage=USAGE)
        names = [one.name for one in await ledger.by_project(1)]
    assert len(set(names)) == 2
    assert all(len(name or "") <= 200 for name in names)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        assert db.execute("SELECT MAX(LENGTH(project)) FROM calls").fetchone()[0] <= 200


@pytest.fixture
def read_only() -> Iterator[Path]:
    """Return a folder with three files that nobody may write; root becomes nobody meanwhile."""
    folder = Path(tempfile.mkdtemp())

    async def fill() -> None:
        async with store_of(folder) as store, ledger_of(folder) as ledger:
            await store.finish("a", REPLY, "gemini-9")
            call(ledger)
        async with activity_of(folder) as activity:
            activity.finish("1.1", 1, Result.PREDICTED)

    asyncio.run(fill())
    # What the command imports late is imported now: nobody may not look where it lies.
    assert run_here("cache", MODEL_DIR=str(folder)).returncode == 0
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
        shutil.rmtree(folder)


async def test_what_may_only_be_read_is_served(read_only: Path) -> None:
    async with store_of(read_only, **LATER) as store, ledger_of(read_only, **LATER) as ledger:
        assert await store.claim("a") == HIT
        assert await store.claim("b") is Turn.OURS
        await store.finish("b", REPLY, "gemini-9")
        assert await store.claim("b") == HIT
        assert await store.claim("a") == HIT
        call(ledger)
        assert await ledger.spent_today() == 2 * COST
        assert ledger.trouble
    async with activity_of(read_only, **LATER) as activity:
        activity.finish("1.1", 2, Result.PREDICTED)
        assert (await activity.show()).projects[0].predicted == 2
    assert len(os.listdir(read_only)) == 3  # noqa: PTH208


def test_the_command_shows_what_may_only_be_read_and_cannot_clear_it(
    read_only: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL_DIR", str(read_only))
    run_cache(None, clear=False, last_days=3)
    shown = capsys.readouterr().out
    assert "1 answers and 0 failures are remembered" in shown
    assert "cannot be read" not in shown
    with pytest.raises(UsageError, match="could not be forgotten") as caught:
        run_cache(None, clear=True, last_days=3)
    assert "may write there" in caught.value.hint


def test_the_command_says_what_it_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("replies", "ledger"):
        (tmp_path / f"{name}.sqlite").mkdir()
    monkeypatch.setenv("MODEL_DIR", str(tmp_path))
    run_cache(None, clear=False, last_days=3)
    shown = capsys.readouterr().out
    assert "0 answers" not in shown
    assert "replies.sqlite cannot be read: " in shown.replace("\n", "")
    assert "ledger.sqlite cannot be read: " in shown.replace("\n", "")
