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
    MAYBE_BOX_KEYS,
    MAYBE_LABEL_KEYS,
    NUMBER_KEYS,
    POINT_KEYS,
    spelled,
)
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, Value
from label_studio_gemini.replies.numbers import is_nothing, whole_number
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_ITEM = frozenset({*ITEM_KEYS, *IMAGE_KEYS, ID_KEY, ANSWERS_KEY})
_MAYBE_LISTS = frozenset({"points", "box"})  # of one item, or of all
_LABEL_KEYS = frozenset(LABEL_KEYS)
_PLACE_KEYS = frozenset((*BOX_KEYS, *POINT_KEYS, *MASK_KEYS))
_MAYBE_KEYS = frozenset((*MAYBE_BOX_KEYS, *MAYBE_LABEL_KEYS))
_MAX_LABEL = 300  # longer is no label, but a model that ran in circles

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


def is_item(node: JsonObject, *, surely: bool = False) -> bool:
    """Say whether an object has a box, a point, or a mask and a label: not a list of such.

    Args:
        node: The object.
        surely: Leave out the keys that may as well be the names of questions.
    """
    own = [(key, value) for key, value in node.members if not _holds_items(value)]
    names = {spelled(key) for key, _ in own} if surely else {*names_of(own)}
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


def names_of(members: Sequence[tuple[str, Value]]) -> list[str]:
    """Return for each member of an object its key, as it is spelled in `BOX_KEYS` and the others.

    A key that may be a question's name as well stands for `label` or `box_2d` where no other does,
    and what is under it can be one.
    """
    names = [spelled(key) for key, _ in members]
    if _MAYBE_KEYS.isdisjoint(names):
        return names
    standing: dict[str, str] = {}
    for name, (_, value) in zip(names, members, strict=True):
        if name in MAYBE_LABEL_KEYS and _LABEL_KEYS.isdisjoint(names) and _text_of(value):
            standing.setdefault(LABEL_KEYS[0], name)
        elif name in MAYBE_BOX_KEYS and _PLACE_KEYS.isdisjoint(names) and _may_be_box(value):
            standing.setdefault(BOX_KEYS[0], name)
    meant = {name: key for key, name in standing.items()}
    return [meant.get(name, name) for name in names]


def label_of(members: Members) -> str:
    """Return the label of an item without the white space around it, or "" where it has none."""
    return _text_of(first_of(members, LABEL_KEYS)) or ""


def is_unclosed(value: Value | None) -> bool:
    """Say whether a value is a text whose closing quote was forgotten: where it ends is unknown."""
    return isinstance(value, Bare) and value.startswith('"')


def lacks_only_place(node: JsonObject) -> bool:
    """Say whether an object that is no item has a label and answers, as only items have both."""
    names = {spelled(key) for key, _ in node.members}
    holders = {spelled(key) for key, value in node.members if not isinstance(value, str)}
    return not names.isdisjoint(LABEL_KEYS) and ANSWERS_KEY in names and holders <= {ANSWERS_KEY}


def rounds_of_item(item: JsonObject) -> list[Round]:
    """Return what an item says, once for each time that it says all of it.

    A key that is written twice: where each round has a place and a label, the item is as many
    items, between which a model forgot `},{`. Elsewhere the last one holds, as in any JSON reader.
    """
    rounds = [Round({}, {})]
    for name, (key, value) in zip(names_of(item.members), item.members, strict=True):
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
    for key in keys:
        if key in members:
            return members[key]
    return None


def _text_of(value: Value | None) -> str | None:
    """Return the text that a label is: in quotes, or the one in a list; or None."""
    if isinstance(value, JsonList) and value.whole and value.end >= 0 and len(value.items) == 1:
        value = value.items[0]
    if not isinstance(value, str) or isinstance(value, Bare) or len(value) > _MAX_LABEL:
        return None
    return text_from_quoted(value).strip()


def _may_be_box(value: Value) -> bool:
    """Say whether a value is what boxes are and no answer is: an object, or a list of numbers."""
    if isinstance(value, JsonList):
        return bool(value.items) and not value.holds_quoted and not value.holds_object
    return isinstance(value, JsonObject)


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
