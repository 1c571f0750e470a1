"""Whether a person waits for something, which may come to be so while it is under way."""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Priority(IntEnum):
    """Who goes first where requests wait: the lower number."""

    INTERACTIVE = 0
    BATCH = 1


class Urgency:
    """The priority of a task from its beginning to its end, for all that is done for it.

    A task of a batch that somebody opens overtakes the others from then on, wherever it waits.

    Args:
        priority: What it is at first.
    """

    __slots__ = ("_listeners", "_priority")

    def __init__(self, priority: Priority = Priority.BATCH) -> None:
        self._priority = priority
        self._listeners: list[Callable[[], object]] = []

    @property
    def priority(self) -> Priority:
        """What it is now."""
        return self._priority

    @property
    def is_waited_for(self) -> bool:
        """Whether a person waits."""
        return self._priority is Priority.INTERACTIVE

    def rise(self) -> None:
        """Let a person wait for it from now on."""
        if self.is_waited_for:
            return
        self._priority = Priority.INTERACTIVE
        for listener in tuple(self._listeners):
            listener()

    @contextmanager
    def heard(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call `listener` as soon as a person comes to wait for it, while the block lasts."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    @contextmanager
    def lent_to(self, other: Urgency) -> Iterator[None]:
        """Let `other` be as urgent as this, also if this becomes so, while the block lasts."""
        if self.is_waited_for:
            other.rise()
        with self.heard(other.rise):
            yield
