"""The SQL of the replies: each function is a part of a transaction of its caller's.

What each call comes to is one statement for all that come together: each step of one lets go of the
interpreter and waits for it again, which takes longer than its work while others are busy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.cache.damage import fits
from label_studio_gemini.cache.rows import (
    failure_from_row,
    plain_text,
    reply_from_row,
    text_bytes,
    usage_row,
)
from label_studio_gemini.gemini.types import GeminiReply

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from label_studio_gemini.cache.rows import Kept, Outcome

# The text comes last: it may go on over many pages, which nothing else has to read.
_REPLIES = """
CREATE TABLE replies (
    digest TEXT PRIMARY KEY, model TEXT NOT NULL, stored REAL NOT NULL, used REAL NOT NULL,
    size INTEGER NOT NULL, truncated INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, thought_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, image_tokens INTEGER NOT NULL, text BLOB NOT NULL
)
"""
_FAILURES = """
CREATE TABLE failures (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL,
    stored REAL NOT NULL, until REAL NOT NULL
)
"""
SCHEMA = (
    (
        _REPLIES,
        "CREATE INDEX replies_by_use ON replies (used, size)",
        "CREATE INDEX replies_by_age ON replies (stored)",
        _FAILURES,
        "CREATE TABLE leases (digest TEXT PRIMARY KEY, owner TEXT NOT NULL, expires REAL NOT NULL)",
    ),
    ("ALTER TABLE replies ADD COLUMN again_from REAL",),
)
"""Version by version, the statements that make the tables."""

_ROW_BYTES = 300  # of a reply's row without its text, indexes included
_ROOM = 0.9  # of the limit is filled after an eviction, so that not each reply causes the next


class Hit(NamedTuple):
    """What is remembered, and when it was used last (None for a failure)."""

    outcome: Outcome
    used: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be kept.

    Attributes:
        max_bytes: What all replies may take; those go first that were not used for longest.
        max_age: Seconds for which a reply is used.
        failures_for: Seconds for which a failure is remembered that will not change.
    """

    max_bytes: int = 1_000_000_000
    max_age: float = 90 * 86_400.0
    failures_for: float = 3600.0


@dataclass(frozen=True, slots=True)
class StoreState:
    """What is in the store.

    Attributes:
        replies: How many.
        failures: How many are remembered.
        bytes: What the replies take.
        oldest: When the oldest of them came, in seconds since 1970; None where there are none.
        trouble: Why the file cannot be used, or None.
    """

    replies: int = 0
    failures: int = 0
    bytes: int = 0
    oldest: float | None = None
    trouble: str | None = None


def keep(db: sqlite3.Connection, kept: Mapping[str, Kept]) -> None:
    """Write replies and failures by their digests, each in place of any other."""
    if not kept:
        return
    query = "DELETE FROM failures WHERE digest IN (SELECT value FROM json_each(?))"
    db.execute(query, (_listed(kept),))
    replies, failures = [], []
    for digest, one in kept.items():
        if isinstance(one.outcome, GeminiReply):
            replies.append(_row_from_reply(digest, one, one.outcome))
        else:
            said = plain_text(one.outcome.message), plain_text(one.outcome.hint)
            failures.append((digest, type(one.outcome).__name__, *said, one.stored, one.until))
    # A reply was of no use, or nobody would have asked again: this is what is known now.
    gone = [(digest,) for digest, *_ in failures]
    db.executemany("DELETE FROM replies WHERE digest = ?", gone)
    db.executemany("INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?)", failures)
    db.executemany(
        "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", replies
    )


def known_of(db: sqlite3.Connection, digests: Iterable[str]) -> set[str]:
    """Return those of which there is anything; most of what is asked is new."""
    query = (
        "SELECT value FROM json_each(?) WHERE"
        " EXISTS (SELECT 1 FROM replies WHERE digest = value)"
        " OR EXISTS (SELECT 1 FROM failures WHERE digest = value)"
        " OR EXISTS (SELECT 1 FROM leases WHERE digest = value)"
    )
    return {digest for (digest,) in db.execute(query, (_listed(digests),))}


