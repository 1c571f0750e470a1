"""What was read in a reply, in the package's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.geometry import GeminiBox, GeminiPoint
    from label_studio_gemini.masks.types import Mask


Answer: TypeAlias = str | float | tuple[str, ...]
"""What Gemini says of an image or of an object in it: a text, a number, or a list of texts."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that Gemini found; it has a box or a point, or both.

    Two are equal where they have the same label and place, whatever their numbers and answers.

    Attributes:
        label: What Gemini called it, as it said it.
        box: Where it is, within 0-1000, `ymin < ymax` and `xmin < xmax`. Where there is only a
            polygon, the polygon's own.
        point: A point on it, within 0-1000.
        mask: Its shape, where it could be read; a drawn mask has been decoded once, and is whole.
        image: The number of its image in the request, from 1, where the reply says it.
        number: What relations call it. Several have the same where one item gave several places.
            None where others have an id and it has none, or where items can't be counted.
        answers: By the question's name, what was said of the object; also what nobody asked for.
    """

    label: str
    box: GeminiBox | None = None
    point: GeminiPoint | None = None
    mask: Mask | None = None
    image: int | None = None
    number: int | None = field(default=None, compare=False)
    answers: Mapping[str, Answer] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Relation:
    """How one detection relates to another.

    Attributes:
        source: The `number` of the one that it comes from.
        goal: The `number` of the one that it goes to; another one.
        label: What it is, as Gemini said it; "" where nothing is said.
    """

    source: int
    goal: int
    label: str


class RejectReason(StrEnum):
    """Why an item of a reply was refused.

    `NO_BOX` is one with neither box nor point nor polygon; `BROKEN` one that misses a bracket, a
    colon or a quote within the text; `REPEATED` one that was there before, or nearly so again and
    again. `BAD_POINT` and `BAD_ANSWER` cost the point and the answer, and nothing beside them.
    `BAD_RELATION` is a relation to a number that is nobody's, or of several items; to itself; one
    without two numbers; and one that was there before.
    """

    NOT_AN_OBJECT = "not_an_object"
    NO_BOX = "no_box"
    NO_LABEL = "no_label"
    BAD_BOX = "bad_box"
    EMPTY_BOX = "empty_box"
    BAD_POINT = "bad_point"
    BAD_ANSWER = "bad_answer"
    BAD_RELATION = "bad_relation"
    BROKEN = "broken"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Reject:
    """One item of a reply that was refused: why, and its raw text, cut to a readable length."""

    reason: RejectReason
    raw: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a reply said.

    Attributes:
        detections: The objects, in the reply's order.
        rejects: The items that were refused.
        truncated: Whether the text ends before its last item does. That item is left out, unless
            it ends within its mask, and only the mask is lost.
        clamped: How many of `detections` reached outside 0-1000 and were cut back to it.
        masks_unreadable: How many of `detections` came with a mask that cannot be used.
        answers: By the question's name, what was said of the image as a whole, or of all images.
        image_answers: The same by the image's number, where the reply says it.
        relations: How detections relate, in the reply's order; each goes from and to one of them.
    """

    detections: tuple[Detection, ...] = ()
    rejects: tuple[Reject, ...] = ()
    truncated: bool = False
    clamped: int = 0
    masks_unreadable: int = 0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    image_answers: Mapping[int, Mapping[str, Answer]] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()

    def answers_for(self, image: int) -> Mapping[str, Answer]:
        """Return what was said of one image, by its number in the request, from 1."""
        return {**self.answers, **self.image_answers.get(image, {})}
