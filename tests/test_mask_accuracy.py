"""Masks of real objects, in each form in which Gemini writes them, against COCO's own.

The truth is what pycocotools draws of COCO's outlines. It rounds them to fifths of a pixel first:
drawn exactly by the pixels' centres, the same outlines agree with it to .992 only, so that no
figure here can be higher.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from pycocotools import mask as coco_masks

from label_studio_gemini.emulator.geometry import Frame, Point
from label_studio_gemini.emulator.masks import MaskDialect, build_mask
from label_studio_gemini.geometry import GeminiBox, GeminiPoint, ImageSize
from label_studio_gemini.masks.bitmaps import bitmap_from_crop, mask_from_bitmap
from label_studio_gemini.masks.contours import polygons_from_crop, polygons_from_rings
from label_studio_gemini.masks.crops import MaskCrop, crop_from_mask
from label_studio_gemini.masks.types import MaskPng, MaskPolygon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from label_studio_gemini.masks.contours import PixelPolygon

_OBJECTS = 260  # crowds aside

# pycocotools 2.0.11 with numpy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@dataclass(frozen=True, eq=False)
class Instance:
    """An object of COCO, and its masks as Gemini would write them."""

    size: ImageSize
    truth: npt.NDArray[np.bool_]
    box: GeminiBox
    png: MaskPng
    outline: MaskPolygon


@pytest.mark.slow
def test_masks_are_as_exact_as_gemini_gave_them(
    shared: Path, measured: Callable[[str], None]
) -> None:
    """What a person sees in Label Studio covers the object, whatever control draws it."""
    instances = list(_read_instances(shared / "photos" / "coco" / "instances.json"))
    assert len(instances) == _OBJECTS

    crops = [crop_from_mask(one.png, one.box, one.size) for one in instances]
    drawn = [polygons_from_crop(crop) for crop in crops]
    replied = [crop_from_mask(one.outline, one.box, one.size) for one in instances]
    kept = [polygons_from_rings(one.outline, one.size) for one in instances]
    for polygons in drawn:
        assert all(shapely.Polygon(polygon).is_valid for polygon in polygons)
    means = {
        "PNG": _mean_iou(instances, map(_full, crops, instances)),
        "PNG, not smoothed": _mean_iou(
            instances,
            (_full(crop_from_mask(o.png, o.box, o.size, smooth=False), o) for o in instances),
        ),
        "PNG to bitmask": _mean_iou(instances, map(_through_a_bitmask, crops, instances)),
        "PNG to polygons": _mean_iou(instances, map(_filled, drawn, instances)),
        "polygon reply": _mean_iou(instances, map(_full, replied, instances)),
        "polygon reply to polygons": _mean_iou(instances, map(_filled, kept, instances)),
    }
    for name, value in means.items():
        measured(f"mean mask IoU over {_OBJECTS} objects, {name}: {value:.4f}")
    corners = mean(sum(map(len, polygons)) for polygons in drawn)
    measured(f"corners of an object's polygons: {corners:.1f}")

    assert means["PNG"] >= 0.99
    assert means["PNG, not smoothed"] >= 0.99
    assert means["PNG to bitmask"] == means["PNG"]
    assert means["PNG to polygons"] >= 0.98
    assert means["polygon reply"] >= 0.975
    assert means["polygon reply to polygons"] >= 0.97
    assert corners < 40


def _read_instances(path: Path) -> Iterator[Instance]:
    key = json.loads(path.read_bytes())
    sizes = {image["id"]: ImageSize(image["width"], image["height"]) for image in key["images"]}
    for found in key["annotations"]:
        if not found["iscrowd"]:
            yield _instance(found["segmentation"], found["bbox"], sizes[found["image_id"]])


def _instance(outlines: list[list[float]], bbox: list[float], size: ImageSize) -> Instance:
    width, height = size
    rings = [
        tuple(Point(x / width, y / height) for x, y in zip(line[::2], line[1::2], strict=True))
        for line in outlines
    ]
    x, y, across, down = bbox
    frame = Frame(x / width, y / height, (x + across) / width, (y + down) / height)
    box = frame.native()
    png, outline = (build_mask(rings, box, d) for d in (MaskDialect.PNG, MaskDialect.POLYGON_XY))
    assert isinstance(png, str)
    assert isinstance(outline, list)
    truth = coco_masks.decode(coco_masks.merge(coco_masks.frPyObjects(outlines, height, width)))
    return Instance(
        size=size,
        truth=truth.astype(np.bool_),
        box=GeminiBox(*box),
        png=MaskPng(base64.b64decode(png.partition(",")[2])),
        outline=MaskPolygon((tuple(_point(pair) for pair in outline),)),
    )


def _point(pair: object) -> GeminiPoint:
    match pair:
        case [float() | int() as x, float() | int() as y]:
            return GeminiPoint(y=y, x=x)
    raise AssertionError(pair)


def _full(crop: MaskCrop, of: Instance) -> npt.NDArray[np.bool_]:
    full = np.zeros_like(of.truth)
    left, top, right, bottom = crop.area
    full[top:bottom, left:right] = crop.mask
    return full


def _through_a_bitmask(crop: MaskCrop, of: Instance) -> npt.NDArray[np.bool_]:
    return mask_from_bitmap(bitmap_from_crop(crop, of.size), of.size)


def _filled(polygons: Iterable[PixelPolygon], of: Instance) -> npt.NDArray[np.bool_]:
    """Draw polygons as pycocotools does: all regions of an object together."""
    lines = [polygon.ravel().tolist() for polygon in polygons]
    runs = coco_masks.merge(coco_masks.frPyObjects(lines, of.size.height, of.size.width))
    drawn: npt.NDArray[np.uint8] = coco_masks.decode(runs)
    return drawn.astype(np.bool_)


def _mean_iou(instances: list[Instance], found: Iterable[npt.NDArray[np.bool_]]) -> float:
    return mean(
        float((mask & one.truth).sum() / (mask | one.truth).sum())
        for mask, one in zip(found, instances, strict=True)
    )
