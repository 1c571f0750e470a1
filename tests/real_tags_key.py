"""The bundled photos, copies of them that are harder to show, and what Gemini answers about each.

The answer key is that of the bundled photos, with answers scripted to it; beside them there is a
photo of 12 megapixels, and one that is stored on its side.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from PIL import Image
from pydantic import BaseModel, Field, JsonValue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Ring: TypeAlias = list[tuple[float, float]]
"""An outline, in percent of its photo."""

LARGE, TURNED = "large.jpg", "turned.jpg"
_LARGE_SIZE = (4000, 3000)
_OF_PHOTOS: Mapping[str, Mapping[str, JsonValue]] = {
    "chelsea.jpg": {
        "animal": "cat",
        "features": ["eyes", "nose"],
        "kind": ["Animal > Cat"],
        "caption": "A ginger cat looks past the camera.",
        "sharpness": 4,
        "whiskers": 12.5,
        "taken": "2026-01-31",
        "scene": "animal",
    },
    "coffee.jpg": {"better": "right", "scene": "kitchen", "story": "mixed"},
    "rocket.jpg": {"scene": "launch"},
}
_OF_OBJECTS: Mapping[str, Mapping[str, JsonValue]] = {
    "cup": {"written": "ESPRESSO", "material": "china", "cleanness": 2},
    "saucer": {"written": "No 7", "material": "china", "cleanness": 5},
    "spoon": {"material": "metal", "cleanness": 4},
}
"""What is answered of each photo and of each object, by the names of the control tags."""


class Thing(NamedTuple):
    """An object of a photo: its label, its outlines, and its box (left, top, right, bottom)."""

    label: str
    rings: tuple[Ring, ...]
    box: tuple[float, float, float, float]


class _Photo(BaseModel):
    id: int
    file_name: str
    width: int
    height: int
    answers: dict[str, JsonValue] = Field(default_factory=dict)


class _Annotation(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: list[list[float]]
    answers: dict[str, JsonValue] = Field(default_factory=dict)

    def moved(self, image_id: int, left: float, scale: float) -> _Annotation:
        """Return it in a photo whose left edge was cut off, and which was enlarged."""
        x, y, width, height = self.bbox
        shift = (left, 0.0)
        segmentation = [
            [(number - shift[at % 2]) * scale for at, number in enumerate(flat)]
            for flat in self.segmentation
        ]
        bbox = ((x - left) * scale, y * scale, width * scale, height * scale)
        return self.model_copy(
            update={"image_id": image_id, "bbox": bbox, "segmentation": segmentation}
        )


class _Category(BaseModel):
    id: int
    name: str


class _Coco(BaseModel):
    images: list[_Photo]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class Album:
    """Photos and their key.

    Attributes:
        key: The COCO file.
        folder: The folder of the photos that the key names.
        photos: The bytes of each photo that can be uploaded.
        things: What each shows.
    """

    key: Path
    folder: Path
    photos: Mapping[str, bytes]
    things: Mapping[str, tuple[Thing, ...]]


def write_album(bundled: Path, folder: Path) -> Album:
    """Write the photos and their key to a folder.

    Args:
        bundled: The folder of the bundled photos and their key.
        folder: Where to write.
    """
    coco = _Coco.model_validate_json((bundled / "instances.json").read_bytes())
    photos = {photo.file_name: (bundled / photo.file_name).read_bytes() for photo in coco.images}
    photos[LARGE] = _enlarged(coco, photos["coffee.jpg"])
    for name, photo in photos.items():
        (folder / name).write_bytes(photo)
    key = folder / "instances.json"
    key.write_text(json.dumps(_scripted(coco).model_dump()), encoding="utf-8")
    things = {photo.file_name: _things(coco, photo) for photo in coco.images}
    return Album(
        key=key,
        folder=folder,
        photos=photos | {TURNED: turned(photos["coffee.jpg"])},
        things=things | {TURNED: things["coffee.jpg"]},
    )


def _enlarged(coco: _Coco, photo: bytes) -> bytes:
    """Add a photo of 12 megapixels to the key: another, cut to its proportions and enlarged."""
    with Image.open(io.BytesIO(photo)) as small:
        scale = _LARGE_SIZE[1] / small.height
        left = (small.width - _LARGE_SIZE[0] / scale) / 2
        box = (left, 0, small.width - left, small.height)
        large = small.resize(_LARGE_SIZE, Image.Resampling.BICUBIC, box=box)
    source = next(one for one in coco.images if one.file_name == "coffee.jpg")
    known = _Photo(id=1000, file_name=LARGE, width=large.width, height=large.height)
    coco.images.append(known)
    coco.annotations.extend(
        [one.moved(known.id, left, scale) for one in coco.annotations if one.image_id == source.id]
    )
    return _jpeg(large)


def turned(photo: bytes) -> bytes:
    """Return a photo that is stored on its side and shown upright, as a phone stores it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(photo)) as upright:
        return _jpeg(upright.transpose(Image.Transpose.ROTATE_90), exif)


def _jpeg(picture: Image.Image, exif: Image.Exif | None = None) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92, exif=exif or Image.Exif())
    return file.getvalue()


def _scripted(coco: _Coco) -> _Coco:
    names = {category.id: category.name for category in coco.categories}
    return coco.model_copy(
        update={
            "images": [
                photo.model_copy(update={"answers": _OF_PHOTOS.get(photo.file_name, {})})
                for photo in coco.images
            ],
            "annotations": [
                one.model_copy(update={"answers": _OF_OBJECTS.get(names[one.category_id], {})})
                for one in coco.annotations
            ],
        }
    )


def _things(coco: _Coco, photo: _Photo) -> tuple[Thing, ...]:
    names = {category.id: category.name for category in coco.categories}
    across, down = 100 / photo.width, 100 / photo.height
    found = []
    for one in coco.annotations:
        if one.image_id != photo.id:
            continue
        rings = tuple(
            [(x * across, y * down) for x, y in zip(flat[::2], flat[1::2], strict=True)]
            for flat in one.segmentation
        )
        x, y, width, height = one.bbox
        box = (x * across, y * down, (x + width) * across, (y + height) * down)
        found.append(Thing(names[one.category_id], rings, box))
    return tuple(found)
