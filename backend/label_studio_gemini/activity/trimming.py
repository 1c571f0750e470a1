"""The SQL that forgets: the file stays small whatever strangers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.activity.schema import DEAD_AFTER, LIVE

if TYPE_CHECKING:
    import sqlite3

MOST_PROJECTS = 500
MOST_BATCHES = 500
MOST_FAILURES = 1_000
MOST_LEFT_OUT = 5_000
MOST_TASKS = 500_000
"""Rows of 12 bytes or so. A task beyond that counts as a new one when it is predicted again."""
DAYS = 90
"""Days after which a project, a batch or a failure is forgotten that nothing was heard of."""

_DAY = 86_400.0  # seconds
_ROOM = 0.9  # of the limit of tasks is left after a trim, so that not each write causes the next


def trim(db: sqlite3.Connection, now: float) -> None:
    """Delete what is too old or too much; what is being worked on stays."""
    before, alive = now - DAYS * _DAY, now - DEAD_AFTER
    _trim_projects(db, before, alive)
    db.execute("DELETE FROM failures WHERE time < ?", (before,))
    db.execute(f"DELETE FROM batches WHERE beat < ? AND NOT ({LIVE})", (before, alive))  # noqa: S608
    _keep_first(db, "failures", "time DESC", MOST_FAILURES)
    _keep_first(db, "left_out", "last DESC", MOST_LEFT_OUT)
    _keep_first(db, "batches", f"{LIVE} DESC, begun DESC", MOST_BATCHES, alive)
    _trim_tasks(db)


def _trim_projects(db: sqlite3.Connection, before: float, alive: float) -> None:
    query = (
        "SELECT number FROM projects WHERE (seen < ? OR number NOT IN"  # noqa: S608
        " (SELECT number FROM projects ORDER BY seen DESC LIMIT ?))"
        f" AND number NOT IN (SELECT project FROM batches WHERE {LIVE})"
    )
    gone = db.execute(query, (before, MOST_PROJECTS, alive)).fetchall()
    for table in ("tasks", "batches", "failures", "left_out") if gone else ():
        db.executemany(f"DELETE FROM {table} WHERE project = ?", gone)  # noqa: S608
    db.executemany("DELETE FROM projects WHERE number = ?", gone)


def _keep_first(
    db: sqlite3.Connection, table: str, order: str, most: int, *parameters: float
) -> None:
    query = f"SELECT rowid FROM {table} ORDER BY {order} LIMIT -1 OFFSET ?"  # noqa: S608
    gone = db.execute(query, (*parameters, most)).fetchall()
    db.executemany(f"DELETE FROM {table} WHERE rowid = ?", gone)  # noqa: S608


def _trim_tasks(db: sqlite3.Connection) -> None:
    """Forget the tasks of the projects that were seen least recently, the lowest ids first."""
    (number,) = db.execute("SELECT COUNT(*) FROM tasks").fetchone()
    if number <= MOST_TASKS:
        return
    query = (
        "SELECT tasks.project, task, result = 'failed' FROM tasks"
        " JOIN projects ON tasks.project = number ORDER BY seen, task LIMIT ?"
    )
    gone = db.execute(query, (number - int(MOST_TASKS * _ROOM),)).fetchall()
    keys = [(project, task) for project, task, _ in gone]
    db.executemany("DELETE FROM tasks WHERE project = ? AND task = ?", keys)
    # They still have their predictions, as far as is known; that they fail still is not known.
    failed = [(project,) for project, _, failed in gone if failed]
    db.executemany("UPDATE projects SET failed = failed - 1 WHERE number = ?", failed)
