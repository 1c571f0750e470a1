"""Masks → the geometry of the regions that outline or paint an object. Pure; it loads numpy."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import numpy as np

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import PixelArea, pixel_from_gemini
from label_studio_gemini.labels import Shape
from label_studio_gemini.masks.bitmaps import bitmap_from_crop
from label_studio_gemini.masks.contours import polygons_from_crop, polygons_from_rings
from label_studio_gemini.masks.crops import MaskCrop, crop_from_mask, runs_from_png
from label_studio_gemini.masks.ellipses import (
    ellipse_from_box,
    ellipse_from_crop,
    percent_from_ellipse,
)
from label_studio_gemini.masks.rle import rle_from_crop, rle_from_flips
from label_studio_gemini.masks.types import MaskPng, MaskPolygon
from label_studio_gemini.regions.check_shapes import fault_of_shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from label_studio_gemini.geometry import GeminiBox, ImageSize
    from label_studio_gemini.masks.contours import PixelPolygon
    from label_studio_gemini.masks.ellipses import PixelEllipse
    from label_studio_gemini.masks.types import Mask
    from label_studio_gemini.recipes import Drawing
    from label_studio_gemini.regions.json import EllipseValue, ShapeValue, VectorValue, VertexJson

_logger = logging.getLogger(__name__)

_FULL = 100  # percent
_DECIMALS = 4  # of a percent: off by 0.002 of a pixel where an image is 4000 wide


def values_from_mask(
    mask: Mask | None, box: GeminiBox, shape: Shape, size: ImageSize, drawing: Drawing
) -> tuple[ShapeValue, ...]:
    """Return what a mask gives, or nothing where there is none that can be used."""
    if mask is None:
        return ()
    try:
        if shape in {Shape.POLYGON, Shape.VECTOR}:
            return _outlines(_polygons(mask, box, size, drawing), shape, size)
        if shape is Shape.BRUSH and isinstance(mask, MaskPng):  # its runs are all that it needs
            flips = runs_from_png(mask, box, size, smooth=drawing.smooth).flips(size.width)
            rle = rle_from_flips(flips, size.width * size.height, compact=True)
            return ({"format": "rle", "rle": rle},)
        crop = crop_from_mask(mask, box, size, smooth=drawing.smooth)
    except MaskError as error:
        _logger.debug("A mask cannot be used: %s", error)
        return ()
    if shape is not Shape.ELLIPSE:
        return (_painted(crop, shape, size),)
    fitted = _ellipse(ellipse_from_crop(crop), size)
    return () if fault_of_shape(fitted, shape, size) else (fitted,)


def _polygons(
    mask: Mask, box: GeminiBox, size: ImageSize, drawing: Drawing
) -> tuple[PixelPolygon, ...]:
    if isinstance(mask, MaskPolygon):
        return polygons_from_rings(mask, size, min_area=drawing.min_area)
    crop = crop_from_mask(mask, box, size, smooth=drawing.smooth)
    return polygons_from_crop(crop, tolerance=drawing.tolerance, min_area=drawing.min_area)


def values_from_box(box: GeminiBox, shape: Shape, size: ImageSize) -> tuple[ShapeValue, ...]:
    """Return what a box gives without a mask: the ellipse in it, or all that it encloses."""
    edges = pixel_from_gemini(box, size)
    if shape is Shape.ELLIPSE:
        return (_ellipse(ellipse_from_box(edges), size),)
    if shape in {Shape.POLYGON, Shape.VECTOR}:
        left, top, right, bottom = edges
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        return _outlines([corners], shape, size)
    area = PixelArea(  # each pixel that the box touches: one at least
        left=math.floor(edges.left),
        top=math.floor(edges.top),
        right=min(math.ceil(edges.right), size.width),
        bottom=min(math.ceil(edges.bottom), size.height),
    )
    filled = np.ones((area.bottom - area.top, area.right - area.left), np.bool_)
    return (_painted(MaskCrop(area, filled), shape, size),)


def _painted(crop: MaskCrop, shape: Shape, size: ImageSize) -> ShapeValue:
    if shape is Shape.BITMASK:
        return {"imageDataURL": bitmap_from_crop(crop, size)}
    return {"format": "rle", "rle": rle_from_crop(crop.mask, crop.area, size, compact=True)}


def _ellipse(ellipse: PixelEllipse, size: ImageSize) -> EllipseValue:
    percent = percent_from_ellipse(ellipse, size)
    x, y, radius_x, radius_y, rotation = (round(number, _DECIMALS) for number in percent)
    return {"x": x, "y": y, "radiusX": radius_x, "radiusY": radius_y, "rotation": rotation}


def _outlines(
    polygons: Iterable[PixelPolygon], shape: Shape, size: ImageSize
) -> tuple[ShapeValue, ...]:
    """Return a value for each outline; what has no area once it is rounded is left out."""
    values = [_outline(polygon, shape, size) for polygon in polygons]
    return tuple(value for value in values if fault_of_shape(value, shape, size) is None)


def _outline(polygon: PixelPolygon, shape: Shape, size: ImageSize) -> ShapeValue:
    percent = np.clip(polygon * _FULL / np.array(size), 0, _FULL).round(_DECIMALS)
    moved = np.any(percent != np.roll(percent, 1, axis=0), axis=1)
    points: list[list[float]] = percent[moved].tolist()
    return _path(points) if shape is Shape.VECTOR else {"points": points, "closed": True}


def _path(points: list[list[float]]) -> VectorValue:
    names = [f"v{at}" for at in range(len(points))]
    vertices: list[VertexJson] = [
        {"id": name, "x": x, "y": y, "prevPointId": previous, "isBezier": False}
        for name, previous, (x, y) in zip(names, [None, *names], points, strict=False)
    ]
    return {"vertices": vertices, "closed": True}
