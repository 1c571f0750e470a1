"""Every request is in the ledger, to the last fraction of a cent."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from cache_kit import USAGE, Clock, asked, ledger_of, store_of
from label_studio_gemini.cache import Day, Entry, Kind, Ledger, Totals, show
from label_studio_gemini.gemini.types import GeminiReply, Options, Origin, ServiceTier, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.gemini.types import GeminiRequest

CENT = Decimal("0.0001")  # what USAGE costs
DAY = 86_400.0


def call(ledger: Ledger, request: GeminiRequest, outcome: str = "ok", usage: Usage = USAGE) -> None:
    ledger.add(request, Kind.CALL, outcome, seconds=1.5, usage=usage)


def hit(ledger: Ledger, request: GeminiRequest) -> None:
    ledger.add(request, Kind.HIT, "ok", seconds=0.001)


@contextmanager
def timezone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


async def test_a_call_is_one_row_with_all_there_is_to_know(tmp_path: Path) -> None:
    clock = Clock()
    request = replace(asked(), options=Options(tier=ServiceTier.FLEX), origin=Origin("7", 12))
    async with ledger_of(tmp_path, clock=clock) as ledger:
        call(ledger, request)
    expected = Entry(
        time=clock.now,
        origin=Origin("7", 12),
        model="gemini-9",
        tier=ServiceTier.FLEX,
        kind=Kind.CALL,
        outcome="ok",
        seconds=1.5,
        usage=USAGE,
        dollars=CENT,
    )
    async with ledger_of(tmp_path) as ledger:
        assert await ledger.last(5) == (expected,)


@pytest.mark.parametrize(
    "origin",
    [None, Origin(None, None), Origin("half \ud83d", 10**40), Origin("", 0), Origin("x", None)],
)
async def test_any_origin_can_be_noted(origin: Origin | None, tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as ledger:
        call(ledger, replace(asked(), origin=origin, model="m \ud83d"), usage=Usage(10**30))
        assert len(await ledger.last(2)) == 1
        assert (await ledger.by_day(1))[0].totals.calls == 1
    async with ledger_of(tmp_path) as ledger:
        (entry,) = await ledger.last(2)
        assert entry.usage == Usage(2**63 - 1)


async def test_totals_count_calls_failures_hits_and_refusals_apart(tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as ledger:
        call(ledger, asked(project="7"))
        call(ledger, asked(project="7"), "SafetyError", Usage(10))
        call(ledger, asked(project="8"), "ServiceError", Usage())
        hit(ledger, asked(project="8"))
        ledger.add(asked(project="8"), Kind.REFUSED, "BudgetError", seconds=0.0)
        (today,) = await ledger.by_day(1)
        assert today.totals == Totals(
            calls=3,
            failed=2,
            hits=1,
            refused=1,
            usage=Usage(100, 7, 3),
            dollars=CENT + Decimal("0.00001"),
        )
        seven, eight = await ledger.by_project(1)
        assert (seven.name, seven.totals.calls, seven.totals.hits) == ("7", 2, 0)
        assert (eight.name, eight.totals.calls, eight.totals.hits) == ("8", 1, 1)
        assert await ledger.spent_today() == today.totals.dollars


async def test_amounts_are_added_exactly(tmp_path: Path) -> None:
    """A thousand times a 10th of a nano-dollar, and a million dollars."""
    tiny, huge = Decimal("0.0000000001"), Decimal(1_000_000)
    amounts = iter([huge] + [tiny] * 1000)
    ledger = Ledger(tmp_path / "ledger.sqlite", lambda *_: next(amounts))
    for number in range(1001):
        call(ledger, asked())
        if number % 100 == 0:
            await ledger.spent_today()
    await ledger.aclose()
    async with ledger_of(tmp_path) as ledger:
        assert await ledger.spent_today() == Decimal("1000000.0000001000")


async def test_a_price_that_is_not_known_is_not_taken_for_none(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", lambda *_: None)
    call(ledger, asked())
    hit(ledger, asked())
    entries = await ledger.last(2)
    (today,) = await ledger.by_day(1)
    await ledger.aclose()
    assert [entry.dollars for entry in entries] == [Decimal(0), None]
    assert (today.totals.dollars, today.totals.unpriced) == (Decimal(0), 1)


async def test_days_are_those_of_the_machine(tmp_path: Path) -> None:
    """Half past eleven at night and half past midnight are two days here, and one in UTC."""
    with timezone("Asia/Tokyo"):
        night = dt.datetime(2026, 3, 10, 14, 30, tzinfo=dt.UTC).timestamp()  # 23:30 in Tokyo
        clock = Clock(night)
        async with ledger_of(tmp_path, clock=clock) as ledger:
            call(ledger, asked())
            assert await ledger.spent_today() == CENT
            clock.now += 3600
            assert await ledger.spent_today() == 0
            call(ledger, asked("2"))
            days = await ledger.by_day(3)
    assert [(day.date.isoformat(), day.totals.calls) for day in days] == [
        ("2026-03-09", 0),
        ("2026-03-10", 1),
        ("2026-03-11", 1),
    ]


async def test_every_day_is_there_also_when_the_clocks_change(tmp_path: Path) -> None:
    with timezone("Europe/Berlin"):
        clock = Clock(dt.datetime(2026, 3, 31, 0, 30, tzinfo=dt.UTC).timestamp())
        async with ledger_of(tmp_path, clock=clock) as ledger:
            days = await ledger.by_day(40)
    dates = [day.date for day in days]
    assert dates[-1] == dt.date(2026, 3, 31)
    steps = [later - day for day, later in itertools.pairwise(dates)]
    assert steps == [dt.timedelta(1)] * 39
    assert days[0] == Day(dates[0], Totals())


async def test_old_calls_go_and_their_sums_stay(tmp_path: Path) -> None:
    clock = Clock()
    async with ledger_of(tmp_path, days=10, clock=clock) as ledger:
        call(ledger, asked())
        clock.now += 11 * DAY
        call(ledger, asked("2"))
        assert len(await ledger.last(5)) == 1
        assert sum(day.totals.calls for day in await ledger.by_day(20)) == 2


async def test_processes_add_to_the_same_sums(tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as one, ledger_of(tmp_path) as two:
        for _ in range(20):
            call(one, asked())
            call(two, asked())
        assert await one.by_day(1)
        assert await two.spent_today() == 40 * CENT


async def test_what_was_just_added_counts_though_it_is_not_written_yet(tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as ledger:
        for number in range(100):
            call(ledger, asked())
            assert await ledger.spent_today() == (number + 1) * CENT
            assert len(await ledger.last(1000)) == number + 1


async def test_a_ledger_that_cannot_be_written_knows_what_was_spent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost: it is written as soon as it can be."""
    async with ledger_of(tmp_path, patience=0.05, pause=0.0) as ledger:
        call(ledger, asked())
        assert await ledger.spent_today() == CENT
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                call(ledger, asked("2"))
                await ledger.spent_today()
            assert await ledger.spent_today() == 4 * CENT
            assert len(await ledger.last(9)) == 4
            troubles = [ledger.trouble]
            db.execute("ROLLBACK")
        call(ledger, asked("3"))
        assert await ledger.spent_today() == 5 * CENT
        assert [*troubles, ledger.trouble] == ["database is locked", None]
    assert len(caplog.records) == 1
    async with ledger_of(tmp_path) as ledger:
        assert await ledger.spent_today() == 5 * CENT
        assert len(await ledger.last(9)) == 5


