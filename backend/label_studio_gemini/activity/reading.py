"""The SQL that shows how things stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from label_studio_gemini.activity.patterns import text_of
from label_studio_gemini.activity.schema import DAY, DEAD_AFTER, LIVE, SINGLE
from label_studio_gemini.activity.types import (
    Batch,
    BatchState,
    CommonReason,
    Count,
    Counts,
    Failed,
    LeftOut,
    Project,
    Reason,
    Scope,
    Singles,
    Snapshot,
)
from label_studio_gemini.cache.damage import fits

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from types import UnionType
    from typing import TypeAlias

    Row: TypeAlias = tuple[Any, ...]

SHOWN = 200
"""The most projects, batches and failures that are shown."""
SHOWN_LEFT_OUT = 500
SHOWN_REASONS = 50

_REASONS_OF_TASKS = "(SELECT DISTINCT reason FROM failures WHERE scope <> 'smart tool')"
_STATES = frozenset(BatchState)
_BATCH = (*(str, str, str, float, float), *(int, int, int, int), str, float | None)
_SCOPES = frozenset(Scope)
_PROJECT = (str, str | None, str, str | None, float, int, int, int, int)
_FAILURE = (float, str, str, int, str, str, str, int, int)
_REASON = (int, str, str, str, int, int, int, float)
_LEFT_OUT = (str, str, str, int, float)


def read_snapshot(db: sqlite3.Connection, now: float) -> Snapshot:
    """Return how things stand; batches of processes that are dead by now are interrupted.

    Damaged rows are left out, here and below.
    """
    return Snapshot(
        projects=_projects(db),
        projects_total=_count(db, "projects"),
        batches=_batches(db, now),
        batches_total=_count(db, f"batches WHERE NOT {SINGLE}"),
        singles=_singles(db, now),
        reasons=_reasons(db),
        reasons_total=_count(db, _REASONS_OF_TASKS),
        failures=_failures(db),
        failures_total=_count(db, "failures WHERE scope = 'task'"),
        refused_total=_count(db, "failures WHERE scope = 'request'"),
        left_out=_left_out(db),
        left_out_total=_count(db, "left_out"),
    )


def read_counts(db: sqlite3.Connection, now: float) -> Counts:
    """Return what is counted."""
    rows = db.execute("SELECT name, project, kind, count FROM counts")
    query = f"SELECT CAST(TOTAL(tasks - done) AS INTEGER) FROM batches WHERE {LIVE}"  # noqa: S608
    (in_flight,) = db.execute(query, (now,)).fetchone()
    counts = tuple(Count(*row) for row in rows if fits(row, str, str, str, int))
    failures = _count(db, "failures WHERE scope <> 'smart tool'")
    return Counts(counts, max(0, in_flight), failures)


def _count(db: sqlite3.Connection, table: str) -> int:
    (number,) = db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608
    return int(number)


def _projects(db: sqlite3.Connection) -> tuple[Project, ...]:
    query = (
        "SELECT name, model_version, unfilled, url, seen, predicted, empty, unmatched,"
        " (SELECT COUNT(*) FROM failures WHERE project = number AND scope = 'task')"
        " FROM projects ORDER BY seen DESC LIMIT ?"
    )
    return tuple(
        Project(name, version, _texts(unfilled), *others)
        for name, version, unfilled, *others in _good(db.execute(query, (SHOWN,)), *_PROJECT)
    )


def _good(rows: Iterable[Row], *kinds: type | UnionType) -> Iterator[Row]:
    return (row for row in rows if fits(row, *kinds))


def _texts(stored: str) -> tuple[str, ...]:
    try:
        found = json.loads(stored)
    except ValueError:
        return ()
    return tuple(filter(_is_text, found)) if isinstance(found, list) else ()


def _is_text(found: object) -> bool:
    return isinstance(found, str)


def _batches(db: sqlite3.Connection, now: float) -> tuple[Batch, ...]:
    """Return the newest, and all that are being worked on, however many are newer.

    Of those of one task, only what is being worked on.
    """
    query = (
        "SELECT key, request, name, begun, beat, tasks, done, batches.failed, smart,"  # noqa: S608
        " state, ended FROM batches JOIN projects ON project = number"
        f" WHERE NOT {SINGLE} OR ({LIVE}) ORDER BY {LIVE} DESC, begun DESC LIMIT ?"
    )
    rows = _good(db.execute(query, (now, now, SHOWN)), *_BATCH)
    batches = [_batch_from_row(row, now) for row in rows if row[9] in _STATES]
    return tuple(sorted(batches, key=lambda one: one.begun, reverse=True))


def _batch_from_row(row: Row, now: float) -> Batch:
    key, request, project, begun, beat, tasks, done, failed, smart, stored, ended = row
    state = BatchState(stored)
    if state in {BatchState.RUNNING, BatchState.GOES_ON} and abs(beat - now) >= DEAD_AFTER:
        state, ended = BatchState.INTERRUPTED, beat
    return Batch(
        key=key,
        request=request,
        project=project,
        begun=begun,
        beat=beat,
        tasks=tasks,
        done=done,
        failed=failed,
        smart=bool(smart),
        state=state,
        ended=ended,
    )


def _singles(db: sqlite3.Connection, now: float) -> Singles:
    query = (
        "SELECT CAST(TOTAL(NOT smart) AS INTEGER), CAST(TOTAL(smart) AS INTEGER),"  # noqa: S608
        " CAST(TOTAL(failed >= tasks) AS INTEGER), MAX(begun)"
        f" FROM batches WHERE {SINGLE} AND begun >= ?"
    )
    row = db.execute(query, (now - DAY,)).fetchone()
    return Singles(*row) if fits(row, int, int, int, float | None) else Singles()


def _reasons(db: sqlite3.Connection) -> tuple[CommonReason, ...]:
    query = (
        "SELECT id, kind, error, hint, tasks, requests, smart, last FROM reasons JOIN"
        " (SELECT reason, SUM(scope = 'task') AS tasks, SUM(scope = 'request') AS requests,"
        " SUM(scope = 'smart tool') AS smart, MAX(time) AS last FROM failures GROUP BY reason)"
        " ON reason = id ORDER BY tasks DESC, requests DESC, smart DESC, last DESC LIMIT ?"
    )
    return tuple(
        CommonReason(number, Reason(kind, text_of(error), text_of(hint)), *others)
        for number, kind, error, hint, *others in _good(
            db.execute(query, (SHOWN_REASONS,)), *_REASON
        )
    )


def _failures(db: sqlite3.Connection) -> tuple[Failed, ...]:
    """Return the newest of each reason and project, so that none is crowded out by another."""
    query = (
        "SELECT time, name, scope, task, kind, told.error, told.hint, times, reason FROM"
        " (SELECT rowid AS row, *, ROW_NUMBER() OVER"
        " (PARTITION BY project, reason ORDER BY time DESC, rowid DESC) AS rank"
        " FROM failures INDEXED BY failures_told WHERE error IS NOT NULL) AS told"
        " JOIN projects ON project = number JOIN reasons ON reason = id"
        " ORDER BY rank, time DESC, row DESC LIMIT ?"
    )
    found = [
        Failed(time, project, Scope(scope), _id(task), Reason(*told), times, reason)
        for time, project, scope, task, *told, times, reason in _good(
            db.execute(query, (SHOWN,)), *_FAILURE
        )
        if scope in _SCOPES
    ]
    return tuple(sorted(found, key=lambda one: one.time, reverse=True))


def _id(task: int) -> int | None:
    """Return the id of a task; those that have none are told apart by negative numbers."""
    return task if task >= 0 else None


def _left_out(db: sqlite3.Connection) -> tuple[LeftOut, ...]:
    query = (
        "SELECT name, kind, what, count, last FROM left_out JOIN projects ON project = number"
        " ORDER BY count DESC, last DESC LIMIT ?"
    )
    rows = db.execute(query, (SHOWN_LEFT_OUT,))
    return tuple(LeftOut(*row) for row in _good(rows, *_LEFT_OUT))
