"""What a reply says under `answers` → answers about the image as a whole, by question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.replies.items import IMAGE_KEYS, spelled
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject
from label_studio_gemini.replies.numbers import image_number, number_from_text
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from label_studio_gemini.detections import Answer
    from label_studio_gemini.replies.nodes import Value

_NOTHING = frozenset({"null", "None"})
_BOOLEANS = {"True": "true", "False": "false"}


def read_answers(node: JsonObject) -> tuple[dict[str, Answer], list[Value]]:
    """Read one object of answers, by the name of the question.

    Numbers are numbers, `true` and `false` texts; `null` is no answer. Of an object that is cut,
    the answer that it is cut in is left out.

    Returns:
        The answers, and the values that can be none.
    """
    members = node.members[:-1] if node.cut_in_value else node.members
    answers: dict[str, Answer] = {}
    bad: list[Value] = []
    for key, value in members:
        if isinstance(value, Bare) and value in _NOTHING:
            continue
        answer = _answer(value)
        if answer is None or not key:
            bad.append(value)
        elif image_number(value) is None or spelled(key) not in IMAGE_KEYS:
            answers[text_from_quoted(key).strip()] = answer
    return answers, bad


def _answer(value: Value) -> Answer | None:
    if isinstance(value, JsonObject):
        return None
    if isinstance(value, JsonList):
        return _texts(value)
    if not isinstance(value, Bare):
        return text_from_quoted(value).strip()
    number = number_from_text(value)
    return _BOOLEANS.get(value, value.strip()) or None if number is None else number


def _texts(value: JsonList) -> tuple[str, ...] | None:
    if not value.whole or value.end < 0:
        return None
    texts = [text_from_quoted(item).strip() for item in value.items if isinstance(item, str)]
    return tuple(texts) if len(texts) == len(value.items) else None