async def test_a_ledger_without_a_disk_keeps_all_sums_and_the_last_rows(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    async with ledger_of(tmp_path) as ledger:
        for _ in range(10_500):
            call(ledger, asked())
        assert await ledger.spent_today() == 10_500 * CENT
        assert len(await ledger.last(20_000)) == 10_000


async def test_the_summary_has_both(tmp_path: Path) -> None:
    """For a command line: nothing is made where there is nothing."""
    async with store_of(tmp_path / "new") as store, ledger_of(tmp_path / "new") as ledger:
        empty = await show(store, ledger)
    assert not (tmp_path / "new").exists()
    assert (empty.totals, empty.projects, len(empty.days)) == (Totals(), (), 30)
    async with store_of(tmp_path) as store, ledger_of(tmp_path) as ledger:
        await store.finish("a", GeminiReply("[]", USAGE), "gemini-9")
        call(ledger, asked())
        hit(ledger, asked())
        summary = await show(store, ledger, days=7)
    assert (summary.store.replies, summary.trouble, len(summary.days)) == (1, None, 7)
    assert (summary.totals.calls, summary.totals.hits, summary.totals.dollars) == (1, 1, CENT)
    assert summary.days[-1].totals == summary.totals
    assert [project.name for project in summary.projects] == ["7"]
