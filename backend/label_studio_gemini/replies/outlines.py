"""The value under an item's mask key → polygons over the whole image, in all the forms they have.

Models write [x, y] and [y, x] alike, and say nowhere which. So a mask's numbers are read as they
are written, and which order they have is decided by what fits its box.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.geometry import (
    GEMINI_SCALE,
    GeminiBox,
    GeminiPoint,
    ImageSize,
    iou,
    pixel_from_gemini,
)
from label_studio_gemini.masks.types import MaskPolygon
from label_studio_gemini.replies.nodes import JsonList, JsonObject
from label_studio_gemini.replies.numbers import (
    number_from_text,
    numbers_from_texts,
    on_grid,
    split_numbers,
)
from label_studio_gemini.replies.points import named_point
from label_studio_gemini.replies.scan import MAX_TOKENS, scan
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.replies.nodes import Value

_MIN_POINTS = 3
_MAX_STRING = 1_000_000  # characters; a model can write fewer
_TOKENS_PER_STRING = 10  # what it costs to look into one, counted in tokens
_CLEARLY = 0.01  # how much better, in IoU, one order must fit its box to be taken for it
_LEAST_FIT = 0.05  # an outline that overlaps its box by less, in either order, is of something else
_GRID = ImageSize(GEMINI_SCALE, GEMINI_SCALE)

_Pair = tuple[float, float]
_Ring = tuple[_Pair, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon whose pairs are x first or y first, within 0-1000.

    Attributes:
        rings: Each at least three pairs.
        named: Whether the pairs are known to be x first: their numbers had names.
        clamped: Whether it had to be cut back to 0-1000.
    """

    rings: tuple[_Ring, ...]
    named: bool
    clamped: bool

    def polygon(self, *, y_first: bool) -> MaskPolygon:
        """Return it as what it is if its pairs are in this order."""
        if y_first:
            return MaskPolygon(tuple(tuple(GeminiPoint(*p) for p in ring) for ring in self.rings))
        return MaskPolygon(
            tuple(tuple(GeminiPoint(y=y, x=x) for x, y in ring) for ring in self.rings)
        )


class Outlined(NamedTuple):
    """A polygon and its own box."""

    polygon: MaskPolygon
    box: GeminiBox


class OutlineReader:
    """Reads the polygons of one reply, and no more of those in strings than a model can write."""

    def __init__(self) -> None:
        self._tokens_left = MAX_TOKENS * 4 // 5

    def read(self, value: Value) -> Outline | None:
        """Read a polygon, or None where `value` is none that is whole.

        It is a list of pairs, of objects with `x` and `y`, or of numbers in a row, a list of such
        lists, or a string of either.
        """
        if isinstance(value, str):
            return self._outline_from_text(value)
        return _outline_from_list(value) if isinstance(value, JsonList) else None

    def _outline_from_text(self, raw: str) -> Outline | None:
        if len(raw) >= _MAX_STRING or self._tokens_left <= 0:
            return None
        text = text_from_quoted(raw)
        self._tokens_left -= _TOKENS_PER_STRING
        if not text.lstrip().startswith("["):
            numbers = split_numbers(text, self._tokens_left)
            self._tokens_left -= len(numbers)
            return _outline([_pairs(numbers_from_texts(numbers) or [])], named=False)
        found = scan(text, max(self._tokens_left, 0))
        self._tokens_left -= found.tokens
        return self.read(found.plain[0]) if len(found.plain) == 1 else None


def _outline_from_list(value: JsonList) -> Outline | None:
    ring = _ring(value)
    rings = [ring] if ring else [_ring(one) for one in value.items if isinstance(one, JsonList)]
    whole = value.whole and value.end >= 0 and (ring is not None or len(rings) == len(value.items))
    named = value.holds_object or any(
        isinstance(one, JsonList) and one.holds_object for one in value.items
    )
    return _outline(rings, named=named) if whole else None


