"""What was uploaded, for how long, and by which key: in memory, or on disk for several processes.

Only addresses are kept, never a key or an image.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_logger = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds that one process waits for another's write
_MOST_IN_MEMORY = 100_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    digest TEXT, owner TEXT, uri TEXT NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (digest, owner)
) WITHOUT ROWID
"""


class UploadKey(NamedTuple):
    """An image, and whose upload it is: a file can be used by its own project alone."""

    digest: str
    owner: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Where an uploaded image is, and until when.

    Attributes:
        uri: Its address in the Files API.
        expires: When it is deleted there, in seconds since 1970 by our own clock.
    """

    uri: str
    expires: float


class UploadStore(Protocol):
    """What remembers uploads; it may be asked from any thread."""

    def find(self, key: UploadKey) -> Upload | None:
        """Return what was kept last, expired or not."""
        ...

    def keep(self, key: UploadKey, upload: Upload) -> None:
        """Keep an upload in place of any other of this key."""
        ...


class MemoryUploadStore:
    """Uploads of this process: the last 100,000."""

    def __init__(self) -> None:
        self._uploads: dict[UploadKey, Upload] = {}
        self._lock = threading.Lock()

    def find(self, key: UploadKey) -> Upload | None:
        """Return what was kept last, expired or not."""
        return self._uploads.get(key)

    def keep(self, key: UploadKey, upload: Upload) -> None:
        """Keep an upload in place of any other of this key."""
        with self._lock:
            self._uploads.pop(key, None)
            self._uploads[key] = upload
            if len(self._uploads) > _MOST_IN_MEMORY:
                del self._uploads[next(iter(self._uploads))]


class SqliteUploadStore:
    """Uploads of all processes that name the same file.

    It saves uploads, and is not needed for any: a file that cannot be read or written is logged,
    and the image is uploaded again. Each call opens the file anew (0.2 ms to read, 1 ms to
    write), so that nothing is left open, whichever thread asks.

    Args:
        path: The file; it is made, with its folder, when the first upload is kept.
        clock: The time in seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def find(self, key: UploadKey) -> Upload | None:
        """Return what was kept last, expired or not; None too if the file cannot be read."""
        if not self._path.exists():
            return None
        try:
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as db:
                query = "SELECT uri, expires FROM uploads WHERE digest = ? AND owner = ?"
                row = db.execute(query, key).fetchone()
        except sqlite3.Error as error:
            _logger.warning("The uploads in %s cannot be read: %s", self._path, error)
            return None
        return Upload(*row) if row else None

    def keep(self, key: UploadKey, upload: Upload) -> None:
        """Keep an upload in place of any other of this key, and let go of the expired ones."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as db, db:
                db.execute(_SCHEMA)
                db.execute("DELETE FROM uploads WHERE expires < ?", (self._clock(),))
                row = (*key, upload.uri, upload.expires)
                db.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?)", row)
        except (sqlite3.Error, OSError) as error:
            _logger.warning("The upload cannot be kept in %s: %s", self._path, error)
