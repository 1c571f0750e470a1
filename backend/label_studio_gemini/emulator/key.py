"""The answer key: photos and what is to be found in them, read from a COCO file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeAlias

from PIL import ImageOps
from pydantic import BaseModel, Field, JsonValue, ValidationError

from label_studio_gemini.emulator.cuttings import Cuttings, Original
from label_studio_gemini.emulator.errors import EmulatorError
from label_studio_gemini.emulator.geometry import Frame, Point, Ring
from label_studio_gemini.emulator.pictures import Gallery, PictureError, decode, thumbnail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from PIL.Image import Image

    from label_studio_gemini.emulator.geometry import Pixels

_Flat: TypeAlias = Annotated[list[float], Field(min_length=6)]
_HINT = "Give a COCO instances file: `images`, `annotations` and `categories`."


@dataclass(frozen=True, slots=True)
class KeyObject:
    """One object of the key, in the upright photo.

    Attributes:
        label: Its category.
        frame: Its rectangle.
        rings: Its outlines.
        answers: What to answer when it is asked about, by the question's name.
    """

    label: str
    frame: Frame
    rings: tuple[Ring, ...]
    answers: Mapping[str, JsonValue] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class KeyPhoto:
    """One photo of the key.

    Attributes:
        file_name: Its name in the folder of images.
        width: Of the upright photo, in pixels.
        height: Of the upright photo, in pixels.
        objects: What is to be found in it.
        thumbnail: What it is known by.
        answers: What to answer when it is asked about, by the question's name.
        original: What parts of it are known by; None where they are not to be.
    """

    file_name: str
    width: int
    height: int
    objects: tuple[KeyObject, ...]
    thumbnail: Pixels = field(repr=False, compare=False)
    answers: Mapping[str, JsonValue] = field(default_factory=dict, hash=False)
    original: Original | None = field(default=None, repr=False, compare=False)


class AnswerKey:
    """What the emulator knows: photos, and what is to be found in each."""

    def __init__(self, photos: tuple[KeyPhoto, ...]) -> None:
        """Keep the photos; the emulator finds them by what they show."""
        self.photos = photos
        self.gallery = Gallery([((p.width, p.height), p.thumbnail) for p in photos])
        self.cuttings = Cuttings([photo.original for photo in photos])
        self.labels = tuple(dict.fromkeys(o.label for p in photos for o in p.objects))


class _CocoImage(BaseModel):
    id: int
    file_name: str
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    answers: dict[str, JsonValue] = Field(default_factory=dict)


class _CocoAnnotation(BaseModel):
    image_id: int
    category_id: int
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    iscrowd: bool = False
    segmentation: list[_Flat] | dict[str, JsonValue] | None = None
    answers: dict[str, JsonValue] = Field(default_factory=dict)


class _CocoCategory(BaseModel):
    id: int
    name: str


class _Coco(BaseModel):
    images: list[_CocoImage]
    annotations: list[_CocoAnnotation]
    categories: list[_CocoCategory]


def read_answer_key(path: Path, images: Path) -> AnswerKey:
    """Read a COCO file and the photos that it names.

    The coordinates of the file refer to the upright photo (its EXIF orientation applied). Crowd
    annotations are left out of the answers. An annotation whose segmentation is an RLE keeps its
    box, which then is its outline too.

    Beyond COCO, an entry of `images` or of `annotations` may have `answers`, by the names of the
    questions: `{"file_name": …, "answers": {"weather": "sunny", "tags": ["day"]}}` for the photo,
    `{"bbox": …, "answers": {"text": "STOP"}}` for the object. They are given where a question of
    that name allows that value; all other questions are answered from the objects (`values`).

    Args:
        path: The COCO JSON.
        images: The folder in which the photos lie.

    Raises:
        EmulatorError: If a file is missing or unusable, or the two do not fit together.
    """
    coco = _read_coco(path)
    names = {category.id: category.name for category in coco.categories}
    objects: dict[int, list[KeyObject]] = {image.id: [] for image in coco.images}
    sizes = {image.id: (image.width, image.height) for image in coco.images}
    for number, annotation in enumerate(coco.annotations):
        if annotation.image_id not in objects or annotation.category_id not in names:
            raise EmulatorError(
                f"`annotations[{number}]` of `{path}` names an image or a category that is not "
                f"listed: image_id {annotation.image_id}, category_id {annotation.category_id}.",
                hint="List both under `images` and `categories`.",
            )
        if not annotation.iscrowd:
            objects[annotation.image_id].append(
                _object(annotation, names[annotation.category_id], sizes[annotation.image_id])
            )
    return AnswerKey(
        tuple(_photo(image, images, tuple(objects[image.id])) for image in coco.images)
    )


def _read_coco(path: Path) -> _Coco:
    try:
        return _Coco.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EmulatorError(
            f"The answer key `{path}` cannot be read: {error.strerror}.", hint=_HINT
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EmulatorError(
            f"The answer key `{path}` is no COCO file: {where}: {first['msg']}.", hint=_HINT
        ) from error


def _object(annotation: _CocoAnnotation, label: str, size: tuple[int, int]) -> KeyObject:
    width, height = size
    left, top, across, down = annotation.bbox
    frame = Frame(left / width, top / height, (left + across) / width, (top + down) / height)
    rings: tuple[Ring, ...] = ()
    if isinstance(annotation.segmentation, list):
        rings = tuple(
            tuple(Point(x / width, y / height) for x, y in zip(flat[::2], flat[1::2], strict=False))
            for flat in annotation.segmentation
        )
    return KeyObject(label, frame, rings or (_outline(frame),), annotation.answers)


def _outline(frame: Frame) -> Ring:
    return (
        Point(frame.left, frame.top),
        Point(frame.right, frame.top),
        Point(frame.right, frame.bottom),
        Point(frame.left, frame.bottom),
    )


def _photo(image: _CocoImage, folder: Path, objects: tuple[KeyObject, ...]) -> KeyPhoto:
    path = folder / image.file_name
    upright = _upright(path)
    if upright.size != (image.width, image.height):
        raise EmulatorError(
            f"`{path}` is {upright.width} x {upright.height} pixels when upright, but the answer "
            f"key says {image.width} x {image.height}.",
            hint="Give the sizes and coordinates of the photo after its EXIF orientation.",
        )
    return KeyPhoto(
        image.file_name,
        image.width,
        image.height,
        objects,
        thumbnail(upright),
        image.answers,
        Original(upright, lambda: _upright(path)),
    )


def _upright(path: Path) -> Image:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EmulatorError(
            f"The photo `{path}` of the answer key cannot be read: {error.strerror}.",
            hint="Check the folder of images.",
        ) from error
    try:
        return ImageOps.exif_transpose(decode(data))
    except PictureError as error:
        raise EmulatorError(
            f"`{path}` is not usable: {error}.", hint="Give PNG, JPEG, WEBP or HEIF photos."
        ) from error
