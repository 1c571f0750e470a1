"""The SQL of the ledger: each function is a part of a transaction of its caller's.

Amounts are decimal fractions, kept as text and added by Python: exact, whatever the number.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from label_studio_gemini.cache.entries import NO_TOTALS, Entry, Kind, Totals
from label_studio_gemini.cache.rows import plain_text, usage_row, whole_number
from label_studio_gemini.gemini.types import Origin, ServiceTier, Usage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

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


class Key(NamedTuple):
    """What totals are kept by: the day (2026-11-22), the project ("" for none), the model."""

    day: str
    project: str
    model: str


def add_entries(db: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Write one row for each."""
    rows = [_row_from_entry(entry) for entry in entries]
    db.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def add_totals(db: sqlite3.Connection, added: Mapping[Key, Totals]) -> None:
    """Add to what the days have."""
    query = f"SELECT {_COLUMNS} FROM days WHERE day = ? AND project = ? AND model = ?"  # noqa: S608
    for key, totals in added.items():
        row = db.execute(query, key).fetchone()
        whole = totals + (_totals_from_row(row) if row else NO_TOTALS)
        db.execute(
            "INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, *_row_from_totals(whole)),
        )


def read_totals(db: sqlite3.Connection, since: str) -> list[tuple[Key, Totals]]:
    """Return the totals of all days from `since` on."""
    query = f"SELECT day, project, model, {_COLUMNS} FROM days WHERE day >= ?"  # noqa: S608
    return [
        (Key(*row[:3]), _totals_from_row(row[3:])) for row in db.execute(query, (since,)).fetchall()
    ]


def read_last(db: sqlite3.Connection, number: int) -> list[Entry]:
    """Return the last entries, the newest first."""
    query = "SELECT * FROM calls ORDER BY time DESC, rowid DESC LIMIT ?"
    return [_entry_from_row(row) for row in db.execute(query, (number,))]


def forget(db: sqlite3.Connection, before: float) -> int:
    """Delete the rows of calls that are older; their totals stay."""
    return db.execute("DELETE FROM calls WHERE time < ?", (before,)).rowcount


def key_of(entry: Entry, day: str) -> Key:
    """Return what the entry counts for."""
    project = entry.origin.project if entry.origin else None
    return Key(day, plain_text(project or ""), plain_text(entry.model))


def _row_from_entry(entry: Entry) -> tuple[object, ...]:
    project = entry.origin.project if entry.origin else None
    task = entry.origin.task if entry.origin else None
    return (
        entry.time,
        None if project is None else plain_text(project),
        None if task is None else whole_number(task),
        plain_text(entry.model),
        entry.tier,
        entry.kind,
        entry.outcome,
        entry.seconds,
        *usage_row(entry.usage),
        None if entry.dollars is None else f"{entry.dollars:f}",
    )


def _entry_from_row(row: tuple[Any, ...]) -> Entry:
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


def _row_from_totals(totals: Totals) -> tuple[object, ...]:
    counts = (totals.calls, totals.failed, totals.hits, totals.refused)
    return (*counts, *usage_row(totals.usage), f"{totals.dollars:f}", totals.unpriced)


def _totals_from_row(row: tuple[Any, ...]) -> Totals:
    calls, failed, hits, refused, *tokens, dollars, unpriced = row
    return Totals(calls, failed, hits, refused, Usage(*tokens), Decimal(dollars), unpriced)
