"""The lists and objects that a text holds → those that are the answer.

A text may hold more than that: the format that was asked for, an example, the model's own code. In
which of them the answer stands, a fence does not say: what can be used does.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.replies.items import label_of, rounds_of_item
from label_studio_gemini.replies.nodes import JsonObject
from label_studio_gemini.replies.places import Place, read_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.replies.beside import Found, Mark
    from label_studio_gemini.replies.finder import ItemFinder
    from label_studio_gemini.replies.nodes import Node
    from label_studio_gemini.replies.scan import Scan

_CUT_AT_START = re.compile(r"[\[{\s]++(?:[\"'\u201c-\u201f]|\Z)")


class _Worth(IntEnum):
    """What a node says."""

    NOTHING = 0
    UNUSABLE = 1  # items that all will be refused; or that there are none
    FLAT = 2  # what may be answers
    USABLE = 3


class Part(NamedTuple):
    """A node of the text that is part of the answer, and its items; without any it is `[]`."""

    node: Node
    items: list[Found]


class _Judged(NamedTuple):
    """A part, and what was found in it beside its items."""

    part: Part
    before: Mark
    after: Mark

    def worth(self) -> _Worth:
        if any(map(_is_usable, self.part.items)) or self.after.is_clear(self.before):
            return _Worth.USABLE
        return _Worth.UNUSABLE if self.after == self.before else _Worth.FLAT


def parts_of(found: Scan, finder: ItemFinder) -> list[Part]:
    """Return the nodes that are the answer.

    What stands in fences is, and what can be used in the open. Where only that can be used, what is
    in fences comes last: it will be refused.
    """
    if not (found.fenced and found.plain):
        return [one.part for one in _judged(found.fenced or found.plain, finder)]
    fenced = _judged(found.fenced, finder)
    inside = [one.part for one in fenced]
    best = _best(fenced)
    if best is _Worth.USABLE:
        plain = _judged(found.plain, finder, only_usable=True)
        return sorted([*inside, *(one.part for one in plain)], key=lambda part: part.node.start)
    before = finder.said.mark()
    plain = _judged(found.plain, finder)
    if _best(plain) > best:
        return [*(one.part for one in plain), *inside]
    finder.said.forget(before)
    return inside


def _judged(
    nodes: Sequence[Node], finder: ItemFinder, *, only_usable: bool = False
) -> list[_Judged]:
    """Return the nodes that say something; of others, nothing is kept."""
    judged = []
    before = finder.said.mark()
    for node in nodes:
        items = finder.items_in(node)
        after = finder.said.mark()
        if not items and after == before and not _is_blank(node):
            continue
        one = _Judged(Part(node, items), before, after)
        if only_usable and one.worth() is not _Worth.USABLE and not _ends_reply(one.part):
            finder.said.forget(before)
            continue
        judged.append(one)
        before = after
    return judged


def _best(judged: Sequence[_Judged]) -> _Worth:
    best = _Worth.NOTHING
    for one in judged:
        best = max(best, one.worth())
        if best is _Worth.USABLE:
            break
    return best


def _ends_reply(part: Part) -> bool:
    """Say whether it is the end of the text, and no fence, that items are cut at."""
    node = part.node
    return bool(part.items) and node.end < 0 and "```" not in node.source[node.start :]


def _is_usable(found: Found) -> bool:
    """Say whether an item will be a detection, unless it repeats one."""
    item = found.value
    if not found.placed or not isinstance(item, JsonObject) or not item.whole or item.end < 0:
        return False
    return any(
        label_of(said.members)
        and any(isinstance(place, Place) for place in read_places(said.members))
        for said in rounds_of_item(item)
    )


def _is_blank(node: Node) -> bool:
    """Say whether a node that holds no item says so: `[]`, `{"boxes": []}`, or cut before one."""
    if node.end < 0:
        return _CUT_AT_START.match(node.source, node.start) is not None
    return node.whole and (isinstance(node, JsonObject) or node.empty)
