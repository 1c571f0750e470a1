"""Many small jobs for the thread of a database, done as one: a hop and a transaction for all."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.cache.database import Database

_T = TypeVar("_T")


class Batch(Generic[_T]):
    """Hands to a thread all that came while it was busy, or shortly after another job.

    What has to find all of it done calls `drain` first, in the thread.

    Args:
        database: Whose thread it is.
        do: What is done there with what came, in its order; it is given one item at least.
        pace: Seconds between two jobs; what comes after a pause is done at once.
    """

    def __init__(
        self, database: Database, do: Callable[[list[_T]], None], *, pace: float = 0.0
    ) -> None:
        self._database = database
        self._do = do
        self._pace = pace
        self._items: deque[_T] = deque()
        self._job: asyncio.Future[None] | None = None
        self._next = 0.0
        self._doing = False  # by the thread

    def add(self, item: _T) -> asyncio.Future[None]:
        """Hand over an item; what is returned is over when it is done.

        A waiter that is cancelled stops nothing, and no other waiter.
        """
        self._items.append(item)
        # Where another item waits still, the job that was begun for it will take this one too.
        # Where the thread has taken it meanwhile, a job of its own comes after that.
        if self._job is None or len(self._items) <= 1:
            self._job = self._begin()
        return asyncio.shield(self._job)

    def drain(self) -> None:
        """Do what has come, now; called in the thread, by what has to find it done."""
        items = []
        while self._items:
            items.append(self._items.popleft())
        if items:
            self._doing = True
            try:
                self._do(items)
            finally:
                self._doing = False

    def _begin(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        wait = self._next - loop.time()
        if wait <= 0:
            return self._run(loop)
        job = loop.create_future()
        loop.call_later(wait, self._begin_late, loop, job)
        return job

    def _begin_late(self, loop: asyncio.AbstractEventLoop, job: asyncio.Future[None]) -> None:
        if self._items or self._doing:
            self._run(loop).add_done_callback(partial(_end, job))
        else:  # something else had to find them done
            job.set_result(None)

    def _run(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        self._next = loop.time() + self._pace
        return self._database.run(self.drain)


def _end(job: asyncio.Future[None], done: asyncio.Future[None]) -> None:
    error = done.exception()
    if error is None:
        job.set_result(None)
    else:
        job.set_exception(error)
