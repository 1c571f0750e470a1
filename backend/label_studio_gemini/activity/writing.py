"""The SQL that notes what happened."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.activity.failing import Failing, fail, put_right
from label_studio_gemini.activity.omitting import forget_omissions, note_omissions
from label_studio_gemini.activity.schema import NO_TASK
from label_studio_gemini.activity.trimming import trim
from label_studio_gemini.activity.types import (
    Accepted,
    Batch,
    Deleted,
    Done,
    Refused,
    Result,
    Scope,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from label_studio_gemini.activity.types import Event

PREDICTIONS, SMART_ANSWERS, LEFT_OUT = "predictions", "smart_answers", "left_out"
"""What is counted."""
OTHERS = "(others)"
"""What projects are counted as beyond the first `MOST_COUNTED`."""
MOST_COUNTED = 200


class _Counted(NamedTuple):
    """What is counted."""

    name: str
    project: str
    kind: str


def write(db: sqlite3.Connection, events: Iterable[Event], now: float) -> int:
    """Write what happened, in its order, as `shortened` left it, and forget what is too much.

    Returns:
        How many events that were.
    """
    number = 0
    counts: Counter[_Counted] = Counter()
    for event in events:
        number += 1
        if isinstance(event, Deleted):
            _forget_tasks(db, event)
            continue
        project = _number_of(db, event)
        match event:
            case Accepted():
                _accept(db, project, event)
            case Refused():
                db.execute("UPDATE projects SET seen = ? WHERE number = ?", (event.time, project))
                fail(db, Failing(project, Scope.REQUEST, NO_TASK), event.time, event.reason)
            case Done():
                _finish(db, project, event)
                counts.update(_counted(event))
            case Batch():
                if event.tasks:
                    _keep_batch(db, project, event)
    _count(db, counts)
    trim(db, now)
    return number


def _known(db: sqlite3.Connection, project: str) -> int | None:
    query = "SELECT number FROM projects WHERE name = ?"
    row = db.execute(query, (project,)).fetchone()
    return None if row is None else int(row[0])


def _number_of(db: sqlite3.Connection, event: Event) -> int:
    """Return the number of the project, which is new where it is not known (any more)."""
    number = _known(db, event.project)
    if number is not None:
        return number
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
        db.execute("DELETE FROM omissions WHERE project = ?", (project,))
    db.execute(
        "UPDATE projects SET model_version = ?, unfilled = ?, url = COALESCE(?, url), seen = ?"
        " WHERE number = ?",
        (version, json.dumps(event.unfilled), event.url, event.time, project),
    )
    put_right(db, Failing(project, Scope.REQUEST, NO_TASK))


def _finish(db: sqlite3.Connection, project: int, event: Done) -> None:
    task = NO_TASK if event.task is None else event.task
    if event.reason is not None:
        scope = Scope.SMART if event.smart else Scope.TASK
        fail(db, Failing(project, scope, task), event.time, event.reason)
    else:
        for scope in (Scope.SMART,) if event.smart else (Scope.SMART, Scope.TASK):
            put_right(db, Failing(project, scope, task))
        note_omissions(db, project, task, event)
    if not event.smart:
        _note_result(db, project, task, event.result)


def _note_result(db: sqlite3.Connection, project: int, task: int, result: Result) -> None:
    query = "SELECT result FROM tasks WHERE project = ? AND task = ?"
    row = db.execute(query, (project, task)).fetchone()
    if row == (result,):
        return
    if row is not None and row[0] in set(Result):  # else the file is damaged
        _count_result(db, project, Result(row[0]), -1)
    if result is Result.FAILED:  # it is among the failures
        db.execute("DELETE FROM tasks WHERE project = ? AND task = ?", (project, task))
        return
    db.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?)", (project, task, result))
    _count_result(db, project, result, 1)


def _count_result(db: sqlite3.Connection, project: int, result: Result, number: int) -> None:
    # The names of columns are those of the results.
    query = f"UPDATE projects SET {result} = {result} + ? WHERE number = ?"  # noqa: S608
    db.execute(query, (number, project))


def _forget_tasks(db: sqlite3.Connection, event: Deleted) -> None:
    project = _known(db, event.project)
    for task in () if project is None else event.tasks:
        assert project is not None
        for scope in (Scope.SMART, Scope.TASK):
            put_right(db, Failing(project, scope, task))
        forget_omissions(db, project, task)
        _note_result(db, project, task, Result.FAILED)


def _keep_batch(db: sqlite3.Connection, project: int, batch: Batch) -> None:
    progress = (batch.begun, batch.beat, batch.tasks, batch.done, batch.failed)
    db.execute(
        "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (batch.key, batch.request, project, *progress, batch.smart, batch.state, batch.ended),
    )


def _counted(event: Done) -> dict[_Counted, int]:
    name = SMART_ANSWERS if event.smart else PREDICTIONS
    done = {_Counted(name, event.project, event.result): 1}
    if event.cached:  # it was counted when it was paid for
        return done
    kinds = {_Counted(LEFT_OUT, "", kind): sum(n.values()) for kind, n in event.left_out.items()}
    return done | kinds


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
