"""What Gemini answers becomes a value that the control tag takes, or is left out and counted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.labels import AnswerKind, AnswerTarget, Label, NumberLimits
from label_studio_gemini.recipes import AnswerRecipe, Recipe, Wanted
from label_studio_gemini.regions.answers import Answered, value_from_answer
from label_studio_gemini.regions.check_answers import fault_of_answer

if TYPE_CHECKING:
    from label_studio_gemini.detections import Answer

LETTERS = (Label("a"), Label("b"), Label("C long", "cc"), Label("3"))
ANIMALS = (
    Label("Animal", path=("Animal",)),
    Label("Cat", path=("Animal", "Cat")),
    Label("Dog", "canine", path=("Animal", "canine")),
)
SIDES = (Label("left"), Label("right", "second"))


def recipe_of(
    kind: AnswerKind,
    labels: tuple[Label, ...] = (),
    *,
    many: bool = False,
    limits: NumberLimits | None = None,
    unknown: Label | None = None,
    date: tuple[tuple[str, ...], str | None] = ((), None),
) -> AnswerRecipe:
    target = AnswerTarget(
        "c",
        kind,
        ("img",),
        labels=labels,
        many=many,
        limits=limits or NumberLimits(),
        date_only=date[0],
        date_format=date[1],
    )
    wanted = tuple(Wanted(label.value, label) for label in labels)
    return Recipe("c", target, wanted, unknown=unknown)


SINGLE = recipe_of(AnswerKind.CHOICES, LETTERS)
SEVERAL = recipe_of(AnswerKind.CHOICES, LETTERS, many=True)
TREE = recipe_of(AnswerKind.TAXONOMY, ANIMALS, many=True)
TEXT = recipe_of(AnswerKind.TEXTAREA)
STARS = recipe_of(AnswerKind.RATING, limits=NumberLimits(1, 5, 1))
FREE = recipe_of(AnswerKind.NUMBER)
PERCENT = recipe_of(AnswerKind.NUMBER, limits=NumberLimits(0, 100))
DAY = recipe_of(AnswerKind.DATETIME, date=(("date",), "%Y-%m-%d"))
PAIR = recipe_of(AnswerKind.PAIRWISE, SIDES)


@dataclass
class Case:
    recipe: AnswerRecipe
    answer: Answer
    value: object = None
    fault: str | None = None
    unmatched: tuple[str, ...] = field(default=())


@pytest.mark.parametrize(
    "case",
    [
        # Choices, one: exactly, by case, by alias, as a list of one, as a number.
        Case(SINGLE, "a", {"choices": ["a"]}),
        Case(SINGLE, " A ", {"choices": ["a"]}),
        Case(SINGLE, "c LONG", {"choices": ["cc"]}),
        Case(SINGLE, "cc", {"choices": ["cc"]}),
        Case(SINGLE, ("b",), {"choices": ["b"]}),
        Case(SINGLE, ("b", "B"), {"choices": ["b"]}),
        Case(SINGLE, 3.0, {"choices": ["3"]}),
        Case(SINGLE, "zzz", unmatched=("zzz",)),
        Case(SINGLE, ("a", "b"), fault="too_many"),
        Case(SINGLE, ("a", "zzz"), fault="too_many", unmatched=("zzz",)),
        Case(SINGLE, "a, b", unmatched=("a, b",)),
        Case(SINGLE, ""),
        Case(SINGLE, ()),
        # Choices, several: what is unknown is left out, and the others stay.
        Case(SEVERAL, ("a", "C long"), {"choices": ["a", "cc"]}),
        Case(SEVERAL, "b", {"choices": ["b"]}),
        Case(SEVERAL, ("b", "x", "a", "x", "B"), {"choices": ["b", "a"]}, unmatched=("x",)),
        Case(SEVERAL, ("x", "y"), unmatched=("x", "y")),
        Case(SEVERAL, ("", " ")),
        # Taxonomy: the stored path.
        Case(TREE, "Cat", {"taxonomy": [["Animal", "Cat"]]}),
        Case(TREE, ("dog", "Animal"), {"taxonomy": [["Animal", "canine"], ["Animal"]]}),
        Case(TREE, "Bird", unmatched=("Bird",)),
        # Text.
        Case(TEXT, "line one", {"text": ["line one"]}),
        Case(TEXT, ("line one", " ", "line two"), {"text": ["line one", "line two"]}),
        Case(TEXT, 5551234567.0, {"text": ["5551234567"]}),
        Case(TEXT, 4.25, {"text": ["4.25"]}),
        Case(TEXT, "a\0b", {"text": ["ab"]}),
        Case(TEXT, "\0 "),
        Case(TEXT, ""),
        # Rating.
        Case(STARS, 4.0, {"rating": 4}),
        Case(STARS, "4", {"rating": 4}),
        Case(STARS, ("4.0",), {"rating": 4}),
        Case(STARS, 4.5, fault="not_whole"),
        Case(STARS, 6.0, fault="out_of_limits"),
        Case(STARS, 0.0, fault="out_of_limits"),
        Case(STARS, "4/5", fault="not_a_number"),
        Case(STARS, ("4", "5"), fault="too_many"),
        # Number.
        Case(PERCENT, 42.5, {"number": 42.5}),
        Case(PERCENT, "42.5", {"number": 42.5}),
        Case(PERCENT, " 7 ", {"number": 7}),
        Case(PERCENT, 0, {"number": 0}),
        Case(PERCENT, "about 40", fault="not_a_number"),
        Case(PERCENT, "42,5", fault="not_a_number"),
        Case(PERCENT, "1_0", fault="not_a_number"),
        Case(PERCENT, "٤٢", fault="not_a_number"),
        Case(PERCENT, "1e999", fault="not_a_number"),
        Case(PERCENT, math.nan, fault="not_a_number"),
        Case(PERCENT, math.inf, fault="not_a_number"),
        Case(PERCENT, 100.1, fault="out_of_limits"),
        Case(PERCENT, -0.1, fault="out_of_limits"),
        Case(FREE, -1e300, {"number": -1e300}),
        Case(PERCENT, ""),
        # Dates.
        Case(DAY, "2026-01-31", {"datetime": "2026-01-31"}),
        Case(DAY, ("2026-01-31T10:30",), {"datetime": "2026-01-31"}),
        Case(DAY, "2026-02-30", fault="not_a_date"),
        Case(DAY, "31 January", fault="not_a_date"),
        Case(DAY, ("2026-01-31", "2026-02-01"), fault="too_many"),
        Case(DAY, ""),
        # Pairwise.
        Case(PAIR, "left", {"selected": "left"}),
        Case(PAIR, "Right", {"selected": "second"}),
        Case(PAIR, "both", unmatched=("both",)),
        Case(PAIR, ("left", "right"), fault="too_many"),
    ],
    ids=lambda case: f"{case.recipe.target.kind}-{case.answer!r}",
)
def test_an_answer_becomes_what_its_tag_takes(case: Case) -> None:
    answered = value_from_answer(case.answer, case.recipe)
    assert answered == Answered(case.value, case.fault, case.unmatched)  # type: ignore[arg-type]


def test_whole_numbers_are_stored_without_a_point() -> None:
    assert repr(value_from_answer(42.0, FREE).value) == "{'number': 42}"
    assert repr(value_from_answer("4.0", STARS).value) == "{'rating': 4}"


def test_the_recipes_label_for_the_unknown_counts_once() -> None:
    other = Label("other")
    recipe = recipe_of(AnswerKind.CHOICES, (Label("a"), other), many=True, unknown=other)
    assert value_from_answer(("x", "a", "y"), recipe) == Answered({"choices": ["other", "a"]})


@dataclass
class Step:
    number: float
    limits: NumberLimits
    stored: float


@pytest.mark.parametrize(
    "step",
    [
        Step(42.4, NumberLimits(step=1), 42),
        Step(42.6, NumberLimits(step=1), 43),
        Step(0.3, NumberLimits(step=0.1), 0.3),
        Step(12.499, NumberLimits(step=0.01), 12.5),
        Step(6.0, NumberLimits(1, 10, 2), 5),  # counted from the lowest: 1, 3, 5, …
        Step(9.9, NumberLimits(0, 10, 4), 8),  # 12 would be nearer, and too high
        Step(-7.2, NumberLimits(step=5), -5),
        Step(7.7, NumberLimits(step=0), 7.7),
        Step(7.7, NumberLimits(step=None), 7.7),
    ],
    ids=str,
)
def test_a_number_between_the_steps_goes_to_the_nearest_that_the_editor_takes(step: Step) -> None:
    recipe = recipe_of(AnswerKind.NUMBER, limits=step.limits)
    assert value_from_answer(step.number, recipe) == Answered({"number": step.stored})


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    number=finite,
    ends=st.tuples(finite, finite),
    step=st.none() | st.floats(0.001, 1000),
)
def test_no_number_leaves_its_limits(
    number: float, ends: tuple[float, float], step: float | None
) -> None:
    """Whatever the limits, a number inside them stays within them and near; others are dropped."""
    lowest, highest = sorted(ends)
    recipe = recipe_of(AnswerKind.NUMBER, limits=NumberLimits(lowest, highest, step))
    answered = value_from_answer(number, recipe)
    if not lowest <= number <= highest:
        assert answered == Answered(fault="out_of_limits")
        return
    assert answered.value is not None
    assert fault_of_answer(answered.value, recipe.target) is None
    (stored,) = answered.value.values()
    assert isinstance(stored, int | float)
    allowed = Fraction(step or 0) + abs(Fraction(number)) / 10**14
    assert abs(Fraction(stored) - Fraction(number)) <= allowed


answers = (
    st.text()
    | st.floats()
    | st.integers()
    | st.lists(st.text() | st.sampled_from(["a", "Cat", "left", "4", "2026-01-31"])).map(tuple)
    | st.sampled_from(["a", "cc", "Cat", "left", "4", "42.5", "2026-01-31", "2026-01-31T10:30Z"])
)


@given(
    answer=answers,
    recipe=st.sampled_from([SINGLE, SEVERAL, TREE, TEXT, STARS, FREE, PERCENT, DAY, PAIR]),
)
def test_no_answer_raises_and_every_value_passes_the_check(
    answer: Answer, recipe: AnswerRecipe
) -> None:
    answered = value_from_answer(answer, recipe)
    if answered.value is not None:
        assert answered.fault is None
        assert fault_of_answer(answered.value, recipe.target) is None


def test_a_taxonomy_takes_no_more_than_it_says() -> None:
    recipe = replace(TREE, target=replace(TREE.target, most=2))
    both: dict[str, object] = {"taxonomy": [["Animal", "Cat"], ["Animal"]]}
    assert value_from_answer(("Cat", "Animal", "Cat", "zzz"), recipe).value == both
    assert value_from_answer(("Cat", "Animal", "Dog"), recipe) == Answered(fault="too_many")
