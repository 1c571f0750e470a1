"""What was spent today, though the file that says so is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.cache.entries import FREE

if TYPE_CHECKING:
    from decimal import Decimal


class SpentToday:
    """The most that this process knows of: it never sinks within a day.

    The file may be deleted, damaged, or one of before; what was in it was spent nevertheless, and
    what comes after is added to that.
    """

    def __init__(self) -> None:
        self._day = ""
        self._most = FREE  # that was spent on this day
        self._lost = FREE  # so much of it is not in the file, and will not come there

    def add(self, day: str, dollars: Decimal) -> None:
        """Note what a call cost that is yet to be written."""
        self._turn_to(day)
        self._most += dollars

    def at_least(self, day: str, found: Decimal) -> Decimal:
        """Return what was spent on a day.

        Args:
            day: Today (2026-11-22).
            found: What the file says, and what is not written yet.
        """
        self._turn_to(day)
        self._lost = max(self._lost, self._most - found)
        self._most = found + self._lost
        return self._most

    def _turn_to(self, day: str) -> None:
        if day != self._day:
            self._day, self._most, self._lost = day, FREE, FREE
