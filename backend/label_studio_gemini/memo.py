"""What was made of an object before is not made again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_V = TypeVar("_V")
_P = ParamSpec("_P")

MOST = 64
"""A project has one question or a few, each with its own schema."""


class Memo(Generic[_T, _P, _V]):
    """A function that remembers what it gave for the last objects, by which these are.

    `functools.lru_cache` goes by what objects hold: it cannot take a dict, and looks through all of
    a large dataclass each time. What is remembered is handed out to all who ask, and the objects
    are held on to: neither may be changed. Threads may share it.

    Args:
        make: The function; what stands after its first argument is hashable.
        most: How many results are kept.
    """

    def __init__(self, make: Callable[Concatenate[_T, _P], _V], *, most: int = MOST) -> None:
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[tuple[object, ...], tuple[_T, _V]] = {}

    def __call__(self, subject: _T, *args: _P.args, **kwargs: _P.kwargs) -> _V:
        """Return what the function gives."""
        key = (id(subject), args, *kwargs.items())
        with self._lock:
            known = self._known.pop(key, None)
            if known is not None:  # what is held on to keeps its id
                self._known[key] = known  # as the last one
                return known[1]
        value = self._make(subject, *args, **kwargs)
        with self._lock:
            while len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[key] = subject, value
        return value
