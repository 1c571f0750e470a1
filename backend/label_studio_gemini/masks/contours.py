"""Masks as outlines, for the controls that draw polygons.

A polygon of Label Studio is one ring: it has no holes, and an object in two parts takes two. A part
with a hole is cut through the hole into pieces that have none; they meet along the cut and together
cover the part. A bridge of no width to the hole would keep one polygon, but not a valid one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from label_studio_gemini.errors import MaskError
from label_studio_gemini.masks.crops import ring_from_points
from label_studio_gemini.masks.tracing import outlines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry as Geometry

    from label_studio_gemini.geometry import GeminiPoint, ImageSize
    from label_studio_gemini.masks.crops import MaskCrop
    from label_studio_gemini.masks.types import MaskPolygon

PixelPolygon: TypeAlias = npt.NDArray[np.float64]
"""An outline: n by 2, (x, y) in pixels of the image, n at least 3, not closed by a repeated point.

Coordinates are of edges, not of centres: the outline of the first ten pixels runs from 0 to 10.
"""

DEFAULT_TOLERANCE = 1.0
"""How far, in pixels of the image, a simplified outline may run from the true one."""

DEFAULT_MIN_AREA = 16.0
"""In square pixels of the image: a speck or a hole that is smaller is noise."""

# An outline is simplified by no more than this share of its area over its length, which is half
# the width of a thin part, and half the radius of a round one. One pixel for all would leave a mean
# IoU of .956 over COCO, with 18 corners an object; this leaves .985, with 31.
_TOLERANCE_PER_WIDTH = 0.1
_CORNERS = 3


def polygons_from_crop(
    crop: MaskCrop, *, tolerance: float = DEFAULT_TOLERANCE, min_area: float = DEFAULT_MIN_AREA
) -> tuple[PixelPolygon, ...]:
    """Return the outlines of a mask: simple polygons within its area, the largest first.

    Args:
        crop: The mask.
        tolerance: How far an outline may be simplified, in pixels; small and thin parts less, so
            that they keep their shape. 0 keeps every corner.
        min_area: Parts and holes of fewer square pixels are left out, but for the largest part.
    """
    parts = [
        _without_small_holes(part, min_area) for part in _without_specks(_parts(crop), min_area)
    ]
    simple = [_simplified(part, tolerance) for part in parts]
    pieces = _without_specks([piece for part in simple for piece in _pieces(part)], min_area)
    return tuple(shapely.get_coordinates(piece.exterior)[:-1] for piece in pieces)


def polygons_from_rings(
    mask: MaskPolygon,
    size: ImageSize,
    *,
    tolerance: float = 0.0,
    min_area: float = DEFAULT_MIN_AREA,
) -> tuple[PixelPolygon, ...]:
    """Return the outlines of a reply as it gave them, in pixels, the largest first.

    Points that repeat the one before are left out, those outside the image are moved to its edge,
    and crossings stay.

    Args:
        mask: As the reply gave it.
        size: The image's.
        tolerance: How far an outline may be simplified, in pixels; 0 keeps every corner.
        min_area: Outlines around fewer square pixels are left out, but for the largest.

    Raises:
        MaskError: None of the outlines encloses anything.
    """
    rings = [_cleaned(ring, size, tolerance) for ring in mask.rings]
    # What a ring encloses is hard to say where it crosses itself; its hull is at least as large.
    hulls = [(float(shapely.MultiPoint(ring).convex_hull.area), ring) for ring in rings]
    hulls.sort(key=lambda pair: pair[0], reverse=True)
    largest = hulls[0][0] if hulls else 0.0
    if largest <= 0:
        raise MaskError(
            "The outlines of a mask enclose nothing.",
            hint="take its box, or ask again with a higher media resolution.",
        )
    return tuple(ring for area, ring in hulls if area > 0 and area >= min(min_area, largest))


def _parts(crop: MaskCrop) -> list[shapely.Polygon]:
    """Return the parts of a mask, with their holes, in pixels of the image."""
    origin = np.array([crop.area.left, crop.area.top])
    rings = np.array([shapely.LinearRing(line + origin) for line in outlines_of(crop.mask)])
    # With y downwards the other way round: what runs clockwise is a part.
    is_part = shapely.is_ccw(rings)
    parts, holes = rings[is_part], rings[~is_part]
    filled = [shapely.Polygon(part) for part in parts]
    areas = np.array([part.area for part in filled])
    holes_of: list[list[shapely.LinearRing]] = [[] for _ in parts]
    inner, outer = shapely.STRtree(filled).query(shapely.get_point(holes, 0), predicate="within")
    for at, hole in enumerate(holes):
        around = outer[inner == at]
        holes_of[around[np.argmin(areas[around])]].append(hole)
    return [shapely.Polygon(part, own) for part, own in zip(parts, holes_of, strict=True)]


def _polygons(geometry: Geometry) -> list[shapely.Polygon]:
    """Return the polygons of a geometry, without the lines where two only touch."""
    return [one for one in shapely.get_parts(geometry) if isinstance(one, shapely.Polygon)]


def _without_specks(polygons: list[shapely.Polygon], min_area: float) -> list[shapely.Polygon]:
    """Return the polygons that are large enough, and the largest; the largest first."""
    ordered = sorted(polygons, key=shapely.area, reverse=True)
    return [one for at, one in enumerate(ordered) if at == 0 or one.area >= min_area]


def _without_small_holes(part: shapely.Polygon, min_area: float) -> shapely.Polygon:
    holes = [hole for hole in part.interiors if shapely.Polygon(hole).area >= min_area]
    return shapely.Polygon(part.exterior, holes)


def _simplified(part: shapely.Polygon, tolerance: float) -> shapely.Polygon:
    most = min(tolerance, _TOLERANCE_PER_WIDTH * part.area / part.length)
    simple = part.simplify(most, preserve_topology=True)
    assert isinstance(simple, shapely.Polygon)
    return simple


def _pieces(part: shapely.Polygon) -> Iterator[shapely.Polygon]:
    """Cut a part through its middle hole, the short way, until no piece has a hole."""
    if not part.interiors:
        yield part
        return
    for half in _halves(part):
        for piece in _polygons(part.intersection(half)):
            yield from _pieces(piece)


def _halves(part: shapely.Polygon) -> tuple[shapely.Polygon, shapely.Polygon]:
    left, top, right, bottom = part.bounds
    holes = shapely.bounds(np.array(part.interiors))
    centres = np.sort((holes[:, :2] + holes[:, 2:]) / 2, axis=0)
    x, y = centres[len(centres) // 2]
    if right - left > bottom - top:
        return shapely.box(left, top, x, bottom), shapely.box(x, top, right, bottom)
    return shapely.box(left, top, right, y), shapely.box(left, y, right, bottom)


def _cleaned(
    points: tuple[GeminiPoint, ...], size: ImageSize, tolerance: float
) -> npt.NDArray[np.float64]:
    ring = np.clip(ring_from_points(points, size), 0, size)
    ring = ring[np.any(ring != np.roll(ring, -1, axis=0), axis=1)]
    if tolerance > 0 and len(ring) > _CORNERS:
        line = shapely.LineString(np.concatenate([ring, ring[:1]])).simplify(tolerance)
        simple: npt.NDArray[np.float64] = shapely.get_coordinates(line)[:-1]
        return simple if len(simple) >= _CORNERS else ring
    return ring
