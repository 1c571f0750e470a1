"""What to make of an error of SQLite's: is the file damaged, out of reach, or is it a bug of ours?

A single flipped bit may come out as any error at all: SQLite notices some damage, quotes damaged
text in its messages, or returns rows that are none of ours.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import UnionType

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# What another process, the disk, or the rights of the file bring about.
_OUT_OF_REACH = frozenset(
    {
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_ABORT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        *(sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT),
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
        *(sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_AUTH),
    }
)
_WRONG_USE = (sqlite3.NotSupportedError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
_HIGHEST_FORMAT = 2  # https://www.sqlite.org/fileformat.html: 1 is a journal, 2 is WAL
_FORMAT_AT = 18  # bytes into the file
_LATEST = 1e11  # seconds since 1970: the year 5138


def code_of(error: Exception) -> int:
    """Return SQLite's primary code; errors of Python's own have none: 0."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_out_of_reach(error: Exception) -> bool:
    """Return whether it says nothing of what is in the file."""
    is_newer = isinstance(error, sqlite3.NotSupportedError)
    return is_newer or isinstance(error, OSError | MemoryError) or code_of(error) in _OUT_OF_REACH


def is_sure(error: Exception) -> bool:
    """Return whether SQLite itself calls the file damaged."""
    return code_of(error) in _DAMAGED


def is_damage(error: Exception, path: Path, rehearse: Callable[[], object]) -> bool:
    """Return whether the file is to blame.

    Args:
        error: What came out. The file must not be open: to read it would end SQLite's locks.
        path: The file.
        rehearse: Does the same with an empty database: if that fails too, it is a bug of ours.
    """
    if is_sure(error):
        return True
    if code_of(error) == sqlite3.SQLITE_READONLY:
        return _has_unknown_format(path)
    if is_out_of_reach(error) or isinstance(error, _WRONG_USE):
        return False
    try:
        rehearse()
    except Exception:  # noqa: BLE001 - whatever it is, the file is not to blame
        return False
    return True


def do_with_nothing(
    schema: Sequence[Sequence[str]], work: Callable[[sqlite3.Connection], object]
) -> None:
    """Do `work` with an empty database, in memory."""
    with closing(empty_copy(schema)) as db:
        work(db)


def empty_copy(schema: Sequence[Sequence[str]]) -> sqlite3.Connection:
    """Return an empty database of these tables, in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for statement in (one for version in schema for one in version):
        db.execute(statement)
    return db


def fits(row: Sequence[object], *kinds: type | UnionType) -> bool:
    """Return whether the columns of a row are of these types, and every float is a time."""
    return len(row) == len(kinds) and all(
        isinstance(value, kind)
        and (not isinstance(value, float) or (math.isfinite(value) and abs(value) < _LATEST))
        for value, kind in zip(row, kinds, strict=True)
    )


def _has_unknown_format(path: Path) -> bool:
    """Return whether SQLite refuses to write a file only since its head says so."""
    with path.open("rb") as file:
        head = file.read(_FORMAT_AT + 1)
    return len(head) > _FORMAT_AT and head[_FORMAT_AT] > _HIGHEST_FORMAT
