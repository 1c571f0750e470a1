"""The value under an item's point key → points on the 0-1000 grid, in all the forms it has."""

from __future__ import annotations

from typing import NamedTuple

from label_studio_gemini.detections import RejectReason
from label_studio_gemini.geometry import GeminiPoint
from label_studio_gemini.replies.nodes import JsonList, JsonObject, Value
from label_studio_gemini.replies.numbers import (
    number_from_text,
    numbers_from_texts,
    on_grid,
    split_numbers,
)

_MAX_STRING = 100


class ReadPoint(NamedTuple):
    """A point within 0-1000, and whether it had to be cut back to that."""

    point: GeminiPoint
    clamped: bool


def read_points(value: Value) -> list[ReadPoint | RejectReason]:
    """Read the value under a point key: one point, or as many as are nested in its list.

    A point is a list of two numbers, an object with `y` and `x` or a string of two numbers, in
    Gemini's order [y, x]; numbers may be strings. What lies outside 0-1000 is cut back.

    Returns:
        For each point itself, or `BAD_POINT`.
    """
    nested = isinstance(value, JsonList) and value.whole and value.end >= 0 and value.items
    if isinstance(value, JsonList) and nested and not isinstance(value.items[0], str):
        return [_read_point(element) for element in value.items]
    return [_read_point(value)]


def named_point(value: JsonObject) -> GeminiPoint | None:
    """Return the point that an object with `x` and `y` is, as it is written, or None."""
    named = {key.strip().lower(): edge for key, edge in value.members if isinstance(edge, str)}
    y, x = (number_from_text(named.get(name, "")) for name in GeminiPoint._fields)
    return None if y is None or x is None or not value.whole else GeminiPoint(y, x)


def _read_point(value: Value) -> ReadPoint | RejectReason:
    point = named_point(value) if isinstance(value, JsonObject) else _point_from_pair(value)
    if point is None:
        return RejectReason.BAD_POINT
    inside = GeminiPoint(*map(on_grid, point))
    return ReadPoint(inside, clamped=inside != point)


def _point_from_pair(value: str | JsonList) -> GeminiPoint | None:
    numbers: list[float] | None
    if isinstance(value, JsonList):
        read = [number_from_text(n) if isinstance(n, str) else None for n in value.items]
        numbers = [number for number in read if number is not None]
        if len(numbers) != len(read) or not value.whole or value.end < 0:
            return None
    else:
        texts = split_numbers(value, _MAX_STRING) if len(value) <= _MAX_STRING else []
        numbers = numbers_from_texts(texts)
    pair = numbers is not None and len(numbers) == len(GeminiPoint._fields)
    return GeminiPoint(*numbers) if numbers and pair else None
