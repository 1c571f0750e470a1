"""A scanned reply → the items in it: the objects that each describe one thing in the image.

Where they stand is not asked: at the top, in a list, under `boxes` or any other key, in a JSON text
inside a JSON string. What an item says is read by its keys, in any of their spellings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, Value
from label_studio_gemini.replies.numbers import image_number
from label_studio_gemini.replies.scan import MAX_TOKENS, scan
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.replies.nodes import Node

BOX_KEYS = ("box_2d", "bounding_box", "bbox", "box")
"""The spellings of the key of a box, the preferred one first."""

POINT_KEYS = ("point", "points", "point_2d", "keypoint")
"""The spellings of the key of a point."""

MASK_KEYS = ("mask", "segmentation_mask", "segmentation", "polygon")
"""The spellings of the key of a mask."""

LABEL_KEYS = ("label", "name", "class", "category")
"""The spellings of the key of a label, the preferred one first."""

IMAGE_KEYS = ("image", "image_index", "image_number")
"""The spellings of the key of the number of an item's image."""

ANSWERS_KEY = "answers"

_KNOWN = frozenset((*BOX_KEYS, *POINT_KEYS, *MASK_KEYS, *LABEL_KEYS, *IMAGE_KEYS))
_MAX_STRING_LEVELS = 2
_TOKENS_PER_STRING = 10  # what it costs to look into a string, counted in tokens
_JSON_START = re.compile(r'"?+(?:\s|\\[nrt])*+[\[{`]')

Members: TypeAlias = dict[str, Value]
"""What an item says: its known keys, spelled as in `BOX_KEYS` and the others."""


@dataclass(frozen=True, slots=True)
class Found:
    """An item, or an object of answers, and the number of the image that it stands under."""

    value: Value
    image: int | None


class ItemFinder:
    """Finds the items of one reply, and beside them its objects of answers.

    It counts the tokens of the JSON that it meets inside strings, so that the time for a reply
    stays bounded however many strings it has.

    Attributes:
        answers: The objects of answers that were met so far.
    """

    def __init__(self) -> None:
        self.answers: list[Found] = []
        self._tokens_left = MAX_TOKENS // 4

    def items_in(
        self, value: Value, image: int | None = None, string_levels: int = _MAX_STRING_LEVELS
    ) -> list[Found]:
        """Return the items in a node of a scanned reply, in order.

        An element of a list of items that is no object is returned as well, for it to be refused.

        Args:
            value: A node of a `Scan`, or anything inside one.
            image: The number of the image that it stands under.
            string_levels: How many strings within strings are looked into.
        """
        if isinstance(value, JsonList):
            return self._items_in_list(value, image, string_levels)
        if isinstance(value, JsonObject):
            return self._items_in_object(value, image, string_levels)
        nodes = self._nodes_in_string(value) if string_levels else ()
        return [item for node in nodes for item in self.items_in(node, image, string_levels - 1)]

    def _nodes_in_string(self, value: str) -> Sequence[Node]:
        if self._tokens_left <= 0 or not _JSON_START.match(value):
            return ()
        raw = value.removeprefix('"') if isinstance(value, Bare) else value  # bare: it is cut
        inner = scan(text_from_quoted(raw), self._tokens_left)
        self._tokens_left -= inner.tokens + _TOKENS_PER_STRING
        return inner.fenced or inner.plain

    def _items_in_list(self, node: JsonList, image: int | None, levels: int) -> list[Found]:
        found: list[Found] = []
        for element in node.items:
            inner = self.items_in(element, image, levels)
            if not inner and node.holds_object and not isinstance(element, JsonObject):
                inner = [Found(element, image)]
            found += inner
        return found

    def _items_in_object(self, node: JsonObject, image: int | None, levels: int) -> list[Found]:
        image = _image_of(node, image)
        if _is_item(node):
            return [Found(node, image), *self._parts(node, image, levels)]
        found: list[Found] = []
        nothing_said = not node.members
        for key, value in node.members:
            if spelled(key) == ANSWERS_KEY and self._took_answers(value, image):
                nothing_said = True
                continue
            found += self.items_in(value, image, levels)
            nothing_said |= isinstance(value, JsonList) and value.empty
        return found if found or nothing_said else [Found(node, image)]

    def _took_answers(self, value: Value, image: int | None) -> bool:
        """Take in what stands under the key of answers, unless it is a list of items."""
        nodes = self._nodes_in_string(value) if isinstance(value, str) else (value,)
        inner = [
            one for node in nodes for one in (node.items if isinstance(node, JsonList) else [node])
        ]
        objects = [one for one in inner if isinstance(one, JsonObject)]
        if not objects or len(objects) < len(inner) or any(map(_is_item, objects)):
            return False
        self.answers += [Found(one, _image_of(one, image)) for one in objects]
        return True

    def _parts(self, node: JsonObject, image: int | None, levels: int) -> list[Found]:
        """Return the items that stand in lists inside an item, as its parts do."""
        values = [value for key, value in node.members if spelled(key) not in MASK_KEYS]
        lists = [value for value in values if isinstance(value, JsonList) and value.holds_object]
        found = [item for value in lists for item in self._items_in_list(value, image, levels)]
        return [
            item for item in found if isinstance(item.value, JsonObject) and _is_item(item.value)
        ]


