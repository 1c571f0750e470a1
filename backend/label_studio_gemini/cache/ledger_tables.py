"""The SQL of the ledger: each function is a part of a transaction of its caller's.

Amounts are decimal fractions, kept as text and added by Python: exact, whatever the number.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from label_studio_gemini.cache.damage import fits
from label_studio_gemini.cache.entries import FREE, NO_TOTALS, Entry, Kind, Totals
from label_studio_gemini.cache.rows import plain_text, usage_row, whole_number
from label_studio_gemini.cache.texts import short_name
from label_studio_gemini.gemini.types import Origin, ServiceTier, Usage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

_CALLS = """
CREATE TABLE calls (
    time REAL NOT NULL, project TEXT, task INTEGER, model TEXT NOT NULL, tier TEXT,
    kind TEXT NOT NULL, outcome TEXT NOT NULL, seconds REAL NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, thought_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, image_tokens INTEGER NOT NULL, dollars TEXT
)
"""
# Sums of all calls there ever were: they stay when the calls go.
_DAYS = """
CREATE TABLE days (
    day TEXT, project TEXT, model TEXT,
    calls INTEGER NOT NULL, failed INTEGER NOT NULL, hits INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, thought_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, image_tokens INTEGER NOT NULL,
    dollars TEXT NOT NULL, unpriced INTEGER NOT NULL,
    PRIMARY KEY (day, project, model)
) WITHOUT ROWID
"""
SCHEMA = ((_CALLS, "CREATE INDEX calls_by_time ON calls (time)", _DAYS),)
"""Version by version, the statements that make the tables."""

_COLUMNS = (
    "calls, failed, hits, refused, input_tokens, output_tokens, thought_tokens, cached_tokens,"
    " image_tokens, dollars, unpriced"
)
_SUM_TYPES = [*([str] * 3), *([float] * 9)]
_CALL_TYPES = (
    *(float, str | None, int | None, str, str | None, str, str, float),
    *(int, int, int, int, int, str | None),
)
_TYPES = [*([str] * 3), *([int] * 9), str, int]
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


Row: TypeAlias = tuple[Any, ...]
"""What a day has of a project and a model: a `Key`, and the columns."""


class Key(NamedTuple):
    """What totals are kept by: the day (2026-11-22), the project ("" for none), the model."""

    day: str
    project: str
    model: str


class Sums(NamedTuple):
    """All that one project spent on one model, ever; numbers as monitoring has them.

    Attributes:
        project: The project; "" for none.
        model: The model.
        first_day: The first day of these (2026-11-22).
        calls: As in `Totals`, and so are the others.
    """

    project: str
    model: str
    first_day: str
    calls: float
    failed: float
    hits: float
    refused: float
    input_tokens: float
    output_tokens: float
    thought_tokens: float
    dollars: float
    unpriced: float


def add_entries(db: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Write one row for each."""
    rows = [_row_from_entry(entry) for entry in entries]
    db.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def add_totals(db: sqlite3.Connection, added: Mapping[Key, Totals]) -> None:
    """Add to what the days have."""
    query = f"SELECT {_COLUMNS} FROM days WHERE day = ? AND project = ? AND model = ?"  # noqa: S608
    for key, totals in added.items():
        row = db.execute(query, key).fetchone()
        is_known = row is not None and _is_good((*key, *row))
        whole = totals + (_totals_from_row(row) if is_known else NO_TOTALS)
        db.execute(
            "INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, *_row_from_totals(whole)),
        )


def read_rows(db: sqlite3.Connection, since: str) -> list[Row]:
    """Return the totals of all days from `since` on, as `totals_of_rows` adds them up.

    Damaged rows are left out.
    """
    query = f"SELECT day, project, model, {_COLUMNS} FROM days WHERE day >= ?"  # noqa: S608
    return [row for row in db.execute(query, (since,)) if _is_good(row)]


def row_of(key: Key, totals: Totals) -> Row:
    """Return such a row of what is not written yet."""
    return (*key, *_row_from_totals(totals))


