"""The relations of a reply → which detection goes to which, by the numbers of their items."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.detections import Relation
from label_studio_gemini.replies.keys import GOAL_KEYS, KIND_KEYS, SOURCE_KEYS, spelled
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject
from label_studio_gemini.replies.numbers import is_nothing, whole_number
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from label_studio_gemini.replies.nodes import Value

_MAX_LABEL = 300
_END_KEYS = frozenset((*SOURCE_KEYS, *GOAL_KEYS))


class ReadRelation(NamedTuple):
    """A relation as it is written: the numbers of two items, and what it is called."""

    source: int
    goal: int
    labels: tuple[str, ...]


class Numbered(NamedTuple):
    """What an item is called by.

    Attributes:
        order: How many items were met before it; its own, whatever the reply says.
        place: Its place among the reply's items, from 1, where they can be counted.
        written: The number that it says it has.
        image: The number of its image.
    """

    order: int
    place: int | None
    written: int | None
    image: int | None


def is_relation(node: JsonObject) -> bool:
    """Say whether an object is a relation wherever it stands: it goes from a number to one."""
    names = [spelled(key) for key, _ in node.members]
    return not _END_KEYS.isdisjoint(names) and None not in _ends(node)


def read_relation(node: JsonObject) -> ReadRelation | None:
    """Read one relation, or return None where it lacks a number or its label is no text."""
    source, goal = _ends(node)
    labels = _labels(node)
    if source is None or goal is None or not labels:
        return None
    return ReadRelation(source, goal, labels)


class ItemCounter:
    """Counts a reply's items as they are written, as long as it is sure which they are.

    Attributes:
        items: All that were counted, refused ones as well.
    """

    def __init__(self) -> None:
        self.items: list[Numbered] = []
        self._sure = True

    def add(self, written: int | None, image: int | None) -> Numbered:
        """Return what the next item may be called by.

        Args:
            written: The number that it says it has.
            image: The number of its image.
        """
        order = len(self.items)
        self.items.append(Numbered(order, order + 1 if self._sure else None, written, image))
        return self.items[-1]

    def lose_count(self) -> None:
        """Note that there was something that may have been no item, or several."""
        self._sure = False


class Numbering:
    """The numbers of a reply's items.

    They are those that the items say they have. Where none says one, they are counted; and where
    they start anew with each image, the places stand for them: a number is one item's.
    """

    def __init__(self, items: Sequence[Numbered], kept: Container[int]) -> None:
        """Take in all items that were met.

        Args:
            items: They, refused ones as well.
            kept: The `order` of those that became detections: only these can be related.
        """
        written = {(item.image, item.written) for item in items if item.written is not None}
        self._counted = not written
        self._anew = len({number for _, number in written}) < len(written)
        self._several = len({item.image for item in items}) > 1
        self._named: defaultdict[tuple[int | None, int | None], list[Numbered]] = defaultdict(list)
        self._named_anywhere: defaultdict[int | None, list[Numbered]] = defaultdict(list)
        for item in items:
            if item.order in kept:
                name = item.place if self._counted else item.written
                self._named[item.image, name].append(item)
                self._named_anywhere[name].append(item)

    def number_of(self, item: Numbered) -> int | None:
        """Return what relations call an item, or None where they can't."""
        if self._counted or (self._anew and item.written is not None):
            return item.place
        return item.written

    def relations_from(self, read: ReadRelation, image: int | None) -> tuple[Relation, ...]:
        """Return a relation once for each of its labels; or nothing, where it relates no two items.

        Args:
            read: It, as it is written.
            image: The number of the image that it names, or stands under.
        """
        if self._counted and self._several and image is not None:
            return ()  # whether the items are counted anew in each image is not said
        source, goal = self._number_named(read.source, image), self._number_named(read.goal, image)
        if source is None or goal is None or source == goal:
            return ()
        return tuple(Relation(source, goal, label) for label in read.labels)

    def _number_named(self, name: int, image: int | None) -> int | None:
        """Return the number of the one item that has this name, or None where several have."""
        if image is None:
            found = [self._named_anywhere.get(name, [])]
        else:
            found = [self._named.get((one, name), []) for one in (image, None)]
        if sum(map(len, found)) != 1:
            return None
        (item,) = chain.from_iterable(found)
        return self.number_of(item)


def _ends(node: JsonObject) -> tuple[int | None, int | None]:
    said = {spelled(key): value for key, value in node.members}
    source, goal = (
        next((whole_number(said[key]) for key in keys if key in said), None)
        for keys in (SOURCE_KEYS, GOAL_KEYS)
    )
    return source, goal


def _labels(node: JsonObject) -> tuple[str, ...]:
    """Return what a relation is called; ("",) where nothing is said, () where it is no text."""
    said = {spelled(key): value for key, value in node.members if not is_nothing(value)}
    value = next((said[key] for key in KIND_KEYS if key in said), "")
    texts: Sequence[Value] = value.items if isinstance(value, JsonList) else [value]
    if isinstance(value, JsonList) and (not value.whole or value.end < 0):
        return ()
    labels = [_label(text) for text in texts]
    found = tuple(dict.fromkeys(label for label in labels if label is not None))
    return () if None in labels else found


def _label(value: Value) -> str | None:
    if not isinstance(value, str) or isinstance(value, Bare) or len(value) > _MAX_LABEL:
        return None
    return text_from_quoted(value).strip()
