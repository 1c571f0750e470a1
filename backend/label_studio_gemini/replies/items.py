"""One object of a reply → whether it is an item, one thing in the image, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from label_studio_gemini.replies.keys import (
    ANSWERS_KEY,
    BOX_KEYS,
    ID_KEY,
    IMAGE_KEYS,
    ITEM_KEYS,
    LABEL_KEYS,
    MASK_KEYS,
    NUMBER_KEYS,
    POINT_KEYS,
    spelled,
)
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, Value
from label_studio_gemini.replies.numbers import image_number, is_nothing, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_ITEM = frozenset({*ITEM_KEYS, *IMAGE_KEYS, ID_KEY, ANSWERS_KEY})
_MAYBE_LISTS = frozenset({"points", "box"})  # of one item, or of all

Members: TypeAlias = dict[str, Value]
"""What an item says: its known keys, spelled as in `BOX_KEYS` and the others."""


class Round(NamedTuple):
    """What an item says, once.

    Attributes:
        members: What is under known keys.
        others: What is under any other key, as that is written.
    """

    members: Members
    others: Members

    @property
    def number(self) -> int | None:
        """The number that it says it has."""
        said = {spelled(key): value for key, value in self.others.items()}
        return whole_number(first_of({**said, **self.members}, NUMBER_KEYS))


def is_item(node: JsonObject) -> bool:
    """Say whether an object has a box, a point, or a mask and a label: not a list of such."""
    own = [(key, value) for key, value in node.members if not _holds_items(value)]
    names = {spelled(key) for key, _ in own}
    labelled = not names.isdisjoint(LABEL_KEYS)
    if not names.isdisjoint(_MAYBE_LISTS) and (not labelled or len(own) < len(node.members)):
        names -= {
            name
            for key, value in own
            if (name := spelled(key)) in _MAYBE_LISTS and _is_empty(value)
        }
    return (
        not names.isdisjoint(BOX_KEYS)
        or not names.isdisjoint(POINT_KEYS)
        or (labelled and not names.isdisjoint(MASK_KEYS))
    )


def lacks_only_place(node: JsonObject) -> bool:
    """Say whether an object that is no item has a label and answers, as only items have both."""
    names = {spelled(key) for key, _ in node.members}
    holders = {spelled(key) for key, value in node.members if not isinstance(value, str)}
    return not names.isdisjoint(LABEL_KEYS) and ANSWERS_KEY in names and holders <= {ANSWERS_KEY}


def image_of(node: JsonObject) -> int | None:
    """Return the number of the image that an object names, where that is whole."""
    members = node.members[:-1] if node.cut_in_value else node.members
    named = (image_number(value) for key, value in members if spelled(key) in IMAGE_KEYS)
    return next((number for number in named if number is not None), None)


def rounds_of_item(item: JsonObject) -> list[Round]:
    """Return what an item says, once for each time that it says all of it.

    A key that is written twice: where each round has a place and a label, the item is as many
    items, between which a model forgot `},{`. Elsewhere the last one holds, as in any JSON reader.
    """
    rounds = [Round({}, {})]
    for key, value in item.members:
        name = spelled(key)
        members, others = rounds[-1]
        if name in members or (key in others and _is_complete(members)):
            members, others = Round({}, {})
            rounds.append(Round(members, others))
        if name in _OF_ITEM:
            members[name] = value
        else:
            others[key] = value
    if len(rounds) == 1 or all(_is_complete(one.members) for one in rounds):
        return rounds
    merged = Round({}, {})
    for one in rounds:
        merged.members.update(one.members)
        merged.others.update(one.others)
    return [merged]


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


def _holds_items(value: Value) -> bool:
    """Say whether a value is a list of objects other than the points of a polygon."""
    if not isinstance(value, JsonList) or not value.holds_object:
        return False
    first = next(one for one in value.items if isinstance(one, JsonObject))
    return {key.strip().lower() for key, _ in first.members} != {"x", "y"}


def _is_empty(value: Value) -> bool:
    """Say whether a value is `null` or an empty list, also one that is cut there."""
    return is_nothing(value) or (isinstance(value, JsonList) and value.empty)


def _is_complete(members: Members) -> bool:
    places = (*BOX_KEYS, *POINT_KEYS, *MASK_KEYS)
    return first_of(members, places) is not None and first_of(members, LABEL_KEYS) is not None
