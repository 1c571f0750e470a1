"""A response schema, in either spelling, is read as the shape of an answer."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import given, settings
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
        ({"type": "number"}, 0),
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
    ["type", "properties", "items", "anyOf", "$ref", "enum", "minItems", "required", "minimum"]
)


@settings(deadline=None)
@given(st.dictionaries(words, values | st.dictionaries(words, values, max_size=3), max_size=4))
def test_any_json_is_a_schema_or_refused(schema: dict[str, object]) -> None:
    with suppress(SchemaError):
        shape_from_schema(schema)  # type: ignore[arg-type]
