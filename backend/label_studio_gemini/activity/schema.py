"""The tables. Other modules have their SQL; each function there is a part of a transaction."""

from __future__ import annotations

_PROJECTS = """
CREATE TABLE projects (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, model_version TEXT,
    unfilled TEXT NOT NULL, url TEXT, seen REAL NOT NULL,
    predicted INTEGER NOT NULL, empty INTEGER NOT NULL, failed INTEGER NOT NULL
)
"""
# What came of each task last, so that one that is predicted again is not counted twice.
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
_FAILURES = """
CREATE TABLE failures (
    project INTEGER, scope TEXT, task INTEGER, time REAL NOT NULL,
    kind TEXT NOT NULL, error TEXT NOT NULL, hint TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (project, scope, task)
)
"""
_LEFT_OUT = """
CREATE TABLE left_out (
    project INTEGER, kind TEXT, what TEXT, count INTEGER NOT NULL, last REAL NOT NULL,
    PRIMARY KEY (project, kind, what)
)
"""
# They stay when projects are forgotten: a number that goes down would be taken for a restart.
_COUNTS = """
CREATE TABLE counts (
    name TEXT, project TEXT, kind TEXT, count INTEGER NOT NULL, PRIMARY KEY (name, project, kind)
) WITHOUT ROWID
"""

SCHEMA = (
    (
        _PROJECTS,
        "CREATE INDEX projects_by_seen ON projects (seen)",
        _TASKS,
        _BATCHES,
        "CREATE INDEX batches_by_begun ON batches (begun)",
        _FAILURES,
        "CREATE INDEX failures_by_time ON failures (time)",
        _LEFT_OUT,
        "CREATE INDEX left_out_by_last ON left_out (last)",
        _COUNTS,
    ),
)
"""Version by version, the statements that make the tables."""

NO_TASK = -(2**63)
"""What stands for the id of a task without one: no task has it (`whole_number`)."""

DEAD_AFTER = 15.0
"""Seconds after which a process that gives no sign of life is taken for dead."""

LIVE = "state IN ('running', 'goes_on') AND beat > ?"
"""Whether a batch is being worked on; its parameter is the moment `DEAD_AFTER` ago."""
