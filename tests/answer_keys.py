"""Photos with an answer key (COCO), and how close stored predictions come to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import quoteattr

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Box(NamedTuple):
    """A labelled box in percent of the upright image: left, top, right, bottom."""

    label: str
    left: float
    top: float
    right: float
    bottom: float


class _Image(BaseModel):
    id: int
    file_name: str
    width: int
    height: int


class _Annotation(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class _Category(BaseModel):
    id: int
    name: str


class _Coco(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Photos, and the boxes that each has."""

    file: Path
    folder: Path
    boxes: Mapping[str, Sequence[Box]]

    @property
    def labels(self) -> list[str]:
        """The labels that some box has."""
        return sorted({box.label for boxes in self.boxes.values() for box in boxes})

    def photos(self, *names: str) -> dict[str, bytes]:
        """Return the bytes of these photos, or of all."""
        return {name: (self.folder / name).read_bytes() for name in names or self.boxes}

    def label_tags(self) -> str:
        """Return the Label tags of a labelling config that asks for all of it."""
        return "".join(f"<Label value={quoteattr(label)}/>" for label in self.labels)


def read_answer_key(file: Path, folder: Path) -> AnswerKey:
    """Read a COCO file; crowds are left out: they are regions, not objects."""
    coco = _Coco.model_validate_json(file.read_bytes())
    images = {image.id: image for image in coco.images}
    names = {category.id: category.name for category in coco.categories}
    boxes: dict[str, list[Box]] = {image.file_name: [] for image in coco.images}
    for annotation in coco.annotations:
        if not annotation.iscrowd:
            image = images[annotation.image_id]
            boxes[image.file_name].append(_box(annotation, image, names[annotation.category_id]))
    return AnswerKey(file, folder, boxes)


def _box(annotation: _Annotation, image: _Image, label: str) -> Box:
    x, y, width, height = annotation.bbox
    across, down = 100 / image.width, 100 / image.height
    return Box(label, x * across, y * down, (x + width) * across, (y + height) * down)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)


def score(found: Sequence[Box], expected: Sequence[Box]) -> list[float]:
    """Return how well each expected box was met by a found one of its label, 0 where by none."""
    left = list(found)
    overlaps = []
    for box in expected:
        rivals = [rival for rival in left if rival.label == box.label]
        best = max(rivals, key=lambda rival: overlap(rival, box), default=None)
        overlaps.append(overlap(best, box) if best else 0.0)
        if best:
            left.remove(best)
    return overlaps
