"""What the model writes: its answer as text, whole or as far as it got."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.content import build_content
from label_studio_gemini.emulator.faults import Fault, Stop, Wrapping
from label_studio_gemini.emulator.masks import MaskDialect
from label_studio_gemini.emulator.tokens import text_tokens, text_within

if TYPE_CHECKING:
    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.ask import Ask
    from label_studio_gemini.emulator.scene import Scene

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


def write_answer(ask: Ask, scene: Scene, fault: Fault) -> Draft:
    """Return what the model writes about what it sees, with what a fault makes of it."""
    if fault.stop not in {None, Stop.INCOMPLETE, Stop.SAFETY_WITH_TEXT}:
        return Draft(None, fault.stop)
    content = build_content(ask, scene, fault)
    text = _text(ask, content.value, fault) if fault.text is None else fault.text
    draft = _cut(text, content.items, fault)
    if ask.most_tokens is not None and draft.text and text_tokens(draft.text) > ask.most_tokens:
        return Draft(text_within(draft.text, ask.most_tokens) or None, Stop.INCOMPLETE)
    return draft


def _text(ask: Ask, value: JsonValue, fault: Fault) -> str:
    if not ask.pictures and ask.shape is None and not ask.json_only:
        return _NO_PICTURE
    habit = Wrapping.BARE if ask.shape is not None or ask.json_only else Wrapping.FENCED
    before, after = _FENCES[fault.wrapping or habit]
    body = json.dumps(value, ensure_ascii=False)
    if fault.masks is MaskDialect.SEGMENT_TOKENS_BARE:
        body = _QUOTED_TOKENS.sub(r"\1", body)
    return f"{before}{body}{after}"


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
