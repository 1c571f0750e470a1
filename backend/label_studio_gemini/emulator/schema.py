"""The response schema of a request, in either spelling, as the shape that an answer has to take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject

_DEEPEST = 32
_MOST_ITEMS = 10_000
_LARGEST = 2**53  # beyond, JSON has no whole numbers


class SchemaError(Exception):
    """A schema that the service cannot follow."""


class Kind(StrEnum):
    """The type of a value."""

    OBJECT = "object"
    ARRAY = "array"
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one value of an answer has to be.

    Attributes:
        kind: Its type.
        properties: Of an object, its properties in the order in which they are written.
        required: Of an object, the properties that may not be left out.
        items: Of an array, what each item has to be; None where anything is right.
        enum: The only values allowed; empty where any is.
        nullable: Whether null is right too.
        fewest: Of an array, the least number of items.
        most: Of an array, the greatest number of items.
        lowest: Of a number, the least.
        highest: Of a number, the greatest.
        step: Of a number, what it has to be a multiple of; above 0.
        format: Of a string, the form of its text, such as `date`.
    """

    kind: Kind
    properties: tuple[tuple[str, Shape], ...] = ()
    required: frozenset[str] = frozenset()
    items: Shape | None = None
    enum: tuple[JsonValue, ...] = ()
    nullable: bool = False
    fewest: int = 0
    most: int | None = None
    lowest: float | None = None
    highest: float | None = None
    step: float | None = None
    format: str | None = None

    def named(self, name: str) -> Shape | None:
        """Return the property of that name."""
        return next((shape for key, shape in self.properties if key == name), None)

    def neutral(self) -> JsonValue:
        """Return a value of this shape that says nothing."""
        if self.enum:
            return self.enum[0]
        if self.nullable:
            return None
        if self.kind is Kind.OBJECT:
            return {n: s.neutral() for n, s in self.properties if n in self.required}
        if self.kind is Kind.ARRAY:
            return [self.items.neutral() if self.items else None for _ in range(self.fewest)]
        plain: dict[Kind, JsonValue] = {
            Kind.STRING: "",
            Kind.INTEGER: self.nearest(0),
            Kind.NUMBER: self.nearest(0),
            Kind.BOOLEAN: False,
            Kind.NULL: None,
        }
        return plain[self.kind]

    def nearest(self, number: float) -> float:
        """Return a number moved into the limits, and then down to a multiple of the step.

        Where that falls below the least, it goes up to the next multiple instead.
        """
        value = _exact(number)
        if self.lowest is not None:
            value = max(value, _exact(self.lowest))
        if self.highest is not None:
            value = min(value, _exact(self.highest))
        step = _exact(self.step or 0)
        if self.kind is Kind.INTEGER:
            step = Fraction(step.numerator or 1)  # the least whole multiple of the step
        if step:
            value = floor(value / step) * step
            if self.lowest is not None and value < _exact(self.lowest):
                value += step
        return int(value) if value.denominator == 1 else float(value)

    def allows(self, value: JsonValue) -> bool:
        """Return whether a value has this shape; the format of a text is not looked at."""
        if value is None:
            return self.nullable or self.kind is Kind.NULL
        if self.enum:
            return value in self.enum
        if isinstance(value, dict):
            return self.kind is Kind.OBJECT and self._allows_members(value)
        if isinstance(value, list):
            return self.kind is Kind.ARRAY and self._allows_items(value)
        if isinstance(value, bool | str):
            return self.kind is (Kind.STRING if isinstance(value, str) else Kind.BOOLEAN)
        return (
            self.kind in {Kind.INTEGER, Kind.NUMBER}
            and abs(value) <= _LARGEST  # and is a number
            and self.nearest(value) == value
        )

    def _allows_members(self, value: JsonObject) -> bool:
        known = dict(self.properties)
        return self.required <= value.keys() <= known.keys() and all(
            known[name].allows(member) for name, member in value.items()
        )

    def _allows_items(self, value: list[JsonValue]) -> bool:
        enough = self.fewest <= len(value) and (self.most is None or len(value) <= self.most)
        return enough and (self.items is None or all(map(self.items.allows, value)))


def shape_from_schema(schema: JsonValue) -> Shape:
    """Read a JSON Schema (with `$defs` and `$ref`) or a Google Schema (types in capitals).

    Raises:
        SchemaError: If it is no schema, refers to what is not there, or to itself.
    """
    if not isinstance(schema, dict):
        raise SchemaError("the schema is not an object")
    return _Reader(schema).shape(schema, 0)