def polygons_from_outlines(
    outlines: Sequence[tuple[Outline, GeminiBox | None]],
) -> list[Outlined | None]:
    """Decide in which order the pairs of a reply's outlines are; each comes with its item's box.

    An outline's own box tells. Where both orders fit alike, as in a square on the diagonal, it is
    the order of most other outlines of the reply, or else [x, y], as Google's documents have it.

    Returns:
        For each its polygon, or None where it fits its box in neither order.
    """
    fits = [_fit(outline, box) for outline, box in outlines]
    clear = [fit.y_first > fit.x_first for fit in fits if fit.is_clear]
    habit = 2 * sum(clear) > len(clear)
    return [
        _outlined(outline, fit, habit=habit)
        for (outline, _), fit in zip(outlines, fits, strict=True)
    ]


class _Fit(NamedTuple):
    """The IoU of an outline's box with its item's, under either order; -1 for one it can't be."""

    x_first: float
    y_first: float

    @property
    def is_clear(self) -> bool:
        return abs(self.x_first - self.y_first) > _CLEARLY


def _fit(outline: Outline, box: GeminiBox | None) -> _Fit:
    if box is None:
        return _Fit(1, -1) if outline.named else _Fit(1, 1)
    return _Fit(
        _agreement(outline.polygon(y_first=False), box),
        -1 if outline.named else _agreement(outline.polygon(y_first=True), box),
    )


def _agreement(polygon: MaskPolygon, box: GeminiBox) -> float:
    return iou(pixel_from_gemini(_box_of(polygon), _GRID), pixel_from_gemini(box, _GRID))


def _outlined(outline: Outline, fit: _Fit, *, habit: bool) -> Outlined | None:
    if max(fit) < _LEAST_FIT:
        return None
    y_first = fit.y_first > fit.x_first if fit.is_clear else habit
    polygon = outline.polygon(y_first=y_first)
    return Outlined(polygon, _box_of(polygon))


def _box_of(polygon: MaskPolygon) -> GeminiBox:
    points = list(chain.from_iterable(polygon.rings))
    ys, xs = [point.y for point in points], [point.x for point in points]
    return GeminiBox(min(ys), min(xs), max(ys), max(xs))


def _outline(rings: Sequence[_Ring | None], *, named: bool) -> Outline | None:
    """Return rings as an outline, or None where one of them encloses nothing."""
    inside = [
        tuple((on_grid(first), on_grid(second)) for first, second in ring or ()) for ring in rings
    ]
    if not inside or not all(_encloses(ring) for ring in inside):
        return None
    opened = tuple(ring[:-1] if ring[0] == ring[-1] else ring for ring in inside)
    return Outline(opened, named, clamped=inside != list(rings))


def _encloses(ring: _Ring) -> bool:
    """Say whether a ring has three points or more, and both a width and a height."""
    return len(set(ring)) >= _MIN_POINTS and all(
        len({*side}) > 1 for side in zip(*ring, strict=True)
    )


def _ring(value: JsonList) -> _Ring | None:
    """Return the one ring that a list is: of pairs, of named points, of numbers in a row."""
    if not value.items or not value.whole or value.end < 0:
        return None
    if isinstance(value.items[0], str):
        return _pairs(_numbers(value) or [])
    pairs = [_pair(element) for element in value.items]
    found = tuple(pair for pair in pairs if pair is not None)
    return found if len(found) == len(pairs) else None


def _pair(value: Value) -> _Pair | None:
    if isinstance(value, JsonObject):
        point = named_point(value)
        return None if point is None else (point.x, point.y)
    numbers = _numbers(value) if isinstance(value, JsonList) and value.whole else None
    return (
        (numbers[0], numbers[1]) if numbers and len(numbers) == len(GeminiPoint._fields) else None
    )


def _pairs(numbers: Sequence[float]) -> _Ring | None:
    if not numbers or len(numbers) % 2:
        return None
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _numbers(value: JsonList) -> list[float] | None:
    numbers = [number_from_text(item) if isinstance(item, str) else None for item in value.items]
    found = [number for number in numbers if number is not None]
    return found if len(found) == len(numbers) else None
