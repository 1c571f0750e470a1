"""What the model writes: the items that were found, in the shape that was asked for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.faults import Container, Fault, Stop, Wrapping
from label_studio_gemini.emulator.items import (
    BOX_NAMES,
    LABEL_NAMES,
    MASK_NAMES,
    POINT_NAMES,
    Found,
    Style,
    build_item,
)
from label_studio_gemini.emulator.masks import MaskDialect
from label_studio_gemini.emulator.schema import Kind, Shape
from label_studio_gemini.emulator.tokens import text_tokens, text_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.ask import Ask

_MASK_WORDS = re.compile(r"\b(?:mask|segment)", re.IGNORECASE)
_QUOTED_TOKENS = re.compile(r'"(<start_of_mask>[^"]*)"')
_NO_PICTURE = "There is no image in the request."
_FENCES = {
    Wrapping.BARE: ("", ""),
    Wrapping.FENCED: ("```json\n", "\n```"),
    Wrapping.FENCED_PLAIN: ("```\n", "\n```"),
    Wrapping.FENCED_FOUR: ("````json\n", "\n````"),
    Wrapping.PROSE: (
        "Here are the bounding box detections:\n```json\n",
        "\n```\nLet me know if you need anything else.",
    ),
    Wrapping.PROSE_BARE: ("Sure! I found these: ", " Let me know if you need anything else."),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model has written when it stops.

    Attributes:
        text: Its text; None where it wrote none.
        stop: Why it stopped; None where it had done.
    """

    text: str | None
    stop: Stop | None = None


def labels_asked(shape: Shape | None) -> tuple[str, ...]:
    """Return the labels that a schema allows; empty where it allows any."""
    item = _item_shape(shape) if shape else None
    for name, wanted in item.properties if item else ():
        if name in LABEL_NAMES:
            options = wanted.items or wanted
            return tuple(value for value in options.enum if isinstance(value, str))
    return ()


def write_answer(ask: Ask, found: Sequence[Found], fault: Fault) -> Draft:
    """Return what the model writes about what it found, with what a fault makes of it."""
    if fault.stop not in {None, Stop.INCOMPLETE, Stop.SAFETY_WITH_TEXT}:
        return Draft(None, fault.stop)
    style = Style(_masks_wanted(ask), fault.masks, fault.boxes, numbered=_is_numbered(ask))
    shape = _item_shape(ask.shape) if ask.shape else None
    items = [build_item(one, shape, style) for one in found]
    text = _text(ask, items, fault) if fault.text is None else fault.text
    draft = _cut(text, items, fault)
    if ask.most_tokens is not None and draft.text and text_tokens(draft.text) > ask.most_tokens:
        return Draft(text_within(draft.text, ask.most_tokens) or None, Stop.INCOMPLETE)
    return draft


def _masks_wanted(ask: Ask) -> bool:
    return ask.shape is None and _MASK_WORDS.search(ask.question) is not None


def _is_numbered(ask: Ask) -> bool:
    """Return whether the pictures were given numbers, so that an item can name its own."""
    return len(ask.pictures) > 1 and all(one.number is not None for one in ask.pictures)


def _text(ask: Ask, items: list[JsonObject], fault: Fault) -> str:
    if not ask.pictures and ask.shape is None and not ask.json_only:
        return _NO_PICTURE
    habit = Wrapping.BARE if ask.shape is not None or ask.json_only else Wrapping.FENCED
    before, after = _FENCES[fault.wrapping or habit]
    body = json.dumps(_value(ask.shape, items, fault.container), ensure_ascii=False)
    if fault.masks is MaskDialect.SEGMENT_TOKENS_BARE:
        body = _QUOTED_TOKENS.sub(r"\1", body)
    return f"{before}{body}{after}"


def _value(shape: Shape | None, items: list[JsonObject], container: Container | None) -> JsonValue:
    listed: list[JsonValue] = [*items]
    if container is Container.BOXES:
        return {"boxes": listed}
    if container is Container.SINGLE and items:
        return items[0]
    if shape is None or container is Container.LIST:
        return listed
    return _filled(shape, listed)


def _filled(shape: Shape, listed: list[JsonValue]) -> JsonValue:
    if _is_item(shape):
        return listed[0] if listed else shape.neutral()
    if shape.kind is Kind.ARRAY:
        return listed[: shape.most]
    if shape.kind is not Kind.OBJECT:
        return shape.neutral()
    return {
        name: listed[: wanted.most] if _holds_items(wanted) else wanted.neutral()
        for name, wanted in shape.properties
        if name in shape.required or _holds_items(wanted)
    }


def _item_shape(shape: Shape) -> Shape | None:
    """Return what the schema wants of one object, wherever it has put the objects."""
    if _is_item(shape):
        return shape
    if shape.kind is Kind.ARRAY:
        return shape.items
    return next((wanted.items for _, wanted in shape.properties if _holds_items(wanted)), None)


def _holds_items(shape: Shape) -> bool:
    return shape.kind is Kind.ARRAY and shape.items is not None and _is_item(shape.items)


def _is_item(shape: Shape) -> bool:
    names = {name for name, _ in shape.properties}
    if names & (MASK_NAMES | POINT_NAMES | {"box_2d", "bbox", "bounding_box"}):
        return True
    return bool(names & BOX_NAMES and names & LABEL_NAMES)


def _cut(text: str, items: list[JsonObject], fault: Fault) -> Draft:
    at = fault.cut_characters
    if fault.cut_items is not None:
        at = _middle(text, items, fault.cut_items)
    elif fault.masks is MaskDialect.ENDLESS and "[true" in text:
        at = text.index("[true") + text.count("true, ") * len("true, ") // 2
    elif at is None and fault.stop is Stop.INCOMPLETE:
        at = len(text) // 2
    return Draft(text, fault.stop) if at is None else Draft(text[:at], Stop.INCOMPLETE)


def _middle(text: str, items: list[JsonObject], number: int) -> int:
    """Return the place in the middle of the item after `number` whole ones, or the end."""
    at = 0
    for place, item in enumerate(items):
        written = json.dumps(item, ensure_ascii=False)
        start = text.find(written, at)
        if start < 0:
            break
        if place == number:
            return start + len(written) // 2
        at = start + len(written)
    return len(text)
