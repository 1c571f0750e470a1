"""Masks: as a reply gives them, as arrays, and as Label Studio stores them. Pure."""

from __future__ import annotations

from label_studio_gemini.masks.bitmaps import bitmap_from_crop, mask_from_bitmap
from label_studio_gemini.masks.contours import (
    DEFAULT_MIN_AREA,
    DEFAULT_TOLERANCE,
    PixelPolygon,
    polygons_from_crop,
    polygons_from_rings,
)
from label_studio_gemini.masks.crops import MaskCrop, crop_from_mask, runs_from_png
from label_studio_gemini.masks.ellipses import (
    PercentEllipse,
    PixelEllipse,
    ellipse_from_box,
    ellipse_from_crop,
    percent_from_ellipse,
)
from label_studio_gemini.masks.pictures import (
    MAX_PIXELS,
    MIDPOINT,
    Mask,
    MaskPng,
    MaskPolygon,
    mask_from_png,
    probabilities_from_png,
    size_from_png,
)
from label_studio_gemini.masks.rle import rle_from_crop, rle_from_flips, rle_from_mask
from label_studio_gemini.masks.rle_decode import mask_from_rle
from label_studio_gemini.masks.runs import MaskRuns

__all__ = [
    "DEFAULT_MIN_AREA",
    "DEFAULT_TOLERANCE",
    "MAX_PIXELS",
    "MIDPOINT",
    "Mask",
    "MaskCrop",
    "MaskPng",
    "MaskPolygon",
    "MaskRuns",
    "PercentEllipse",
    "PixelEllipse",
    "PixelPolygon",
    "bitmap_from_crop",
    "crop_from_mask",
    "ellipse_from_box",
    "ellipse_from_crop",
    "mask_from_bitmap",
    "mask_from_png",
    "mask_from_rle",
    "percent_from_ellipse",
    "polygons_from_crop",
    "polygons_from_rings",
    "probabilities_from_png",
    "rle_from_crop",
    "rle_from_flips",
    "rle_from_mask",
    "runs_from_png",
    "size_from_png",
]
