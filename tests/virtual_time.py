"""An event loop whose clock jumps to whatever is waited for, so that no test waits.

`asyncio.sleep`, `asyncio.timeout` and `loop.call_at` all go by it; nothing has to be injected.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

_T = TypeVar("_T")


class _Selector(selectors.DefaultSelector):
    """Instead of waiting until a timer is due, it lets that much time have passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everything waits, and nothing would ever happen")
        if not ready:
            self.passed += timeout or 0.0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that starts at 1,000 s."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return 1_000.0 + self._clock.passed


def run_virtually(main: Coroutine[Any, Any, _T]) -> _T:
    """Run `main` to its end, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Return the time of the running loop, in seconds."""
    return asyncio.get_running_loop().time()
