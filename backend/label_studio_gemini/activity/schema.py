"""The tables. Other modules have their SQL; each function there is a part of a transaction."""

from __future__ import annotations

_PROJECTS = """
CREATE TABLE projects (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, model_version TEXT,
    unfilled TEXT NOT NULL, url TEXT, seen REAL NOT NULL,
    predicted INTEGER NOT NULL, empty INTEGER NOT NULL, unmatched INTEGER NOT NULL
)
"""
# What came of each task last, so that one that is predicted again is not counted twice. Those that
# failed are in `failures`, and only there.
_TASKS = """
CREATE TABLE tasks (
    project INTEGER, task INTEGER, result TEXT NOT NULL, PRIMARY KEY (project, task)
) WITHOUT ROWID
"""
_BATCHES = """
CREATE TABLE batches (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, project INTEGER NOT NULL, begun REAL NOT NULL,
    beat REAL NOT NULL, tasks INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL,
    smart INTEGER NOT NULL, state TEXT NOT NULL, ended REAL
)
"""
# All that fail are here, so that totals are true; the words of most are forgotten (NULL).
_FAILURES = """
CREATE TABLE failures (
    project INTEGER, scope TEXT, task INTEGER, time REAL NOT NULL,
    reason INTEGER NOT NULL, error TEXT, hint TEXT, times INTEGER NOT NULL,
    PRIMARY KEY (project, scope, task)
)
"""
# What messages have in common is their pattern; error and hint are JSON, as `patterns` makes it.
_REASONS = """
CREATE TABLE reasons (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, pattern TEXT NOT NULL,
    error TEXT NOT NULL, hint TEXT NOT NULL, UNIQUE (kind, pattern)
)
"""
_LEFT_OUT = """
CREATE TABLE left_out (
    id INTEGER PRIMARY KEY, project INTEGER, kind TEXT, what TEXT,
    count INTEGER NOT NULL, last REAL NOT NULL, UNIQUE (project, kind, what)
)
"""
# What was left out of which task (`id` of a left_out row), so that it is counted once.
_OMISSIONS = """
CREATE TABLE omissions (
    project INTEGER, task INTEGER, what INTEGER, count INTEGER NOT NULL,
    PRIMARY KEY (project, task, what)
) WITHOUT ROWID
"""
# They stay when projects are forgotten: a number that goes down would be taken for a restart.
_COUNTS = """
CREATE TABLE IF NOT EXISTS counts (
    name TEXT, project TEXT, kind TEXT, count INTEGER NOT NULL, PRIMARY KEY (name, project, kind)
) WITHOUT ROWID
"""

_OLD = ("projects", "tasks", "batches", "failures", "left_out")

SCHEMA = (
    (),
    (
        # The first version knew less of each: what it had is forgotten, but for the counts.
        *(f"DROP TABLE IF EXISTS {table}" for table in _OLD),
        _PROJECTS,
        "CREATE INDEX projects_by_seen ON projects (seen)",
        _TASKS,
        _BATCHES,
        "CREATE INDEX batches_by_begun ON batches (begun)",
        _FAILURES,
        "CREATE INDEX failures_by_time ON failures (scope, time)",
        "CREATE INDEX failures_by_reason ON failures (reason, scope, time)",
        "CREATE INDEX failures_told ON failures (project, reason, time) WHERE error IS NOT NULL",
        _REASONS,
        _LEFT_OUT,
        "CREATE INDEX left_out_by_last ON left_out (last)",
        _OMISSIONS,
        "CREATE INDEX omissions_by_what ON omissions (what)",
        _COUNTS,
    ),
)
"""Version by version, the statements that make the tables."""

NO_TASK = -(2**63)
"""What stands for the id of a task without one: no task has it (`whole_number`)."""

DAY = 86_400.0
"""Seconds."""

DEAD_AFTER = 15.0
"""Seconds after which a process that gives no sign of life is taken for dead."""

LIVE = f"state IN ('running', 'goes_on') AND abs(beat - ?) < {DEAD_AFTER}"
"""Whether a batch is being worked on; its parameter is the time now. A sign of life that is to come
is none: the clock was set back since."""

SINGLE = "(smart OR tasks = 1)"
"""Whether a person opened a task, or clicked: that is no batch to anyone."""
