"""The outlines of a boolean picture, traced along the edges of its pixels.

Every edge between a pixel that is true and one that is not is a step, walked with the true one on
the right. A step ends at a corner of pixels, and exactly one step begins there; or two, where true
pixels touch by a corner only: then the right one is taken, and the two stay apart. So all steps
form loops. An outline joins the middles of a loop's steps, which cuts each corner at 45 degrees.

contourpy draws the same lines, but spends 24 bytes and 40 ns on each pixel of the picture, outline
or not: 300 MB for 12 megapixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_RIGHT, _DOWN, _LEFT, _UP = range(4)


class _Steps(NamedTuple):
    """Steps along the edges of pixels; each field is an array with an item for each.

    Attributes:
        row: Of the corner where it begins.
        column: Of that corner.
        direction: `_RIGHT`, `_DOWN`, `_LEFT` or `_UP`.
    """

    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    direction: npt.NDArray[np.intp]


_ROW_STEP = np.array([0, 1, 0, -1])
_COLUMN_STEP = np.array([1, 0, -1, 0])


def outlines_of(mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.float64]]:
    """Return the outlines of all parts and holes: each n by 2, (x, y) in pixels, not closed.

    They neither cross nor touch each other or themselves. Parts run clockwise, holes against it.
    """
    framed = np.pad(mask, 1)
    steps = _steps(framed)
    points = np.stack(
        [
            steps.column + _COLUMN_STEP[steps.direction] / 2 - 1,
            steps.row + _ROW_STEP[steps.direction] / 2 - 1,
        ],
        axis=1,
    )
    following = _following(steps, framed.shape[1] + 1)
    before = np.empty_like(following)
    before[following] = np.arange(len(following))
    turns = (steps.direction != steps.direction[before]) | (
        steps.direction != steps.direction[following]
    )
    return [points[loop[turns[loop]]] for loop in _loops(following)]


def _steps(framed: npt.NDArray[np.bool_]) -> _Steps:
    """Return all steps of a picture whose outermost pixels are false."""
    # The edge below a pixel, at the corner of the next row; the edge to its right likewise.
    row, column = np.nonzero(framed[1:] != framed[:-1])
    inside_below = framed[row + 1, column]
    level = _Steps(
        row + 1,
        column + ~inside_below,
        np.where(inside_below, _RIGHT, _LEFT),
    )
    row, column = np.nonzero(framed[:, 1:] != framed[:, :-1])
    inside_right = framed[row, column + 1]
    upright = _Steps(row + inside_right, column + 1, np.where(inside_right, _UP, _DOWN))
    return _Steps(*(np.concatenate(pair) for pair in zip(level, upright, strict=True)))


def _following(steps: _Steps, columns: int) -> npt.NDArray[np.intp]:
    """Return for each step the number of the one that follows it."""
    begin = steps.row * columns + steps.column
    end = begin + _ROW_STEP[steps.direction] * columns + _COLUMN_STEP[steps.direction]
    order = np.argsort(begin, kind="stable")
    at = np.searchsorted(begin[order], end)
    first, second = order[at], order[np.minimum(at + 1, len(order) - 1)]
    to_the_right = (steps.direction + 1) % 4
    other = (begin[second] == end) & (steps.direction[second] == to_the_right)
    return np.where(other, second, first)


def _loops(following: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Return the numbers of the steps of each loop, in their order."""
    after = following.tolist()
    seen = bytearray(len(after))
    loops = []
    for start in range(len(after)):
        if seen[start]:
            continue
        loop = []
        step = start
        while not seen[step]:
            seen[step] = 1
            loop.append(step)
            step = after[step]
        loops.append(np.array(loop, np.intp))
    return loops
