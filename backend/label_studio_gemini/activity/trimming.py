"""The SQL that forgets: the file stays small whatever strangers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.activity.failing import trim_failures
from label_studio_gemini.activity.omitting import trim_omissions
from label_studio_gemini.activity.schema import DAY, LIVE, SINGLE

if TYPE_CHECKING:
    import sqlite3

MOST_PROJECTS = 500
MOST_BATCHES = 500
MOST_SINGLES = 2_000
"""Requests of one task, and of smart tools, of the last day."""
MOST_LEFT_OUT = 5_000
MOST_TASKS = 500_000
"""Rows of 12 bytes or so. A task beyond that counts as a new one when it is predicted again."""
DAYS = 90
"""Days after which a project, a batch or a failure is forgotten that nothing was heard of."""

_ROOM = 0.9  # of the limit of tasks is left after a trim, so that not each write causes the next


def trim(db: sqlite3.Connection, now: float) -> None:
    """Delete what is too old or too much; what is being worked on stays."""
    before = now - DAYS * DAY
    _trim_projects(db, before, now)
    trim_failures(db, before, now)
    trim_omissions(db, MOST_LEFT_OUT)
    db.execute(f"DELETE FROM batches WHERE beat < ? AND NOT ({LIVE})", (before, now))  # noqa: S608
    query = f"DELETE FROM batches WHERE {SINGLE} AND begun < ? AND NOT ({LIVE})"  # noqa: S608
    db.execute(query, (now - DAY, now))
    for which, most in ((SINGLE, MOST_SINGLES), (f"NOT {SINGLE}", MOST_BATCHES)):
        _keep_batches(db, which, most, now)
    _trim_tasks(db)


def _trim_projects(db: sqlite3.Connection, before: float, now: float) -> None:
    query = (
        "SELECT number FROM projects WHERE (seen < ? OR number NOT IN"  # noqa: S608
        " (SELECT number FROM projects ORDER BY seen DESC LIMIT ?))"
        f" AND number NOT IN (SELECT project FROM batches WHERE {LIVE})"
    )
    gone = db.execute(query, (before, MOST_PROJECTS, now)).fetchall()
    tables = ("tasks", "batches", "failures", "left_out", "omissions")
    for table in tables if gone else ():
        db.executemany(f"DELETE FROM {table} WHERE project = ?", gone)  # noqa: S608
    db.executemany("DELETE FROM projects WHERE number = ?", gone)


def _keep_batches(db: sqlite3.Connection, which: str, most: int, now: float) -> None:
    """Forget the oldest of such batches, those first that nobody works on."""
    query = (
        f"SELECT rowid FROM batches WHERE {which}"  # noqa: S608
        f" ORDER BY {LIVE} DESC, begun DESC LIMIT -1 OFFSET ?"
    )
    gone = db.execute(query, (now, most)).fetchall()
    db.executemany("DELETE FROM batches WHERE rowid = ?", gone)


def _trim_tasks(db: sqlite3.Connection) -> None:
    """Forget the tasks of the projects that were seen least recently, the lowest ids first."""
    (number,) = db.execute("SELECT COUNT(*) FROM tasks").fetchone()
    if number <= MOST_TASKS:
        return
    query = (
        "SELECT tasks.project, task FROM tasks"
        " JOIN projects ON tasks.project = number ORDER BY seen, task LIMIT ?"
    )
    gone = db.execute(query, (number - int(MOST_TASKS * _ROOM),)).fetchall()
    # They still have their predictions, as far as is known: the project's numbers stay.
    db.executemany("DELETE FROM tasks WHERE project = ? AND task = ?", gone)
