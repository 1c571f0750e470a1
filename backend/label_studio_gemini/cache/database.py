"""A SQLite file that may fail at any time without anyone's prediction failing.

It is shared by several processes (WAL), and used by one thread of its own in each. Where it cannot
be read or written, the answer is None, one warning says why, and a while later it is tried again. A
damaged file is set aside and begun anew; one that was deleted or replaced is opened anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_T = TypeVar("_T")
_Kind: TypeAlias = Literal["read", "write"]

_logger = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds that one process waits for another's write."""
PAUSE = 30.0
"""Seconds for which a file that could not be used is left alone."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SWITCH_DELAY = 0.01  # seconds between attempts to switch to WAL, which waits for nobody by itself


class Database:
    """One file. `run` goes to its thread; `read` and `write` are called there.

    Nothing is opened or made before the first of them; only `write` makes the file.

    Args:
        path: The file; it is made for its user alone, and so is its folder.
        schema: The statements that make its tables, version by version.
        holds: What it holds, for the log: "The replies in … cannot be used".
        patience: Seconds to wait for the writes of other processes.
        pause: Seconds after which a file that could not be used is tried again.
    """

    def __init__(
        self,
        path: Path,
        schema: Sequence[Sequence[str]],
        *,
        holds: str,
        patience: float = PATIENCE,
        pause: float = PAUSE,
    ) -> None:
        self.path = path
        self.trouble: str | None = None
        self._schema = schema
        self._holds = holds
        self._patience = patience
        self._pause = pause
        self._paused_until: dict[_Kind, float] = {}
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{holds}-db")

    def run(self, job: Callable[[], _T]) -> asyncio.Future[_T]:
        """Begin `job` in the thread of this file, after all that were begun before.

        A waiter that is cancelled does not stop it.
        """
        return asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, job))

    async def aclose(self) -> None:
        """Close the file, when all that was begun is done."""
        await self.run(self.close)
        self._thread.shutdown(wait=False)

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Return what `work` finds, or None if there is no file, or it cannot be read."""
        return self._try("read", work)

    def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Do `work` in one transaction; None if it cannot be written, and nothing was."""

        def transact(db: sqlite3.Connection) -> _T:
            with db:
                db.execute("BEGIN IMMEDIATE")
                return work(db)

        return self._try("write", transact)

    def close(self) -> None:
        """Close the file, until it is used again; called in the thread."""
        if self._db is not None:
            self._db.close()
        self._db = self._file = None

    def _try(self, kind: _Kind, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        if time.monotonic() < self._paused_until.get(kind, 0.0):
            return None
        try:
            return self._use(kind, work)
        except (sqlite3.Error, OSError) as error:
            failure = error
        try:
            if _is_damage(failure):
                self._set_aside(failure)
                return self._use(kind, work)
        except (sqlite3.Error, OSError) as error:
            failure = error
        self.close()
        self._paused_until[kind] = time.monotonic() + self._pause
        if self.trouble is None:
            _logger.warning("The %s in %s cannot be used: %s", self._holds, self.path, failure)
        self.trouble = str(failure)
        return None

    def _use(self, kind: _Kind, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        db = self._open(make=kind == "write")
        if db is None:
            return None
        result = work(db)
        self._paused_until.pop(kind, None)
        if self.trouble is not None and not self._paused_until:
            _logger.info("The %s in %s can be used again.", self._holds, self.path)
            self.trouble = None
        return result

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        if self._db is not None and _identity(self.path) == self._file:
            return self._db
        self.close()
        if make and not self.path.exists():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._file = _identity(self.path)
        if self._file is None:
            return None
        self._db = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        self._prepare(self._db)
        return self._db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Bring the tables up to date, and choose how safely it writes.

        What was written survives the end of this process however it comes. After a power failure
        the file is whole, and may lack the last writes.
        """
        version = _version(db)
        if version > len(self._schema):
            raise sqlite3.NotSupportedError("it is of a newer version of this program")
        if version < len(self._schema):
            self._switch_to_wal(db)
            with db:
                db.execute("BEGIN IMMEDIATE")
                for statements in self._schema[_version(db) :]:  # another process may have done it
                    for statement in statements:
                        db.execute(statement)
                db.execute(f"PRAGMA user_version = {len(self._schema)}")
        db.execute("PRAGMA synchronous = NORMAL")

    def _switch_to_wal(self, db: sqlite3.Connection) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                db.execute("PRAGMA auto_vacuum = FULL")  # what is deleted makes it smaller
                db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_SWITCH_DELAY)
            else:
                return

    def _set_aside(self, failure: Exception) -> None:
        """Rename the damaged file, unless another process has done so."""
        damaged = self._file
        self.close()
        if _identity(self.path) != damaged:
            return
        name = f"{self.path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                old = self.path.with_name(self.path.name + suffix)
                old.replace(self.path.with_name(name + suffix))
        _logger.warning(
            "The %s in %s are damaged (%s): the file is now %s, and a new one is begun.",
            *(self._holds, self.path, failure, name),
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file it is, whatever its name; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _is_damage(error: Exception) -> bool:
    return _code(error) in _DAMAGED


def _code(error: Exception) -> int:
    """Return the primary code; errors of Python's own have none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
