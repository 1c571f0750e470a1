"""Reply text → `Reading`, by the shape of the text and never by the model's name.

`scan` finds the JSON in the text, `items` the items in the JSON, `boxes` the boxes in an item. An
item that is not whole is refused or, where the reply was cut within it, left out: nothing is ever
completed or guessed, and no broken item harms another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.detections import Detection, Reading, Reject, RejectReason
from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies.boxes import read_boxes
from label_studio_gemini.replies.items import (
    BOX_KEYS,
    LABEL_KEYS,
    ItemFinder,
    first_of,
    members_of_item,
)
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, raw_from_value
from label_studio_gemini.replies.scan import scan
from label_studio_gemini.replies.strings import mended, text_from_quoted

if TYPE_CHECKING:
    from label_studio_gemini.replies.items import Members
    from label_studio_gemini.replies.nodes import Node, Value
    from label_studio_gemini.replies.scan import Scan

__all__ = ["read_reply"]

_MAX_LABEL = 300  # longer is no label, but a model that ran in circles
_MAX_STRING_LEVELS = 2
# A reply that is a JSON text inside a JSON string, with or without the outer quotes: no quote
# within it stands without a backslash.
_QUOTED_REPLY = re.compile(
    r'\s*+(?:`{3,}+\w*+\s*+)?+"?+((?:\\++")?+(?:\s|\\[nrt])*+[\[{][^"\\]*+(?:\\.[^"\\]*+)*+)\\?"?+[\s`]*+',
    re.DOTALL,
)
_NOTHING_AROUND = re.compile(r"[\s`]*+(?:json)?+[\s`]*+", re.IGNORECASE)
_CUT_AT_START = re.compile(r"[\[{\s]++(?:[\"']|\Z)")


def read_reply(text: str) -> Reading:
    """Read what a model answered, whatever the text; in linear time.

    Where an answer stands in a fenced block, only fenced blocks are read. The same label with the
    same box once more is refused as `REPEATED`: a model that runs in circles writes that.

    Raises:
        ReplyError: The text holds nothing that could be an answer; an empty list is one.
    """
    text = mended(text)
    for _ in range(_MAX_STRING_LEVELS):
        quoted = _QUOTED_REPLY.fullmatch(text) if '\\"' in text else None
        if quoted is None:
            break
        text = text_from_quoted(quoted[1])
    return _Reader(text).reading()


class _Reader:
    """What has been read of one reply so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._finder = ItemFinder()
        self._detections: dict[Detection, None] = {}  # ordered, and quick to ask
        self._rejects: list[Reject] = []
        self._truncated = False
        self._clamped = 0

    def reading(self) -> Reading:
        """Read all that the text holds.

        Raises:
            ReplyError: It holds no answer.
        """
        found = scan(self._text)
        answers = self._answers(found)
        if not answers:
            raise ReplyError(
                "The reply holds no list and no object that could be an answer: "
                f"{self._text[:80]!r}.",
                hint="Ask in the prompt for a JSON list of objects with `box_2d` and `label`, "
                "and for `[]` where there is nothing to find.",
            )
        self._truncated = found.exhausted
        for node, items in answers:
            self._truncated |= node.end < 0
            for item in items:
                self._read_item(item)
        return Reading(
            tuple(self._detections), tuple(self._rejects), self._truncated, self._clamped
        )

    def _answers(self, found: Scan) -> list[tuple[Node, list[Value]]]:
        """Return the nodes that are an answer, each with its items; one without items is `[]`."""
        for nodes in (found.fenced, found.plain):
            read = [(node, self._finder.items_in(node)) for node in nodes]
            answers = [(node, items) for node, items in read if items or _is_blank(node)]
            if answers:
                return answers
        return [(node, [node]) for node in found.fenced + found.plain if self._is_alone(node)]

    def _is_alone(self, node: Node) -> bool:
        """Say whether a list that holds no item is all that the reply says: `[1, 2, 3]`."""
        return (
            node.end >= 0
            and _NOTHING_AROUND.fullmatch(self._text, 0, node.start) is not None
            and _NOTHING_AROUND.fullmatch(self._text, node.end) is not None
            and isinstance(node, JsonList)
            and not any(isinstance(e, Bare) and e[:1].isalpha() for e in node.items)
        )

    def _read_item(self, item: Value) -> None:
        if not isinstance(item, JsonObject):
            self._reject(RejectReason.NOT_AN_OBJECT, item)
        elif item.end < 0:
            self._truncated = True
        elif not item.whole:
            self._reject(RejectReason.BROKEN, item)
        else:
            for members in members_of_item(item):
                self._read_members(members, item)

    def _read_members(self, members: Members, item: JsonObject) -> None:
        value, label = first_of(members, BOX_KEYS), _label(members)
        if value is None:
            self._reject(RejectReason.NO_BOX, item)
        elif not label:
            self._reject(RejectReason.NO_LABEL, item)
        else:
            for box in read_boxes(value):
                if isinstance(box, RejectReason):
                    self._reject(box, item)
                else:
                    self._add(Detection(label, box.box), item, clamped=box.clamped)

    def _add(self, detection: Detection, item: JsonObject, *, clamped: bool) -> None:
        if detection in self._detections:
            self._reject(RejectReason.REPEATED, item)
            return
        self._detections[detection] = None
        self._clamped += clamped

    def _reject(self, reason: RejectReason, item: Value) -> None:
        self._rejects.append(Reject(reason, raw_from_value(item)))


def _label(members: Members) -> str:
    """Return the label of an item without the white space around it, or "" where it has none."""
    value = first_of(members, LABEL_KEYS)
    if not isinstance(value, str) or isinstance(value, Bare) or len(value) > _MAX_LABEL:
        return ""
    return text_from_quoted(value).strip()


def _is_blank(node: Node) -> bool:
    """Say whether a node that holds no item says so: `[]`, `{"boxes": []}`, or cut before one."""
    if node.end < 0:
        return _CUT_AT_START.match(node.source, node.start) is not None
    return node.whole and (isinstance(node, JsonObject) or node.empty)
