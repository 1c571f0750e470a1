"""What was read in a reply, in the package's own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from label_studio_gemini.geometry import GeminiBox


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that Gemini found.

    Attributes:
        label: What Gemini called it, as it said it.
        box: Where it is, within 0-1000, `ymin < ymax` and `xmin < xmax`.
    """

    label: str
    box: GeminiBox


class RejectReason(StrEnum):
    """Why an item of a reply was refused.

    `BROKEN` is an item that misses a bracket, a colon or a quote within the text; `REPEATED` is one
    whose label and box were both there before.
    """

    NOT_AN_OBJECT = "not_an_object"
    NO_BOX = "no_box"
    NO_LABEL = "no_label"
    BAD_BOX = "bad_box"
    EMPTY_BOX = "empty_box"
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
        truncated: Whether the text ends before its last item does; that item is left out.
        clamped: How many of `detections` reached outside 0-1000 and were cut back to it.
    """

    detections: tuple[Detection, ...] = ()
    rejects: tuple[Reject, ...] = ()
    truncated: bool = False
    clamped: int = 0
