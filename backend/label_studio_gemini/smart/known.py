"""What is on an image already: regions that were accepted, or are saved with the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.geometry import GeminiPoint, iou, pixel_from_gemini
from label_studio_gemini.smart.items import read_items
from label_studio_gemini.smart.places import Place, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from label_studio_gemini.detections import Detection
    from label_studio_gemini.geometry import ImageSize
    from label_studio_gemini.smart.items import Item
    from label_studio_gemini.smart.prompts import Prompts

MOST_KNOWN = 50
"""Of more regions, the newest count."""

_SAME_POINT = 10  # of 0-1000


class KnownRegion(NamedTuple):
    """A region that is there: its labels as they are stored, and where it is."""

    labels: tuple[str, ...]
    place: Place


def read_saved(task: object) -> tuple[Item, ...]:
    """Return the regions that are there with a task: those of its newest draft.

    A draft has all of its annotation. Where there is none, those of the newest annotation that is
    no skip, or else those of the newest prediction: what an annotator who opens the task sees.
    """
    if not isinstance(task, Mapping):
        return ()
    for key in ("drafts", "annotations", "predictions"):
        lists = task.get(key)
        saved = (
            [one for one in lists if isinstance(one, Mapping)] if isinstance(lists, list) else []
        )
        kept = [one for one in saved if not one.get("was_cancelled")]
        if kept:
            return read_items(max(kept, key=_moment).get("result"))
    return ()


def known_regions(
    items: Iterable[Item], prompts: Prompts, labels: frozenset[str], size: ImageSize
) -> tuple[KnownRegion, ...]:
    """Return what of some items is on the image that a request is about, the newest 50.

    Args:
        items: Result items, the newest last. The prompts among them are left out, also those of
            earlier requests, as far as they can be told.
        prompts: What came with the request.
        labels: The labels that count, as they are stored.
        size: The image's.
    """
    there = [
        item
        for item in items
        if item.is_on(prompts.image.name, prompts.page)
        and item.id not in prompts.ids
        and item.positive is None
        and not labels.isdisjoint(item.labels)
    ]
    newest = {item.id or id(item): item for item in there}
    places = ((item, place_of(item, size)) for item in [*newest.values()][-MOST_KNOWN:])
    return tuple(KnownRegion(item.labels, place) for item, place in places if place is not None)


def is_known(
    detection: Detection,
    labels: frozenset[str],
    known: Sequence[KnownRegion],
    size: ImageSize,
    least_iou: float,
) -> bool:
    """Say whether an object is on the image already.

    Args:
        detection: The object, on the grid of the whole image.
        labels: What it would be labelled, as it is stored.
        known: What is there.
        size: The image's.
        least_iou: The least overlap, intersection over union, of two boxes of the same object.
    """
    same = (one.place for one in known if not labels.isdisjoint(one.labels))
    return any(_is_same(detection, place, size, least_iou) for place in same)


def _is_same(detection: Detection, place: Place, size: ImageSize, least_iou: float) -> bool:
    if isinstance(place, GeminiPoint):
        point = detection.point if detection.box is None else None
        return point is not None and _distance(point, place) <= _SAME_POINT
    if detection.box is None:
        return False
    return iou(pixel_from_gemini(detection.box, size), pixel_from_gemini(place, size)) >= least_iou


def _distance(one: GeminiPoint, other: GeminiPoint) -> float:
    return max(abs(one.y - other.y), abs(one.x - other.x))


def _moment(saved: Mapping[str, object]) -> str:
    """Return when something was saved: an ISO moment in UTC, as Label Studio writes it."""
    moment = saved.get("updated_at")
    return moment if isinstance(moment, str) else ""
