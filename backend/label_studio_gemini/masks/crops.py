"""A reply's mask, laid where it belongs in the image: whole pixels, and no more than it covers.

A pixel belongs to an object where the pixel's centre does, which is how COCO's tools and browsers
fill outlines too. A drawn mask is therefore looked up at the centres of the image's pixels, through
its true sub-pixel box: to resize it into a box of whole pixels would move every edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import GEMINI_SCALE, PixelArea, PixelBox, pixel_from_gemini
from label_studio_gemini.masks.pictures import probabilities_from_png
from label_studio_gemini.masks.runs import area_of, runs_from_levels
from label_studio_gemini.masks.types import MaskPng

if TYPE_CHECKING:
    import numpy.typing as npt

    from label_studio_gemini.geometry import GeminiBox, GeminiPoint, ImageSize
    from label_studio_gemini.masks.runs import MaskRuns
    from label_studio_gemini.masks.types import Mask, MaskPolygon

_WEIGHTS = 16  # of nine neighbours
_MIDPOINT = 255  # twice that of 0 to 255: what is above it is the object
_LARGEST_SIDE = 1024  # of a map; Gemini's have 256
_EDGES_AT_ONCE = 256  # bounds the memory for an outline that loops over the image for ever


@dataclass(frozen=True, slots=True, eq=False)
class MaskCrop:
    """The part of an image that holds an object, and which of its pixels do.

    Attributes:
        area: Where it is, within the image, at least one pixel.
        mask: Height by width of `area`, at least one pixel of them true. Outside nothing is.
    """

    area: PixelArea
    mask: npt.NDArray[np.bool_]


def crop_from_mask(mask: Mask, box: GeminiBox, size: ImageSize, *, smooth: bool = True) -> MaskCrop:
    """Return the pixels that a reply's mask covers, in an upright image of `size`.

    Args:
        mask: As the reply gave it.
        box: The object's. A drawn mask covers exactly this; an outline speaks of the whole image
            and may reach out of it.
        size: The image's.
        smooth: Whether each pixel of a drawn mask is first averaged with its neighbours. Against
            COCO's outlines the mean IoU of masks with strong noise goes from .9858 to .9896 by it,
            of clean ones it stays at .9902.

    Raises:
        MaskError: The mask is no picture, or covers no pixel.
    """
    if isinstance(mask, MaskPng):
        runs = runs_from_png(mask, box, size, smooth=smooth)
        return MaskCrop(runs.area, runs.mask())
    crop = _crop_from_outline(mask, size)
    if not crop.mask.any():
        raise _covers_nothing()
    return crop


def runs_from_png(
    mask: MaskPng, box: GeminiBox, size: ImageSize, *, smooth: bool = True
) -> MaskRuns:
    """Return where a drawn mask begins and ends in each row of the image: see `crop_from_mask`.

    Raises:
        MaskError: The mask is no picture, or covers no pixel.
    """
    values = _bounded(probabilities_from_png(mask)).astype(np.int16)
    levels = _smoothed(values) - _WEIGHTS * _MIDPOINT // 2 if smooth else 2 * values - _MIDPOINT
    runs = runs_from_levels(levels, pixel_from_gemini(box, size), size)
    if not runs.flips(size.width).size:
        raise _covers_nothing()
    return runs


def _bounded(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a map of at most `_LARGEST_SIDE` both ways: noise of 16 megapixels has no edges."""
    height, width = values.shape
    if max(height, width) <= _LARGEST_SIDE:
        return values
    size = (min(width, _LARGEST_SIDE), min(height, _LARGEST_SIDE))
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))


def _smoothed(values: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Return 16 times the mean of each value and its neighbours, weighted 1-2-1 both ways.

    Beyond the edge the values go on. The plain mean of nine takes as much noise away, and more of
    the corners.
    """
    framed = np.pad(values, 1, "edge")
    rows = framed[:-2] + 2 * framed[1:-1] + framed[2:]
    total: npt.NDArray[np.int16] = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return total


def _covers_nothing() -> MaskError:
    return MaskError(
        "A mask covers no pixel of the image.",
        hint="take its box, or ask again with a higher media resolution.",
    )


def _crop_from_outline(mask: MaskPolygon, size: ImageSize) -> MaskCrop:
    rings = [ring_from_points(ring, size) for ring in mask.rings]
    area = area_of(_extent(np.concatenate(rings)), size)
    filled = np.zeros((max(area.bottom - area.top, 0), max(area.right - area.left, 0)), np.bool_)
    for ring in rings:
        part = area_of(_extent(ring), size)
        if part.left < part.right and part.top < part.bottom:
            rows = slice(part.top - area.top, part.bottom - area.top)
            columns = slice(part.left - area.left, part.right - area.left)
            filled[rows, columns] |= _inside(ring, part)
    return MaskCrop(area, filled)


def ring_from_points(points: tuple[GeminiPoint, ...], size: ImageSize) -> npt.NDArray[np.float64]:
    """Return an outline as (x, y) in pixels of the image, n by 2."""
    scale = np.array(size) / GEMINI_SCALE
    return np.array([(point.x, point.y) for point in points], np.float64) * scale


def _extent(ring: npt.NDArray[np.float64]) -> PixelBox:
    return PixelBox(*ring.min(axis=0), *ring.max(axis=0))


def _inside(ring: npt.NDArray[np.float64], area: PixelArea) -> npt.NDArray[np.bool_]:
    """Return the pixels of `area` whose centres an outline winds around, as browsers fill it.

    Where an edge crosses a line of centres, all pixels to the right of it change: +1 on the way
    down, -1 on the way up. What is not 0 after the sum along the line is inside.
    """
    rows, columns = area.bottom - area.top, area.right - area.left
    turns = np.zeros((rows, columns + 1), np.int16)
    starts, ends = ring, np.roll(ring, -1, axis=0)
    for at in range(0, len(ring), _EDGES_AT_ONCE):
        batch = slice(at, at + _EDGES_AT_ONCE)
        _add_turns(turns, starts[batch], ends[batch], area)
    np.cumsum(turns, axis=1, out=turns)
    inside: npt.NDArray[np.bool_] = turns[:, :columns] != 0
    return inside


def _add_turns(
    turns: npt.NDArray[np.int16],
    starts: npt.NDArray[np.float64],
    ends: npt.NDArray[np.float64],
    area: PixelArea,
) -> None:
    """Add to `turns` where each edge crosses each line of centres."""
    downwards = starts[:, 1] < ends[:, 1]
    upper = np.where(downwards[:, None], starts, ends)
    lower = np.where(downwards[:, None], ends, starts)
    first = np.clip(np.ceil(upper[:, 1] - 0.5), area.top, area.bottom).astype(np.intp)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), area.top, area.bottom).astype(np.intp)
    counts = last - first
    edge = np.repeat(np.arange(len(counts)), counts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    # Divided first: a share of the edge is 0-1, its slope may be beyond all numbers.
    share = (row + 0.5 - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), area.left, area.right).astype(np.intp)
    np.add.at(turns, (row - area.top, column - area.left), np.where(downwards[edge], 1, -1))
