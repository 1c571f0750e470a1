"""What the store and the ledger have to show, for a command line and a status page."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.cache.entries import NO_TOTALS

if TYPE_CHECKING:
    from label_studio_gemini.cache.entries import Day, Project, Totals
    from label_studio_gemini.cache.ledger import Ledger
    from label_studio_gemini.cache.store import ReplyStore
    from label_studio_gemini.cache.tables import StoreState


@dataclass(frozen=True, slots=True)
class CacheSummary:
    """How things stand.

    Attributes:
        store: What is in the store.
        days: The totals of the last days, today last.
        projects: The totals of each project in these days, the dearest first.
        trouble: Why the ledger cannot be used, or None.
    """

    store: StoreState
    days: tuple[Day, ...]
    projects: tuple[Project, ...]
    trouble: str | None

    @property
    def totals(self) -> Totals:
        """The sum of these days: `hits`, `calls` (misses) and `dollars` among others."""
        return functools.reduce(operator.add, (day.totals for day in self.days), NO_TOTALS)


async def show(store: ReplyStore, ledger: Ledger, *, days: int = 30) -> CacheSummary:
    """Return how things stand; files that are not there are not made."""
    return CacheSummary(
        store=await store.show(),
        days=await ledger.by_day(days),
        projects=await ledger.by_project(days),
        trouble=ledger.trouble,
    )
