"""The SQL that notes what fails, and why: each function is a part of a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.activity.patterns import common_parts, parts_of, pattern_of
from label_studio_gemini.activity.schema import DAY

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from label_studio_gemini.activity.types import Reason, Scope

MOST_REASONS = 1_000
"""Patterns that are told apart; what fails for one more is told by its kind alone."""
MOST_TOLD = 1_000
"""Failures whose own words are kept: as many of each project and reason, the newest."""
MOST_FAILURES = 500_000
"""Rows of 60 bytes or so."""

_ROOM = 0.9  # of the limit is left after a trim, so that not each write causes the next


class Failing(NamedTuple):
    """What failed, or no longer does: the project's number, of what kind it is, and which."""

    project: int
    scope: Scope
    task: int


def fail(db: sqlite3.Connection, what: Failing, time: float, reason: Reason) -> None:
    """Note that something failed."""
    db.execute(
        "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (project, scope, task)"
        " DO UPDATE SET time = excluded.time, reason = excluded.reason, error = excluded.error,"
        " hint = excluded.hint, times = times + 1",
        (*what, time, _reason_number(db, reason), reason.error, reason.hint),
    )


def put_right(db: sqlite3.Connection, what: Failing) -> None:
    """Note that something fails no longer."""
    db.execute("DELETE FROM failures WHERE project = ? AND scope = ? AND task = ?", what)


def trim_failures(db: sqlite3.Connection, before: float, now: float) -> None:
    """Forget what failed before a moment, what an annotator tried a day ago, and too many words."""
    query = "DELETE FROM failures WHERE scope = ? AND time < ?"
    db.executemany(query, (("task", before), ("request", before), ("smart tool", now - DAY)))
    (number,) = db.execute("SELECT COUNT(*) FROM failures").fetchone()
    if number > MOST_FAILURES:
        query = "SELECT rowid FROM failures ORDER BY time LIMIT ?"
        gone = db.execute(query, (number - int(MOST_FAILURES * _ROOM),)).fetchall()
        db.executemany("DELETE FROM failures WHERE rowid = ?", gone)
    db.executemany("UPDATE failures SET error = NULL, hint = NULL WHERE rowid = ?", _untold(db))
    db.execute("DELETE FROM reasons WHERE NOT EXISTS (SELECT 1 FROM failures WHERE reason = id)")


def _untold(db: sqlite3.Connection) -> Iterable[tuple[int]]:
    query = "SELECT COUNT(*) FROM failures INDEXED BY failures_told WHERE error IS NOT NULL"
    (number,) = db.execute(query).fetchone()
    if number <= MOST_TOLD:
        return ()
    return db.execute(
        "SELECT number FROM (SELECT rowid AS number, time, ROW_NUMBER() OVER"
        " (PARTITION BY project, reason ORDER BY time DESC, rowid DESC) AS rank"
        " FROM failures INDEXED BY failures_told WHERE error IS NOT NULL)"
        " ORDER BY rank, time DESC, number DESC LIMIT -1 OFFSET ?",
        (int(MOST_TOLD * _ROOM),),
    ).fetchall()


def _reason_number(db: sqlite3.Connection, reason: Reason) -> int:
    """Return the number of what it has in common with others, which is new where nobody has."""
    pattern = f"{pattern_of(reason.error)}\n{pattern_of(reason.hint)}"
    error, hint = parts_of(reason.error), parts_of(reason.hint)
    query = "SELECT id, error, hint FROM reasons WHERE kind = ? AND pattern = ?"
    row = db.execute(query, (reason.kind, pattern)).fetchone()
    if row is None:
        (known,) = db.execute("SELECT COUNT(*) FROM reasons").fetchone()
        if known >= MOST_REASONS:
            pattern, error, hint = "", parts_of(f"{reason.kind}, in many ways."), parts_of("")
            row = db.execute(query, (reason.kind, pattern)).fetchone()
    if row is None:
        made = db.execute(
            "INSERT INTO reasons VALUES (NULL, ?, ?, ?, ?)", (reason.kind, pattern, error, hint)
        )
        assert made.lastrowid is not None
        return made.lastrowid
    number, *known_parts = row
    common = [common_parts(*pair) for pair in zip(known_parts, (error, hint), strict=True)]
    if common != known_parts:
        db.execute("UPDATE reasons SET error = ?, hint = ? WHERE id = ?", (*common, number))
    return int(number)
