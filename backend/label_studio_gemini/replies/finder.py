"""A scanned reply → what is in it: its items, and beside them answers and relations.

Where they stand is not asked: at the top, in a list, under `boxes` or any other key, in a JSON text
inside a JSON string.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.replies.answers import answers_beside, is_null
from label_studio_gemini.replies.beside import Beside, Found
from label_studio_gemini.replies.images import image_of, images_by_key, is_list_of_images
from label_studio_gemini.replies.items import is_item, lacks_only_place
from label_studio_gemini.replies.keys import (
    ANSWERS_KEY,
    ERROR_KEYS,
    IMAGE_KEYS,
    ITEM_KEYS,
    KNOWN_KEYS,
    LABEL_KEYS,
    MASK_KEYS,
    MAYBE_IMAGE_KEYS,
    spelled,
)
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject
from label_studio_gemini.replies.numbers import image_number, is_nothing
from label_studio_gemini.replies.relations import is_relation
from label_studio_gemini.replies.scan import MAX_TOKENS, scan
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.replies.nodes import Node, Value

_MAX_STRING_LEVELS = 2
_TOKENS_PER_STRING = 10  # what it costs to look into a string, counted in tokens
_JSON_START = re.compile(r'"?+(?:\s|\\[nrt])*+[\[{`]')
_LABEL_KEYS = frozenset(LABEL_KEYS)
_IMAGE_KEYS = frozenset((*IMAGE_KEYS, *MAYBE_IMAGE_KEYS))
_NO_ANSWERS = KNOWN_KEYS | ERROR_KEYS


class _Around(NamedTuple):
    """Where a value stands.

    Attributes:
        image: Under the number of this image.
        image_of_all: Likewise, where no key says it that may be the name of a question; what is
            answered there is answered of this image.
        string_levels: So many strings within strings may still be looked into.
        top: In no list and no object, or in a string of an object that is in none.
        in_item: Within an item, whose answers are not the reply's.
    """

    image: int | None = None
    image_of_all: int | None = None
    string_levels: int = _MAX_STRING_LEVELS
    top: bool = True
    in_item: bool = False

    @property
    def may_be_of_any(self) -> bool:
        """Whether keys and places may tell which image it is of."""
        return self.image is None and not self.in_item

    def below(self) -> _Around:
        """Return where the elements of a list stand, and what stands in an object."""
        return self._replace(top=False) if self.top else self

    def in_object(self, node: JsonObject) -> _Around:
        """Return where the members of an object stand, by the image that it names."""
        image = image_of(node)
        if image is None:
            return self
        # Alone at the top, `{"page": 12}` may be the answer to a question.
        of_all = image_of(node, surely=True) or self.image_of_all if self.top else image
        return self._replace(image=image, image_of_all=of_all)

    def of_image(self, number: int | None) -> _Around:
        """Return where that stands which is under the number of an image."""
        return self._replace(image=number, image_of_all=number)


class ItemFinder:
    """Finds the items of one reply, and beside them all else that it says.

    It counts the tokens of the JSON that it meets inside strings, so that the time for a reply
    stays bounded however many strings it has.

    Attributes:
        said: What was met so far that is no item.
    """

    def __init__(self) -> None:
        self.said = Beside()
        self._tokens_left = MAX_TOKENS * 4 // 5

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
        said = any(isinstance(node, JsonObject) or node.holds_object for node in inner.fenced)
        return inner.fenced if said else inner.fenced + inner.plain

    def _items_in_list(self, node: JsonList, around: _Around) -> list[Found]:
        found: list[Found] = []
        by_place = around.may_be_of_any and is_list_of_images(node)
        for place, element in enumerate(node.items, 1):
            inside = around.of_image(image_number(str(place))) if by_place else around
            inner = self._items_in(element, inside)
            if not inner and node.holds_object and not isinstance(element, JsonObject):
                inner = [Found(element, around.image)]
            found += inner
        return found

    def _items_in_object(self, node: JsonObject, around: _Around) -> list[Found]:
        around = around.in_object(node)
        placed = is_item(node)
        if placed or (not around.top and lacks_only_place(node)):
            return [Found(node, around.image, placed), *self._parts(node, around)]
        if is_relation(node):
            self.said.relations.append(Found(node, around.image))
            return []
        found: list[Found] = []
        # Braces around nothing are prose at the top, and elsewhere an item that was lost.
        said = _says_nothing(node) and (node.whole or around.top)
        left: list[tuple[str, Value]] = []
        by_key = images_by_key(node) if around.may_be_of_any else {}
        for member in node.members:
            inside = around.of_image(by_key[member[0]]) if member[0] in by_key else around
            inner, told = self._items_in_member(*member, inside)
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
        before = self.said.mark()
        found = self._items_in(value, around if isinstance(value, str) else around.below())
        said = self.said.mark() != before
        return found, said or (isinstance(value, JsonList) and value.empty)

    def _took(self, name: str, value: Value, around: _Around) -> bool:
        """Take in what stands under a key of answers or relations, unless it is a list of items."""
        if not self.said.has_place_for(name):
            return False
        if is_nothing(value):
            return True
        elements = self.elements_in(value)
        if not elements or _holds_items(elements):
            return False
        return around.in_item or self.said.take(name, elements, around.image_of_all)

    def _took_beside(
        self, node: JsonObject, left: Sequence[tuple[str, Value]], around: _Around, *, is_list: bool
    ) -> bool:
        """Take the members of an object that say nothing else as answers; say if that is all of it.

        At the top, where it is no item that lacks its place; and beside the items of one image.

        Args:
            node: The object.
            left: Those of its members in which nothing was found.
            around: Where its members stand.
            is_list: Whether something was found in it.
        """
        names = {spelled(key) for key, _ in node.members}
        of_one_image = is_list and not around.in_item and not names.isdisjoint(_IMAGE_KEYS)
        at_top = around.top and (is_list or names.isdisjoint(ITEM_KEYS))
        if not node.whole or not (at_top or of_one_image):
            return False
        cut = node.members[-1] if node.cut_in_value else None
        told = [one for one in left if one is not cut and spelled(one[0]) not in _NO_ANSWERS]
        answers = answers_beside(told)
        if not answers:
            return False
        self.said.flat.append((around.image_of_all, answers))
        silent = [key for key, value in left if is_null(value) or spelled(key) in IMAGE_KEYS]
        keys = {key for key, _ in node.members}
        return len(answers) + len(silent) + (cut is not None) >= len(keys)

    def _parts(self, node: JsonObject, around: _Around) -> list[Found]:
        """Return the items that stand in lists inside an item, as its parts do."""
        lists = [
            value
            for key, value in node.members
            if isinstance(value, JsonList) and value.holds_object and _may_hold_parts(key, value)
        ]
        inside = around._replace(top=False, in_item=True) if lists else around
        found = [item for value in lists for item in self._items_in_list(value, inside)]
        return [item for item in found if item.placed]


def _elements(node: Node) -> Sequence[Value]:
    if isinstance(node, JsonObject):
        return [node]
    may_go_on = node.end < 0 and node.items and isinstance(node.items[-1], Bare)
    return node.items[:-1] if may_go_on else node.items


def _holds_items(elements: Sequence[Value]) -> bool:
    """Say whether any of what stands under a key of answers or relations is sure to be an item."""
    return any(isinstance(one, JsonObject) and is_item(one, surely=True) for one in elements)


def _may_hold_parts(key: str, value: JsonList) -> bool:
    name = spelled(key)
    return name not in MASK_KEYS and (name != ANSWERS_KEY or _holds_items(value.items))


def _says_nothing(node: JsonObject) -> bool:
    """Say whether an object says that there is nothing: `{}`, `{"boxes": null}`."""
    if not all(is_null(value) for _, value in node.members):
        return False
    return _LABEL_KEYS.isdisjoint(spelled(key) for key, _ in node.members)
