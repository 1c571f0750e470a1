"""Files: which may be opened because a task named them, and their bytes."""

from __future__ import annotations

import functools
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from label_studio_gemini.errors import AddressError, FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Not to wait for a writer where the path is a pipe; absent on Windows, where the other is needed.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_STEP = re.compile(r"[^\\:\x00]+")  # on Windows, what has one of these may lead anywhere
_PIECE = 1_000_000  # bytes
_NO_STEPS = frozenset({".", ".."})


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """Return the existing file that `name` leads to, if it lies beneath one of `folders`.

    An absolute name has to lie beneath a folder; a relative one is looked for in each. Symbolic
    links and `..` are followed first, so what counts is where the file really is.
    """
    for folder in folders:
        try:
            found = _plain_file(_root_of(folder), name) or _resolved_file(folder, name)
        except (OSError, RuntimeError, ValueError):  # too long a name, a circle of links, a NUL
            continue
        if found is not None:
            return found
    return None


def _root_of(folder: Path) -> str:
    status = folder.stat()
    return _real_path(folder, status.st_dev, status.st_ino)


@functools.lru_cache(maxsize=100)
def _real_path(folder: Path, _device: int, _inode: int) -> str:
    """Return where a folder is; one that is a link may lead to another the next time."""
    return os.path.realpath(folder)


def _plain_file(root: str, name: str) -> Path | None:
    """Return the file of a relative name without links and `..`, as most are; None for others.

    It looks once at each step of the name. To resolve both paths takes a look at each step from
    the root of the disk, twice: each lets go of the interpreter and waits for it again.
    """
    path, mode = root, 0
    for step in name.split("/"):
        if step in _NO_STEPS or not _STEP.fullmatch(step):
            return None
        path = f"{path}{os.sep}{step}"
        try:
            mode = os.lstat(path).st_mode
        except OSError:  # the folder may have been moved
            return None
        if stat.S_ISLNK(mode):
            return None
    return None if stat.S_ISDIR(mode) else Path(path)


def _resolved_file(folder: Path, name: str) -> Path | None:
    root = folder.resolve()
    path = (root / name).resolve()
    inside = path.is_relative_to(root) and path.exists() and not path.is_dir()
    return path if inside else None


def read_file(path: Path, most_bytes: int) -> bytes:
    """Read a regular file of at most `most_bytes`.

    Raises:
        AddressError: It is a pipe, a device, or another thing that is no file.
        FetchError: It is gone, unreadable or too large.
    """
    try:
        handle = os.open(path, _FLAGS)
        try:
            data = _content(handle, path, most_bytes)
        finally:
            os.close(handle)
    except OSError as error:
        raise FetchError(
            f"{str(path)!r} cannot be read: {error.strerror}.",
            hint="check that the file is there and may be read by this user.",
        ) from error
    if len(data) > most_bytes:
        raise FetchError(
            f"{str(path)!r} is larger than {most_bytes:,} bytes.",
            hint="shrink the image, or raise `images: max_megabytes` in the config.",
        )
    return data


def _content(handle: int, path: Path, most_bytes: int) -> bytes:
    """Return what a file holds, or more than `most_bytes` of it. Each call waits for its turn."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise AddressError(
            f"{str(path)!r} is not a regular file.",
            hint="name an image file, not a pipe or a device.",
        )
    data = os.read(handle, min(status.st_size, most_bytes) + 1)
    if 0 < len(data) == status.st_size:
        return data
    # Not each file system says how much there is, and one read need not bring all of it.
    pieces, size = [data], len(data)
    while size <= most_bytes and (more := os.read(handle, _PIECE)):
        pieces.append(more)
        size += len(more)
    return b"".join(pieces)
