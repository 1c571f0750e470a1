"""The SQL that notes what was left out of tasks: each function is a part of a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.activity.schema import NO_TASK

if TYPE_CHECKING:
    import sqlite3

    from label_studio_gemini.activity.types import Done

MOST_OMISSIONS = 200_000
"""Rows of 20 bytes or so. What is left out of a task beyond that is counted again with its next
prediction."""

_ROOM = 0.9  # of the limit is left after a trim, so that not each write causes the next


def note_omissions(db: sqlite3.Connection, project: int, task: int, event: Done) -> None:
    """Note what was left out of a task, instead of what was before.

    What a smart tool leaves out is of no task, and is counted when it is paid for.
    """
    is_of_task = not event.smart and task != NO_TASK
    if is_of_task:
        forget_omissions(db, project, task)
    elif event.cached:
        return
    for kind, found in event.left_out.items():
        for what, count in found.items():
            query = (
                "INSERT INTO left_out VALUES (NULL, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET count = count + excluded.count, last = excluded.last RETURNING id"
            )
            (number,) = db.execute(query, (project, kind, what, count, event.time)).fetchone()
            if is_of_task:
                db.execute(
                    "INSERT INTO omissions VALUES (?, ?, ?, ?)", (project, task, number, count)
                )


def forget_omissions(db: sqlite3.Connection, project: int, task: int) -> None:
    """Forget what was left out of a task."""
    query = "DELETE FROM omissions WHERE project = ? AND task = ? RETURNING what, count"
    for what, count in db.execute(query, (project, task)).fetchall():
        db.execute("UPDATE left_out SET count = count - ? WHERE id = ?", (count, what))
        db.execute("DELETE FROM left_out WHERE id = ? AND count <= 0", (what,))


def trim_omissions(db: sqlite3.Connection, most: int) -> None:
    """Forget what was left out longest ago, and of which tasks the least known was."""
    query = "SELECT id FROM left_out ORDER BY last DESC LIMIT -1 OFFSET ?"
    gone = db.execute(query, (most,)).fetchall()
    db.executemany("DELETE FROM left_out WHERE id = ?", gone)
    db.executemany("DELETE FROM omissions WHERE what = ?", gone)
    (number,) = db.execute("SELECT COUNT(*) FROM omissions").fetchone()
    if number > MOST_OMISSIONS:
        query = "SELECT project, task, what FROM omissions ORDER BY project, task LIMIT ?"
        rows = db.execute(query, (number - int(MOST_OMISSIONS * _ROOM),)).fetchall()
        db.executemany("DELETE FROM omissions WHERE project = ? AND task = ? AND what = ?", rows)
