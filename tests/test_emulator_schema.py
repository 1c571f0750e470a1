"""A response schema, in either spelling, is read as the shape of an answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from label_studio_gemini.emulator.schema import Kind, SchemaError, Shape, shape_from_schema


class Item(BaseModel):
    box_2d: list[int]
    label: Literal["cat", "dog"]
    note: str | None = None


class Answer(BaseModel):
    boxes: list[Item]


def test_what_pydantic_writes_is_read() -> None:
    shape = shape_from_schema(Answer.model_json_schema())
    boxes = shape.named("boxes")
    assert shape.required == {"boxes"}
    assert boxes is not None
    assert boxes.items is not None
    assert [name for name, _ in boxes.items.properties] == ["box_2d", "label", "note"]
    label, note = boxes.items.named("label"), boxes.items.named("note")
    assert label is not None
    assert label.enum == ("cat", "dog")
    assert note is not None
    assert note.nullable


def test_capitals_and_an_order_are_read() -> None:
    shape = shape_from_schema(
        {
            "type": "OBJECT",
            "properties": {"a": {"type": "STRING"}, "b": {"type": "INTEGER", "nullable": True}},
            "property_ordering": ["b", "gone", "a"],
        }
    )
    assert shape.properties == (
        ("b", Shape(Kind.INTEGER, nullable=True)),
        ("a", Shape(Kind.STRING)),
    )


def test_numbers_of_items_are_read_in_either_spelling() -> None:
    assert shape_from_schema({"type": "array", "maxItems": 3}).most == 3
    assert shape_from_schema({"type": "ARRAY", "min_items": "2"}).fewest == 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, ""),
        ({"enum": ["x", "y"]}, "x"),
        ({"const": 4}, 4),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "minimum": 0.5}, 1),
        ({"type": "number"}, 0),
        ({"type": "number", "minimum": 0.25}, 0.25),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, None),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
        ({"items": {"type": "string"}}, []),
        (
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]},
            {"b": ""},
        ),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, None),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 0),
    ],
)
def test_a_neutral_value_has_the_shape(schema: dict[str, object], value: object) -> None:
    assert shape_from_schema(schema).neutral() == value  # type: ignore[arg-type]


@dataclass(frozen=True)
class Nearest:
    number: float
    limits: dict[str, object]
    answer: float


NEAREST = [
    Nearest(7, {}, 7),
    Nearest(7, {"maximum": 5}, 5),
    Nearest(0, {"minimum": 1, "maximum": 5}, 1),
    Nearest(7, {"multipleOf": 5}, 5),
    Nearest(1, {"multipleOf": 2, "minimum": 1}, 2),
    Nearest(3, {"multipleOf": 1.5}, 3),
    Nearest(2, {"type": "number", "multipleOf": 1.5}, 1.5),
    Nearest(3, {"type": "number", "multipleOf": 0.1}, 3),
    Nearest(0.3, {"type": "number", "multipleOf": 0.1}, 0.3),
    Nearest(2, {"type": "NUMBER", "minimum": 2.5}, 2.5),
    Nearest(2, {"multipleOf": 0}, 2),
]


@pytest.mark.parametrize("case", NEAREST, ids=str)
def test_a_number_is_moved_into_its_limits(case: Nearest) -> None:
    shape = shape_from_schema({"type": "integer", **case.limits})  # type: ignore[dict-item]
    assert shape.nearest(case.number) == case.answer


@given(
    st.integers(-100, 100),
    st.integers(-20, 0),
    st.integers(5, 20),
    st.sampled_from([None, 1, 2, 5]),
)
def test_what_a_number_is_moved_to_is_allowed(
    number: int, lowest: int, highest: int, step: int | None
) -> None:
    shape = Shape(Kind.INTEGER, lowest=lowest, highest=highest, step=step)
    moved = shape.nearest(number)
    assert lowest <= moved <= highest
    assert moved % (step or 1) == 0
    assert shape.allows(moved)


OBJECT = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}},
    "required": ["a"],
}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string"}, ["", "x"], [None, 1, True, []]),
        ({"type": "string", "nullable": True}, [None, "x"], [1]),
        ({"type": "string", "enum": ["x", "y"]}, ["x"], ["z", 1]),
        ({"type": "boolean"}, [True, False], [1, "true", None]),
        ({"type": "null"}, [None], [0]),
        (
            {"type": "integer", "minimum": 1, "maximum": 5},
            [1, 5, 3.0],
            [0, 6, 2.5, True, "3", float("inf"), float("nan"), 10**400],
        ),
        ({"type": "number", "multipleOf": 0.5}, [2.5, -1], [0.3]),
        (
            {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 1, "maxItems": 2},
            [["x"], ["x", "y"]],
            [[], ["z"], ["x", "y", "x"], "x"],
        ),
        ({"type": "array"}, [[1, "x"]], [{}]),
        (OBJECT, [{"a": "x"}, {"a": "x", "b": True}], [{}, {"a": 1}, {"a": "x", "c": 1}, []]),
    ],
)
def test_a_value_is_held_to_its_shape(
    schema: dict[str, Any], right: list[Any], wrong: list[Any]
) -> None:
    shape = shape_from_schema(schema)
    assert [value for value in right if not shape.allows(value)] == []
    assert [value for value in wrong if shape.allows(value)] == []


@pytest.mark.parametrize(
    "schema",
    [
        [],
        "string",
        {"type": "thing"},
        {"$ref": "#/$defs/none"},
        {"$ref": "elsewhere.json"},
        {"$ref": 3},
        {"items": {"$ref": "#"}, "$ref": "#/items"},
        {"properties": {"a": 3}},
        {"anyOf": []},
        {"type": "array", "minItems": 10_001},
    ],
    ids=str,
)
def test_what_is_no_schema_is_refused(schema: object) -> None:
    with pytest.raises(SchemaError):
        shape_from_schema(schema)  # type: ignore[arg-type]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
words = st.sampled_from(
    [
        *("type", "properties", "items", "anyOf", "$ref", "enum", "minItems", "required"),
        *("minimum", "maximum", "multipleOf", "format"),
    ]
)


@given(st.dictionaries(words, values | st.dictionaries(words, values, max_size=3), max_size=4))
def test_any_json_is_a_schema_or_refused(schema: dict[str, object]) -> None:
    with suppress(SchemaError):
        shape_from_schema(schema)  # type: ignore[arg-type]
