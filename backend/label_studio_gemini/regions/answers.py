"""Answers → the values of Label Studio's result items, within what each control tag takes. Pure.

Nothing is guessed and nothing is cut to fit: what a tag does not take is left out, and counted.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

from label_studio_gemini.labels import AnswerKind
from label_studio_gemini.regions.dates import is_in_time, moment_from_iso, stored_from_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.detections import Answer
    from label_studio_gemini.labels import AnswerTarget, Label, NumberLimits
    from label_studio_gemini.recipes import AnswerRecipe
    from label_studio_gemini.regions.json import AnswerValue

AnswerFault: TypeAlias = Literal[
    "too_many", "not_a_number", "not_whole", "out_of_limits", "not_a_date", "unknown_format"
]

_CHOSEN = frozenset({AnswerKind.CHOICES, AnswerKind.TAXONOMY, AnswerKind.PAIRWISE})
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_EXACT = 2**53  # beyond it not every whole number is a float


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer.

    Attributes:
        value: The value of its result item; None where it has none.
        fault: What was wrong with it, where something other than its labels was.
        unmatched: What was said that is none of the recipe's labels. Where several may be chosen,
            the others are in `value` all the same.
    """

    value: AnswerValue | None = None
    fault: AnswerFault | None = None
    unmatched: tuple[str, ...] = ()


def value_from_answer(answer: Answer, recipe: AnswerRecipe) -> Answered:
    """Convert what was said into the value of a result item.

    An empty text or list is no answer: it has neither value nor fault. A list of one counts as that
    one, and a number that is text (`"42.5"`) as a number.

    Args:
        answer: What was said of an image, of all images together, or of a region.
        recipe: What was asked for.
    """
    target = recipe.target
    said = [text for text in _texts(answer) if text.strip()]
    if not said:
        return Answered()
    if target.kind in _CHOSEN:
        return _chosen(said, recipe)
    if target.kind is AnswerKind.TEXTAREA:
        return Answered({"text": said})
    if len(said) > 1:
        return Answered(fault="too_many")
    if target.kind is AnswerKind.DATETIME:
        return _dated(said[0], target)
    return _counted(said[0], target)


def _texts(answer: Answer) -> Sequence[str]:
    """Return the single texts of an answer. No database of Label Studio's takes a NUL in one."""
    if isinstance(answer, float | int):
        return (str(_shortest(answer)),)
    parts = (answer,) if isinstance(answer, str) else answer
    return [part.replace("\0", "") for part in parts]


def _shortest(number: float) -> float:
    """Return 42 for 42.0, which would be stored, and shown, with its point."""
    is_whole = float(number).is_integer() and abs(number) < _EXACT
    return int(number) if is_whole else number


def _chosen(said: Sequence[str], recipe: AnswerRecipe) -> Answered:
    labels: dict[tuple[str, ...], Label] = {}  # each once, by what is stored
    unmatched: list[str] = []
    for text in said:
        label = recipe.label_for(text)
        if label is None:
            unmatched.append(text)
        else:
            labels.setdefault((*label.path, label.stored), label)
    left_over = tuple(dict.fromkeys(unmatched))
    target, most = recipe.target, most_of(recipe.target)
    count = len(labels) if target.many else len(labels) + len(left_over)
    if most is not None and count > most:
        return Answered(fault="too_many", unmatched=left_over)
    value = _value_from_labels(tuple(labels.values()), target.kind) if labels else None
    return Answered(value, unmatched=left_over)


def _value_from_labels(labels: Sequence[Label], kind: AnswerKind) -> AnswerValue:
    if kind is AnswerKind.TAXONOMY:
        return {"taxonomy": [list(label.path) for label in labels]}
    if kind is AnswerKind.PAIRWISE:
        return {"selected": labels[0].stored}
    return {"choices": [label.stored for label in labels]}


def _dated(said: str, target: AnswerTarget) -> Answered:
    at = moment_from_iso(said, target.date_only)
    if at is None:
        return Answered(fault="not_a_date")
    if not is_in_time(at, target):
        return Answered(fault="out_of_limits")
    stored = stored_from_moment(at, target.date_only, target.date_format)
    return Answered(fault="unknown_format") if stored is None else Answered({"datetime": stored})


def _counted(said: str, target: AnswerTarget) -> Answered:
    number = float(said) if _NUMBER.fullmatch(said.strip()) else math.nan
    if not math.isfinite(number):
        return Answered(fault="not_a_number")
    if target.kind is AnswerKind.RATING and not number.is_integer():
        return Answered(fault="not_whole")
    if not is_within(number, target.limits):
        return Answered(fault="out_of_limits")
    if target.kind is AnswerKind.RATING:
        return Answered({"rating": int(number)})
    return Answered({"number": _shortest(_on_step(number, target.limits))})


def most_of(target: AnswerTarget) -> int | None:
    """Return how many labels may be chosen; None for any number."""
    return target.most if target.many else 1


def is_within(number: float, limits: NumberLimits) -> bool:
    """Say whether a number is neither below nor above the limits; it may be between the steps."""
    too_low = limits.lowest is not None and number < limits.lowest
    too_high = limits.highest is not None and number > limits.highest
    return not (too_low or too_high)


def _on_step(number: float, limits: NumberLimits) -> float:
    """Return the nearest number that the editor lets a person submit: it counts from the lowest.

    In decimals: of floats, not even 0.3 would be a multiple of 0.1.
    """
    if not limits.step or limits.step <= 0:
        return number
    step, basis = _exactly(limits.step), _exactly(limits.lowest or 0)
    highest = _exactly(sys.float_info.max if limits.highest is None else limits.highest)
    steps = round((_exactly(number) - basis) / step)
    if basis + steps * step > highest:
        steps -= 1
    return float(basis + steps * step)


def _exactly(number: float) -> Fraction:
    return Fraction(repr(float(number)))
