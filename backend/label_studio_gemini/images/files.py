"""Files: which may be opened because a task named them, and their bytes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from label_studio_gemini.errors import AddressError, FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Not to wait for a writer where the path is a pipe; absent on Windows, where the other is needed.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """Return the existing file that `name` leads to, if it lies beneath one of `folders`.

    An absolute name has to lie beneath a folder; a relative one is looked for in each. Symbolic
    links and `..` are followed first, so what counts is where the file really is.
    """
    for folder in folders:
        try:
            root = folder.resolve()
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.exists() and not path.is_dir():
                return path
        except (OSError, RuntimeError, ValueError):  # too long a name, a circle of links, a NUL
            continue
    return None


def read_file(path: Path, most_bytes: int) -> bytes:
    """Read a regular file of at most `most_bytes`.

    Raises:
        AddressError: It is a pipe, a device, or another thing that is no file.
        FetchError: It is gone, unreadable or too large.
    """
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise AddressError(
                    f"{str(path)!r} is not a regular file.",
                    hint="name an image file, not a pipe or a device.",
                )
            data = file.read(most_bytes + 1)
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
