"""The objects of a photo as the items of a reply: box, label and mask, in the form wanted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.geometry import thousandths
from label_studio_gemini.emulator.masks import MaskDialect, build_mask
from label_studio_gemini.emulator.schema import Kind, Shape
from label_studio_gemini.emulator.values import build_answers, subject_from_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.geometry import Frame
    from label_studio_gemini.emulator.scene import Found

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
class Style:
    """The form of the items: what was asked for, or what a fault says.

    Attributes:
        masks: Without a schema, whether items have a mask.
        points: Without a schema, whether items are points.
        mask_dialect: How a mask is written.
        box_dialect: How a box is written.
        numbered: Without a schema, whether items name their picture.
        unmasked: How many items at the start of the list have an empty text for a mask.
        named: Without a schema, the names of the questions that may be answered.
    """

    masks: bool = False
    points: bool = False
    mask_dialect: MaskDialect | None = None
    box_dialect: BoxDialect | None = None
    numbered: bool = False
    unmasked: int = 0
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Entry:
    found: Found
    style: Style
    place: int


def build_item(found: Found, shape: Shape | None, style: Style, place: int = 1) -> JsonObject:
    """Return one object as an item of the reply.

    Args:
        found: The object.
        shape: What the schema wants of an item; None for the model's own habit.
        style: The form of its box and mask.
        place: Its place in the list, from 1; also its id.
    """
    entry = _Entry(found, style, place)
    if shape is None:
        item = _by_habit(entry)
    else:
        item = {
            name: _WRITERS[name](entry, wanted) if name in _WRITERS else wanted.neutral()
            for name, wanted in shape.properties
            if name in _WRITERS or name in shape.required
        }
    return _in_dialect(item, found.thing.frame, style.box_dialect)


def number_in_kind(number: int, wanted: Shape) -> JsonValue:
    """Return a number where one is wanted, and else a value that says nothing."""
    return number if wanted.kind in {Kind.INTEGER, Kind.NUMBER} else wanted.neutral()


def _by_habit(entry: _Entry) -> JsonObject:
    style = entry.style
    item: JsonObject = {}
    if style.points:
        item["point"] = _point(entry)
    else:
        item["box_2d"] = _box(entry)
        if style.masks:
            item["mask"] = _mask(entry)
    item["label"] = entry.found.label
    if style.numbered:
        item["image"] = entry.found.image
    said = {n: v for n, v in entry.found.thing.answers.items() if n in style.named}
    if said:
        item["answers"] = said
    return item


def _box(entry: _Entry, _wanted: Shape | None = None) -> JsonValue:
    return [*entry.found.thing.frame.native()]


def _point(entry: _Entry, _wanted: Shape | None = None) -> JsonValue:
    centre = entry.found.thing.frame.centre()
    return [thousandths(centre.down), thousandths(centre.across)]


def _label(entry: _Entry, wanted: Shape) -> JsonValue:
    return [entry.found.label] if wanted.kind is Kind.ARRAY else entry.found.label


def _mask(entry: _Entry, wanted: Shape | None = None) -> JsonValue:
    if entry.place <= entry.style.unmasked:
        return ""
    dialect = entry.style.mask_dialect or _dialect_for(wanted)
    thing = entry.found.thing
    return build_mask(thing.rings, thing.frame.native(), dialect)


def _image(entry: _Entry, wanted: Shape) -> JsonValue:
    return number_in_kind(entry.found.image, wanted)


def _identity(entry: _Entry, wanted: Shape) -> JsonValue:
    return number_in_kind(entry.place, wanted)


def _answers(entry: _Entry, wanted: Shape) -> JsonValue:
    if wanted.kind is not Kind.OBJECT:
        return wanted.neutral()
    return build_answers(wanted, subject_from_object(entry.found))


_WRITERS: dict[str, Callable[[_Entry, Shape], JsonValue]] = {
    **dict.fromkeys(BOX_NAMES, _box),
    **dict.fromkeys(LABEL_NAMES, _label),
    **dict.fromkeys(MASK_NAMES, _mask),
    **dict.fromkeys(POINT_NAMES, _point),
    **dict.fromkeys(IMAGE_NAMES, _image),
    "id": _identity,
    "answers": _answers,
}


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
