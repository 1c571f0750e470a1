"""A SQLite file that may fail at any time without anyone's prediction failing.

It is shared by several processes (WAL), and used by one thread of its own in each. Where it cannot
be read or written, the answer is None, one warning says why, and a while later it is tried again,
whether anyone asks or not. A damaged file is set aside and begun anew; one that was deleted or
replaced is opened anew; one that nobody may write is still read.
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

from label_studio_gemini.cache.damage import (
    code_of,
    do_with_nothing,
    is_damage,
    is_out_of_reach,
    is_sure,
)

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

_SHORTEST_PAUSE = 0.05  # seconds, for what tries again by itself
_UNREACHED = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_SWITCH_DELAY = 0.01  # seconds between attempts to switch to WAL, which waits for nobody by itself


class Database:
    """One file. `run` goes to its thread; `read` and `write` are called there.

    Nothing is opened or made before the first of them; only `write` makes the file.

    Args:
        path: The file; it is made for its user alone, and so is its folder.
        schema: The statements that make its tables, version by version.
        holds: What it holds, for the log: "The replies in … cannot be used".
        loss: What it means that it cannot be used, for the log and `trouble`; "" to say nothing.
        retry: Called in the thread when a file is tried again that could not be used: it may write
            what was not written.
        patience: Seconds to wait for the writes of other processes.
        pause: Seconds after which a file that could not be used is tried again.
    """

    def __init__(
        self,
        path: Path,
        schema: Sequence[Sequence[str]],
        *,
        holds: str,
        loss: str = "",
        retry: Callable[[], object] = lambda: None,
        patience: float = PATIENCE,
        pause: float = PAUSE,
    ) -> None:
        self.path = path
        self.trouble: str | None = None
        self._schema = schema
        self._holds = holds
        self._loss = loss
        self._retry = retry
        self._patience = patience
        self._pause = pause
        self._paused_until: dict[_Kind, float] = {}
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._is_frozen = False
        self._is_closed = self._is_retrying = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{holds}-db")

    def run(self, job: Callable[[], _T]) -> asyncio.Future[_T]:
        """Begin `job` in the thread of this file, after all that were begun before.

        A waiter that is cancelled does not stop it.
        """
        self._loop = asyncio.get_running_loop()
        return asyncio.shield(self._loop.run_in_executor(self._thread, job))

    async def aclose(self) -> None:
        """Close the file, when all that was begun is done."""
        await self.run(self.close)
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
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

    def insist(self) -> None:
        """Write although it failed a moment ago; called in the thread."""
        self._paused_until.pop("write", None)

    def is_missing(self) -> bool:
        """Return whether there is no file; a folder that cannot be looked into may have one."""
        try:
            return _identity(self.path) is None
        except OSError:
            return False

    def close(self) -> None:
        """Close the file, until it is used again; called in the thread."""
        if self._db is not None:
            self._db.close()
        self._db = self._file = None

    def _try(self, kind: _Kind, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        if time.monotonic() < self._paused_until.get(kind, 0.0):
            return None
        try:
            return self._use_or_begin_anew(kind, work)
        except Exception as error:  # noqa: BLE001 - an edge: no prediction fails for a file
            self._give_up(kind, error)
            return None

    def _use_or_begin_anew(
        self, kind: _Kind, work: Callable[[sqlite3.Connection], _T]
    ) -> _T | None:
        try:
            return self._use(kind, work)
        except Exception as error:
            file = self._file
            self.close()
            if self._is_frozen or not is_damage(
                error, self.path, lambda: do_with_nothing(self._schema, work)
            ):
                raise
            self._set_aside(file, error)
        return self._use(kind, work)

    def _give_up(self, kind: _Kind, failure: Exception) -> None:
        self.close()
        self._paused_until[kind] = time.monotonic() + self._pause
        ours = not (is_out_of_reach(failure) or is_sure(failure))
        why = f"{type(failure).__name__}: {failure}" if ours else str(failure)
        why = f"{why}; {self._loss}" if self._loss else why
        if ours:
            _logger.error("The %s in %s met a bug.", self._holds, self.path, exc_info=failure)
        if self.trouble is None:
            _logger.warning("The %s in %s cannot be used: %s", self._holds, self.path, why)
        self.trouble = why
        if self._loop is not None:
            with suppress(RuntimeError):  # the event loop is closed
                self._loop.call_soon_threadsafe(self._set_timer)

    def _set_timer(self) -> None:
        """Try again when the pause is over; called by the event loop."""
        is_due = self._timer is not None or self._is_retrying
        if self._loop is not None and not (is_due or self._is_closed):
            seconds = max(self._pause, _SHORTEST_PAUSE)
            self._timer = self._loop.call_later(seconds, self._end_pause)

    def _end_pause(self) -> None:
        self._timer = None
        self._is_retrying = True
        self.run(self._try_again).add_done_callback(self._after_retry)

    def _after_retry(self, _: asyncio.Future[None]) -> None:
        self._is_retrying = False
        if self._paused_until:
            self._set_timer()

    def _try_again(self) -> None:
        self._retry()
        for kind in tuple(self._paused_until):  # there was nothing to write, or only to read
            if kind == "write":
                self.write(self._touch)
            else:
                self.read(_version)

    def _touch(self, db: sqlite3.Connection) -> bool:
        """Write something that changes nothing: a full disk would let an empty write pass."""
        db.execute(f"PRAGMA user_version = {len(self._schema)}")
        return True

    def _use(self, kind: _Kind, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        db = self._open(make=kind == "write")
        result = None if db is None else work(db)
        if self._is_frozen:
            self.close()  # SQLite would not notice when someone writes it after all
        self._paused_until.pop(kind, None)
        if self.trouble is not None and not self._paused_until:
            _logger.info("The %s in %s can be used again.", self._holds, self.path)
            self.trouble = None
        return result

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        if self._db is not None and _identity(self.path) == self._file:
            return self._db
        self.close()
        self._is_frozen = False
        if make and not self.path.exists():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._file = _identity(self.path)
        if self._file is None:
            return None
        try:
            return self._connect(str(self.path))
        except sqlite3.OperationalError as error:
            if make or code_of(error) not in _UNREACHED:
                raise
        # WAL wants to write even to read. As nobody can, nothing changes, and it need not.
        self._is_frozen = True
        return self._connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1")

    def _connect(self, name: str) -> sqlite3.Connection:
        if self._db is not None:
            self._db.close()
        self._db = sqlite3.connect(
            name, timeout=self._patience, isolation_level=None, uri=self._is_frozen
        )
        self._db.text_factory = _text  # damaged text is no reason to lose the rest
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
                if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_SWITCH_DELAY)
            else:
                return

    def _set_aside(self, damaged: tuple[int, int] | None, failure: Exception) -> None:
        """Rename the damaged file, unless another process has done so."""
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
            exc_info=None if is_sure(failure) else failure,
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file it is, whatever its name; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - each use of a file asks; pathlib takes thrice as long
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
