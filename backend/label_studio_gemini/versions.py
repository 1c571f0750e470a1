"""The model versions that projects were told of, kept on disk for every worker process to list."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


class VersionStore:
    """A folder with an empty file for each version: touching one is atomic, and needs no lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, version: str) -> None:
        """Remember a version. Where the folder cannot be written, it is only not listed."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / quote(version, safe="")).touch()
        except OSError as error:
            _log.warning("version %s is not kept for /versions: %s", version, error)

    def list(self) -> list[str]:
        """Return all versions, the one that was last told first."""
        try:
            files = sorted(self._folder.iterdir(), key=lambda file: -file.stat().st_mtime_ns)
        except OSError:
            return []
        return [unquote(file.name) for file in files]
