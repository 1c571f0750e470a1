"""What a reply says beside boxes → answers by question: about the images, or about one object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.replies.keys import ANSWERS_KEY, IMAGE_KEYS, spelled
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject
from label_studio_gemini.replies.numbers import image_number, number_from_text
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from label_studio_gemini.detections import Answer
    from label_studio_gemini.replies.nodes import Value

_NOTHING = frozenset({"null", "None"})
_BOOLEANS = {"True": "true", "False": "false"}
_MOST_BESIDE = 50
_MAX_BESIDE = 10_000  # characters of one answer


def read_answers(node: JsonObject) -> tuple[dict[str, Answer], list[Value]]:
    """Read one object of answers, by the name of the question.

    Numbers are numbers, `true` and `false` texts; `null` is no answer. Of an object that is cut,
    the answer that it is cut in is left out. Answers under `answers` once more are its own too.

    Returns:
        The answers, and the values that can be none.
    """
    answers: dict[str, Answer] = {}
    bad: list[Value] = []
    for key, value in _whole_members(node):
        if isinstance(value, JsonObject) and _holds_answers(key, value):
            inner, bad_inside = read_answers(value)
            answers.update(inner)
            bad += bad_inside
        elif not isinstance(value, Bare) or value not in _NOTHING:
            answer = _answer(value)
            if answer is None or not key:
                bad.append(value)
            elif image_number(value) is None or spelled(key) not in IMAGE_KEYS:
                answers[text_from_quoted(key).strip()] = answer
    return answers, bad


def answers_beside(members: Iterable[tuple[str, Value]]) -> dict[str, Answer]:
    """Read the members whose keys say nothing else as answers to questions of that name.

    Whether they are any is not known, so nothing is refused: what is no text, no number, no list
    of texts, or is longer than an answer, is passed over, and so is what comes after the 50th.
    """
    answers: dict[str, Answer] = {}
    for key, value in members:
        name = text_from_quoted(key).strip()
        answer = _answer(value) if name and _may_be_answer(value) else None
        if answer is not None:
            answers[name] = answer
        if len(answers) == _MOST_BESIDE:
            break
    return answers


def is_null(value: Value) -> bool:
    """Say whether `value` is the word that stands for no answer."""
    return isinstance(value, Bare) and value in _NOTHING


def _whole_members(node: JsonObject) -> list[tuple[str, Value]]:
    """Return the members without the one that the text ends in, unless it holds answers itself."""
    if not node.cut_in_value or _holds_answers(*node.members[-1]):
        return node.members
    return node.members[:-1]


def _holds_answers(key: str, value: Value) -> bool:
    return isinstance(value, JsonObject) and value.whole and spelled(key) == ANSWERS_KEY


def _may_be_answer(value: Value) -> bool:
    if isinstance(value, JsonList):
        texts = [item for item in value.items if isinstance(item, str)]
        quoted = value.items and not any(isinstance(text, Bare) for text in texts)
        return bool(quoted) and sum(map(len, texts)) <= _MAX_BESIDE
    return isinstance(value, str) and len(value) <= _MAX_BESIDE and not is_null(value)


def _answer(value: Value) -> Answer | None:
    if isinstance(value, JsonObject):
        return None
    if isinstance(value, JsonList):
        return _texts(value)
    if not isinstance(value, Bare):
        return text_from_quoted(value).strip()
    if value.startswith('"'):  # its closing quote is missing: where it ends is not known
        return None
    number = number_from_text(value)
    return _BOOLEANS.get(value, value.strip()) or None if number is None else number


def _texts(value: JsonList) -> tuple[str, ...] | None:
    if not value.whole or value.end < 0:
        return None
    texts = [text_from_quoted(item).strip() for item in value.items if isinstance(item, str)]
    return tuple(texts) if len(texts) == len(value.items) else None
