"""Where a result item is on its image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import (
    GEMINI_SCALE,
    GeminiBox,
    GeminiPoint,
    ImageSize,
    PercentBox,
    PixelBox,
    gemini_from_pixel,
    pixel_from_percent,
)
from label_studio_gemini.masks.bitmaps import mask_from_bitmap
from label_studio_gemini.masks.rle_decode import mask_from_rle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy.typing as npt

    from label_studio_gemini.smart.items import Item

Place: TypeAlias = GeminiBox | GeminiPoint
_Reader: TypeAlias = "Callable[[Mapping[str, object], ImageSize], Place | None]"

_FULL = 100.0  # percent
_FARTHEST = 1e6  # percent: what is beyond was not drawn by anyone


def number_in(value: Mapping[str, object], key: str) -> float | None:
    """Return a number of an item's value, or None where there is none that can be used."""
    number = value.get(key)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return float(number) if abs(number) <= _FARTHEST else None


def rectangle_in(value: Mapping[str, object]) -> tuple[PercentBox, float] | None:
    """Return the box of a rectangle and by how many degrees it is turned, or None."""
    numbers = [number_in(value, key) for key in ("x", "y", "width", "height")]
    if any(number is None for number in numbers):
        return None
    box = PercentBox(*(number or 0.0 for number in numbers))
    if box.width < 0 or box.height < 0:
        return None
    return box, number_in(value, "rotation") or 0.0


def point_in(value: Mapping[str, object]) -> GeminiPoint | None:
    """Return the place of a key point, or None where it has none on the image."""
    x, y = number_in(value, "x"), number_in(value, "y")
    if x is None or y is None or not (0 <= x <= _FULL and 0 <= y <= _FULL):
        return None
    return GeminiPoint(y=y * GEMINI_SCALE / _FULL, x=x * GEMINI_SCALE / _FULL)


def bounds_of(box: PercentBox, rotation: float, size: ImageSize) -> PixelBox | None:
    """Return the part of the image that a turned box covers, as an upright box; None for nothing.

    Args:
        box: As Label Studio stores it.
        rotation: In degrees, clockwise about the upper left corner, as the image is seen.
        size: The image's.
    """
    left, top, right, bottom = pixel_from_percent(box, size)
    cosine, sine = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    corners = [(0.0, 0.0), (right - left, 0.0), (0.0, bottom - top), (right - left, bottom - top)]
    return _clipped(
        [(left + x * cosine - y * sine, top + x * sine + y * cosine) for x, y in corners], size
    )


def place_of(item: Item, size: ImageSize) -> Place | None:
    """Return where an item is on an image of `size`: its box or point; None where it has none."""
    reader = _READERS.get(item.kind)
    return None if reader is None else reader(item.value, size)


def _rectangle(value: Mapping[str, object], size: ImageSize) -> Place | None:
    found = rectangle_in(value)
    bounds = found and bounds_of(*found, size)
    return bounds and gemini_from_pixel(bounds, size)


def _key_point(value: Mapping[str, object], _size: ImageSize) -> Place | None:
    return point_in(value)


def _ellipse(value: Mapping[str, object], size: ImageSize) -> Place | None:
    numbers = [number_in(value, key) for key in ("x", "y", "radiusX", "radiusY")]
    if any(number is None for number in numbers):
        return None
    x, y, across, down = (number or 0.0 for number in numbers)
    angle = math.radians(number_in(value, "rotation") or 0.0)
    across, down = across * size.width / _FULL, down * size.height / _FULL
    wide = math.hypot(across * math.cos(angle), down * math.sin(angle))
    high = math.hypot(across * math.sin(angle), down * math.cos(angle))
    x, y = x * size.width / _FULL, y * size.height / _FULL
    return _box_around([(x - wide, y - high), (x + wide, y + high)], size)


def _polygon(value: Mapping[str, object], size: ImageSize) -> Place | None:
    points = value.get("points")
    pairs = points if isinstance(points, list) else []
    named = ({"x": one[0], "y": one[1]} for one in pairs if isinstance(one, list) and len(one) > 1)
    return _box_around(_pixels(named, size), size)


def _vector(value: Mapping[str, object], size: ImageSize) -> Place | None:
    vertices = value.get("vertices")
    named = vertices if isinstance(vertices, list) else []
    return _box_around(_pixels((one for one in named if isinstance(one, dict)), size), size)


def _pixels(points: Iterable[Mapping[str, object]], size: ImageSize) -> list[tuple[float, float]]:
    places = ((number_in(point, "x"), number_in(point, "y")) for point in points)
    return [
        (x * size.width / _FULL, y * size.height / _FULL)
        for x, y in places
        if x is not None and y is not None
    ]


def _brush(value: Mapping[str, object], size: ImageSize) -> Place | None:
    rle = value.get("rle")
    if not isinstance(rle, list):
        return None
    try:
        return _box_of_mask(mask_from_rle(rle, size), size)
    except MaskError:
        return None


def _bitmask(value: Mapping[str, object], size: ImageSize) -> Place | None:
    url = value.get("imageDataURL")
    if not isinstance(url, str):
        return None
    try:
        return _box_of_mask(mask_from_bitmap(url, size), size)
    except MaskError:
        return None


def _box_of_mask(mask: npt.NDArray[np.bool_], size: ImageSize) -> Place | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    corners = [(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)]
    return _box_around([(float(x), float(y)) for x, y in corners], size)


def _box_around(points: list[tuple[float, float]], size: ImageSize) -> Place | None:
    bounds = _clipped(points, size)
    return bounds and gemini_from_pixel(bounds, size)


def _clipped(points: list[tuple[float, float]], size: ImageSize) -> PixelBox | None:
    if not points:
        return None
    across, down = zip(*points, strict=True)
    box = PixelBox(
        left=max(min(across), 0.0),
        top=max(min(down), 0.0),
        right=min(max(across), float(size.width)),
        bottom=min(max(down), float(size.height)),
    )
    return box if box.left < box.right and box.top < box.bottom else None


_READERS: dict[str, _Reader] = {
    "rectangle": _rectangle,
    "keypoint": _key_point,
    "ellipse": _ellipse,
    "polygon": _polygon,
    "vector": _vector,
    "brush": _brush,
    "bitmask": _bitmask,
}
