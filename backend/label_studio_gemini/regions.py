"""Detections -> Label Studio regions, each checked before it leaves.

Label Studio stores whatever it is given, and one malformed region breaks the labelling page of its
task; with its validation on, it rejects the whole batch. So a region that is not right is dropped
here, and counted. Source of the shapes: https://labelstud.io/guide/predictions
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NotRequired

# pydantic reads these where a file is read back, and takes those of `typing` from 3.12 on only.
from typing_extensions import TypedDict

from label_studio_gemini.geometry import percent_from_gemini

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from label_studio_gemini.detections import Detection
    from label_studio_gemini.geometry import GeminiBox, ImageSize
    from label_studio_gemini.labels import Label, Target
    from label_studio_gemini.recipes import Recipe

_FULL = 100  # percent
_ROUNDING = 1e-9  # percent, far below a pixel of any image


class RectangleValue(TypedDict):
    """Where a rectangle is, in percent of the upright image, and its labels where it has them."""

    x: float
    y: float
    width: float
    height: float
    rotation: int
    rectanglelabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class RegionJson(TypedDict):
    """One result item of a prediction."""

    id: str
    from_name: str
    to_name: str
    type: str
    original_width: int
    original_height: int
    image_rotation: int
    value: RectangleValue


class PredictionJson(TypedDict):
    """One prediction as Label Studio stores it; a score is given only where it was earned."""

    result: list[RegionJson]
    model_version: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Regions:
    """The result items of some detections, and what became of those that have none.

    Attributes:
        items: Result items, in the order of the detections.
        unmatched: How often Gemini used a label that the recipe does not have, by label.
        dropped: How many regions failed the check, by what was wrong.
    """

    items: tuple[RegionJson, ...] = ()
    unmatched: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


class _Common(NamedTuple):
    """What all items of one region share."""

    region_id: str
    image_name: str
    size: ImageSize

    def item(self, from_name: str, kind: str, value: RectangleValue) -> RegionJson:
        return {
            "id": self.region_id,
            "from_name": from_name,
            "to_name": self.image_name,
            "type": kind,
            "original_width": self.size.width,
            "original_height": self.size.height,
            "image_rotation": 0,
            "value": value,
        }


def build_regions(
    detections: Iterable[Detection], recipe: Recipe, *, image_name: str, size: ImageSize
) -> Regions:
    """Build the result items for one image.

    Args:
        detections: What was found in it.
        recipe: What was asked for.
        image_name: The name of its Image tag: the `to_name`.
        size: Its natural size in pixels, upright.
    """
    items: list[RegionJson] = []
    unmatched: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for index, detection in enumerate(detections):
        label = recipe.label_for(detection.label)
        if label is None:
            unmatched[detection.label] += 1
            continue
        if detection.box is None:
            dropped["no_box"] += 1
            continue
        region_id = _region_id(recipe.name, image_name, index, *detection.box, label.stored)
        common = _Common(region_id, image_name, size)
        place = _place_from_box(detection.box)
        built = _items_from_place(place, label, recipe.target, common)
        wrong = next(
            (fault for item in built if (fault := check_region(item, recipe.target))), None
        )
        if wrong is None:
            items.extend(built)
        else:
            dropped[wrong] += 1
    return Regions(tuple(items), dict(unmatched), dict(dropped))


def check_region(item: RegionJson, target: Target) -> str | None:
    """Return what is wrong with a result item of `target`, or None where it is right."""
    if item["from_name"] not in target.names or item["to_name"] not in target.image_names:
        return "unknown_name"
    labels = item["value"].get("rectanglelabels", item["value"].get("labels"))
    if labels is not None and not {label.stored for label in target.labels}.issuperset(labels):
        return "unknown_label"
    return _fault_of_place(item["value"])


def _fault_of_place(value: RectangleValue) -> str | None:
    x, y, width, height = value["x"], value["y"], value["width"], value["height"]
    if not all(math.isfinite(number) for number in (x, y, width, height)):
        return "not_a_number"
    if width <= 0 or height <= 0:
        return "empty"
    if x < 0 or y < 0 or x + width > _FULL or y + height > _FULL:
        return "outside"
    return None


def _place_from_box(box: GeminiBox) -> RectangleValue:
    percent = percent_from_gemini(box)
    return {
        "x": percent.x,
        "y": percent.y,
        "width": _length_within(percent.x, percent.width),
        "height": _length_within(percent.y, percent.height),
        "rotation": 0,
    }


def _items_from_place(
    place: RectangleValue, label: Label, target: Target, common: _Common
) -> tuple[RegionJson, ...]:
    if target.labels_name is None:
        value: RectangleValue = {**place, "rectanglelabels": [label.stored]}
        return (common.item(target.name, target.kind.value, value),)
    # Two tags, one region: the geometry and its label are joined in the editor by their id.
    return (
        common.item(target.name, target.kind.value, place),
        common.item(target.labels_name, "labels", {**place, "labels": [label.stored]}),
    )


def _length_within(start: float, length: float) -> float:
    """Take back what floating point adds: a sum a hair above 100 would be refused."""
    above = start + length - _FULL
    return _FULL - start if 0 < above < _ROUNDING else length


def _region_id(*parts: object) -> str:
    """Return an id that is the same whenever the same answer is converted, unique in its task."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]
