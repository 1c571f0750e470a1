"""The keywords of a JSON Schema that only narrow an answer down, and the schema without some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_MAPS = frozenset({"properties", "$defs"})  # name -> schema
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_STRUCTURE = _MAPS | _LISTS | {"type", "items", "required", "$ref"}


def schema_keywords(schema: Mapping[str, object]) -> frozenset[str]:
    """Return the keywords, at any depth, without which the answer still has the same form."""
    own = schema.keys() - _STRUCTURE
    inner = (schema_keywords(one) for key, value in schema.items() for one in _below(key, value))
    return frozenset(own).union(*inner)


def schema_without(schema: Mapping[str, object], keywords: AbstractSet[str]) -> dict[str, object]:
    """Return `schema` without some keywords, wherever they stand; properties keep their names."""

    def thin(value: object) -> object:
        return schema_without(value, keywords) if isinstance(value, Mapping) else value

    thinned: dict[str, object] = {}
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, Mapping):
            thinned[key] = {name: thin(one) for name, one in value.items()}
        elif key in _LISTS and isinstance(value, Sequence):
            thinned[key] = [thin(one) for one in value]
        elif key not in keywords:
            thinned[key] = thin(value) if key == "items" else value
    return thinned


def _below(key: str, value: object) -> Iterator[Mapping[str, object]]:
    """Yield the schemas right below a keyword."""
    found: Sequence[object] = []
    if key in _MAPS and isinstance(value, Mapping):
        found = list(value.values())
    elif key in _LISTS and isinstance(value, Sequence):
        found = value
    elif key == "items":
        found = [value]
    yield from (one for one in found if isinstance(one, Mapping))
