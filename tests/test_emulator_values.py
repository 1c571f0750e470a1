"""How the emulated model answers questions: by what the key has, or by what it scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from label_studio_gemini.emulator.geometry import Frame
from label_studio_gemini.emulator.scene import Found, Scene, Thing, View
from label_studio_gemini.emulator.schema import shape_from_schema
from label_studio_gemini.emulator.values import (
    build_answers,
    subject_from_object,
    subject_from_views,
)


def view(*categories: str, number: int = 1, **answers: Any) -> View:
    things = tuple(Thing(name, Frame(0, 0, 1, 1), (), {}) for name in categories)
    return View(number, things, answers)


STREET = view("person", "car", "car")
EMPTY = view()


@dataclass(frozen=True)
class Case:
    name: str
    asked: dict[str, Any]
    answer: Any
    views: tuple[View, ...] = field(default=(STREET,))


CASES = [
    Case("a text", {"type": "string"}, "2 car, 1 person"),
    Case("a text of nothing", {"type": "string"}, "nothing", (EMPTY,)),
    Case("a text of two", {"type": "string"}, "3 car, 1 person", (STREET, view("car"))),
    Case("the option most frequent", {"enum": ["dog", "a person", "cars"]}, "cars"),
    Case("the option that is there", {"enum": ["dog", "Person"]}, "Person"),
    Case("an option with two categories", {"enum": ["dog", "car or person", "x"]}, "car or person"),
    Case("no option", {"type": "string", "enum": ["yes", "no"]}, "yes"),
    Case("options that are no words", {"type": "integer", "enum": [4, 2]}, 4),
    Case(
        "all options",
        {"type": "array", "items": {"enum": ["dog", "person", "car", "cat"]}},
        ["car", "person"],
    ),
    Case("no options", {"type": "array", "items": {"enum": ["dog", "cat"]}}, []),
    Case(
        "options required",
        {"type": "array", "items": {"enum": ["dog", "person", "cat"]}, "minItems": 2},
        ["person", "dog"],
    ),
    Case(
        "more options required than there are",
        {"type": "array", "items": {"enum": ["dog"]}, "minItems": 2},
        ["dog", "dog"],
    ),
    Case(
        "options limited",
        {"type": "array", "items": {"enum": ["person", "car"]}, "maxItems": 1},
        ["car"],
    ),
    Case("a list of texts", {"type": "array", "items": {"type": "string"}}, ["2 car, 1 person"]),
    Case("a list of texts of nothing", {"items": {"type": "string"}}, [], (EMPTY,)),
    Case("a list of anything", {"type": "array", "minItems": 1}, [None]),
    Case("a number", {"type": "integer"}, 3),
    Case("a number of two", {"type": "number"}, 4, (STREET, view("car"))),
    Case("a number limited", {"type": "integer", "minimum": 1, "maximum": 2}, 2),
    Case("a rating of nothing", {"type": "integer", "minimum": 1, "maximum": 5}, 1, (EMPTY,)),
    Case("a number in steps", {"type": "number", "multipleOf": 2}, 2),
    Case("a date", {"type": "string", "format": "date"}, "2026-01-31"),
    Case("a date and time", {"type": "string", "format": "date-time"}, "2026-01-31T10:30:00"),
    Case("another format", {"type": "string", "format": "uri"}, "2 car, 1 person"),
    Case("something", {"type": "boolean"}, answer=True),
    Case("nothing", {"type": "boolean"}, answer=False, views=(EMPTY,)),
    Case("null", {"type": "null"}, None),
    Case("what may be null", {"type": ["integer", "null"]}, 3),
    Case("an object", {"properties": {"n": {"type": "integer"}}}, {"n": 3}),
    Case("scripted", {"type": "string"}, "a street", (view("car", asked="a street"),)),
    Case("scripted null", {"type": ["string", "null"]}, None, (view("car", asked=None),)),
    Case("scripted beyond the limit", {"type": "integer", "maximum": 5}, 1, (view("c", asked=6),)),
    Case("scripted of a wrong type", {"type": "string"}, "1 c", (view("c", asked=6),)),
    Case("scripted elsewhere", {"type": "string"}, "1 c", (view("c", other="x"),)),
    Case(
        "scripted for the second picture",
        {"enum": ["rain", "sun"]},
        "sun",
        (STREET, view(asked="snow"), view(asked="sun"), view(asked="rain")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_questions_about_pictures(case: Case) -> None:
    shape = shape_from_schema({"type": "object", "properties": {"asked": case.asked}})
    answers = build_answers(shape, subject_from_views(case.views))
    assert answers == {"asked": case.answer}
    asked = shape.named("asked")
    assert asked is not None
    assert asked.allows(answers["asked"])


OBJECT_CASES = [
    Case("its text is its label", {"type": "string"}, "A car"),
    Case("its options are named by its category", {"enum": ["person", "car"]}, "car"),
    Case("no option", {"enum": ["yes", "no"]}, "yes"),
    Case("all options", {"type": "array", "items": {"enum": ["person", "car"]}}, ["car"]),
    Case("how many are like it", {"type": "integer"}, 2),
    Case("limited", {"type": "integer", "maximum": 1}, 1),
    Case("it is there", {"type": "boolean"}, answer=True),
]


@pytest.mark.parametrize("case", OBJECT_CASES, ids=lambda case: case.name)
def test_questions_about_an_object(case: Case) -> None:
    shape = shape_from_schema({"type": "object", "properties": {"asked": case.asked}})
    car = Scene(("person", "car"), case.views).found(["A car"], "")[0]
    assert build_answers(shape, subject_from_object(car)) == {"asked": case.answer}


def test_an_object_has_scripted_answers_of_its_own() -> None:
    sign = Thing("sign", Frame(0, 0, 1, 1), (), {"text": "STOP", "age": "old"})
    shape = shape_from_schema({"properties": {"text": {}, "age": {"type": "integer"}}})
    subject = subject_from_object(Found("sign", sign, 1, 3))
    assert build_answers(shape, subject) == {"text": "STOP", "age": 3}


def test_each_list_finds_its_own_objects() -> None:
    scene = Scene(("person", "car", "dog"), (STREET, view("dog", "car", number=7)))
    found = scene.found(["car", "Dog"], "")
    assert [(one.label, one.image, one.alike) for one in found] == [
        ("car", 1, 2),
        ("car", 1, 2),
        ("Dog", 7, 1),
        ("car", 7, 1),
    ]
    assert [one.label for one in scene.found([], "any person?")] == ["person"]
    assert len(scene.found([], "What is there?")) == 5