def find(db: sqlite3.Connection, digest: str, now: float, limits: Limits) -> Hit | None:
    """Return the reply, else the failure, that is remembered.

    A failure that would be remembered for longer than twice what is allowed is none: the clock was
    set back since.
    """
    query = "SELECT used, truncated, text, again_from FROM replies WHERE digest = ? AND stored > ?"
    row = db.execute(query, (digest, now - limits.max_age)).fetchone()
    good = row is not None and fits(row, float, int, bytes, float | None)
    reply = reply_from_row(*row[1:]) if good else None
    if reply is not None:
        return Hit(reply, row[0])
    query = (
        "SELECT kind, message, hint, stored, until FROM failures"
        " WHERE digest = ? AND until > ? AND until <= ?"
    )
    row = db.execute(query, (digest, now, now + 2 * limits.failures_for)).fetchone()
    good = row is not None and fits(row, str, str, str, float, float)
    failure = failure_from_row(*row) if good else None
    return None if failure is None else Hit(failure, None)


def note_use(db: sqlite3.Connection, digests: Iterable[str], now: float) -> int:
    """Note that replies were used."""
    rows = [(now, digest) for digest in digests]
    return db.executemany("UPDATE replies SET used = ? WHERE digest = ?", rows).rowcount


def is_leased(db: sqlite3.Connection, digest: str, owner: str, now: float, longest: float) -> bool:
    """Return whether someone else than `owner` is asking.

    What ends later than in `longest` seconds is no lease: the clock was set back since.
    """
    query = "SELECT 1 FROM leases WHERE digest = ? AND owner <> ? AND expires > ? AND expires <= ?"
    return db.execute(query, (digest, owner, now, now + longest)).fetchone() is not None


def lease(db: sqlite3.Connection, digests: Iterable[str], owner: str, expires: float) -> None:
    """Let `owner` ask, whoever did before."""
    query = "INSERT OR REPLACE INTO leases SELECT value, ?, ? FROM json_each(?)"
    db.execute(query, (owner, expires, _listed(digests)))


def renew(db: sqlite3.Connection, digests: Iterable[str], owner: str, expires: float) -> int:
    """Prolong the leases that `owner` still has."""
    rows = [(expires, digest, owner) for digest in digests]
    query = "UPDATE leases SET expires = ? WHERE digest = ? AND owner = ?"
    return db.executemany(query, rows).rowcount


def release(db: sqlite3.Connection, digests: Iterable[str], owner: str) -> int:
    """End leases of `owner`."""
    query = "DELETE FROM leases WHERE digest IN (SELECT value FROM json_each(?)) AND owner = ?"
    return db.execute(query, (_listed(digests), owner)).rowcount


def release_all(db: sqlite3.Connection, owner: str) -> int:
    """End all leases of `owner`."""
    return db.execute("DELETE FROM leases WHERE owner = ?", (owner,)).rowcount


def trim(db: sqlite3.Connection, now: float, limits: Limits) -> int:
    """Delete what is over, then what was not used for longest; return how many replies that are."""
    db.execute("DELETE FROM failures WHERE until <= ?", (now,))
    db.execute("DELETE FROM leases WHERE expires <= ?", (now,))
    old = db.execute("DELETE FROM replies WHERE stored <= ?", (now - limits.max_age,)).rowcount
    (total,) = db.execute("SELECT TOTAL(size) FROM replies").fetchone()
    excess = total - limits.max_bytes * _ROOM if total > limits.max_bytes else 0
    gone = []
    query = "SELECT rowid, CAST(size AS INTEGER) FROM replies ORDER BY used, rowid"
    for number, size in db.execute(query):
        if excess <= 0:
            break
        gone.append((number,))
        excess -= size
    db.executemany("DELETE FROM replies WHERE rowid = ?", gone)
    return old + len(gone)


def clear(db: sqlite3.Connection) -> int:
    """Delete all replies and failures; return how many there were."""
    count = db.execute("DELETE FROM replies").rowcount
    return count + db.execute("DELETE FROM failures").rowcount


def count(db: sqlite3.Connection) -> StoreState:
    """Return what there is."""
    query = "SELECT COUNT(*), TOTAL(size), MIN(stored) FROM replies"
    replies, size, oldest = db.execute(query).fetchone()
    (failures,) = db.execute("SELECT COUNT(*) FROM failures").fetchone()
    return StoreState(replies, failures, int(size), oldest if fits([oldest], float) else None)


def _row_from_reply(digest: str, kept: Kept, reply: GeminiReply) -> tuple[object, ...]:
    text = text_bytes(reply.text)
    size = len(text) + _ROW_BYTES
    head = (digest, plain_text(kept.model), kept.stored, kept.stored, size)
    return (*head, reply.truncated, *usage_row(reply.usage), text, reply.again_from)


def _listed(digests: Iterable[str]) -> str:
    """Return what `json_each` makes rows of."""
    return json.dumps([*digests])
