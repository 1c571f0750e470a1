"""What is wrong with the value of an answer. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.labels import AnswerKind
from label_studio_gemini.regions.answers import is_within, most_of
from label_studio_gemini.regions.check_shapes import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from label_studio_gemini.labels import AnswerTarget

_BAD_LETTER = re.compile("[\0\ud800-\udfff]")  # NUL, and the halves of surrogate pairs


def fault_of_answer(value: Mapping[str, object], target: AnswerTarget) -> str | None:
    """Return what is wrong with the value of a result item of `target`, or None."""
    key, fault_of = _FAULT_OF[target.kind]
    return fault_of(value.get(key), target)


def _fault_of_choices(chosen: object, target: AnswerTarget) -> str | None:
    return _fault_of_chosen(chosen, [label.stored for label in target.labels], most_of(target))


def _fault_of_taxonomy(chosen: object, target: AnswerTarget) -> str | None:
    return _fault_of_chosen(chosen, [[*label.path] for label in target.labels], most_of(target))


def _fault_of_pairwise(chosen: object, target: AnswerTarget) -> str | None:
    return _fault_of_chosen([chosen], [label.stored for label in target.labels], 1)


def _fault_of_chosen(chosen: object, known: list[object], most: int | None) -> str | None:
    if not isinstance(chosen, list) or not chosen:
        return "no_label"
    if any(one not in known for one in chosen):
        return "unknown_label"
    is_repeated = any(chosen.index(one) < at for at, one in enumerate(chosen))
    is_too_long = most is not None and len(chosen) > most
    return "too_many" if is_repeated or is_too_long else None


def _fault_of_texts(texts: object, _: AnswerTarget) -> str | None:
    found = texts if isinstance(texts, list) else []
    return None if found and all(map(_is_text, found)) else "bad_text"


def _is_text(text: object) -> bool:
    """Say whether a text is one, and every database of Label Studio's takes it."""
    return isinstance(text, str) and bool(text.strip()) and _BAD_LETTER.search(text) is None


def _fault_of_rating(rating: object, target: AnswerTarget) -> str | None:
    if is_number(rating) and not isinstance(rating, int):
        return "not_whole"
    return _fault_of_number(rating, target)


def _fault_of_number(number: object, target: AnswerTarget) -> str | None:
    if not is_number(number):
        return "not_a_number"
    return None if is_within(number, target.limits) else "out_of_limits"


def _fault_of_date(text: object, _: AnswerTarget) -> str | None:
    return None if _is_text(text) else "not_a_date"


_FAULT_OF: Mapping[AnswerKind, tuple[str, Callable[[object, AnswerTarget], str | None]]] = {
    AnswerKind.CHOICES: ("choices", _fault_of_choices),
    AnswerKind.TAXONOMY: ("taxonomy", _fault_of_taxonomy),
    AnswerKind.TEXTAREA: ("text", _fault_of_texts),
    AnswerKind.RATING: ("rating", _fault_of_rating),
    AnswerKind.NUMBER: ("number", _fault_of_number),
    AnswerKind.DATETIME: ("datetime", _fault_of_date),
    AnswerKind.PAIRWISE: ("selected", _fault_of_pairwise),
}
