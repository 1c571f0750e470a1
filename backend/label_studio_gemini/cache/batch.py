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
    """Hands to a thread all that came while it was busy, or within a short time.

    What has to find all of it done calls `drain` first, in the thread.

    Args:
        database: Whose thread it is.
        do: What is done there with what came, in its order; it is given one item at least.
        pace: Seconds that an item waits for others to come.
    """

    def __init__(
        self, database: Database, do: Callable[[list[_T]], None], *, pace: float = 0.0
    ) -> None:
        self._database = database
        self._do = do
        self._pace = pace
        self._items: deque[_T] = deque()
        self._job: asyncio.Future[None] | None = None

    def add(self, item: _T) -> asyncio.Future[None]:
        """Hand over an item; what is returned is over when it is done.

        A waiter that is cancelled stops nothing, and no other waiter.
        """
        self._items.append(item)
        # Where another item waits still, the job that was begun for it will take this one too.
        if self._job is None or len(self._items) == 1:
            self._job = self._begin()
        return asyncio.shield(self._job)

    def drain(self) -> None:
        """Do what has come, now; called in the thread, by what has to find it done."""
        items = []
        while self._items:
            items.append(self._items.popleft())
        if items:
            self._do(items)

    def _begin(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if not self._pace:
            return self._database.run(self.drain)
        job = loop.create_future()
        loop.call_later(self._pace, self._begin_late, job)
        return job

    def _begin_late(self, job: asyncio.Future[None]) -> None:
        if self._items:
            self._database.run(self.drain).add_done_callback(partial(_end, job))
        else:  # something else had to find them done
            job.set_result(None)


def _end(job: asyncio.Future[None], done: asyncio.Future[None]) -> None:
    error = done.exception()
    if error is None:
        job.set_result(None)
    else:
        job.set_exception(error)
