"""The objects of a photo as the items of a reply: box, label and mask, in the form wanted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.geometry import Frame, Ring, thousandths
from label_studio_gemini.emulator.masks import MaskDialect, build_mask
from label_studio_gemini.emulator.schema import Kind, Shape

if TYPE_CHECKING:
    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject

BOX_NAMES = frozenset({"box_2d", "bbox", "bounding_box", "box"})
LABEL_NAMES = frozenset({"label", "name", "class", "category"})
MASK_NAMES = frozenset({"mask", "segmentation_mask", "polygon"})
POINT_NAMES = frozenset({"point"})
IMAGE_NAMES = frozenset({"image", "image_number", "image_index"})
_THOUSAND = 1000


class BoxDialect(StrEnum):
    """How a box is written; the plain form is `"box_2d": [ymin, xmin, ymax, xmax]`."""

    NESTED = "nested"
    """`[[ymin, xmin, ymax, xmax]]`."""
    SWAPPED = "swapped"
    """The corners in the other order: `[ymax, xmax, ymin, xmin]`."""
    STRINGS = "strings"
    """`["447", "0", …]`."""
    FLOATS = "floats"
    """Two decimals, not rounded to whole thousandths."""
    OUT_OF_RANGE = "out_of_range"
    """The far sides a tenth of themselves beyond 1000."""
    BBOX_KEY = "bbox_key"
    """Under `bbox`, the label under `name`."""
    OBJECT = "object"
    """`{"ymin": …, "xmin": …, "ymax": …, "xmax": …}`."""
    ONE_STRING = "one_string"
    """`"447, 0, 1000, 418"`."""


@dataclass(frozen=True, slots=True)
class Found:
    """One object as it lies in the picture that was sent, and the name to answer it by.

    Its `image` is the number of that picture.
    """

    label: str
    frame: Frame
    rings: tuple[Ring, ...]
    image: int = 1


@dataclass(frozen=True, slots=True)
class Style:
    """The form of the items: what was asked for, or what a fault says."""

    masks: bool = False
    mask_dialect: MaskDialect | None = None
    box_dialect: BoxDialect | None = None
    numbered: bool = False


def build_item(found: Found, shape: Shape | None, style: Style) -> JsonObject:
    """Return one object as an item of the reply.

    Args:
        found: The object.
        shape: What the schema wants of an item; None for the model's own habit.
        style: The form of its box and mask.
    """
    if shape is None:
        item: JsonObject = {"box_2d": [*found.frame.native()]}
        if style.masks:
            item["mask"] = _mask(found, None, style)
        item["label"] = found.label
        if style.numbered:
            item["image"] = found.image
    else:
        item = {}
        for name, wanted in shape.properties:
            if _is_known(name) or name in shape.required:
                item[name] = _value(name, found, wanted, style)
    return _in_dialect(item, found.frame, style.box_dialect)


def _is_known(name: str) -> bool:
    return name in BOX_NAMES | LABEL_NAMES | MASK_NAMES | POINT_NAMES | IMAGE_NAMES


def _value(name: str, found: Found, wanted: Shape, style: Style) -> JsonValue:
    if name in BOX_NAMES:
        return [*found.frame.native()]
    if name in LABEL_NAMES:
        return found.label
    if name in MASK_NAMES:
        return _mask(found, wanted, style)
    if name in IMAGE_NAMES:
        return found.image if wanted.kind in {Kind.INTEGER, Kind.NUMBER} else wanted.neutral()
    if name in POINT_NAMES:
        centre = found.frame.centre()
        return [thousandths(centre.down), thousandths(centre.across)]
    return wanted.neutral()


def _mask(found: Found, wanted: Shape | None, style: Style) -> JsonValue:
    dialect = style.mask_dialect or _dialect_for(wanted)
    return build_mask(found.rings, found.frame.native(), dialect)


def _dialect_for(wanted: Shape | None) -> MaskDialect:
    if wanted is None or wanted.kind is not Kind.ARRAY:
        return MaskDialect.PNG
    nested = wanted.items is not None and wanted.items.kind is Kind.ARRAY
    return MaskDialect.POLYGON_XY if nested else MaskDialect.FLAT_YX


def _in_dialect(item: JsonObject, frame: Frame, dialect: BoxDialect | None) -> JsonObject:
    if dialect is None:
        return item
    if dialect is BoxDialect.BBOX_KEY:
        names = {"box_2d": "bbox", "label": "name"}
        return {names.get(name, name): value for name, value in item.items()}
    return {
        name: _box_in_dialect(frame, dialect) if name in BOX_NAMES else value
        for name, value in item.items()
    }


def _box_in_dialect(frame: Frame, dialect: BoxDialect) -> JsonValue:
    ymin, xmin, ymax, xmax = frame.native()
    forms: dict[BoxDialect, JsonValue] = {
        BoxDialect.NESTED: [[ymin, xmin, ymax, xmax]],
        BoxDialect.SWAPPED: [ymax, xmax, ymin, xmin],
        BoxDialect.STRINGS: [str(ymin), str(xmin), str(ymax), str(xmax)],
        BoxDialect.FLOATS: [
            round(side * _THOUSAND, 2)
            for side in (frame.top, frame.left, frame.bottom, frame.right)
        ],
        BoxDialect.OUT_OF_RANGE: [
            ymin,
            xmin,
            _THOUSAND + ymax // 10,
            _THOUSAND + xmax // 10,
        ],
        BoxDialect.OBJECT: {"ymin": ymin, "xmin": xmin, "ymax": ymax, "xmax": xmax},
        BoxDialect.ONE_STRING: f"{ymin}, {xmin}, {ymax}, {xmax}",
    }
    return forms[dialect]
