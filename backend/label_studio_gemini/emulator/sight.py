"""What the model sees: each picture that was sent, and what the key has in it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.emulator.geometry import Lay
from label_studio_gemini.emulator.pictures import MIME_TYPES, Match, PictureError, decode
from label_studio_gemini.emulator.refusals import Refusal
from label_studio_gemini.emulator.scene import Scene, Thing, View
from label_studio_gemini.emulator.tokens import picture_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL.Image import Image

    from label_studio_gemini.emulator.ask import Picture
    from label_studio_gemini.emulator.files import FileStore
    from label_studio_gemini.emulator.geometry import Frame
    from label_studio_gemini.emulator.key import AnswerKey

_MOST_PICTURES = 3600
_REMEMBERED = 4096
_LEAST_SEEN = 0.2  # of an object's rectangle: of less than that, nobody would say what it is


class Sight(NamedTuple):
    """One picture of a request.

    Attributes:
        data: Its bytes.
        size: (width, height) in pixels.
        match: Which photo of the key it is.
        tokens: What it costs.
        number: What the request calls it, where it does.
    """

    data: bytes
    size: tuple[int, int]
    match: Match | None
    tokens: int
    number: int | None


class Eye:
    """Looks at pictures; several threads may ask. What a picture shows is remembered."""

    def __init__(self, key: AnswerKey, files: FileStore) -> None:
        self._key = key
        self._files = files
        self._lock = threading.Lock()
        self._seen: OrderedDict[bytes, tuple[tuple[int, int], Match | None]] = OrderedDict()

    def look(self, model: str, pictures: Sequence[Picture]) -> tuple[Sight, ...]:
        """Return what each picture is.

        Raises:
            Refusal: If one is missing, of another type, or no image; or if there are too many.
        """
        if len(pictures) > _MOST_PICTURES:
            raise Refusal(f"A request may have {_MOST_PICTURES} images, this one {len(pictures)}.")
        return tuple(self._look(model, picture) for picture in pictures)

    def photo(self, sight: Sight) -> str | None:
        """Return the file name of the photo of the key."""
        return self._key.photos[sight.match.number].file_name if sight.match else None

    def scene(self, sights: Iterable[Sight]) -> Scene:
        """Return what the key has in the pictures, as it lies in them."""
        views = tuple(self._view(place, sight) for place, sight in enumerate(sights, 1))
        return Scene(self._key.labels, views)

    def _view(self, place: int, sight: Sight) -> View:
        number = place if sight.number is None else sight.number
        if sight.match is None:
            return View(number, (), {})
        photo, lay, cut = self._key.photos[sight.match.number], sight.match.lay, sight.match.cut
        things = (
            Thing(
                known.label,
                lay.frame(known.frame),
                tuple(lay.ring(ring) for ring in known.rings),
                known.answers,
            )
            for known in photo.objects
        )
        seen = (thing if cut is None else _in_part(thing, cut) for thing in things)
        return View(number, tuple(thing for thing in seen if thing is not None), photo.answers)

    def _look(self, model: str, picture: Picture) -> Sight:
        data, mime_type = self._fetch(picture)
        if mime_type not in MIME_TYPES:
            raise Refusal(f"Unsupported MIME type: {mime_type}")
        size, match = self._recognise(data)
        return Sight(
            data, size, match, picture_tokens(model, size, picture.resolution), picture.number
        )

    def _fetch(self, picture: Picture) -> tuple[bytes, str | None]:
        if picture.data is not None:
            return picture.data, picture.mime_type
        data, mime_type = self._files.resolve(picture.uri or "")
        return data, picture.mime_type or mime_type

    def _recognise(self, data: bytes) -> tuple[tuple[int, int], Match | None]:
        digest = hashlib.sha256(data).digest()
        with self._lock:
            if digest in self._seen:
                self._seen.move_to_end(digest)
                return self._seen[digest]
        try:
            image = decode(data)
        except PictureError as error:
            raise Refusal(
                "Unable to process input image. Please retry or report in "
                "https://developers.generativeai.google/guide/troubleshooting"
            ) from error
        seen = image.size, self._match(image)
        with self._lock:
            self._seen[digest] = seen
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return seen

    def _match(self, image: Image) -> Match | None:
        match = self._key.gallery.find(image)
        if match is not None:
            photo = self._key.photos[match.number]
            if image.size == match.lay.size(photo.width, photo.height):
                return match
        # A large part of a photo looks much like the photo itself.
        part = self._key.cuttings.find(image)
        return match if part is None else Match(part.number, Lay(), part.frame)


def _in_part(thing: Thing, cut: Frame) -> Thing | None:
    """Return an object as it lies in a part of the photo; None where too little of it is there."""
    frame = cut.seen(thing.frame)
    if frame is None or frame.area() * cut.area() < _LEAST_SEEN * thing.frame.area():
        return None
    rings = (cut.seen_ring(ring) for ring in thing.rings)
    return replace(thing, frame=frame, rings=tuple(ring for ring in rings if ring))
