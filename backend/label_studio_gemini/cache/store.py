"""Replies by the digest of their requests, in a SQLite file that several processes share."""

from __future__ import annotations

import logging
import math
import time
import uuid
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from label_studio_gemini.cache import tables
from label_studio_gemini.cache.batch import Batch
from label_studio_gemini.cache.database import PATIENCE, PAUSE, Database
from label_studio_gemini.cache.rows import REMEMBERED, Kept
from label_studio_gemini.cache.tables import Limits, StoreState
from label_studio_gemini.errors import GeminiError
from label_studio_gemini.gemini.types import GeminiReply

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from label_studio_gemini.cache.rows import Outcome

_T = TypeVar("_T")

_logger = logging.getLogger(__name__)

LEASE = 10.0
"""Seconds after which a process that gives no sign of life is taken for dead."""
USE = 3600.0
"""Seconds: how exactly the last use of a reply is known, since noting it is a write."""

_TRIM_EVERY = 128  # calls
_MOST_UNWRITTEN = 1000
_MOST_UNWRITTEN_CHARACTERS = 16_000_000


class Turn(Enum):
    """Who asks what has no reply yet."""

    OURS = "ours"
    THEIRS = "another process'"


Found: TypeAlias = GeminiReply | GeminiError | Turn


@dataclass(slots=True)
class _Claim:
    """A question, and its answer, which stays what it is while the file cannot be used."""

    digest: str
    fresh: bool
    found: Found = Turn.OURS

    def known(self, outcome: Outcome, now: float) -> GeminiReply | GeminiError | None:
        """Return what is remembered, or None where it is to be asked for anew."""
        if not isinstance(outcome, GeminiReply):
            return outcome
        if outcome.again_from is not None and outcome.again_from > now:
            return outcome
        return None if self.fresh else replace(outcome, again_from=None)


