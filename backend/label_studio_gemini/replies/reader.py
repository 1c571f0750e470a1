"""The items of a reply → what each of them says, and the `Reading` that they make together."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.detections import Detection, Reading, Reject, RejectReason
from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies.answers import answers_beside, read_answers
from label_studio_gemini.replies.beside import Found
from label_studio_gemini.replies.drafts import Draft, ReadMask, read_mask, settled, share_mask
from label_studio_gemini.replies.finder import ItemFinder
from label_studio_gemini.replies.items import (
    first_of,
    is_item,
    is_unclosed,
    label_of,
    names_of,
    rounds_of_item,
    without_cut,
)
from label_studio_gemini.replies.keys import (
    ANSWERS_KEY,
    BOX_KEYS,
    ITEM_KEYS,
    LABEL_KEYS,
    POINT_KEYS,
)
from label_studio_gemini.replies.loops import in_circles
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, raw_from_value
from label_studio_gemini.replies.numbers import is_nothing
from label_studio_gemini.replies.outlines import OutlineReader
from label_studio_gemini.replies.parts import Part, parts_of
from label_studio_gemini.replies.pictures import PictureReader
from label_studio_gemini.replies.places import Place, read_places
from label_studio_gemini.replies.relations import ItemCounter, Numbering, read_relation
from label_studio_gemini.replies.scan import scan

if TYPE_CHECKING:
    from label_studio_gemini.detections import Answer, Relation
    from label_studio_gemini.replies.items import Members, Round
    from label_studio_gemini.replies.nodes import Node, Value
    from label_studio_gemini.replies.outlines import Outline
    from label_studio_gemini.replies.scan import Scan

_NOTHING_AROUND = re.compile(r"[\s`]*+(?:json)?+[\s`]*+", re.IGNORECASE)
_NULL = re.compile(r"[\s`]*+(?:json\b)?+[\s`]*+(?:null|None)[\s`]*+", re.IGNORECASE)


class Reader:
    """What has been read of one reply so far. Its text is one that was `mended`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._finder = ItemFinder()
        self._pictures = PictureReader()
        self._outlines = OutlineReader()
        self._drafts: list[Draft] = []
        self._counter = ItemCounter()
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
        parts = parts_of(found, self._finder) or self._parts_alone(found)
        if not parts and _NULL.fullmatch(self._text) is None:
            raise ReplyError(
                "The reply holds no list and no object that could be an answer",
                hint="Ask in the prompt for a JSON list of objects with `box_2d` and `label`, "
                "and for `[]` where there is nothing to find.",
                text=self._text,
            )
        self._truncated = found.exhausted
        for node, items in parts:
            self._truncated |= node.end < 0
            for item in items:
                self._read_item(item)
        self._read_answers()
        return self._reading()

    def _parts_alone(self, found: Scan) -> list[Part]:
        """Return what holds no item but is all that the reply says, for it to be refused."""
        alone = (node for node in found.fenced + found.plain if self._is_alone(node))
        return [Part(node, [Found(node, None)]) for node in alone]

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
            self._counter.lose_count()
            self._reject(RejectReason.NOT_AN_OBJECT, item)
        elif item.end < 0:
            self._truncated = True
            rest = without_cut(item)
            for said in rounds_of_item(rest) if rest and rest.whole else ():
                place = first_of(said.members, (*BOX_KEYS, *POINT_KEYS))
                if label_of(said.members) and place is not None:
                    self._read_round(said, item, found.image)
        elif not item.whole:
            self._count_broken(item, found.image)
            self._reject(RejectReason.BROKEN, item)
        else:
            for said in rounds_of_item(item):
                self._read_round(said, item, found.image)

    def _count_broken(self, item: JsonObject, image: int | None) -> None:
        """Count a broken item as one, unless it may be several that lost what stood between."""
        names = [name for name in names_of(item.members) if name in ITEM_KEYS]
        if len(names) > len(set(names)):
            self._counter.lose_count()
        self._counter.add(None, image)

    def _read_round(self, said: Round, item: JsonObject, image: int | None) -> None:
        if ITEM_KEYS.isdisjoint(said.members):
            self._reject(RejectReason.NO_BOX, item)
            return
        numbered = self._counter.add(said.number, image)
        label, places = label_of(said.members), read_places(said.members)
        if not label and RejectReason.NO_BOX not in places:
            unclosed = is_unclosed(first_of(said.members, LABEL_KEYS))
            self._reject(RejectReason.BROKEN if unclosed else RejectReason.NO_LABEL, item)
            return
        good = [place for place in places if isinstance(place, Place)]
        for place in places:
            if not isinstance(place, Place):
                self._reject(place, item)
        answers = self._answers_of_item(said) if good else {}
        for place, mask in share_mask(self._read_mask(said.members), good):
            found = Detection(
                label, place.box, place.point, mask.picture, image=image, answers=answers
            )
            self._add(Draft(found, mask, place.clamped, item, numbered))

    def _read_mask(self, members: Members) -> ReadMask:
        return read_mask(members, self._pictures, self._outlines)

    def _answers_of_item(self, said: Round) -> dict[str, Answer]:
        """Return what an item answers: what stands beside its label, and above that `answers`."""
        answers = answers_beside(said.others.items())
        value = said.members.get(ANSWERS_KEY)
        if value is None or is_nothing(value):
            return answers
        for one in self._finder.elements_in(value) or [value]:
            if not isinstance(one, JsonObject) or not is_item(
                one, surely=True
            ):  # its parts are items
                answers.update(self._answers_in(one))
        return answers

    def _add(self, draft: Draft) -> None:
        found = draft.detection
        if found.box is None and found.mask is not None:  # it is a picture of an unknown box
            found = replace(found, mask=None)
            draft = replace(draft, detection=found, mask=ReadMask(unreadable=True))
        placed = found.box is not None or found.point is not None
        same = (
            found if found.mask is None else replace(found, mask=None),
            None if placed else draft.mask.outline,
        )
        if not placed and draft.mask.outline is None:
            self._reject(RejectReason.NO_BOX, draft.item)
        elif same in self._seen:
            self._reject(RejectReason.REPEATED, draft.item)
        else:
            self._seen.add(same)
            self._drafts.append(draft)

    def _reading(self) -> Reading:
        drafts = settled(self._drafts)
        circles = in_circles([draft.detection for draft in drafts])
        for index in sorted(circles):
            self._reject(RejectReason.REPEATED, drafts[index].item)
        kept = [draft for index, draft in enumerate(drafts) if index not in circles]
        numbering = Numbering(self._counter.items, {draft.numbered.order for draft in kept})
        relations = self._relations(numbering)
        return Reading(
            detections=tuple(
                replace(draft.detection, number=numbering.number_of(draft.numbered))
                for draft in kept
            ),
            rejects=tuple(self._rejects),
            truncated=self._truncated,
            clamped=sum(draft.clamped for draft in kept),
            masks_unreadable=sum(draft.mask.unreadable for draft in kept),
            answers=self._answers.pop(None, {}),
            image_answers={image: said for image, said in self._answers.items() if image and said},
            relations=relations,
        )

    def _read_answers(self) -> None:
        """Read what is said of the images: what stands beside items, and above that `answers`."""
        for image, answers in self._finder.said.flat:
            self._answers[image].update(answers)
        for found in self._finder.said.answers:
            self._answers[found.image].update(self._answers_in(found.value))
        for value in self._finder.said.unplaced:
            self._reject(RejectReason.BAD_ANSWER, value)

    def _answers_in(self, node: Value) -> dict[str, Answer]:
        if not isinstance(node, JsonObject):
            self._reject(RejectReason.BAD_ANSWER, node)
            return {}
        if not node.whole:
            self._reject(RejectReason.BROKEN, node)
            return {}
        answers, bad = read_answers(node)
        for value in bad:
            self._reject(RejectReason.BAD_ANSWER, value)
        return answers

    def _relations(self, numbering: Numbering) -> tuple[Relation, ...]:
        relations: dict[Relation, None] = {}
        for found in self._finder.said.relations:
            node = found.value
            if isinstance(node, JsonObject) and node.end < 0:
                self._truncated = True
            elif isinstance(node, JsonObject) and not node.whole:
                self._reject(RejectReason.BROKEN, node)
            else:
                read = read_relation(node) if isinstance(node, JsonObject) else None
                related = numbering.relations_from(read, found.image) if read else ()
                new = [relation for relation in related if relation not in relations]
                relations.update(dict.fromkeys(new))
                if not new:
                    self._reject(RejectReason.BAD_RELATION, node)
        return tuple(relations)

    def _reject(self, reason: RejectReason, item: Value) -> None:
        self._rejects.append(Reject(reason, raw_from_value(item)))