class _Reader:
    def __init__(self, root: JsonObject) -> None:
        self._root = root

    def shape(self, schema: JsonValue, depth: int) -> Shape:
        if depth > _DEEPEST:
            raise SchemaError("the schema is nested too deeply, or refers to itself")
        if not isinstance(schema, dict):
            raise SchemaError(f"{schema!r} is no schema")
        if "$ref" in schema:
            return self.shape(self._target(schema["$ref"]), depth + 1)
        options = _first(schema, "anyOf", "any_of", "oneOf", "allOf")
        if isinstance(options, list):
            return self._union(options, depth)
        kind, nullable = _kind(schema)
        return Shape(
            kind,
            properties=self._properties(schema, depth),
            required=frozenset(_strings(schema.get("required"))),
            items=self.shape(schema["items"], depth + 1) if "items" in schema else None,
            enum=_enum(schema),
            nullable=nullable or schema.get("nullable") is True,
            fewest=_fewest(schema),
            most=_whole(_number(_first(schema, "maxItems", "max_items"))),
            lowest=_number(schema.get("minimum")),
            highest=_number(schema.get("maximum")),
            step=_step(_first(schema, "multipleOf", "multiple_of")),
            format=_text(schema.get("format")),
        )

    def _target(self, reference: JsonValue) -> JsonValue:
        if reference == "#":
            return self._root
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise SchemaError(f"`$ref` {reference!r} does not point into the schema")
        target: JsonValue = self._root
        for step in reference[2:].split("/"):
            if not isinstance(target, dict) or step not in target:
                raise SchemaError(f"`$ref` {reference!r} points to nothing")
            target = target[step]
        return target

    def _union(self, options: list[JsonValue], depth: int) -> Shape:
        shapes = [self.shape(option, depth + 1) for option in options]
        real = [shape for shape in shapes if shape.kind is not Kind.NULL]
        if not real:
            raise SchemaError("a union of nothing")
        first = real[0]
        if len(real) == len(shapes):
            return first
        return replace(first, nullable=True)

    def _properties(self, schema: JsonObject, depth: int) -> tuple[tuple[str, Shape], ...]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return ()
        first = [
            name
            for name in _strings(_first(schema, "propertyOrdering", "property_ordering"))
            if name in properties
        ]
        names = dict.fromkeys([*first, *properties])
        return tuple((name, self.shape(properties[name], depth + 1)) for name in names)


def _kind(schema: JsonObject) -> tuple[Kind, bool]:
    """Return the type of a schema, and whether null is allowed beside it."""
    stated = schema.get("type")
    names = stated if isinstance(stated, list) else [stated]
    words = [name.lower() for name in names if isinstance(name, str)]
    if not words:
        return _guessed_kind(schema), False
    real = [word for word in words if word != Kind.NULL]
    try:
        return Kind(real[0] if real else Kind.NULL), len(real) < len(words)
    except ValueError as error:
        raise SchemaError(f"{stated!r} is no type") from error


def _guessed_kind(schema: JsonObject) -> Kind:
    if "properties" in schema:
        return Kind.OBJECT
    return Kind.ARRAY if "items" in schema else Kind.STRING


def _enum(schema: JsonObject) -> tuple[JsonValue, ...]:
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    return tuple(listed) if isinstance(listed, list) else ()


def _fewest(schema: JsonObject) -> int:
    fewest = _number(_first(schema, "minItems", "min_items")) or 0
    if fewest > _MOST_ITEMS:
        raise SchemaError(f"`minItems` {fewest:g} is too complex to enforce")
    return int(fewest)


def _first(schema: JsonObject, *names: str) -> JsonValue:
    return next((schema[name] for name in names if schema.get(name) is not None), None)


def _strings(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _number(value: JsonValue) -> float | None:
    # The protobuf JSON writes 64-bit numbers as strings.
    if isinstance(value, str) and value.isdigit():
        return float(value)
    if isinstance(value, int | float) and abs(value) <= _LARGEST:
        return float(cast("float", value))
    return None


def _exact(value: float) -> Fraction:
    """Return the number as it is written: 0.1 is a tenth."""
    return Fraction(str(value))


def _step(value: JsonValue) -> float | None:
    step = _number(value)
    return step if step is not None and step > 0 else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