class ReplyStore:
    """Replies that were paid for, failures that will not change, and who is asking what.

    It saves calls, and is not needed for any: while the file cannot be used, every request is
    `Turn.OURS`. What arrives meanwhile is held in memory, up to 1,000 replies of 16 MB together,
    and written as soon as that is possible.

    Kept are the texts of replies and of failures, digests, tokens, models and times: no prompt, no
    image, no key.

    Args:
        path: The file.
        limits: How much is kept, and for how long.
        lease: Seconds after which a process that does not `renew` is taken for dead.
        patience: Seconds to wait for the writes of other processes.
        pause: Seconds after which a file that could not be used is tried again.
        clock: The time in seconds since 1970; that of all processes has to agree.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits | None = None,
        *,
        lease: float = LEASE,
        patience: float = PATIENCE,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lease = lease
        self._db = Database(
            path,
            tables.SCHEMA,
            holds="replies",
            retry=self._write_held,
            patience=patience,
            pause=pause,
        )
        self._limits = limits or Limits()
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._claims = Batch(self._db, self._answer)
        self._arrivals = Batch(self._db, self._keep)
        # By the thread:
        self._unwritten: dict[str, Kept] = {}
        self._has_leased = False
        self._until_trim = 0

    async def claim(self, digest: str, *, fresh: bool = False) -> Found:
        """Return what is known of a request; if that is nothing, it is now ours to `finish`.

        A reply has no usage, and a failure no bill: they are paid for.

        Args:
            digest: The request's.
            fresh: Whether a reply that is known was of no use. Then one counts only if it came of
                such a request itself, and it is not yet time to ask again.
        """
        claim = _Claim(digest, fresh)
        await self._claims.add(claim)
        return claim.found

    async def finish(
        self, digest: str, outcome: Outcome | None, model: str, *, fresh: bool = False
    ) -> None:
        """Keep what came of a request that was ours, and let others have it.

        Args:
            digest: The request's.
            outcome: Replies and the `REMEMBERED` failures are kept; nothing else is.
            model: The model that was asked.
            fresh: Whether it was asked anew: if this reply is of no use either, that is remembered
                like a failure.
        """
        kept = None
        now = self._clock()
        until = now + self._limits.failures_for
        if isinstance(outcome, GeminiReply):
            reply = replace(outcome, again_from=until if fresh else None)
            kept = Kept(reply, model, now, math.inf)
        elif isinstance(outcome, REMEMBERED):
            kept = Kept(outcome, model, now, until)
        await self._arrivals.add((digest, kept))

    async def renew(self, digests: Collection[str]) -> None:
        """Give a sign of life for requests that are ours."""
        expires = self._clock() + self.lease

        def renew() -> None:
            self._db.insist()  # a pause is longer than a lease
            self._write(lambda db: tables.renew(db, digests, self._owner, expires))

        await self._db.run(renew)

    async def show(self) -> StoreState:
        """Return what is in the store."""

        def count() -> StoreState | None:
            self._arrivals.drain()
            return self._db.read(tables.count)

        state = await self._db.run(count) or StoreState()
        return replace(state, trouble=self._db.trouble)

    async def clear(self) -> int | None:
        """Delete all replies and failures; return how many there were, or None if that fails."""

        def clear() -> int | None:
            self._arrivals.drain()
            self._unwritten.clear()
            return 0 if self._db.is_missing() else self._write(tables.clear)

        return await self._db.run(clear)

    async def aclose(self) -> None:
        """Write what is not written yet, let others have what is still ours, and close the file."""

        def let_go() -> None:
            self._arrivals.drain()
            if self._unwritten:
                self._db.insist()
            if self._unwritten or self._has_leased:
                self._write(lambda db: tables.release_all(db, self._owner))
            if self._unwritten:
                kept = "%d answers of Gemini's could not be kept: the same will be paid for again."
                _logger.warning(kept, len(self._unwritten))

        await self._db.run(let_go)
        await self._db.aclose()

    def _write_held(self) -> None:
        if self._unwritten:
            self._write(lambda _: 0)

    def _answer(self, claims: Sequence[_Claim]) -> None:
        """Say of each claim what is known; what nobody knows or asks is ours from now on."""
        self._arrivals.drain()  # or what was let go before would let go of what is claimed now
        now = self._clock()
        open_claims = [claim for claim in claims if not self._is_in_memory(claim, now)]
        if not open_claims:
            return
        known = self._db.read(lambda db: self._look_for(db, open_claims, now))
        used, missing = [], []
        for claim, found in zip(open_claims, known or [None] * len(open_claims), strict=True):
            if isinstance(found, tables.Hit):
                claim.found = found.outcome
                if found.used is not None and found.used < now - USE:
                    used.append(claim.digest)
            elif found is not None:
                claim.found = found
            else:
                missing.append(claim)
        if used or missing:
            self._write(lambda db: self._take(db, missing, used, now))

    def _is_in_memory(self, claim: _Claim, now: float) -> bool:
        kept = self._unwritten.get(claim.digest)
        if kept is None or kept.until <= now:
            return False
        found = claim.known(kept.again, now)
        if found is None:
            return False
        claim.found = found
        return True

    def _look_for(
        self, db: sqlite3.Connection, claims: Sequence[_Claim], now: float
    ) -> list[tables.Hit | Turn | None]:
        known = tables.known_of(db, [claim.digest for claim in claims])
        return [self._look(db, claim, now) if claim.digest in known else None for claim in claims]

    def _look(self, db: sqlite3.Connection, claim: _Claim, now: float) -> tables.Hit | Turn | None:
        hit = tables.find(db, claim.digest, now, self._limits)
        found = None if hit is None else claim.known(hit.outcome, now)
        if hit is not None and found is not None:
            return tables.Hit(found, hit.used)
        return Turn.THEIRS if self._is_leased(db, claim.digest, now) else None

    def _is_leased(self, db: sqlite3.Connection, digest: str, now: float) -> bool:
        # Twice: who took it may have looked at the clock after us, who waited for the file since.
        return tables.is_leased(db, digest, self._owner, now, 2 * self.lease)

    def _take(
        self, db: sqlite3.Connection, claims: Sequence[_Claim], used: Sequence[str], now: float
    ) -> int:
        ours = []
        # Once more, now that nobody else can write.
        for claim, found in zip(claims, self._look_for(db, claims, now), strict=True):
            if found is None:
                ours.append(claim.digest)
            else:
                claim.found = found.outcome if isinstance(found, tables.Hit) else found
        if ours:
            tables.lease(db, ours, self._owner, now + self.lease)
            self._has_leased = True
        return tables.note_use(db, used, now)

    def _keep(self, arrivals: Sequence[tuple[str, Kept | None]]) -> None:
        self._unwritten.update({digest: kept for digest, kept in arrivals if kept is not None})
        self._until_trim -= len(arrivals)
        trims = self._until_trim < 0

        def write(db: sqlite3.Connection) -> int:
            if trims:
                tables.trim(db, self._clock(), self._limits)
            return tables.release(db, [digest for digest, _ in arrivals], self._owner)

        if self._write(write) is None:
            self._forget_some()
        elif trims:
            self._until_trim = _TRIM_EVERY

    def _write(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Write what could not be written before, and do `work`; None if it cannot be now."""

        def both(db: sqlite3.Connection) -> _T:
            tables.keep(db, self._unwritten)
            return work(db)

        result = self._db.write(both)
        if result is not None:
            self._unwritten.clear()
        return result

    def _forget_some(self) -> None:
        """Keep what could not be written within bounds; the oldest goes."""
        sizes = [
            len(kept.outcome.text) if isinstance(kept.outcome, GeminiReply) else 0
            for kept in self._unwritten.values()
        ]
        total = sum(sizes)
        while len(sizes) > _MOST_UNWRITTEN or total > _MOST_UNWRITTEN_CHARACTERS:
            del self._unwritten[next(iter(self._unwritten))]
            total -= sizes.pop(0)
