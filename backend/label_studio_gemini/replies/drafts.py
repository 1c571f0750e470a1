"""Detections as far as they are read: one that is outlined waits for the others of its reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.replies.items import first_of
from label_studio_gemini.replies.keys import MASK_KEYS
from label_studio_gemini.replies.numbers import is_nothing
from label_studio_gemini.replies.outlines import polygons_from_outlines
from label_studio_gemini.replies.pictures import is_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.detections import Detection
    from label_studio_gemini.masks.types import MaskPng
    from label_studio_gemini.replies.items import Members
    from label_studio_gemini.replies.nodes import JsonObject
    from label_studio_gemini.replies.outlines import Outline, OutlineReader
    from label_studio_gemini.replies.pictures import PictureReader
    from label_studio_gemini.replies.places import Place
    from label_studio_gemini.replies.relations import Numbered


class ReadMask(NamedTuple):
    """What stands under an item's mask key: a picture, an outline, or nothing that can be used."""

    picture: MaskPng | None = None
    outline: Outline | None = None
    unreadable: bool = False


NO_MASK = ReadMask()


@dataclass(frozen=True, slots=True)
class Draft:
    """A detection whose outline waits for the others of the reply, to know its order.

    Attributes:
        detection: What is known of it.
        mask: Its mask as far as it is read.
        clamped: Whether anything of it was cut back to 0-1000.
        item: Where it stands.
        numbered: What relations may call it by.
    """

    detection: Detection
    mask: ReadMask
    clamped: bool
    item: JsonObject
    numbered: Numbered


def read_mask(members: Members, pictures: PictureReader, outlines: OutlineReader) -> ReadMask:
    """Read what stands under the mask key of an item."""
    value = first_of(members, MASK_KEYS)
    if value is None or is_nothing(value):
        return NO_MASK
    if isinstance(value, str) and is_picture(value):
        picture = pictures.read(value)
        return ReadMask(picture, unreadable=picture is None)
    outline = outlines.read(value)
    return ReadMask(outline=outline, unreadable=outline is None)


def share_mask(mask: ReadMask, places: Sequence[Place]) -> list[tuple[Place, ReadMask]]:
    """Give an item's mask to its one place; where it has several, whose it is isn't said."""
    boxes = [place for place in places if place.box is not None] or places
    if len(boxes) > 1 and mask is not NO_MASK:
        return [(place, ReadMask(unreadable=place is boxes[0])) for place in places]
    return [(place, mask if place is boxes[0] else NO_MASK) for place in places]


def settled(drafts: Sequence[Draft]) -> list[Draft]:
    """Give each outlined detection its polygon, now that all of the reply are known."""
    done = list(drafts)
    outlines = {i: d.mask.outline for i, d in enumerate(drafts) if d.mask.outline}
    with_boxes = [(one, drafts[i].detection.box) for i, one in outlines.items()]
    polygons = polygons_from_outlines(with_boxes)
    for (index, outline), outlined in zip(outlines.items(), polygons, strict=True):
        draft = drafts[index]
        if outlined is None:
            done[index] = replace(draft, mask=ReadMask(unreadable=True))
            continue
        box = draft.detection.box or outlined.box
        found = replace(draft.detection, box=box, mask=outlined.polygon)
        done[index] = replace(draft, detection=found, clamped=draft.clamped or outline.clamped)
    return done
