"""Every request in the ledger: what it cost, whose it was, what came of it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.cache import ledger_tables as tables
from label_studio_gemini.cache.batch import Batch
from label_studio_gemini.cache.database import PATIENCE, PAUSE, Database
from label_studio_gemini.cache.entries import FREE, NO_TOTALS, Day, Entry, Project, totals_of
from label_studio_gemini.cache.spent import SpentToday
from label_studio_gemini.gemini.types import Usage

if TYPE_CHECKING:
    import asyncio
    import sqlite3
    from collections.abc import Callable, Sequence
    from decimal import Decimal
    from pathlib import Path

    from label_studio_gemini.cache.entries import Kind, Totals
    from label_studio_gemini.gemini.types import GeminiRequest, ServiceTier

LEDGER_DAYS = 400
"""Days for which every call is kept; the sums of a day are kept for good."""

_logger = logging.getLogger(__name__)

_NO_BUDGET = (
    "until it can be, the budget does not survive a restart, and other processes spend their own"
)
_DAY = 86_400.0  # seconds
_MOST_UNWRITTEN = 10_000  # rows; sums are never given up
# Seconds from one write to the next: little beside a call, and less work in a busy second.
_PACE = 0.05


class Ledger:
    """What every request cost, in a SQLite file that several processes share.

    `add` waits for nothing: rows are priced and written by a thread, many at once, and whatever is
    asked of the ledger counts those too that are not written yet. While the file cannot be used,
    they are held in memory: all sums, so that a budget holds, and the last 10,000 rows. What this
    process knows to be spent today stays so though the file is lost.

    Args:
        path: The file.
        price: What tokens cost in US dollars, by model and tier; None if that is not known. It is
            called in the ledger's thread.
        days: How long every single call is kept; the sums of a day are kept for good.
        guards_budget: Whether a budget rests on it: then a file that cannot be used is worse.
        patience: Seconds to wait for the writes of other processes.
        pause: Seconds after which a file that could not be used is tried again.
        clock: The time in seconds since 1970. Days are those of the machine's local time.
    """

    def __init__(
        self,
        path: Path,
        price: Callable[[Usage, str, ServiceTier | None], Decimal | None],
        *,
        days: int = LEDGER_DAYS,
        guards_budget: bool = False,
        patience: float = PATIENCE,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = Database(
            path,
            tables.SCHEMA,
            holds="ledger",
            loss=_NO_BUDGET if guards_budget else "",
            retry=self._try_to_write,
            patience=patience,
            pause=pause,
        )
        self._price = price
        self._days = days
        self._clock = clock
        # What a budget lets go depends on what other processes see here.
        self._entries = Batch(self._db, self._note, pace=0.0 if guards_budget else _PACE)
        # By the thread:
        self._rows: deque[Entry] = deque(maxlen=_MOST_UNWRITTEN)
        self._sums: dict[tables.Key, Totals] = {}
        self._known: list[tables.Row] = []
        self._spent = SpentToday()
        self._cleaned: dt.date | None = None

    def add(
        self,
        request: GeminiRequest,
        kind: Kind,
        outcome: str,
        *,
        seconds: float,
        usage: Usage | None = None,
    ) -> None:
        """Note what became of a request; it is written soon.

        Args:
            request: The request.
            kind: Whether it was a call.
            outcome: `ok`, or the name of the error.
            seconds: How long it took.
            usage: The tokens that were billed; None for none.
        """
        entry = Entry(
            time=self._clock(),
            origin=request.origin,
            model=request.model,
            tier=request.options.tier,
            kind=kind,
            outcome=outcome,
            seconds=seconds,
            usage=usage or Usage(),
        )
        self._entries.add(entry)

    async def spent_today(self) -> Decimal:
        """Return what all calls of today cost, those of other processes too, in US dollars."""
        (today,) = await self.by_day(1)
        return today.totals.dollars

    async def by_day(self, days: int) -> tuple[Day, ...]:
        """Return the totals of the last days, today last; days without requests too."""
        found, _ = await self.by_day_and_project(days)
        return found

    async def by_project(self, days: int) -> tuple[Project, ...]:
        """Return the totals of each project in the last days, the dearest first."""
        _, found = await self.by_day_and_project(days)
        return found

    async def by_day_and_project(self, days: int) -> tuple[tuple[Day, ...], tuple[Project, ...]]:
        """Return what `by_day` and `by_project` do, of one moment."""
        today = _date_of(self._clock())
        dates = [today - dt.timedelta(number) for number in reversed(range(days))]
        by_day: dict[str, list[tables.Row]] = {date.isoformat(): [] for date in dates}
        by_project: dict[str, list[tables.Row]] = {}
        rows, spent = await self._read(dates[0], today)
        for row in rows:
            day, project, *_ = row
            by_project.setdefault(project, []).append(row)
            if day in by_day:  # another process may be a day ahead by now
                by_day[day].append(row)
        found = [
            Project(name or None, tables.totals_of_rows(rows)) for name, rows in by_project.items()
        ]
        totals = [tables.totals_of_rows(rows) for rows in by_day.values()]
        totals[-1] = replace(totals[-1], dollars=spent)
        return (
            tuple(Day(date, one) for date, one in zip(dates, totals, strict=True)),
            tuple(sorted(found, key=lambda one: one.totals.dollars, reverse=True)),
        )

    async def last(self, number: int) -> tuple[Entry, ...]:
        """Return the last requests, the newest first."""

        def read() -> tuple[Entry, ...]:
            self._entries.drain()
            written = self._db.read(lambda db: tables.read_last(db, number)) or []
            return (*reversed(self._rows), *written)[:number]

        return await self._db.run(read)

    async def written(self) -> tuple[tables.Sums, ...] | None:
        """Return what each project spent on each model, ever; None if that cannot be read.

        Only what is in the file counts, so that it is the same whichever process is asked.
        """

        def read() -> tuple[tables.Sums, ...] | None:
            self._entries.drain()
            found = self._db.read(tables.read_sums)
            if found is None and self._db.trouble is not None:
                return None
            return tuple(found or ())  # there may be no file yet

        return await self._db.run(read)

    @property
    def trouble(self) -> str | None:
        """Why the file cannot be used, or None."""
        return self._db.trouble

    def probe(self) -> asyncio.Future[bool | None]:
        """Begin to find out whether the file can be written; a warning says so if not."""
        return self._db.run(lambda: self._db.write(lambda _: True))

    async def aclose(self) -> None:
        """Write what is not written yet, and close the file."""

        def leave() -> None:
            self._entries.drain()
            if self._sums:
                self._db.insist()
                self._try_to_write()
            if self._sums:
                lost = "%d requests, and what they cost, could not be written into the ledger."
                _logger.warning(lost, sum(map(_requests_of, self._sums.values())))

        await self._db.run(leave)
        await self._db.aclose()

    async def _read(self, first: dt.date, last: dt.date) -> tuple[list[tables.Row], Decimal]:
        """Return what the days since `first` have, and what was spent on `last`, today."""
        since, today = first.isoformat(), last.isoformat()

        def read() -> tuple[list[tables.Row], Decimal]:
            self._entries.drain()
            found = self._db.read(lambda db: tables.read_rows(db, since))
            if found is not None:
                self._known = found
            known = [row for row in self._known if row[0] >= since]
            unwritten = [
                tables.row_of(key, one) for key, one in self._sums.items() if key.day >= since
            ]
            rows = known + unwritten
            of_today = [row for row in rows if row[0] == today]
            spent = tables.totals_of_rows(of_today).dollars
            return rows, self._spent.at_least(today, spent)

        return await self._db.run(read)

    def _note(self, entries: Sequence[Entry]) -> None:
        for given in entries:
            entry = self._priced(given)
            key = tables.key_of(entry, _date_of(entry.time).isoformat())
            self._sums[key] = self._sums.get(key, NO_TOTALS) + totals_of(entry)
            self._spent.add(key.day, entry.dollars or FREE)
            self._rows.append(entry)
        self._try_to_write()

    def _try_to_write(self) -> None:
        if self._sums and self._db.write(self._write) is not None:
            self._rows.clear()
            self._sums.clear()

    def _write(self, db: sqlite3.Connection) -> int:
        tables.add_entries(db, self._rows)
        tables.add_totals(db, self._sums)
        now = self._clock()
        today = _date_of(now)
        if today == self._cleaned:
            return 0
        self._cleaned = today
        return tables.forget(db, now - self._days * _DAY)

    def _priced(self, entry: Entry) -> Entry:
        if not entry.usage.total:
            return entry
        return replace(entry, dollars=self._price(entry.usage, entry.model, entry.tier))


def _requests_of(totals: Totals) -> int:
    return totals.calls + totals.hits + totals.refused


def _date_of(seconds: float) -> dt.date:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).astimezone().date()
