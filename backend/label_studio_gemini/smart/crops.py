"""Which part of an image is sent, and from places in it to places in the whole image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError
from label_studio_gemini.geometry import PixelArea, box_from_crop, point_from_crop
from label_studio_gemini.masks.types import MaskPolygon
from label_studio_gemini.smart.places import bounds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.detections import Detection, Reading
    from label_studio_gemini.geometry import ImageSize, PixelBox
    from label_studio_gemini.masks.types import Mask
    from label_studio_gemini.smart.prompts import BoxPrompt, Prompts

MARGIN = 0.2
"""How much of a box's width and height is added on each side: people draw close, or cut off."""

LEAST_MARGIN = 32
"""In pixels: what is around a small object tells what it is."""

_NEARLY_ALL = 0.8  # of the image: then it is sent as it is, as for every other request


def area_to_send(prompts: Prompts, size: ImageSize) -> PixelArea:
    """Return the part of an image that shows what is meant: around boxes, else all of it.

    Raises:
        TaskError: A box is empty, or not on the image.
    """
    whole = PixelArea(0, 0, *size)
    if len(prompts.boxes) < len(prompts.prompts):
        return whole
    around = [_with_margin(box, size) for box in edges_of(prompts.boxes, size)]
    area = PixelArea(
        left=min(one.left for one in around),
        top=min(one.top for one in around),
        right=max(one.right for one in around),
        bottom=max(one.bottom for one in around),
    )
    share = (area.right - area.left) * (area.bottom - area.top) / (size.width * size.height)
    return whole if share >= _NEARLY_ALL else area


def edges_of(boxes: Sequence[BoxPrompt], size: ImageSize) -> list[PixelBox]:
    """Return what boxes cover of an image, in its pixels.

    Raises:
        TaskError: One is empty, or not on the image.
    """
    found = [bounds_of(one.box, one.rotation, size) for one in boxes]
    edges = [one for one in found if one is not None]
    if len(edges) < len(found):
        raise TaskError(
            "The rectangle of the smart tool has no area on the image.",
            hint="draw it around the object.",
        )
    return edges


def reading_from_crop(reading: Reading, area: PixelArea, size: ImageSize) -> Reading:
    """Return what was read about a part of an image, with all places on the whole image's grid.

    Args:
        reading: What was read.
        area: What the part shows, in pixels of the image.
        size: The whole image's.
    """
    if area == (0, 0, *size):
        return reading
    return replace(
        reading, detections=tuple(_from_crop(one, area, size) for one in reading.detections)
    )


def _from_crop(detection: Detection, area: PixelArea, size: ImageSize) -> Detection:
    return replace(
        detection,
        box=detection.box and box_from_crop(detection.box, area, size),
        point=detection.point and point_from_crop(detection.point, area, size),
        mask=detection.mask and _mask_from_crop(detection.mask, area, size),
    )


def _mask_from_crop(mask: Mask, area: PixelArea, size: ImageSize) -> Mask:
    """An outline is moved; a picture is one of its box, wherever that is."""
    if not isinstance(mask, MaskPolygon):
        return mask
    rings = (tuple(point_from_crop(point, area, size) for point in ring) for ring in mask.rings)
    return MaskPolygon(tuple(rings))


def _with_margin(box: PixelBox, size: ImageSize) -> PixelArea:
    across = max(MARGIN * (box.right - box.left), LEAST_MARGIN)
    down = max(MARGIN * (box.bottom - box.top), LEAST_MARGIN)
    return PixelArea(
        left=max(math.floor(box.left - across), 0),
        top=max(math.floor(box.top - down), 0),
        right=min(math.ceil(box.right + across), size.width),
        bottom=min(math.ceil(box.bottom + down), size.height),
    )
