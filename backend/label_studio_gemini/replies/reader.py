"""The items of a reply → what each of them says, and the `Reading` that they make together."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.detections import Detection, Reading, Reject, RejectReason
from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies.answers import read_answers
from label_studio_gemini.replies.items import (
    BOX_KEYS,
    LABEL_KEYS,
    MASK_KEYS,
    POINT_KEYS,
    Found,
    ItemFinder,
    first_of,
    members_of_item,
    without_cut,
)
from label_studio_gemini.replies.loops import in_circles
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, raw_from_value
from label_studio_gemini.replies.numbers import is_nothing
from label_studio_gemini.replies.outlines import Outline, polygons_from_outlines, read_outline
from label_studio_gemini.replies.pictures import PictureReader, is_picture
from label_studio_gemini.replies.places import Place, read_places
from label_studio_gemini.replies.scan import scan
from label_studio_gemini.replies.strings import text_from_quoted

if TYPE_CHECKING:
    from label_studio_gemini.detections import Answer
    from label_studio_gemini.masks import MaskPng
    from label_studio_gemini.replies.items import Members
    from label_studio_gemini.replies.nodes import Node, Value
    from label_studio_gemini.replies.scan import Scan

_MAX_LABEL = 300  # longer is no label, but a model that ran in circles
_NOTHING_AROUND = re.compile(r"[\s`]*+(?:json)?+[\s`]*+", re.IGNORECASE)
_CUT_AT_START = re.compile(r"[\[{\s]++(?:[\"']|\Z)")


class _ReadMask(NamedTuple):
    """What stands under an item's mask key: a picture, an outline, or nothing that can be used."""

    picture: MaskPng | None = None
    outline: Outline | None = None
    unreadable: bool = False


