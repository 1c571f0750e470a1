"""The tasks that are being worked on, whether or not somebody still waits for them."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from label_studio_gemini.gemini.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

MOST_LEFT_BYTES = 200_000_000
"""Of tasks that are queued and that nobody waits for; with `_OVERHEAD`, 40,000 usual ones."""

_OVERHEAD = 5_000  # bytes that the smallest task takes while it is queued


class Unfinished(Enum):
    """Why there is no outcome."""

    GOES_ON = auto()
    """It is worked on, or will be: whoever asks again later finds it."""
    STOPPED = auto()
    """The server stops."""
    GIVEN_UP = auto()
    """Nobody waits for it, and too many are queued that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Work(Generic[_T]):
    """Something to do.

    Attributes:
        run: Does it; it is told whether a person waits, which may come to be so meanwhile.
        key: What it is: work of the same key is done once while it lasts. None: like no other.
        urgent: Whether a person waits: then it begins at once, however much is going on, and what
            has begun already overtakes the others.
        size: About how many bytes of memory it takes until it begins.
    """

    run: Callable[[Urgency], Coroutine[None, None, _T]]
    key: str | None = None
    urgent: bool = False
    size: int = 0


@dataclass(eq=False)
class _Job(Generic[_T]):
    """Work in hand, for all who wait for it; `task` is None until it begins."""

    work: Work[_T]
    done: asyncio.Future[_T | Unfinished]
    urgency: Urgency = field(default_factory=Urgency)
    waiters: int = 0
    holds_place: bool = False
    task: asyncio.Task[_T] | None = None
    # What it logs belongs to the request that it came with, whoever's end lets it begin.
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


_Queue: TypeAlias = dict[_Job[_T], None]


class Jobs(Generic[_T]):
    """Begins work as places become free, and holds on to it until it is done.

    Who waits gives up at a deadline, or hangs up; the work goes on, after that of all who still
    wait, and is joined by whoever asks for the same. It belongs to one event loop.

    Args:
        places: How many may be worked on at the same time, the urgent ones apart.
        most_left_bytes: How much may be queued that nobody waits for.
    """

    def __init__(self, places: int, *, most_left_bytes: int = MOST_LEFT_BYTES) -> None:
        self._places = places
        self._most_left_bytes = most_left_bytes
        self._known: dict[str, _Job[_T]] = {}
        self._waited_for: _Queue[_T] = {}
        self._left: _Queue[_T] = {}
        self._left_bytes = 0
        self._running: set[_Job[_T]] = set()
        self._taken = 0
        self._stopping = False
        self._deadline: asyncio.TimerHandle | None = None

    async def run(
        self,
        works: Sequence[Work[_T]],
        *,
        seconds: float,
        on_end: Callable[[int, _T | Unfinished | None], None] | None = None,
    ) -> list[_T | Unfinished]:
        """Return what comes of each, in their order, after `seconds` at the latest.

        What is not done by then, or when this is cancelled, goes on.

        Args:
            works: What is to be done.
            seconds: How long it may take.
            on_end: Is told, as soon as it is known, what became of the work of which number;
                None if that raised. It is told of all, however late.
        """
        jobs = [self._join(work) for work in works]
        if on_end is not None:
            for number, job in enumerate(jobs):
                job.done.add_done_callback(partial(_tell, on_end, number))
        self._fill()
        try:
            if jobs:
                await asyncio.wait({job.done for job in jobs}, timeout=seconds)
        finally:
            for job in jobs:
                self._leave(job)
        return [job.done.result() if job.done.done() else Unfinished.GOES_ON for job in jobs]

    def stop(self, grace: float) -> None:
        """Begin nothing more; what is under way is cancelled after `grace` seconds."""
        if self._stopping:
            return
        self._stopping = True
        queued = (*self._waited_for, *self._left)
        for job in queued:
            self._drop(job, Unfinished.STOPPED)
        if queued or self._running:
            _log.info(
                "stopping: %d tasks under way have %g s, %d others are not begun",
                len(self._running),
                grace,
                len(queued),
            )
        self._deadline = asyncio.get_running_loop().call_later(grace, self._cancel)

    async def close(self, grace: float) -> None:
        """Stop as `stop` does, and wait until nothing is under way."""
        self.stop(grace)
        tasks = [job.task for job in self._running if job.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        if self._deadline is not None:
            self._deadline.cancel()

    def _join(self, work: Work[_T]) -> _Job[_T]:
        job = self._known.get(work.key) if work.key is not None else None
        if job is None:
            job = _Job(work, asyncio.get_running_loop().create_future())
            if self._stopping:
                job.done.set_result(Unfinished.STOPPED)
                return job
            if work.key is not None:
                self._known[work.key] = job
        else:
            self._unqueue(job)
        job.waiters += 1
        if work.urgent:
            job.urgency.rise()
            self._free(job)
        if job.task is None:
            self._waited_for[job] = None
            if job.urgency.is_waited_for:
                self._begin(job)
        return job

    def _leave(self, job: _Job[_T]) -> None:
        job.waiters -= 1
        if job.waiters or job not in self._waited_for:
            return
        del self._waited_for[job]
        self._left[job] = None
        self._left_bytes += job.work.size + _OVERHEAD
        if self._left_bytes > self._most_left_bytes:
            _log.warning("a task is given up: nobody waits for it, and too many are queued")
            self._drop(job, Unfinished.GIVEN_UP)

    def _unqueue(self, job: _Job[_T]) -> None:
        self._waited_for.pop(job, None)
        if job in self._left:
            del self._left[job]
            self._left_bytes -= job.work.size + _OVERHEAD

    def _drop(self, job: _Job[_T], why: Unfinished) -> None:
        self._unqueue(job)
        self._forget(job)
        job.done.set_result(why)

    def _forget(self, job: _Job[_T]) -> None:
        if job.work.key is not None:
            del self._known[job.work.key]

    def _fill(self) -> None:
        while self._taken < self._places and (queue := self._waited_for or self._left):
            self._begin(next(iter(queue)))

    def _begin(self, job: _Job[_T]) -> None:
        self._unqueue(job)
        self._running.add(job)
        if not job.urgency.is_waited_for:
            self._taken += 1
            job.holds_place = True
        job.task = asyncio.create_task(job.work.run(job.urgency), context=job.context)
        job.task.add_done_callback(partial(self._end, job))

    def _end(self, job: _Job[_T], task: asyncio.Task[_T]) -> None:
        self._running.discard(job)
        self._free(job)
        self._forget(job)
        if task.cancelled():
            job.done.set_result(Unfinished.STOPPED)
        elif (error := task.exception()) is not None:
            job.done.set_exception(error)
        else:
            job.done.set_result(task.result())
        self._fill()

    def _free(self, job: _Job[_T]) -> None:
        self._taken -= job.holds_place
        job.holds_place = False

    def _cancel(self) -> None:
        for job in self._running:
            assert job.task is not None
            job.task.cancel()


def _tell(
    on_end: Callable[[int, _T | Unfinished | None], None],
    number: int,
    done: asyncio.Future[_T | Unfinished],
) -> None:
    on_end(number, None if done.exception() else done.result())
