"""Where in the YAML file something is: file, line, and the way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Location: TypeAlias = tuple[str | int, ...]
"""The way to a value of the file: `("recipes", 0, "labels", "car")`."""


def path_of(location: Location) -> str:
    """Write a way as people do: `recipes[0].labels.car`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def place_of(file: str, lines: Mapping[Location, int], location: Location) -> str:
    """Return `file:line` of a value, or of the nearest thing around it that has a line."""
    for length in range(len(location), -1, -1):
        line = lines.get(location[:length])
        if line is not None:
            return f"{file}:{line}"
    return file