def members_of_item(item: JsonObject) -> list[Members]:
    """Return what an item says, once for each time that it says all of it.

    A key that is written twice: where each round has a place and a label, the item is as many
    items, between which a model forgot `},{`. Elsewhere the last one holds, as in any JSON reader.
    """
    rounds: list[Members] = [{}]
    for key, value in item.members:
        name = spelled(key)
        if name not in _KNOWN:
            continue
        if name in rounds[-1]:
            rounds.append({})
        rounds[-1][name] = value
    if len(rounds) == 1 or all(_is_complete(members) for members in rounds):
        return rounds
    return [{name: value for members in rounds for name, value in members.items()}]


def without_cut(item: JsonObject) -> JsonObject | None:
    """Return what stands whole in an item that is cut within its mask or behind it, or None.

    The mask that it is cut in is then empty: a mask without end is a known habit, and no reason to
    lose the box and the label before it.
    """
    if not any(spelled(key) in MASK_KEYS for key, _ in item.members):
        return None
    members = list(item.members)
    if item.cut_in_value:
        key, _ = members[-1]
        members[-1:] = [(key, Bare())] if spelled(key) in MASK_KEYS else []
    return replace(item, members=members, key=None)


def first_of(members: Members, keys: Sequence[str]) -> Value | None:
    """Return the value of the first of `keys` that `members` has, or None."""
    return next((members[key] for key in keys if key in members), None)


def _is_item(node: JsonObject) -> bool:
    """Say whether an object has a box, a point, or a mask and a label: not a list of such."""
    names = {spelled(key) for key, value in node.members if not _holds_items(value)}
    labelled = not names.isdisjoint(LABEL_KEYS)
    return (
        not names.isdisjoint(BOX_KEYS)
        or not names.isdisjoint(POINT_KEYS)
        or (labelled and not names.isdisjoint(MASK_KEYS))
    )


def _image_of(node: JsonObject, around: int | None) -> int | None:
    """Return the number of the image that an object names, or else of the one `around` it."""
    named = (image_number(value) for key, value in node.members if spelled(key) in IMAGE_KEYS)
    return next((number for number in named if number is not None), around)


def _holds_items(value: Value) -> bool:
    """Say whether a value is a list of objects other than the points of a polygon."""
    if not isinstance(value, JsonList) or not value.holds_object:
        return False
    first = next(one for one in value.items if isinstance(one, JsonObject))
    return {key.strip().lower() for key, _ in first.members} != {"x", "y"}


def _is_complete(members: Members) -> bool:
    places = (*BOX_KEYS, *POINT_KEYS, *MASK_KEYS)
    return first_of(members, places) is not None and first_of(members, LABEL_KEYS) is not None


def spelled(key: str) -> str:
    r"""Return `key` as it is spelled in `BOX_KEYS`: also of `Box 2D`, `bounding-box`, `box\_2d`."""
    if key in _KNOWN:
        return key
    return key.strip().lower().replace("\\", "").replace(" ", "_").replace("-", "_")
