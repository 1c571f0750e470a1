"""The SQL that notes what happened."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.activity.schema import NO_TASK
from label_studio_gemini.activity.trimming import trim
from label_studio_gemini.activity.types import Accepted, Batch, Done, Refused

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from label_studio_gemini.activity.types import Event, Reason, Result

PREDICTIONS, SMART_ANSWERS, LEFT_OUT = "predictions", "smart_answers", "left_out"
"""What is counted."""
OTHERS = "(others)"
"""What projects are counted as beyond the first `MOST_COUNTED`."""
MOST_COUNTED = 200

_REQUEST, _TASK, _SMART = "request", "task", "smart tool"


class _Counted(NamedTuple):
    """What is counted."""

    name: str
    project: str
    kind: str


class _Failing(NamedTuple):
    """What failed, or no longer does: the project's number, a request or a task, and which."""

    project: int
    scope: str
    task: int


def write(db: sqlite3.Connection, events: Iterable[Event], now: float) -> int:
    """Write what happened, in its order, as `shortened` left it, and forget what is too much.

    Returns:
        How many events that were.
    """
    number = 0
    counts: Counter[_Counted] = Counter()
    for event in events:
        number += 1
        project = _number_of(db, event)
        match event:
            case Accepted():
                _accept(db, project, event)
            case Refused():
                db.execute("UPDATE projects SET seen = ? WHERE number = ?", (event.time, project))
                _fail(db, _Failing(project, _REQUEST, NO_TASK), event.time, event.reason)
            case Done():
                _finish(db, project, event)
                counts.update(_counted(event))
            case Batch():
                if event.tasks:
                    _keep_batch(db, project, event)
    _count(db, counts)
    trim(db, now)
    return number


def _number_of(db: sqlite3.Connection, event: Event) -> int:
    """Return the number of the project, which is new where it is not known (any more)."""
    query = "SELECT number FROM projects WHERE name = ?"
    row = db.execute(query, (event.project,)).fetchone()
    if row is not None:
        return int(row[0])
    time = event.begun if isinstance(event, Batch) else event.time
    made = db.execute(
        "INSERT INTO projects VALUES (NULL, ?, NULL, '[]', NULL, ?, 0, 0, 0)", (event.project, time)
    )
    assert made.lastrowid is not None
    return made.lastrowid


def _accept(db: sqlite3.Connection, project: int, event: Accepted) -> None:
    version = event.model_version
    query = "SELECT 1 FROM projects WHERE number = ? AND model_version IS NOT ?"
    if db.execute(query, (project, version)).fetchone():
        # What was left out may be mapped by now: that is why a version changes as a rule.
        db.execute("DELETE FROM left_out WHERE project = ?", (project,))
    db.execute(
        "UPDATE projects SET model_version = ?, unfilled = ?, url = COALESCE(?, url), seen = ?"
        " WHERE number = ?",
        (version, json.dumps(event.unfilled), event.url, event.time, project),
    )
    _put_right(db, _Failing(project, _REQUEST, NO_TASK))


def _finish(db: sqlite3.Connection, project: int, event: Done) -> None:
    task = NO_TASK if event.task is None else event.task
    if event.reason is not None:
        scope = _SMART if event.smart else _TASK
        _fail(db, _Failing(project, scope, task), event.time, event.reason)
    else:
        for scope in (_SMART,) if event.smart else (_SMART, _TASK):
            _put_right(db, _Failing(project, scope, task))
    if not event.smart:
        _note_result(db, project, task, event.result)
    db.executemany(
        "INSERT INTO left_out VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, kind, what)"
        " DO UPDATE SET count = count + excluded.count, last = excluded.last",
        [
            (project, kind, what, count, event.time)
            for kind, found in event.left_out.items()
            for what, count in found.items()
        ],
    )


def _note_result(db: sqlite3.Connection, project: int, task: int, result: Result) -> None:
    query = "SELECT result FROM tasks WHERE project = ? AND task = ?"
    row = db.execute(query, (project, task)).fetchone()
    if row == (result,):
        return
    db.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?)", (project, task, result))
    # The names of columns are those of the results.
    db.execute(
        f"UPDATE projects SET {result} = {result} + 1 WHERE number = ?",  # noqa: S608
        (project,),
    )
    if row is not None:
        (old,) = row
        db.execute(
            f"UPDATE projects SET {old} = {old} - 1 WHERE number = ?",  # noqa: S608
            (project,),
        )


def _fail(db: sqlite3.Connection, what: _Failing, time: float, reason: Reason) -> None:
    db.execute(
        "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (project, scope, task)"
        " DO UPDATE SET time = excluded.time, kind = excluded.kind, error = excluded.error,"
        " hint = excluded.hint, times = times + 1",
        (*what, time, reason.kind, reason.error, reason.hint),
    )


def _put_right(db: sqlite3.Connection, what: _Failing) -> None:
    db.execute("DELETE FROM failures WHERE project = ? AND scope = ? AND task = ?", what)


def _keep_batch(db: sqlite3.Connection, project: int, batch: Batch) -> None:
    progress = (batch.begun, batch.beat, batch.tasks, batch.done, batch.failed)
    db.execute(
        "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (batch.key, batch.request, project, *progress, batch.smart, batch.state, batch.ended),
    )


def _counted(event: Done) -> dict[_Counted, int]:
    name = SMART_ANSWERS if event.smart else PREDICTIONS
    kinds = {_Counted(LEFT_OUT, "", kind): sum(n.values()) for kind, n in event.left_out.items()}
    return {_Counted(name, event.project, event.result): 1, **kinds}


def _count(db: sqlite3.Connection, counts: Counter[_Counted]) -> None:
    for (name, project, kind), count in counts.items():
        db.execute(
            "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT (name, project, kind)"
            " DO UPDATE SET count = count + excluded.count",
            (name, _counted_project(db, name, project), kind, count),
        )


def _counted_project(db: sqlite3.Connection, name: str, project: str) -> str:
    """Return what a project is counted as; the first that are counted are so for good."""
    query = "SELECT 1 FROM counts WHERE name = ? AND project = ?"
    if db.execute(query, (name, project)).fetchone():
        return project
    query = "SELECT COUNT(DISTINCT project) FROM counts WHERE name = ?"
    (known,) = db.execute(query, (name,)).fetchone()
    return project if known < MOST_COUNTED else OTHERS
