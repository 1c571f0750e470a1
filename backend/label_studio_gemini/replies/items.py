"""A scanned reply → the items in it: the objects that each describe one thing in the image.

Where they stand is not asked: at the top, in a list, under `boxes` or any other key, in a JSON text
inside a JSON string. What an item says is read by its keys, in any of their spellings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, Value
from label_studio_gemini.replies.scan import MAX_TOKENS, scan
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

BOX_KEYS = ("box_2d", "bounding_box", "bbox", "box")
"""The spellings of the key of a box, the preferred one first."""

LABEL_KEYS = ("label", "name", "class", "category")
"""The spellings of the key of a label, the preferred one first."""

_KNOWN = frozenset((*BOX_KEYS, *LABEL_KEYS))
_MAX_STRING_LEVELS = 2
_TOKENS_PER_STRING = 10  # what it costs to look into a string, counted in tokens
_JSON_START = re.compile(r'"?+(?:\s|\\[nrt])*+[\[{`]')

Members: TypeAlias = dict[str, Value]
"""What an item says: its known keys, spelled as in `BOX_KEYS` and `LABEL_KEYS`."""


class ItemFinder:
    """Finds the items of one reply.

    It counts the tokens of the JSON that it meets inside strings, so that the time for a reply
    stays bounded however many strings it has.
    """

    def __init__(self) -> None:
        self._tokens_left = MAX_TOKENS // 4

    def items_in(self, value: Value, string_levels: int = _MAX_STRING_LEVELS) -> list[Value]:
        """Return the items in a node of a scanned reply, in order.

        An element of a list of items that is no object is returned as well, for it to be refused.

        Args:
            value: A node of a `Scan`, or anything inside one.
            string_levels: How many strings within strings are looked into.
        """
        if isinstance(value, JsonList):
            return self._items_in_list(value, string_levels)
        if isinstance(value, JsonObject):
            return self._items_in_object(value, string_levels)
        if not string_levels or self._tokens_left <= 0 or not _JSON_START.match(value):
            return []
        raw = value.removeprefix('"') if isinstance(value, Bare) else value  # bare: it is cut
        inner = scan(text_from_quoted(raw), self._tokens_left)
        self._tokens_left -= inner.tokens + _TOKENS_PER_STRING
        nodes = inner.fenced or inner.plain
        return [item for node in nodes for item in self.items_in(node, string_levels - 1)]

    def _items_in_list(self, node: JsonList, string_levels: int) -> list[Value]:
        of_items = _holds_object(node)
        found: list[Value] = []
        for element in node.items:
            inner = self.items_in(element, string_levels)
            if not inner and of_items and not isinstance(element, JsonObject):
                inner = [element]
            found += inner
        return found

    def _items_in_object(self, node: JsonObject, string_levels: int) -> list[Value]:
        values = [value for _, value in node.members]
        if _has_box(node):
            return [node, *self._parts(values, string_levels)]
        found = [item for value in values for item in self.items_in(value, string_levels)]
        nothing_said = not values or any(isinstance(v, JsonList) and v.empty for v in values)
        return found if found or nothing_said else [node]

    def _parts(self, values: list[Value], string_levels: int) -> list[Value]:
        """Return the items with a box that stand in lists inside an item, as its parts do."""
        lists = [value for value in values if isinstance(value, JsonList) and _holds_object(value)]
        found = [item for value in lists for item in self._items_in_list(value, string_levels)]
        return [item for item in found if isinstance(item, JsonObject) and _has_box(item)]


def members_of_item(item: JsonObject) -> list[Members]:
    """Return what an item says, once for each time that it says all of it.

    A key that is written twice: where each round has a box and a label, the item is as many items,
    between which a model forgot `},{`. Elsewhere the last one holds, as in any JSON reader.
    """
    rounds: list[Members] = [{}]
    for key, value in item.members:
        name = _spelled(key)
        if name not in _KNOWN:
            continue
        if name in rounds[-1]:
            rounds.append({})
        rounds[-1][name] = value
    if len(rounds) == 1 or all(_is_complete(members) for members in rounds):
        return rounds
    return [{name: value for members in rounds for name, value in members.items()}]


def first_of(members: Members, keys: Sequence[str]) -> Value | None:
    """Return the value of the first of `keys` that `members` has, or None."""
    return next((members[key] for key in keys if key in members), None)


def _has_box(node: JsonObject) -> bool:
    """Say whether an object has a box, rather than a list of objects under the key of one."""
    return any(
        _spelled(key) in BOX_KEYS and not (isinstance(value, JsonList) and _holds_object(value))
        for key, value in node.members
    )


def _holds_object(node: JsonList) -> bool:
    return any(isinstance(element, JsonObject) for element in node.items)


def _is_complete(members: Members) -> bool:
    return first_of(members, BOX_KEYS) is not None and first_of(members, LABEL_KEYS) is not None


def _spelled(key: str) -> str:
    r"""Return `key` as it is spelled in `BOX_KEYS`: also of `Box 2D`, `bounding-box`, `box\_2d`."""
    if key in _KNOWN:
        return key
    return key.strip().lower().replace("\\", "").replace(" ", "_").replace("-", "_")
