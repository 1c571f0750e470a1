"""A scanned reply → what is in it: its items, and beside them answers and relations.

Where they stand is not asked: at the top, in a list, under `boxes` or any other key, in a JSON text
inside a JSON string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.replies.answers import answers_beside, is_null
from label_studio_gemini.replies.items import image_of, is_item, lacks_only_place
from label_studio_gemini.replies.keys import (
    ANSWERS_KEY,
    ERROR_KEYS,
    IMAGE_ANSWERS_KEY,
    IMAGE_KEYS,
    ITEM_KEYS,
    KNOWN_KEYS,
    MASK_KEYS,
    RELATIONS_KEYS,
    spelled,
)
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject
from label_studio_gemini.replies.numbers import image_number, is_nothing
from label_studio_gemini.replies.relations import is_relation
from label_studio_gemini.replies.scan import MAX_TOKENS, scan
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from label_studio_gemini.detections import Answer
    from label_studio_gemini.replies.nodes import Node, Value

_MAX_STRING_LEVELS = 2
_TOKENS_PER_STRING = 10  # what it costs to look into a string, counted in tokens
_JSON_START = re.compile(r'"?+(?:\s|\\[nrt])*+[\[{`]')
_NO_ANSWERS = KNOWN_KEYS | ERROR_KEYS


@dataclass(frozen=True, slots=True)
class Found:
    """An item, an object of answers or a relation, and the number of the image it stands under.

    Attributes:
        value: It.
        image: The number, where there is one.
        placed: Whether it is an item that says where it is.
    """

    value: Value
    image: int | None
    placed: bool = False


class _Around(NamedTuple):
    """Where a value stands.

    Attributes:
        image: Under the number of this image.
        string_levels: So many strings within strings may still be looked into.
        top: In no list and no object, or in a string of an object that is in none.
        in_item: Within an item, whose answers are not the reply's.
    """

    image: int | None = None
    string_levels: int = _MAX_STRING_LEVELS
    top: bool = True
    in_item: bool = False

    def below(self) -> _Around:
        """Return where the elements of a list stand, and what stands in an object."""
        return self._replace(top=False) if self.top else self


class ItemFinder:
    """Finds the items of one reply, and beside them all else that it says.

    It counts the tokens of the JSON that it meets inside strings, so that the time for a reply
    stays bounded however many strings it has.

    Attributes:
        answers: The objects of answers that were met so far.
        beside: Answers that stood beside lists of items, or alone, with the number of their image.
        unplaced: Objects of the answers of one image that don't say of which.
        relations: What stood where relations do, and relations that stood elsewhere.
    """

    def __init__(self) -> None:
        self.answers: list[Found] = []
        self.beside: list[tuple[int | None, dict[str, Answer]]] = []
        self.unplaced: list[Value] = []
        self.relations: list[Found] = []
        self._tokens_left = MAX_TOKENS // 4
        self._takers: dict[str, Callable[[Sequence[Value], int | None], bool]] = {
            ANSWERS_KEY: self._take_answers,
            IMAGE_ANSWERS_KEY: self._take_image_answers,
            **dict.fromkeys(RELATIONS_KEYS, self._take_relations),
        }

    @property
    def beside_items(self) -> int:
        """How much was met so far that is no item."""
        return len(self.answers) + len(self.beside) + len(self.unplaced) + len(self.relations)

    def items_in(self, node: Node) -> list[Found]:
        """Return the items in a node of a `Scan`, in order.

        An element of a list of items that is no object is returned as well, for it to be refused.
        """
        return self._items_in(node, _Around())

    def elements_in(self, value: Value) -> list[Value]:
        """Return the elements of a list, or else the one value; of a JSON text, those in it.

        What may go on behind the end of the text is left out.
        """
        nodes = self._nodes_in_string(value) if isinstance(value, str) else (value,)
        return [one for node in nodes for one in _elements(node)]

    def _items_in(self, value: Value, around: _Around) -> list[Found]:
        if isinstance(value, JsonList):
            return self._items_in_list(value, around.below())
        if isinstance(value, JsonObject):
            return self._items_in_object(value, around)
        nodes = self._nodes_in_string(value) if around.string_levels else ()
        inside = around._replace(string_levels=around.string_levels - 1) if nodes else around
        return [item for node in nodes for item in self._items_in(node, inside)]

    def _nodes_in_string(self, value: str) -> Sequence[Node]:
        if self._tokens_left <= 0 or not _JSON_START.match(value):
            return ()
        raw = value.removeprefix('"') if isinstance(value, Bare) else value  # bare: it is cut
        inner = scan(text_from_quoted(raw), self._tokens_left)
        self._tokens_left -= inner.tokens + _TOKENS_PER_STRING
        return inner.fenced or inner.plain

    def _items_in_list(self, node: JsonList, around: _Around) -> list[Found]:
        found: list[Found] = []
        for element in node.items:
            inner = self._items_in(element, around)
            if not inner and node.holds_object and not isinstance(element, JsonObject):
                inner = [Found(element, around.image)]
            found += inner
        return found

    def _items_in_object(self, node: JsonObject, around: _Around) -> list[Found]:
        image = image_of(node)
        if image is not None:
            around = around._replace(image=image)
        placed = is_item(node)
        if placed or (not around.top and lacks_only_place(node)):
            return [Found(node, around.image, placed), *self._parts(node, around)]
        if is_relation(node):
            self.relations.append(Found(node, around.image))
            return []
        found: list[Found] = []
        said = not node.members  # whether it says something, be it that there is nothing
        left: list[tuple[str, Value]] = []
        for member in node.members:
            inner, told = self._items_in_member(*member, around)
            found += inner
            said |= told
            left += [] if inner or told else [member]
        if self._took_beside(node, left, around, is_list=bool(found) or said):
            said = True
        return found if found or said else [Found(node, around.image)]

    def _items_in_member(self, key: str, value: Value, around: _Around) -> tuple[list[Found], bool]:
        """Return the items under a key, and whether something else was said there."""
        if self._took(spelled(key), value, around):
            return [], True
        beside_before = self.beside_items
        found = self._items_in(value, around if isinstance(value, str) else around.below())
        said = self.beside_items > beside_before
        return found, said or (isinstance(value, JsonList) and value.empty)

    def _took(self, name: str, value: Value, around: _Around) -> bool:
        """Take in what stands under a key of answers or relations, unless it is a list of items."""
        take = self._takers.get(name)
        if take is None or is_nothing(value):
            return take is not None
        elements = self.elements_in(value)
        if not elements or any(isinstance(one, JsonObject) and is_item(one) for one in elements):
            return False
        return around.in_item or take(elements, around.image)

    def _take_answers(self, elements: Sequence[Value], image: int | None) -> bool:
        objects = [one for one in elements if isinstance(one, JsonObject)]
        if len(objects) < len(elements):
            return False
        self.answers += [Found(one, image_of(one) or image) for one in objects]
        return True

    def _take_image_answers(self, elements: Sequence[Value], image: int | None) -> bool:
        """Take in one object for each image; if none says which one it is of, in their order."""
        by_number = _answers_by_number(elements)
        if by_number:
            self.answers += by_number
            return True
        named = [
            image_of(one) or image if isinstance(one, JsonObject) else None for one in elements
        ]
        in_order = not any(named)
        for place, (one, number) in enumerate(zip(elements, named, strict=True), 1):
            of = image_number(str(place)) if in_order else number
            if number is None and isinstance(one, JsonObject) and one.end < 0:
                continue  # its number may have come behind the end of the text
            if of is not None and isinstance(one, JsonObject):
                self.answers.append(Found(one, of))
            elif not is_null(one):
                self.unplaced.append(one)
        return True

    def _take_relations(self, elements: Sequence[Value], image: int | None) -> bool:
        for one in elements:
            own = image_of(one) if isinstance(one, JsonObject) else None
            self.relations.append(Found(one, own or image))
        return True

    def _took_beside(
        self, node: JsonObject, left: Sequence[tuple[str, Value]], around: _Around, *, is_list: bool
    ) -> bool:
        """Take the members of an object that say nothing else as answers; say if that is all of it.

        At the top, where it is no item that lacks its place; and beside the items of one image.

        Args:
            node: The object.
            left: Those of its members in which nothing was found.
            around: Where it stands.
            is_list: Whether something was found in it.
        """
        names = {spelled(key) for key, _ in node.members}
        of_one_image = is_list and not around.in_item and not names.isdisjoint(IMAGE_KEYS)
        at_top = around.top and (is_list or names.isdisjoint(ITEM_KEYS))
        if not node.whole or not (at_top or of_one_image):
            return False
        cut = node.members[-1] if node.cut_in_value else None
        told = [one for one in left if one is not cut and spelled(one[0]) not in _NO_ANSWERS]
        answers = answers_beside(told)
        if not answers:
            return False
        self.beside.append((around.image, answers))
        silent = [key for key, value in left if is_null(value) or spelled(key) in IMAGE_KEYS]
        keys = {key for key, _ in node.members}
        return len(answers) + len(silent) + (cut is not None) >= len(keys)

    def _parts(self, node: JsonObject, around: _Around) -> list[Found]:
        """Return the items that stand in lists inside an item, as its parts do."""
        values = [value for key, value in node.members if spelled(key) not in MASK_KEYS]
        lists = [value for value in values if isinstance(value, JsonList) and value.holds_object]
        inside = around._replace(top=False, in_item=True) if lists else around
        found = [item for value in lists for item in self._items_in_list(value, inside)]
        return [item for item in found if item.placed]


def _elements(node: Node) -> Sequence[Value]:
    if isinstance(node, JsonObject):
        return [node]
    may_go_on = node.end < 0 and node.items and isinstance(node.items[-1], Bare)
    return node.items[:-1] if may_go_on else node.items


def _answers_by_number(elements: Sequence[Value]) -> list[Found]:
    """Return the objects of answers in one object that has the numbers of images as its keys."""
    holder = elements[0] if len(elements) == 1 else None
    members = holder.members if isinstance(holder, JsonObject) else []
    found = [Found(value, image_number(key)) for key, value in members]
    by_number = all(one.image and isinstance(one.value, JsonObject) for one in found)
    return found if by_number else []
