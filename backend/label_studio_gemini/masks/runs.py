"""A drawn mask → where it begins and ends in each row of the image, without drawing it.

Between the centres of its pixels a drawn mask is a straight line, so that the places where it
crosses the midpoint are known to a fraction of a pixel. What it costs is the length of the object's
edge in the picture that the model drew, however many pixels of the image it covers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from label_studio_gemini.geometry import PixelArea

if TYPE_CHECKING:
    import numpy.typing as npt

    from label_studio_gemini.geometry import ImageSize, PixelBox

    Integers: TypeAlias = npt.NDArray[np.int64]

_NONE = np.zeros(0, np.int64)


class MaskRuns(NamedTuple):
    """Where an object is, row by row.

    Attributes:
        area: The pixels of the image that it may cover.
        rows: Of each flip, its row in the image.
        columns: Of each flip, its column: the object begins there, ends before the next one of the
            row, begins at the third … Both are in ascending order, an even number in each row.
    """

    area: PixelArea
    rows: Integers
    columns: Integers

    def flips(self, width: int) -> Integers:
        """Return the flips as positions in an image of that width, counted row by row."""
        return _without_pairs(self.rows * width + self.columns)

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return the object's pixels, height by width of `area`."""
        left, top, right, bottom = self.area
        columns = right - left
        flips = (self.rows - top) * columns + self.columns - left
        lengths = np.diff(_without_pairs(flips), prepend=0, append=(bottom - top) * columns)
        filled = np.repeat(np.arange(lengths.size) % 2 == 1, lengths)
        return filled.reshape(bottom - top, columns)


def area_of(box: PixelBox, size: ImageSize) -> PixelArea:
    """Return the pixels of an image whose centres lie within a box; it may be empty."""
    return PixelArea(
        left=max(_first_centre(box.left), 0),
        top=max(_first_centre(box.top), 0),
        right=min(_first_centre(box.right), size.width),
        bottom=min(_first_centre(box.bottom), size.height),
    )


def runs_from_levels(levels: npt.NDArray[np.int16], box: PixelBox, size: ImageSize) -> MaskRuns:
    """Return the pixels whose centres a map puts above 0.

    Args:
        levels: The map, height by width, in any unit; it covers exactly the box.
        box: In pixels of the image.
        size: The image's.
    """
    area = area_of(box, size)
    if area.left >= area.right or area.top >= area.bottom:
        return MaskRuns(area, _NONE, _NONE)
    height, width = levels.shape
    down, across = height / (box.bottom - box.top), width / (box.right - box.left)
    lines = np.arange(area.top, area.bottom)
    crossings = _crossings(levels, (lines + 0.5 - box.top) * down - 0.5)
    columns = np.ceil(box.left + crossings.at / across - 0.5)
    columns = np.clip(columns, area.left, area.right).astype(np.int64)
    columns[crossings.gaps == 0] = area.left  # it is there where the map begins, and beyond
    columns[crossings.gaps == width] = area.right
    rows = lines[crossings.lines]
    order = np.lexsort((columns, rows))
    return MaskRuns(area, rows[order], columns[order])


class _Crossings(NamedTuple):
    """Where horizontal lines cross the edges of an object, in any order.

    Attributes:
        lines: Of each crossing, the number of its line.
        gaps: The column of the map that it is before: 0 and `width` are the ends of the line.
        at: Where on the line, in columns of the map; at its ends of no use.
    """

    lines: Integers
    gaps: Integers
    at: npt.NDArray[np.float64]


def _crossings(levels: npt.NDArray[np.int16], at: npt.NDArray[np.floating[Any]]) -> _Crossings:
    """Find where lines cross the edges of what is above 0 in a map.

    Only in cells between four pixels that are not all on the same side can that be, and an object
    has few of those.

    Args:
        levels: The map.
        at: Where each line is, in rows of the map: ascending.
    """
    last = len(levels) - 1
    at = np.clip(at, 0, last)
    above = np.minimum(at.astype(np.int64), max(last - 1, 0))
    below = np.minimum(np.arange(1, last + 2), last)
    cell_rows, cell_gaps = _mixed_cells(levels > 0, below)
    # Each cell with each line through it.
    first = np.searchsorted(above, np.arange(last + 2))
    counts = np.diff(first)[cell_rows]
    rows, gaps = np.repeat(cell_rows, counts), np.repeat(cell_gaps, counts)
    starts = np.cumsum(counts) - counts
    lines = np.arange(rows.size) - np.repeat(starts - first[cell_rows], counts)
    part = at[lines] - rows
    before = _level_at(levels, (rows, below[rows]), gaps - 1, part)
    after = _level_at(levels, (rows, below[rows]), gaps, part)
    real = (before > 0) != (after > 0)
    lines, gaps, before, after = lines[real], gaps[real], before[real], after[real]
    return _Crossings(lines, gaps, gaps - 0.5 + before / (before - after))


def _mixed_cells(inside: npt.NDArray[np.bool_], below: Integers) -> tuple[Integers, Integers]:
    """Return the row and the gap of the cells whose corners are not all on the same side."""
    height, width = inside.shape
    framed = np.zeros((height, width + 2), np.bool_)  # nothing is, left and right of the map
    framed[:, 1:-1] = inside
    lower = framed[below]
    some, every = framed | lower, framed & lower
    mixed = (some[:, 1:] | some[:, :-1]) & ~(every[:, 1:] & every[:, :-1])
    rows, gaps = np.divmod(np.flatnonzero(mixed), width + 1)
    return rows, gaps


def _level_at(
    levels: npt.NDArray[np.int16],
    rows: tuple[Integers, Integers],
    columns: Integers,
    part: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the levels between two rows, at a part of the way down; beside the map it is -1."""
    width = levels.shape[1]
    column = np.clip(columns, 0, width - 1)
    upper, lower = levels[rows[0], column], levels[rows[1], column]
    level = upper + part * (lower.astype(np.float64) - upper)
    level[(columns < 0) | (columns >= width)] = -1
    return level


def _without_pairs(flips: Integers) -> Integers:
    """Leave out flips at the same place: an object that ends where it begins again goes on."""
    again = flips[1:] == flips[:-1]
    if not again.any():
        return flips
    places, counts = np.unique(flips, return_counts=True)
    kept: Integers = places[counts % 2 == 1]
    return kept


def _first_centre(at: float) -> int:
    """Return the first pixel whose centre is not before a coordinate."""
    return math.ceil(at - 0.5)
