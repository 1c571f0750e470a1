"""Activity: what is noted goes into the file soon, and is shown at once."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sqlite3
import time
import uuid
from typing import TYPE_CHECKING

from label_studio_gemini.activity.progress import Progress
from label_studio_gemini.activity.reading import read_counts, read_snapshot
from label_studio_gemini.activity.schema import DEAD_AFTER, SCHEMA
from label_studio_gemini.activity.shortening import shortened, size_of
from label_studio_gemini.activity.types import (
    Accepted,
    Batch,
    Deleted,
    Done,
    Reason,
    Refused,
    Result,
    Snapshot,
)
from label_studio_gemini.activity.writing import write
from label_studio_gemini.cache.batch import Batch as Bundle
from label_studio_gemini.cache.damage import empty_copy
from label_studio_gemini.cache.database import PATIENCE, PAUSE, Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from label_studio_gemini.activity.types import Counts, Event, Omissions
    from label_studio_gemini.errors import BackendError

_logger = logging.getLogger(__name__)

WRITE_EVERY = 0.25
"""Seconds from what happens first to its write, with all that has happened meanwhile."""

_BEAT = DEAD_AFTER / 5  # seconds between two signs of life
_MOST_UNWRITTEN = 10_000  # events
_MOST_BYTES = 20_000_000


class Activity:
    """What the backend did, in a SQLite file that several processes share.

    All methods that note something return at once, after microseconds; a thread writes, a few times
    a second at most. What is not written yet is shown too. While the file cannot be used, what
    happens is kept in memory, over a copy of what could be read: all of it is shown, and the last
    10,000 events are written as soon as that is possible.

    It belongs to one event loop.

    Args:
        path: The file.
        patience: Seconds to wait for the writes of other processes.
        pause: Seconds after which a file that could not be used is tried again.
        clock: The time in seconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: float = PATIENCE,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = Database(
            path,
            SCHEMA,
            holds="activity",
            retry=self._try_to_write,
            patience=patience,
            pause=pause,
        )
        self._clock = clock
        self._bundles: Bundle[Sequence[Event]] = Bundle(self._db, self._note)
        self._events: list[Event] = []
        self._live: dict[Progress, None] = {}
        self._changed: dict[Progress, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._heart: asyncio.TimerHandle | None = None
        self._process = uuid.uuid4().hex
        self._begun = itertools.count()
        # By the thread:
        self._unwritten: dict[int | str, Event] = {}
        self._unwritten_bytes = 0
        self._numbers = itertools.count()
        self._stand_in: sqlite3.Connection | None = None

    def accept(
        self,
        project: str | None,
        *,
        model_version: str,
        unfilled: Iterable[str] = (),
        url: str | None = None,
    ) -> None:
        """Note that a project can be predicted, and by which version.

        Args:
            project: Label Studio's name of it; None for none.
            model_version: The version of its predictions.
            unfilled: Why control tags are left to people.
            url: The address of its Label Studio, if that is known.
        """
        now = self._clock()
        self._add(Accepted(now, project or "", model_version, tuple(unfilled), url))

    def refuse(self, project: str | None, error: BackendError) -> None:
        """Note why a whole request could not be answered."""
        self._add(Refused(self._clock(), project or "", _reason(error)))

    def finish(
        self,
        project: str | None,
        task: int | None,
        result: Result | BackendError,
        *,
        smart: bool = False,
        left_out: Omissions | None = None,
        cached: bool = False,
    ) -> None:
        """Note what came of a task, or why nothing did.

        Args:
            project: Label Studio's name of the project; None for none.
            task: The task's id; None where it has none.
            result: What came of it.
            smart: Whether a smart tool asked.
            left_out: What was left out of the prediction.
            cached: Whether all of it was known before: then it was counted then.
        """
        reason = None if isinstance(result, Result) else _reason(result)
        what = result if isinstance(result, Result) else Result.FAILED
        now = self._clock()
        self._add(Done(now, project or "", task, what, smart, reason, left_out or {}, cached))

    def forget(self, project: str, tasks: Iterable[int]) -> None:
        """Note that tasks of a project are no more."""
        self._add(Deleted(self._clock(), project, tuple(tasks)))

    def begin(
        self, project: str | None, *, request: str, tasks: int, smart: bool = False
    ) -> Progress:
        """Note that a request is being worked on; what is returned is told of each task."""
        progress = Progress(
            f"{self._process}.{next(self._begun)}",
            request=request,
            project=project or "",
            tasks=tasks,
            smart=smart,
            changed=self._note_change,
            clock=self._clock,
        )
        self._live[progress] = None
        self._note_change(progress)
        if self._heart is None:
            self._heart = asyncio.get_running_loop().call_later(_BEAT, self._beat)
        return progress

    def probe(self) -> asyncio.Future[int | None]:
        """Begin to find out whether the file can be used, and to forget what is too old in it."""
        return self._db.run(lambda: self._db.write(lambda db: write(db, (), self._clock())))

    async def show(self) -> Snapshot:
        """Return how things stand, with what is not in the file yet."""
        self._flush()

        def read() -> Snapshot:
            if self._stand_in is not None:
                return self._read_stand_in(self._stand_in)
            return self._db.read(lambda db: read_snapshot(db, self._clock())) or Snapshot()

        return await self._db.run(read)

    async def counts(self) -> Counts | None:
        """Return what is counted in the file; None if it cannot be read, and nothing was done.

        What this process has not written yet is not in it, unless it cannot be written: so the
        numbers never go down, whichever process is asked.
        """

        def read() -> Counts | None:
            if self._stand_in is not None:
                return read_counts(self._stand_in, self._clock())
            return self._db.read(lambda db: read_counts(db, self._clock()))

        return await self._db.run(read)

    @property
    def trouble(self) -> str | None:
        """Why the file cannot be used, or None."""
        return self._db.trouble

    async def aclose(self) -> None:
        """Write what is not written yet, and close the file; what is not done is interrupted."""
        for progress in tuple(self._live):
            progress.give_up()
        self._flush()
        if self._heart is not None:
            self._heart.cancel()
        await self._db.run(self._leave)
        await self._db.aclose()

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._write_soon()

    def _note_change(self, progress: Progress) -> None:
        self._changed[progress] = None
        self._write_soon()

    def _write_soon(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(WRITE_EVERY, self._flush)

    def _flush(self) -> None:
        """Hand all that is new to the thread."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        for progress in self._changed:
            self._events.append(progress.row())
            if progress.is_over:
                self._live.pop(progress, None)
        self._changed.clear()
        self._bundles.add(self._events)
        self._events = []

    def _beat(self) -> None:
        self._heart = None
        if self._live:
            self._heart = asyncio.get_running_loop().call_later(_BEAT, self._beat)
            self._changed |= self._live
            self._write_soon()

    def _note(self, bundles: Sequence[Sequence[Event]]) -> None:
        events = [shortened(event) for bundle in bundles for event in bundle]
        for event in events:
            # What a request comes to is of interest, and not on which way.
            key = event.key if isinstance(event, Batch) else next(self._numbers)
            if (before := self._unwritten.get(key)) is not None:
                self._unwritten_bytes -= size_of(before)
            self._unwritten[key] = event
            self._unwritten_bytes += size_of(event)
        if self._try_to_write():
            return
        if self._stand_in is None:
            self._stand_in = self._copy()
            events = list(self._unwritten.values())
        self._write_stand_in(self._stand_in, events)
        while len(self._unwritten) > _MOST_UNWRITTEN or self._unwritten_bytes > _MOST_BYTES:
            oldest = next(iter(self._unwritten))
            self._unwritten_bytes -= size_of(self._unwritten.pop(oldest))

    def _try_to_write(self) -> bool:
        """Write what is not written; return whether nothing is left."""
        if not self._unwritten:
            return True
        events = self._unwritten.values()
        if self._db.write(lambda db: write(db, events, self._clock())) is None:
            return False
        self._unwritten.clear()
        self._unwritten_bytes = 0
        self._forget_copy()
        return True

    def _copy(self) -> sqlite3.Connection:
        """Return a copy of the file in memory, or of an empty one if that cannot be read."""
        copy = sqlite3.connect(":memory:", isolation_level=None)
        if self._db.read(lambda db: _backup(db, copy)) is None:
            copy.close()
            copy = empty_copy(SCHEMA)
        return copy

    def _write_stand_in(self, copy: sqlite3.Connection, events: Sequence[Event]) -> None:
        """Write into the copy; where its file was damaged, into an empty one instead."""
        try:
            write(copy, events, self._clock())
        except Exception:
            _logger.exception("The copy of the activity cannot be used, and is begun anew.")
            copy.close()
            self._stand_in = empty_copy(SCHEMA)
            write(self._stand_in, self._unwritten.values(), self._clock())

    def _read_stand_in(self, copy: sqlite3.Connection) -> Snapshot:
        try:
            return read_snapshot(copy, self._clock())
        except Exception:
            _logger.exception("The copy of the activity cannot be shown, and is begun anew.")
            copy.close()
            self._stand_in = empty_copy(SCHEMA)
            write(self._stand_in, self._unwritten.values(), self._clock())
            return read_snapshot(self._stand_in, self._clock())

    def _forget_copy(self) -> None:
        if self._stand_in is not None:
            self._stand_in.close()
            self._stand_in = None

    def _leave(self) -> None:
        if self._unwritten:
            self._db.insist()
        if not self._try_to_write():
            lost = "%d things that were done could not be written: the status page forgets them."
            _logger.warning(lost, len(self._unwritten))
        self._forget_copy()


def _backup(db: sqlite3.Connection, copy: sqlite3.Connection) -> bool:
    db.backup(copy)
    return True


def _reason(error: BackendError) -> Reason:
    return Reason(type(error).__name__, error.message, error.hint)
