"""The time that a task may take, on a clock that stands while the task waits for our own limits."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Protocol

from label_studio_gemini.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextvars import Context

TIME_LIMIT_HINT = (
    "Raise the time limit of a task (`task_timeout`), or send fewer requests at once: Gemini may "
    "be slow, or ask to wait."
)


class _Clock(Protocol):
    """What is left of somebody's time."""

    @property
    def deadline(self) -> float:
        """The loop's time at which it is over; infinite while the clock stands."""
        ...

    def stop(self) -> None:
        """Let the clock stand, until it was started as often as it was stopped."""
        ...

    def start(self) -> None:
        """Take back one `stop`."""
        ...


_clock: ContextVar[_Clock | None] = ContextVar("clock", default=None)


class _TaskClock:
    """The clock of one task, which a limit may lie around.

    Work that the task has begun may outlive it, and still stop and start its clock.
    """

    def __init__(self, seconds: float, outer: _Clock | None) -> None:
        self.timeout = asyncio.timeout(seconds)
        self.over = False
        self._outer = outer
        self._left = seconds
        self._stops = 0

    @property
    def deadline(self) -> float:
        own = self.timeout.when()
        outer = math.inf if self._outer is None else self._outer.deadline
        return min(math.inf if own is None else own, outer)

    def stop(self) -> None:
        if self._outer is not None:
            self._outer.stop()
        self._stops += 1
        when = self.timeout.when()
        if self._stops == 1 and self._runs() and when is not None:
            self._left = when - asyncio.get_running_loop().time()
            self.timeout.reschedule(None)

    def start(self) -> None:
        if self._outer is not None:
            self._outer.start()
        self._stops -= 1
        if not self._stops and self._runs():
            self.timeout.reschedule(asyncio.get_running_loop().time() + self._left)

    def _runs(self) -> bool:
        return not (self.over or self.timeout.expired())


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Enclose a whole task: what still runs after `seconds` ends, whatever it waits for.

    Only what `stopped_clock` encloses does not count. A retry that could only come later than that
    is not waited for: its error is raised at once, since it says more than "too late". A limit
    inside another one does not extend it.

    Raises:
        TransportError: If the time is up.
    """
    clock = _TaskClock(seconds, _clock.get())
    before = _clock.set(clock)
    try:
        async with clock.timeout:
            yield
    except TimeoutError as error:
        if not clock.timeout.expired():
            raise
        message = f"The task was not done within {seconds:g} s."
        raise TransportError(message, hint=TIME_LIMIT_HINT) from error
    finally:
        clock.over = True
        _clock.reset(before)


@contextmanager
def stopped_clock() -> Iterator[None]:
    """Enclose a wait that is no fault of the task's: its time limit does not count it."""
    clock = _clock.get()
    if clock is None:
        yield
        return
    clock.stop()
    try:
        yield
    finally:
        clock.start()


def current_deadline() -> float:
    """Return the loop's time at which the task's time is over, as far as is known; or infinity."""
    clock = _clock.get()
    return math.inf if clock is None else clock.deadline


class SharedClock:
    """The time of work that several tasks wait for: it may take as long as the last of them waits.

    Run it in `context()`; each that waits for it does so within `joined()`. While the clock of the
    work stands, so do those of all who wait for it.
    """

    def __init__(self) -> None:
        self._waiting: list[_Clock | None] = []
        self._stops = 0

    def context(self) -> Context:
        """Return a context whose time limit this is."""
        context = copy_context()
        context.run(_clock.set, self)
        return context

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Enclose waiting for the work."""
        clock = _clock.get()
        self._waiting.append(clock)
        self._turn([clock], stops=self._stops > 0)
        try:
            yield
        finally:
            self._waiting.remove(clock)
            self._turn([clock], starts=self._stops > 0)

    @property
    def deadline(self) -> float:
        """That of the last who waits; the work is not tried again when nobody does."""
        clocks = self._waiting
        return max((math.inf if one is None else one.deadline for one in clocks), default=-math.inf)

    def stop(self) -> None:
        """Let the clocks of all who wait stand."""
        self._stops += 1
        self._turn(self._waiting, stops=self._stops == 1)

    def start(self) -> None:
        """Take back one `stop`."""
        self._stops -= 1
        self._turn(self._waiting, starts=self._stops == 0)

    def _turn(
        self, clocks: list[_Clock | None], *, stops: bool = False, starts: bool = False
    ) -> None:
        for clock in clocks:
            if clock is not None and stops:
                clock.stop()
            if clock is not None and starts:
                clock.start()
