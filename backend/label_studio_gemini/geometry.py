"""Boxes and points, one type per coordinate space, and the conversions between them.

Three spaces meet here. Gemini answers on a 0-1000 grid, y first; Label Studio wants percent of the
image, x first; files and people speak of pixels. A type per space keeps them apart: the names of
the fields make a swap visible. All refer to the upright image.
"""

from __future__ import annotations

from typing import NamedTuple

GEMINI_SCALE = 1000
"""Gemini's coordinates run from 0 to this, on both axes, whatever the image's shape.

Source: https://ai.google.dev/gemini-api/docs/image-understanding
"""


class ImageSize(NamedTuple):
    """Width and height in pixels of an upright image, both at least 1."""

    width: int
    height: int


class GeminiBox(NamedTuple):
    """A box as Gemini speaks it: `ymin, xmin, ymax, xmax` on the 0-1000 grid.

    Build it from a reply's list with `GeminiBox(*values)`: the order of the fields is Gemini's
    native order, and is spoken nowhere else.
    """

    ymin: float
    xmin: float
    ymax: float
    xmax: float


class GeminiPoint(NamedTuple):
    """A point as Gemini speaks it: `y, x` on the 0-1000 grid.

    Build it from a reply's list with `GeminiPoint(*values)`, as a `GeminiBox`.
    """

    y: float
    x: float


class PercentBox(NamedTuple):
    """A box as Label Studio stores it: the top left corner and the size, in percent, 0-100."""

    x: float
    y: float
    width: float
    height: float


class PixelBox(NamedTuple):
    """A box in pixels: its edges, `left < right` and `top < bottom`, sub-pixel."""

    left: float
    top: float
    right: float
    bottom: float


class PixelArea(NamedTuple):
    """A rectangle of whole pixels: the first column and row, and those after the last."""

    left: int
    top: int
    right: int
    bottom: int


def percent_from_gemini(box: GeminiBox) -> PercentBox:
    """Convert a 0-1000 box into Label Studio's percent, independent of the image's size.

    Multiplied before divided, so that whole coordinates stay short decimals: 333 is 33.3.
    """
    return PercentBox(
        x=box.xmin * 100 / GEMINI_SCALE,
        y=box.ymin * 100 / GEMINI_SCALE,
        width=(box.xmax - box.xmin) * 100 / GEMINI_SCALE,
        height=(box.ymax - box.ymin) * 100 / GEMINI_SCALE,
    )


def pixel_from_percent(box: PercentBox, size: ImageSize) -> PixelBox:
    """Convert a percent box into the pixels of an image of `size`."""
    return PixelBox(
        left=box.x * size.width / 100,
        top=box.y * size.height / 100,
        right=(box.x + box.width) * size.width / 100,
        bottom=(box.y + box.height) * size.height / 100,
    )


def pixel_from_gemini(box: GeminiBox, size: ImageSize) -> PixelBox:
    """Convert a 0-1000 box into the pixels of an image of `size`."""
    return PixelBox(
        left=box.xmin * size.width / GEMINI_SCALE,
        top=box.ymin * size.height / GEMINI_SCALE,
        right=box.xmax * size.width / GEMINI_SCALE,
        bottom=box.ymax * size.height / GEMINI_SCALE,
    )


def gemini_from_pixel(box: PixelBox, size: ImageSize) -> GeminiBox:
    """Convert a pixel box of an image of `size` into the 0-1000 grid, without rounding."""
    return GeminiBox(
        ymin=box.top * GEMINI_SCALE / size.height,
        xmin=box.left * GEMINI_SCALE / size.width,
        ymax=box.bottom * GEMINI_SCALE / size.height,
        xmax=box.right * GEMINI_SCALE / size.width,
    )


def gemini_from_percent(box: PercentBox) -> GeminiBox:
    """Convert a percent box into the 0-1000 grid, independent of the image's size."""
    return GeminiBox(
        ymin=box.y * GEMINI_SCALE / 100,
        xmin=box.x * GEMINI_SCALE / 100,
        ymax=(box.y + box.height) * GEMINI_SCALE / 100,
        xmax=(box.x + box.width) * GEMINI_SCALE / 100,
    )


def box_from_crop(box: GeminiBox, area: PixelArea, size: ImageSize) -> GeminiBox:
    """Convert a box on the 0-1000 grid of a crop into that of the whole image.

    Args:
        box: On the grid of the crop.
        area: What the crop shows, in pixels of the image.
        size: The whole image's.
    """
    ymin, xmin = point_from_crop(GeminiPoint(box.ymin, box.xmin), area, size)
    ymax, xmax = point_from_crop(GeminiPoint(box.ymax, box.xmax), area, size)
    return GeminiBox(ymin, xmin, ymax, xmax)


def point_from_crop(point: GeminiPoint, area: PixelArea, size: ImageSize) -> GeminiPoint:
    """Convert a point of a crop as `box_from_crop` does; one beyond 0-1000 is moved to the edge."""
    return GeminiPoint(
        y=_within((area.top * GEMINI_SCALE + point.y * (area.bottom - area.top)) / size.height),
        x=_within((area.left * GEMINI_SCALE + point.x * (area.right - area.left)) / size.width),
    )


def box_in_crop(box: GeminiBox, area: PixelArea, size: ImageSize) -> GeminiBox:
    """Convert a box on the whole image's 0-1000 grid into that of a crop; beyond is cut off."""
    ymin, xmin = point_in_crop(GeminiPoint(box.ymin, box.xmin), area, size)
    ymax, xmax = point_in_crop(GeminiPoint(box.ymax, box.xmax), area, size)
    return GeminiBox(ymin, xmin, ymax, xmax)


def point_in_crop(point: GeminiPoint, area: PixelArea, size: ImageSize) -> GeminiPoint:
    """Convert a point as `box_in_crop` does."""
    return GeminiPoint(
        y=_within((point.y * size.height - area.top * GEMINI_SCALE) / (area.bottom - area.top)),
        x=_within((point.x * size.width - area.left * GEMINI_SCALE) / (area.right - area.left)),
    )


def _within(value: float) -> float:
    return min(max(value, 0.0), float(GEMINI_SCALE))


def iou(a: PixelBox, b: PixelBox) -> float:
    """Return the intersection over union of two boxes, 0.0 to 1.0; 0.0 where both are empty."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    total = (a.right - a.left) * (a.bottom - a.top) + (b.right - b.left) * (b.bottom - b.top)
    return shared / (total - shared)
