"""Detections → the geometry of Label Studio's regions, in percent of the upright image. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.geometry import GEMINI_SCALE, percent_from_gemini
from label_studio_gemini.labels import Shape
from label_studio_gemini.regions.check_shapes import fault_of_shape

if TYPE_CHECKING:
    from label_studio_gemini.detections import Detection
    from label_studio_gemini.geometry import GeminiBox, ImageSize
    from label_studio_gemini.masks.types import Mask
    from label_studio_gemini.recipes import Drawing
    from label_studio_gemini.regions.json import (
        KeyPointValue,
        RectangleValue,
        ShapeValue,
        VectorValue,
        VertexJson,
    )

_FULL = 100  # percent
_ROUNDING = 1e-9  # percent, far below a pixel of any image


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a detection.

    Attributes:
        values: The geometry of its regions, without labels: several where an outline has several
            parts.
        fell_back: Whether they are made of its box, since it has no mask that can be used.
        fault: Why there is none: `no_box`, `no_mask`, `no_point`, or what is wrong with its box.
    """

    values: tuple[ShapeValue, ...] = ()
    fell_back: bool = False
    fault: str | None = None


def draw(detection: Detection, shape: Shape, size: ImageSize, drawing: Drawing) -> Drawn:
    """Draw one detection.

    Where there is no mask that can be used, an ellipse is inscribed in the box, as ever; the other
    shapes that need a mask are made of the box if `drawing` says so, and count as fallbacks.

    Args:
        detection: What was found.
        shape: What its regions are to be.
        size: The natural size of its image, upright.
        drawing: How regions are drawn.
    """
    if shape is Shape.KEYPOINT:
        return _drawn_point(detection, drawing)
    if detection.box is None:
        return Drawn(fault="no_box")
    rectangle = _rectangle(detection.box)
    fault = fault_of_shape(rectangle, Shape.RECTANGLE, size)
    if fault is not None:
        return Drawn(fault=fault)
    if shape is Shape.RECTANGLE:
        return Drawn((rectangle,))
    return _drawn_mask(detection.mask, detection.box, shape, size, drawing)


def _drawn_mask(
    mask: Mask | None, box: GeminiBox, shape: Shape, size: ImageSize, drawing: Drawing
) -> Drawn:
    # Imported here: it loads numpy and shapely, 18 MB, which a project of boxes does without.
    from label_studio_gemini.regions.outlines import (  # noqa: PLC0415
        values_from_box,
        values_from_mask,
    )

    values = values_from_mask(mask, box, shape, size, drawing)
    if values:
        return Drawn(values)
    if shape is not Shape.ELLIPSE and not drawing.fallback:
        return Drawn(fault="no_mask")
    values = values_from_box(box, shape, size)
    return Drawn(values, fell_back=shape is not Shape.ELLIPSE) if values else Drawn(fault="empty")


def _drawn_point(detection: Detection, drawing: Drawing) -> Drawn:
    if detection.point is not None:
        y, x = detection.point
    elif detection.box is not None:
        box = detection.box
        y, x = (box.ymin + box.ymax) / 2, (box.xmin + box.xmax) / 2
    else:
        return Drawn(fault="no_point")
    scale = GEMINI_SCALE
    value: KeyPointValue = {
        "x": x * _FULL / scale,
        "y": y * _FULL / scale,
        "width": drawing.point_width,
    }
    return Drawn((value,))


def _rectangle(box: GeminiBox) -> RectangleValue:
    percent = percent_from_gemini(box)
    return {
        "x": percent.x,
        "y": percent.y,
        "width": _length_within(percent.x, percent.width),
        "height": _length_within(percent.y, percent.height),
        "rotation": 0,
    }


def _length_within(start: float, length: float) -> float:
    """Take back what floating point adds: a sum a hair above 100 would be refused."""
    above = start + length - _FULL
    return _FULL - start if 0 < above < _ROUNDING else length


def opened(path: VectorValue) -> VectorValue:
    """Return a closed path as one that ends where it begins: for a tag whose paths stay open."""
    first, last = path["vertices"][0], path["vertices"][-1]
    end: VertexJson = {**first, "id": f"v{len(path['vertices'])}", "prevPointId": last["id"]}
    return {**path, "vertices": [*path["vertices"], end], "closed": False}
