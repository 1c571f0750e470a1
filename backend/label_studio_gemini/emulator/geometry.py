"""Where things are, in fractions of the picture, and the eight ways a picture can be laid.

Written apart from the core's geometry on purpose, so that one mistake cannot hide in both.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.float32]
"""Rows, columns, channels; each value 0-1."""


class Point(NamedTuple):
    """A place: `across` from the left edge, `down` from the top edge, each 0-1."""

    across: float
    down: float


Ring: TypeAlias = tuple[Point, ...]
"""A closed outline; its last point joins its first."""


class Frame(NamedTuple):
    """An upright rectangle, each side as a fraction 0-1 of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def native(self) -> tuple[int, int, int, int]:
        """Return Gemini's own form: [ymin, xmin, ymax, xmax] in whole thousandths."""
        return (
            thousandths(self.top),
            thousandths(self.left),
            thousandths(self.bottom),
            thousandths(self.right),
        )

    def centre(self) -> Point:
        """Return the point in the middle."""
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    def area(self) -> float:
        """Return its share of the picture."""
        return (self.right - self.left) * (self.bottom - self.top)

    def point(self, point: Point) -> Point:
        """Return where a point of the picture lies in the part that this rectangle cuts out."""
        return Point(
            (point.across - self.left) / (self.right - self.left),
            (point.down - self.top) / (self.bottom - self.top),
        )

    def seen(self, other: Frame) -> Frame | None:
        """Return what of another rectangle lies in the part that this one cuts out, or None."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        if left >= right or top >= bottom:
            return None
        one, end = self.point(Point(left, top)), self.point(Point(right, bottom))
        return Frame(one.across, one.down, end.across, end.down)

    def seen_ring(self, ring: Ring) -> Ring:
        """Return what of an outline lies in the part that this rectangle cuts out.

        Each side cuts off what is beyond it (Sutherland and Hodgman); empty where nothing is left.
        """
        points = [self.point(point) for point in ring]
        for axis, edge, sign in ((0, 0.0, 1), (0, 1.0, -1), (1, 0.0, 1), (1, 1.0, -1)):
            points = _cut(points, axis, edge, sign)
        return tuple(points)


def _cut(points: list[Point], axis: int, edge: float, sign: int) -> list[Point]:
    """Return the outline of what lies on one side of a line."""
    kept: list[Point] = []
    for before, point in zip([*points[-1:], *points[:-1]], points, strict=True):
        ahead, behind = (point[axis] - edge) * sign, (before[axis] - edge) * sign
        if (ahead < 0) != (behind < 0):
            share = behind / (behind - ahead)
            kept.append(Point(*(b + share * (p - b) for b, p in zip(before, point, strict=True))))
        if ahead >= 0:
            kept.append(point)
    return kept


class Lay(NamedTuple):
    """How a picture was laid down: first perhaps transposed, then flipped.

    The eight values are all the ways in which a rectangle of pixels can be turned and mirrored.
    The first of `LAYS` leaves everything where it is.
    """

    transposed: bool = False
    flipped_across: bool = False
    flipped_down: bool = False

    def point(self, point: Point) -> Point:
        """Return where `point` comes to lie."""
        across, down = (point.down, point.across) if self.transposed else point
        return Point(
            1 - across if self.flipped_across else across,
            1 - down if self.flipped_down else down,
        )

    def ring(self, ring: Ring) -> Ring:
        """Return where an outline comes to lie."""
        return tuple(self.point(point) for point in ring)

    def frame(self, frame: Frame) -> Frame:
        """Return where a rectangle comes to lie; its sides stay in order."""
        one = self.point(Point(frame.left, frame.top))
        other = self.point(Point(frame.right, frame.bottom))
        return Frame(
            min(one.across, other.across),
            min(one.down, other.down),
            max(one.across, other.across),
            max(one.down, other.down),
        )

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the (width, height) that a picture of this size comes to have."""
        return (height, width) if self.transposed else (width, height)

    def pixels(self, pixels: Pixels) -> Pixels:
        """Return the picture laid this way, by the same rule as `point`."""
        if self.transposed:
            pixels = pixels.transpose(1, 0, 2)
        if self.flipped_across:
            pixels = pixels[:, ::-1]
        if self.flipped_down:
            pixels = pixels[::-1]
        return pixels

    def undone(self, pixels: Pixels) -> Pixels:
        """Return the picture as it was before it was laid this way."""
        if self.flipped_down:
            pixels = pixels[::-1]
        if self.flipped_across:
            pixels = pixels[:, ::-1]
        if self.transposed:
            pixels = pixels.transpose(1, 0, 2)
        return pixels


LAYS = tuple(Lay(*flags) for flags in product((False, True), repeat=3))


def thousandths(fraction: float) -> int:
    """Return a fraction as a whole number 0-1000; halves go up."""
    return int(min(max(fraction, 0.0), 1.0) * 1000 + 0.5)
