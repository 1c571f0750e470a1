"""Many small jobs for the thread of a database, done as one: a hop and a transaction for all."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.cache.database import Database

_T = TypeVar("_T")


class Batch(Generic[_T]):
    """Hands to a thread all that came while it was busy.

    Args:
        database: Whose thread it is.
        do: What is done there with what came, in its order; it is given one item at least.
    """

    def __init__(self, database: Database, do: Callable[[list[_T]], None]) -> None:
        self._database = database
        self._do = do
        self._items: deque[_T] = deque()
        self._job: asyncio.Future[None] | None = None

    def add(self, item: _T) -> asyncio.Future[None]:
        """Hand over an item, now; what is returned is over when it is done.

        What is begun in the thread later finds it done. A waiter that is cancelled stops nothing,
        and no other waiter.
        """
        self._items.append(item)
        # Where another item waits still, the job that was begun for it will take this one too.
        if self._job is None or len(self._items) == 1:
            self._job = self._database.run(self._drain)
        return asyncio.shield(self._job)

    def _drain(self) -> None:
        items = []
        while self._items:
            items.append(self._items.popleft())
        if items:
            self._do(items)
