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
