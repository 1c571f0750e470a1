"""A request that is being worked on, as its process knows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from label_studio_gemini.activity.types import Batch, BatchState

if TYPE_CHECKING:
    from collections.abc import Callable


class Progress:
    """Counts what is done of one request; `Activity.begin` makes it.

    Args:
        key: What tells it from all others.
        request: The id of the HTTP request.
        project: Label Studio's name of the project; "" for none.
        tasks: How many there are.
        smart: Whether a smart tool asks.
        changed: Called whenever there is news.
        clock: The time in seconds since 1970.
    """

    def __init__(
        self,
        key: str,
        *,
        request: str,
        project: str,
        tasks: int,
        smart: bool,
        changed: Callable[[Progress], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._request = request
        self._project = project
        self._tasks = tasks
        self._smart = smart
        self._changed = changed
        self._clock = clock
        self._begun = clock()
        self._ended: float | None = None
        self._done = self._failed = self._left = 0
        self._answered = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._ended is not None

    def finish_task(self, *, failed: bool) -> None:
        """Note that a task is done."""
        self._done += 1
        self._failed += failed
        self._settle()

    def leave_task(self) -> None:
        """Note that a task will not be done: the process stops."""
        self._left += 1
        self._settle()

    def answer(self) -> None:
        """Note that nobody waits any more: the request was answered, or its client hung up."""
        self._answered = True
        self._settle()

    def give_up(self) -> None:
        """Note that none of what is not done yet will be."""
        self._left = self._tasks - self._done
        self._settle()

    def row(self) -> Batch:
        """Return how it stands now."""
        return Batch(
            key=self._key,
            request=self._request,
            project=self._project,
            begun=self._begun,
            beat=self._clock(),
            tasks=self._tasks,
            done=self._done,
            failed=self._failed,
            smart=self._smart,
            state=self._state(),
            ended=self._ended,
        )

    def _settle(self) -> None:
        if self._ended is None and self._done + self._left >= self._tasks:
            self._ended = self._clock()
        self._changed(self)

    def _state(self) -> BatchState:
        if self._ended is not None:
            return BatchState.INTERRUPTED if self._left else BatchState.DONE
        return BatchState.GOES_ON if self._answered else BatchState.RUNNING