_NO_MASK = _ReadMask()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A detection whose outline waits for the others of the reply, to know its order.

    Attributes:
        detection: What is known of it.
        mask: Its mask as far as it is read.
        clamped: Whether anything of it was cut back to 0-1000.
        item: Where it stands.
    """

    detection: Detection
    mask: _ReadMask
    clamped: bool
    item: JsonObject


class Reader:
    """What has been read of one reply so far. Its text is one that was `mended`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._finder = ItemFinder()
        self._pictures = PictureReader()
        self._drafts: list[_Draft] = []
        self._seen: set[tuple[Detection, Outline | None]] = set()
        self._rejects: list[Reject] = []
        self._truncated = False
        self._answers: defaultdict[int | None, dict[str, Answer]] = defaultdict(dict)

    def reading(self) -> Reading:
        """Read all that the text holds.

        Raises:
            ReplyError: It holds no answer.
        """
        found = scan(self._text)
        parts = self._parts(found)
        if not parts:
            raise ReplyError(
                "The reply holds no list and no object that could be an answer: "
                f"{self._text[:80]!r}.",
                hint="Ask in the prompt for a JSON list of objects with `box_2d` and `label`, "
                "and for `[]` where there is nothing to find.",
            )
        self._truncated = found.exhausted
        for node, items in parts:
            self._truncated |= node.end < 0
            for item in items:
                self._read_item(item)
        for answers in self._finder.answers:
            self._read_answers(answers)
        self._settle_outlines()
        return self._reading()

    def _parts(self, found: Scan) -> list[tuple[Node, list[Found]]]:
        """Return the nodes that are an answer, each with its items; one without items is `[]`."""
        for nodes in (found.fenced, found.plain):
            parts = []
            for node in nodes:
                answers_before = len(self._finder.answers)
                items = self._finder.items_in(node)
                if items or len(self._finder.answers) > answers_before or _is_blank(node):
                    parts.append((node, items))
            if parts:
                return parts
        alone = (node for node in found.fenced + found.plain if self._is_alone(node))
        return [(node, [Found(node, None)]) for node in alone]

    def _is_alone(self, node: Node) -> bool:
        """Say whether a list that holds no item is all that the reply says: `[1, 2, 3]`."""
        return (
            node.end >= 0
            and _NOTHING_AROUND.fullmatch(self._text, 0, node.start) is not None
            and _NOTHING_AROUND.fullmatch(self._text, node.end) is not None
            and isinstance(node, JsonList)
            and not any(isinstance(e, Bare) and e[:1].isalpha() for e in node.items)
        )

    def _read_item(self, found: Found) -> None:
        item = found.value
        if not isinstance(item, JsonObject):
            self._reject(RejectReason.NOT_AN_OBJECT, item)
            return
        if item.end < 0:
            self._truncated = True
            rest = without_cut(item)
            for members in members_of_item(rest) if rest and rest.whole else ():
                if _label(members) and first_of(members, (*BOX_KEYS, *POINT_KEYS)) is not None:
                    self._read_members(members, item, found.image)
        elif not item.whole:
            self._reject(RejectReason.BROKEN, item)
        else:
            for members in members_of_item(item):
                self._read_members(members, item, found.image)

    def _read_members(self, members: Members, item: JsonObject, image: int | None) -> None:
        label, places = _label(members), read_places(members)
        if not label and RejectReason.NO_BOX not in places:
            self._reject(RejectReason.NO_LABEL, item)
            return
        good = [place for place in places if isinstance(place, Place)]
        for place in places:
            if not isinstance(place, Place):
                self._reject(place, item)
        for place, mask in _shared(self._read_mask(members), good):
            detection = Detection(label, place.box, place.point, mask.picture, image)
            self._add(_Draft(detection, mask, place.clamped, item))

    def _read_mask(self, members: Members) -> _ReadMask:
        value = first_of(members, MASK_KEYS)
        if value is None or is_nothing(value):
            return _NO_MASK
        if isinstance(value, str) and is_picture(value):
            picture = self._pictures.read(value)
            return _ReadMask(picture, unreadable=picture is None)
        outline = read_outline(value)
        return _ReadMask(outline=outline, unreadable=outline is None)

    def _add(self, draft: _Draft) -> None:
        found, mask = draft.detection, draft.mask
        if found.box is None and mask.picture is not None:  # it is a picture of an unknown box
            mask = _ReadMask(unreadable=True)
            found = replace(found, mask=None)
        placed = found.box is not None or found.point is not None
        same = (replace(found, mask=None), None if placed else mask.outline)
        if not placed and mask.outline is None:
            self._reject(RejectReason.NO_BOX, draft.item)
        elif same in self._seen:
            self._reject(RejectReason.REPEATED, draft.item)
        else:
            self._seen.add(same)
            self._drafts.append(_Draft(found, mask, draft.clamped, draft.item))

    def _settle_outlines(self) -> None:
        """Give each outlined detection its polygon, now that all of the reply are known."""
        outlines = {i: d.mask.outline for i, d in enumerate(self._drafts) if d.mask.outline}
        with_boxes = [(one, self._drafts[i].detection.box) for i, one in outlines.items()]
        settled = zip(outlines.items(), polygons_from_outlines(with_boxes), strict=True)
        for (index, outline), outlined in settled:
            draft = self._drafts[index]
            if outlined is None:
                self._drafts[index] = replace(draft, mask=_ReadMask(unreadable=True))
                continue
            box = draft.detection.box or outlined.box
            found = replace(draft.detection, box=box, mask=outlined.polygon)
            clamped = draft.clamped or outline.clamped
            self._drafts[index] = replace(draft, detection=found, clamped=clamped)

    def _reading(self) -> Reading:
        circles = in_circles([draft.detection for draft in self._drafts])
        for index in sorted(circles):
            self._reject(RejectReason.REPEATED, self._drafts[index].item)
        kept = [draft for index, draft in enumerate(self._drafts) if index not in circles]
        return Reading(
            detections=tuple(draft.detection for draft in kept),
            rejects=tuple(self._rejects),
            truncated=self._truncated,
            clamped=sum(draft.clamped for draft in kept),
            masks_unreadable=sum(draft.mask.unreadable for draft in kept),
            answers=self._answers.pop(None, {}),
            image_answers={image: said for image, said in self._answers.items() if image},
        )

    def _read_answers(self, found: Found) -> None:
        node = found.value
        if not isinstance(node, JsonObject) or not node.whole:
            self._reject(RejectReason.BROKEN, node)
            return
        said, bad = read_answers(node)
        for value in bad:
            self._reject(RejectReason.BAD_ANSWER, value)
        self._answers[found.image].update(said)

    def _reject(self, reason: RejectReason, item: Value) -> None:
        self._rejects.append(Reject(reason, raw_from_value(item)))


def _shared(mask: _ReadMask, places: list[Place]) -> list[tuple[Place, _ReadMask]]:
    """Give an item's mask to its one place; where it has several, whose it is isn't said."""
    boxes = [place for place in places if place.box is not None] or places
    if len(boxes) > 1 and mask is not _NO_MASK:
        return [(place, _ReadMask(unreadable=place is boxes[0])) for place in places]
    return [(place, mask if place in boxes else _NO_MASK) for place in places]


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
