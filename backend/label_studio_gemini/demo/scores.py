"""Predicted boxes against an answer key: which objects were found, and how exactly."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ValidationError

from label_studio_gemini.errors import UsageError
from label_studio_gemini.geometry import ImageSize, PixelBox, iou

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOUND_IOU = 0.5
"""An object counts as found from this IoU on, as in PASCAL VOC and in COCO's AP50."""


class LabelledBox(NamedTuple):
    """An object: its label, and where it is in pixels of the upright image."""

    label: str
    box: PixelBox


class Truth(NamedTuple):
    """What an answer key says of one photo: its size in pixels and the objects in it."""

    size: ImageSize
    boxes: tuple[LabelledBox, ...]


class Score(NamedTuple):
    """How predicted boxes agree with an answer key.

    Attributes:
        matched: Objects of the key that were found.
        missed: Objects of the key that were not.
        extra: Predicted boxes that are no object of the key.
        mean_iou: The mean over all objects of the key, 0.0 to 1.0, where one that was missed
            counts as 0; None where the key has no objects.
    """

    matched: int
    missed: int
    extra: int
    mean_iou: float | None


class _Image(BaseModel):
    id: int
    file_name: str
    width: int
    height: int


class _Category(BaseModel):
    id: int
    name: str


class _Annotation(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y, width, height in pixels
    iscrowd: bool = False


class _Key(BaseModel):
    """The part of a COCO file that is used here: https://cocodataset.org/#format-data."""

    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


def read_truth(instances_json: bytes | str) -> dict[str, Truth]:
    """Read a COCO answer key.

    Returns:
        File name -> its size and its objects, both in the file's order; a photo without objects
        has an empty tuple. Crowd regions (`iscrowd`) are left out: they are no single object.

    Raises:
        UsageError: It is no COCO instances JSON, or names an image or category that it lacks.
    """
    key = _read_key(instances_json)
    names = {category.id: category.name for category in key.categories}
    boxes: dict[int, list[LabelledBox]] = {image.id: [] for image in key.images}
    for annotation in key.annotations:
        if annotation.image_id not in boxes or annotation.category_id not in names:
            raise UsageError(
                f"The answer key has an annotation of image {annotation.image_id}, category "
                f"{annotation.category_id}, and does not list both.",
                hint="Add them to `images` and `categories`, or remove the annotation.",
            )
        if not annotation.iscrowd:
            boxes[annotation.image_id].append(
                LabelledBox(names[annotation.category_id], _pixel_from_coco(*annotation.bbox))
            )
    return {
        image.file_name: Truth(ImageSize(image.width, image.height), tuple(boxes[image.id]))
        for image in key.images
    }


def read_categories(instances_json: bytes | str) -> tuple[str, ...]:
    """Read the names of a COCO answer key's categories, in the file's order.

    Raises:
        UsageError: It is no COCO instances JSON.
    """
    return tuple(category.name for category in _read_key(instances_json).categories)


def score_boxes(
    predicted: Sequence[LabelledBox], truth: Sequence[LabelledBox], *, found_iou: float = FOUND_IOU
) -> Score:
    """Match predicted boxes with an answer key's, one to one, and score them.

    Only boxes of the same label (whatever its case) are matched; the pair that agrees best is
    taken first, then the best of what is left.

    Args:
        predicted: The boxes to score.
        truth: The boxes of the answer key, of the same image.
        found_iou: The least IoU, above 0, at which a pair is a match.
    """
    ious: list[float] = []
    predicted_of, truth_of = _by_label(predicted), _by_label(truth)
    for label, boxes in truth_of.items():
        ious += _matched_ious(predicted_of.get(label, ()), boxes, found_iou)
    return Score(
        matched=len(ious),
        missed=len(truth) - len(ious),
        extra=len(predicted) - len(ious),
        mean_iou=sum(ious) / len(truth) if truth else None,
    )


def _read_key(instances_json: bytes | str) -> _Key:
    try:
        return _Key.model_validate_json(instances_json)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UsageError(
            f"The answer key is no COCO instances JSON: {where}: {first['msg']}.",
            hint="It needs `images`, `categories` and `annotations`, as cocodataset.org has them.",
        ) from error


def _pixel_from_coco(x: float, y: float, width: float, height: float) -> PixelBox:
    return PixelBox(left=x, top=y, right=x + width, bottom=y + height)


def _by_label(boxes: Sequence[LabelledBox]) -> Mapping[str, Sequence[PixelBox]]:
    grouped: defaultdict[str, list[PixelBox]] = defaultdict(list)
    for label, box in boxes:
        grouped[label.casefold()].append(box)
    return grouped


def _matched_ious(
    predicted: Sequence[PixelBox], truth: Sequence[PixelBox], found_iou: float
) -> list[float]:
    pairs = (
        (iou(a, b), i, j) for (i, a), (j, b) in product(enumerate(predicted), enumerate(truth))
    )
    candidates = [pair for pair in pairs if pair[0] >= found_iou]
    free_predicted, free_truth = set(range(len(predicted))), set(range(len(truth)))
    ious = []
    for value, i, j in sorted(candidates, key=lambda pair: -pair[0]):
        if i in free_predicted and j in free_truth:
            free_predicted.remove(i)
            free_truth.remove(j)
            ious.append(value)
    return ious
