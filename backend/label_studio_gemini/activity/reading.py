"""The SQL that shows how things stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from label_studio_gemini.activity.schema import DEAD_AFTER, LIVE, NO_TASK
from label_studio_gemini.activity.types import (
    Batch,
    BatchState,
    Count,
    Counts,
    FailedTask,
    LeftOut,
    Project,
    Reason,
    Snapshot,
)

if TYPE_CHECKING:
    import sqlite3

SHOWN = 200
"""The most projects, batches and failures that are shown."""
SHOWN_LEFT_OUT = 500


def read_snapshot(db: sqlite3.Connection, now: float) -> Snapshot:
    """Return how things stand; batches of processes that are dead by now are interrupted."""
    return Snapshot(
        projects=_projects(db),
        projects_total=_count(db, "projects"),
        batches=_batches(db, now),
        batches_total=_count(db, "batches"),
        failures=_failures(db),
        failures_total=_count(db, "failures"),
        left_out=_left_out(db),
        left_out_total=_count(db, "left_out"),
    )


def read_counts(db: sqlite3.Connection, now: float) -> Counts:
    """Return what is counted."""
    rows = db.execute("SELECT name, project, kind, count FROM counts")
    query = f"SELECT COALESCE(SUM(tasks - done), 0) FROM batches WHERE {LIVE}"  # noqa: S608
    (in_flight,) = db.execute(query, (now - DEAD_AFTER,)).fetchone()
    return Counts(tuple(Count(*row) for row in rows), in_flight, _count(db, "failures"))


def _count(db: sqlite3.Connection, table: str) -> int:
    (number,) = db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608
    return int(number)


def _projects(db: sqlite3.Connection) -> tuple[Project, ...]:
    query = (
        "SELECT name, model_version, unfilled, url, seen, predicted, empty, failed"
        " FROM projects ORDER BY seen DESC LIMIT ?"
    )
    return tuple(
        Project(name, version, tuple(json.loads(unfilled)), *others)
        for name, version, unfilled, *others in db.execute(query, (SHOWN,))
    )


def _batches(db: sqlite3.Connection, now: float) -> tuple[Batch, ...]:
    """Return the newest, and all that are being worked on, however many are newer."""
    query = (
        "SELECT key, request, name, begun, beat, tasks, done, batches.failed, smart,"  # noqa: S608
        " state, ended FROM batches JOIN projects ON project = number"
        f" ORDER BY {LIVE} DESC, begun DESC LIMIT ?"
    )
    rows = db.execute(query, (now - DEAD_AFTER, SHOWN)).fetchall()
    batches = [_batch_from_row(row, now) for row in rows]
    return tuple(sorted(batches, key=lambda one: one.begun, reverse=True))


def _batch_from_row(row: tuple[Any, ...], now: float) -> Batch:
    key, request, project, begun, beat, tasks, done, failed, smart, stored, ended = row
    state = BatchState(stored)
    if state in {BatchState.RUNNING, BatchState.GOES_ON} and beat <= now - DEAD_AFTER:
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


def _failures(db: sqlite3.Connection) -> tuple[FailedTask, ...]:
    query = (
        "SELECT time, name, NULLIF(task, ?), kind, error, hint, times"
        " FROM failures JOIN projects ON project = number"
        " ORDER BY time DESC, failures.rowid DESC LIMIT ?"
    )
    return tuple(
        FailedTask(time, project, task, Reason(kind, error, hint), times)
        for time, project, task, kind, error, hint, times in db.execute(query, (NO_TASK, SHOWN))
    )


def _left_out(db: sqlite3.Connection) -> tuple[LeftOut, ...]:
    query = (
        "SELECT name, kind, what, count, last FROM left_out JOIN projects ON project = number"
        " ORDER BY count DESC, last DESC LIMIT ?"
    )
    return tuple(LeftOut(*row) for row in db.execute(query, (SHOWN_LEFT_OUT,)))
