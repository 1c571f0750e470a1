"""What is wrong with the geometry of a result item. Pure."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, TypeGuard

from label_studio_gemini.labels import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from label_studio_gemini.geometry import ImageSize

_FULL = 100  # percent
_LARGEST_RADIUS = 50  # percent; label-studio-sdk refuses larger ones
_LEAST_POINTS = 3
_FLAT = 1e-9  # square percent: far below a pixel of any image
_CHANNELS = 4  # of the pixels that a brush mask decodes to
_COUNT = slice(0, 4)  # where its encoding says how many values it holds
_WORD = 4  # the byte that begins with the bits of a value, less one
_EIGHT_BITS = 7
_URL = "data:image/png;base64,"
_HEADER_CHARACTERS = 1024
_IHDR = slice(8, 16)
_WIDTH, _HEIGHT, _COLOUR = slice(16, 20), slice(20, 24), slice(25, 26)
_PNG = b"\x89PNG\r\n\x1a\n"
_WITH_ALPHA = frozenset({b"\x04", b"\x06"})  # grey, or colours, each with alpha
_PALETTE = b"\x03"


def fault_of_shape(value: Mapping[str, object], shape: Shape, size: ImageSize) -> str | None:
    """Return what is wrong with the geometry of a value, or None.

    Args:
        value: The value of a result item; its labels are not looked at.
        shape: What it should be.
        size: The natural size of its image, upright.
    """
    return _FAULT_OF[shape](value, size)


def is_number(value: object) -> TypeGuard[float]:
    """Say whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _numbers(value: Mapping[str, object], *keys: str) -> Sequence[float] | None:
    found = [number for key in keys if is_number(number := value.get(key))]
    return found if len(found) == len(keys) else None


def _fault_of_rectangle(value: Mapping[str, object], _: ImageSize) -> str | None:
    numbers = _numbers(value, "x", "y", "width", "height", "rotation")
    if numbers is None:
        return "not_a_number"
    x, y, width, height, _rotation = numbers
    if width <= 0 or height <= 0:
        return "empty"
    return None if _within(x, y) and _within(x + width, y + height) else "outside"


def _fault_of_ellipse(value: Mapping[str, object], _: ImageSize) -> str | None:
    numbers = _numbers(value, "x", "y", "radiusX", "radiusY", "rotation")
    if numbers is None:
        return "not_a_number"
    x, y, radius_x, radius_y, _rotation = numbers
    if radius_x <= 0 or radius_y <= 0:
        return "empty"
    too_large = max(radius_x, radius_y) > _LARGEST_RADIUS
    return "outside" if too_large or not _within(x, y) else None


def _fault_of_keypoint(value: Mapping[str, object], _: ImageSize) -> str | None:
    numbers = _numbers(value, "x", "y", "width")
    if numbers is None:
        return "not_a_number"
    x, y, width = numbers
    if width <= 0:
        return "empty"
    return None if _within(x, y, width) else "outside"


def _within(*percents: float) -> bool:
    return all(0 <= percent <= _FULL for percent in percents)


def _fault_of_polygon(value: Mapping[str, object], _: ImageSize) -> str | None:
    return _fault_of_outline(_listed(value.get("points")))


def _fault_of_vector(value: Mapping[str, object], _: ImageSize) -> str | None:
    vertices = [one for one in _listed(value.get("vertices")) if isinstance(one, dict)]
    fault = _fault_of_outline([[one.get("x"), one.get("y")] for one in vertices])
    if fault is not None:
        return fault
    ids = [one.get("id") for one in vertices]
    names = all(isinstance(name, str) and name for name in ids)
    is_chain = [one.get("prevPointId") for one in vertices] == [None, *ids[:-1]]
    return None if names and is_chain and len(set(ids)) == len(ids) else "broken_path"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _fault_of_outline(points: Sequence[object]) -> str | None:
    found = [point for point in points if _is_point(point)]
    if len(found) < len(points):
        return "not_a_number"
    distinct = [*dict.fromkeys((point[0], point[1]) for point in found)]
    if len(distinct) < _LEAST_POINTS:
        return "too_few_points"
    if not all(_within(*point) for point in distinct):
        return "outside"
    return "empty" if _is_flat(distinct) else None


def _is_point(point: object) -> TypeGuard[Sequence[float]]:
    return isinstance(point, list) and len(point) == len("xy") and all(map(is_number, point))


def _is_flat(points: Sequence[tuple[float, float]]) -> bool:
    """Say whether all points lie on one line: that is drawn, and cannot be seen or grasped."""
    (left, top), (right, bottom) = points[:2]
    across, down = right - left, bottom - top
    return all(abs(across * (y - top) - down * (x - left)) < _FLAT for x, y in points[2:])


def _fault_of_brush(value: Mapping[str, object], size: ImageSize) -> str | None:
    """Look at the head of the encoding alone: to decode it takes longer than to make it."""
    rle = value.get("rle")
    if value.get("format") != "rle" or not isinstance(rle, list):
        return "bad_rle"
    try:
        content = bytes(rle)
    except (TypeError, ValueError):
        return "bad_rle"
    if len(content) <= _WORD or content[_WORD] >> 3 != _EIGHT_BITS:
        return "bad_rle"
    is_whole = int.from_bytes(content[_COUNT]) == size.width * size.height * _CHANNELS
    return None if is_whole else "wrong_size"


def _fault_of_bitmask(value: Mapping[str, object], size: ImageSize) -> str | None:
    """Look at the head of the PNG alone. Without transparency it would cover the whole image."""
    url = value.get("imageDataURL")
    if not isinstance(url, str) or not url.startswith(_URL):
        return "bad_png"
    try:
        head = base64.b64decode(url[len(_URL) :][:_HEADER_CHARACTERS], validate=True)
    except ValueError:
        return "bad_png"
    if not head.startswith(_PNG) or head[_IHDR][4:] != b"IHDR":
        return "bad_png"
    if (int.from_bytes(head[_WIDTH]), int.from_bytes(head[_HEIGHT])) != size:
        return "wrong_size"
    colour = head[_COLOUR]
    has_alpha = colour in _WITH_ALPHA or (colour == _PALETTE and b"tRNS" in head)
    return None if has_alpha else "no_transparency"


_FAULT_OF: Mapping[Shape, Callable[[Mapping[str, object], ImageSize], str | None]] = {
    Shape.RECTANGLE: _fault_of_rectangle,
    Shape.POLYGON: _fault_of_polygon,
    Shape.BRUSH: _fault_of_brush,
    Shape.BITMASK: _fault_of_bitmask,
    Shape.VECTOR: _fault_of_vector,
    Shape.ELLIPSE: _fault_of_ellipse,
    Shape.KEYPOINT: _fault_of_keypoint,
}
