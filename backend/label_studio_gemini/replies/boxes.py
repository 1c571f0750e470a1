"""The value under an item's box key → boxes on the 0-1000 grid, in all the forms it is written."""

from __future__ import annotations

import re
from typing import NamedTuple

from label_studio_gemini.detections import RejectReason
from label_studio_gemini.geometry import GeminiBox
from label_studio_gemini.replies.nodes import JsonList, JsonObject, Value
from label_studio_gemini.replies.numbers import numbers_from_texts, on_grid

_MAX_STRING = 200
_SEPARATORS = re.compile(r"[\s,;\[\]()]+")
_EDGE_NAMES = (
    ("ymin", "xmin", "ymax", "xmax"),
    ("y_min", "x_min", "y_max", "x_max"),
    ("top", "left", "bottom", "right"),
    ("y1", "x1", "y2", "x2"),
)
"""The names of a box's edges where it is written as an object, in the order of `GeminiBox`."""


class ReadBox(NamedTuple):
    """A box within 0-1000, and whether it had to be cut back to that."""

    box: GeminiBox
    clamped: bool


def read_boxes(value: Value) -> list[ReadBox | RejectReason]:
    """Read the value under a box key: one box, or as many as are nested in its list.

    A box is a list of four numbers, an object of named edges or a string of four numbers, in
    Gemini's order [ymin, xmin, ymax, xmax]; numbers may be strings. Swapped corners are put right,
    and what reaches outside 0-1000 is cut back. Small numbers are taken as they are: whether 0.5
    means the middle of the image can't be known.

    Returns:
        For each box itself, or why it cannot be used: `BAD_BOX`, or `EMPTY_BOX` without an area.
    """
    if isinstance(value, JsonList) and value.whole and _nests(value):
        return [_read_box(element) for element in value.items]
    return [_read_box(value)]


def _nests(value: JsonList) -> bool:
    """Say whether a list is one of lists: `[[2, 3, 12, 18]]`."""
    return bool(value.items) and all(isinstance(element, JsonList) for element in value.items)


def _read_box(value: Value) -> ReadBox | RejectReason:
    numbers = numbers_from_texts(_edges(value) or ())
    return RejectReason.BAD_BOX if numbers is None else _box_from_numbers(numbers)


def _edges(value: Value) -> list[str] | None:
    """Return the four edges of a box as they are written, or None where it has no such form."""
    if isinstance(value, JsonObject):
        return _edges_of_object(value)
    if isinstance(value, JsonList):
        return _edges_of_list(value)
    edges = _SEPARATORS.sub(" ", value).split() if len(value) <= _MAX_STRING else []
    return edges if len(edges) == len(GeminiBox._fields) else None


def _edges_of_list(value: JsonList) -> list[str] | None:
    if not value.whole or len(value.items) != len(GeminiBox._fields):
        return None
    edges = [element for element in value.items if isinstance(element, str)]
    return edges if len(edges) == len(value.items) else None


def _edges_of_object(value: JsonObject) -> list[str] | None:
    named = {key.strip().lower(): edge for key, edge in value.members if isinstance(edge, str)}
    for names in _EDGE_NAMES:
        if value.whole and all(name in named for name in names):
            return [named[name] for name in names]
    return None


def _box_from_numbers(numbers: list[float]) -> ReadBox | RejectReason:
    box = GeminiBox(*map(on_grid, numbers))
    clamped = box != tuple(numbers)
    if box.ymin > box.ymax:
        box = box._replace(ymin=box.ymax, ymax=box.ymin)
    if box.xmin > box.xmax:
        box = box._replace(xmin=box.xmax, xmax=box.xmin)
    if box.ymin == box.ymax or box.xmin == box.xmax:
        return RejectReason.EMPTY_BOX
    return ReadBox(box, clamped)
