"""Which regions were prompts, for all processes: soon they are saved as any others are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from label_studio_gemini.cache.database import Database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from pathlib import Path

KEPT_SECONDS = 7 * 86_400.0
"""For which a prompt may stay open in a draft."""

_MOST_HERE = 10_000  # ids that this process keeps in mind: those of some days
_AT_ONCE = 500  # ids in one query: SQLite takes no more than 999 everywhere
_SCHEMA = (("CREATE TABLE prompts (id TEXT PRIMARY KEY, time REAL NOT NULL) WITHOUT ROWID",),)


class PromptMemory:
    """The ids of prompts, in a SQLite file that several processes share.

    Where the file cannot be used, this process still knows its own. It belongs to one event loop.

    Args:
        path: The file; None for none.
        clock: The time in seconds since 1970.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._db = None if path is None else Database(path, _SCHEMA, holds="prompts")
        self._clock = clock
        self._own: dict[str, None] = {}  # the newest last

    async def known(self, ids: AbstractSet[str]) -> frozenset[str]:
        """Return those among the ids of regions that were prompts."""
        own = ids & self._own.keys()
        asked = tuple(ids - own)
        if self._db is None or not asked:
            return frozenset(own)
        database = self._db
        found = await database.run(lambda: database.read(lambda db: _find(db, asked)))
        return frozenset(own) | (found or frozenset())

    async def add(self, region_id: str) -> None:
        """Keep in mind that a region was a prompt."""
        self._own.pop(region_id, None)
        self._own[region_id] = None
        if len(self._own) > _MOST_HERE:
            del self._own[next(iter(self._own))]
        if self._db is not None:
            database, now = self._db, self._clock()
            await database.run(lambda: database.write(lambda db: _keep(db, region_id, now)))

    async def aclose(self) -> None:
        """Close the file."""
        if self._db is not None:
            await self._db.aclose()


def _find(db: sqlite3.Connection, ids: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        places = ", ".join("?" * len(some))
        query = f"SELECT id FROM prompts WHERE id IN ({places})"  # noqa: S608 - question marks
        found.update(row[0] for row in db.execute(query, some))
    return frozenset(found)


def _keep(db: sqlite3.Connection, region_id: str, now: float) -> bool:
    db.execute("INSERT OR REPLACE INTO prompts VALUES (?, ?)", (region_id, now))
    db.execute("DELETE FROM prompts WHERE time < ?", (now - KEPT_SECONDS,))
    return True