def totals_of_rows(rows: Sequence[Row]) -> Totals:
    """Return the sum of such rows; it is column by column that thousands take milliseconds."""
    if not rows:
        return NO_TOTALS
    _days, _projects, _models, *numbers, dollars, unpriced = zip(*rows, strict=True)
    calls, failed, hits, refused, *tokens = map(sum, numbers)
    spent = sum(map(Decimal, dollars), FREE)
    return Totals(calls, failed, hits, refused, Usage(*tokens), spent, sum(unpriced))


def read_sums(db: sqlite3.Connection) -> list[Sums]:
    """Return the sums of all days there are."""
    # TOTAL, since SUM fails where whole numbers become too large.
    return [
        Sums(*row)
        for row in db.execute(
            "SELECT project, model, MIN(day), TOTAL(calls), TOTAL(failed), TOTAL(hits),"
            " TOTAL(refused), TOTAL(input_tokens), TOTAL(output_tokens), TOTAL(thought_tokens),"
            " TOTAL(CAST(dollars AS REAL)), TOTAL(unpriced) FROM days GROUP BY project, model"
        )
        if [*map(type, row)] == _SUM_TYPES and all(map(math.isfinite, row[3:]))
    ]


def read_last(db: sqlite3.Connection, number: int) -> list[Entry]:
    """Return the last entries, the newest first; damaged ones are left out."""
    query = "SELECT * FROM calls ORDER BY time DESC, rowid DESC LIMIT ?"
    found = [_entry_from_row(row) for row in db.execute(query, (number,))]
    return [entry for entry in found if entry is not None]


def forget(db: sqlite3.Connection, before: float) -> int:
    """Delete the rows of calls that are older; their totals stay."""
    return db.execute("DELETE FROM calls WHERE time < ?", (before,)).rowcount


def key_of(entry: Entry, day: str) -> Key:
    """Return what the entry counts for."""
    project = entry.origin.project if entry.origin else None
    return Key(day, short_name(project or ""), plain_text(entry.model))


def _row_from_entry(entry: Entry) -> tuple[object, ...]:
    project = entry.origin.project if entry.origin else None
    task = entry.origin.task if entry.origin else None
    return (
        entry.time,
        None if project is None else short_name(project),
        None if task is None else whole_number(task),
        plain_text(entry.model),
        entry.tier,
        entry.kind,
        entry.outcome,
        entry.seconds,
        *usage_row(entry.usage),
        None if entry.dollars is None else f"{entry.dollars:f}",
    )


def _is_good(row: Row) -> bool:
    """Return whether a row of `days` is one that we wrote, as far as one can see."""
    return (
        [*map(type, row)] == _TYPES
        and min(*row[3:12], row[13]) >= 0
        and _AMOUNT.fullmatch(row[12]) is not None
    )


def _entry_from_row(row: tuple[Any, ...]) -> Entry | None:
    if not fits(row, *_CALL_TYPES) or not _is_entry(row[4], row[5], row[13]):
        return None
    time, project, task, model, tier, kind, outcome, seconds, *tokens, dollars = row
    return Entry(
        time=time,
        origin=None if project is None and task is None else Origin(project, task),
        model=model,
        tier=None if tier is None else ServiceTier(tier),
        kind=Kind(kind),
        outcome=outcome,
        seconds=seconds,
        usage=Usage(*tokens),
        dollars=None if dollars is None else Decimal(dollars),
    )


def _is_entry(tier: str | None, kind: str, dollars: str | None) -> bool:
    return (
        tier in {None, *ServiceTier}
        and kind in set(Kind)
        and (dollars is None or _AMOUNT.fullmatch(dollars) is not None)
    )


def _row_from_totals(totals: Totals) -> tuple[object, ...]:
    counts = (totals.calls, totals.failed, totals.hits, totals.refused)
    return (*counts, *usage_row(totals.usage), f"{totals.dollars:f}", totals.unpriced)


def _totals_from_row(row: tuple[Any, ...]) -> Totals:
    calls, failed, hits, refused, *tokens, dollars, unpriced = row
    return Totals(calls, failed, hits, refused, Usage(*tokens), Decimal(dollars), unpriced)
