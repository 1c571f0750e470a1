"""Files: which may be opened because a task named them, and their bytes."""

from __future__ import annotations

import functools
import os
import stat
from typing import TYPE_CHECKING

from label_studio_gemini.errors import AddressError, FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Not to wait for a writer where the path is a pipe; absent on Windows, where the other is needed.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_PIECE = 1_000_000  # bytes


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """Return the existing file that `name` leads to, if it lies beneath one of `folders`.

    An absolute name has to lie beneath a folder; a relative one is looked for in each. Symbolic
    links and `..` are followed first, so what counts is where the file really is.
    """
    for folder in folders:
        try:
            found = _find_beneath(_root_of(folder), name)
        except (OSError, RuntimeError, ValueError):  # too long a name, a circle of links, a NUL
            continue
        if found is not None:
            return found
    return None


def _find_beneath(root: Path, name: str) -> Path | None:
    path = root / name
    if not _is_real(root, path):
        path = path.resolve()
    if not path.is_relative_to(root) or stat.S_ISDIR(os.lstat(path).st_mode):
        return None
    return path


def _is_real(root: Path, path: Path) -> bool:
    """Return whether a path leads from a real folder to a file, through no link and no `..`.

    It asks the system once for each step below the root, `Path.resolve` for each from `/` on. In a
    thread each question gives the interpreter away, and has to wait for it again.
    """
    if not path.is_relative_to(root) or ".." in path.parts:
        return False
    steps = path.relative_to(root).parts
    below = (root.joinpath(*steps[:count]) for count in range(1, len(steps) + 1))
    return not any(stat.S_ISLNK(os.lstat(step).st_mode) for step in below)


def _root_of(folder: Path) -> Path:
    status = os.stat(folder)  # noqa: PTH116 - see `_is_real`
    return _resolved(folder, status.st_dev, status.st_ino)


@functools.lru_cache(maxsize=100)
def _resolved(folder: Path, _device: int, _inode: int) -> Path:
    return folder.resolve()


def read_file(path: Path, most_bytes: int) -> bytes:
    """Read a regular file of at most `most_bytes`.

    Raises:
        AddressError: It is a pipe, a device, or another thing that is no file.
        FetchError: It is gone, unreadable or too large.
    """
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise AddressError(
                    f"{str(path)!r} is not a regular file.",
                    hint="name an image file, not a pipe or a device.",
                )
            data = file.read(min(status.st_size, most_bytes) + 1)
            while len(data) <= most_bytes and (more := file.read(_PIECE)):  # it may have grown
                data += more
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
