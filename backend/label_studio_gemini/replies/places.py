"""What an item says of where it is: its boxes and points, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.detections import RejectReason
from label_studio_gemini.replies.boxes import ReadBox, read_boxes
from label_studio_gemini.replies.items import first_of
from label_studio_gemini.replies.keys import BOX_KEYS, MASK_KEYS, POINT_KEYS
from label_studio_gemini.replies.numbers import is_nothing
from label_studio_gemini.replies.points import ReadPoint, read_points

if TYPE_CHECKING:
    from label_studio_gemini.geometry import GeminiBox, GeminiPoint
    from label_studio_gemini.replies.items import Members


class Place(NamedTuple):
    """Where one thing is; with neither box nor point, its mask alone says it.

    Attributes:
        box: Its box.
        point: A point on it.
        clamped: Whether either was cut back to 0-1000.
    """

    box: GeminiBox | None = None
    point: GeminiPoint | None = None
    clamped: bool = False


def read_places(members: Members) -> list[Place | RejectReason]:
    """Return the places of an item, and why those that are none cannot be used.

    One box and one point are one thing's. `null` or an empty list under a key is as no key, if
    there is another.
    """
    places = {
        keys: value
        for keys in (BOX_KEYS, POINT_KEYS, MASK_KEYS)
        if (value := first_of(members, keys)) is not None
    }
    told = {keys: value for keys, value in places.items() if not is_nothing(value)} or places
    if not told:
        return [RejectReason.NO_BOX]
    boxes = read_boxes(told[BOX_KEYS]) if BOX_KEYS in told else []
    points = read_points(told[POINT_KEYS]) if POINT_KEYS in told else []
    return _together(boxes, points) if boxes or points else [Place()]


def _together(
    boxes: list[ReadBox | RejectReason], points: list[ReadPoint | RejectReason]
) -> list[Place | RejectReason]:
    if len(boxes) == len(points) == 1:
        box, point = boxes[0], points[0]
        if isinstance(box, ReadBox) and isinstance(point, ReadPoint):
            return [Place(box.box, point.point, box.clamped or point.clamped)]
    return [
        *(Place(b.box, None, b.clamped) if isinstance(b, ReadBox) else b for b in boxes),
        *(Place(None, p.point, p.clamped) if isinstance(p, ReadPoint) else p for p in points),
    ]
