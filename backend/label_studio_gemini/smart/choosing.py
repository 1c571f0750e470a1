"""Of what Gemini found, what the annotator means."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import GEMINI_SCALE, GeminiPoint, iou, pixel_from_gemini
from label_studio_gemini.masks.crops import crop_from_mask
from label_studio_gemini.smart.asking import labels_for
from label_studio_gemini.smart.crops import edges_of
from label_studio_gemini.smart.known import is_known
from label_studio_gemini.smart.prompts import Drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from label_studio_gemini.detections import Detection, Reading
    from label_studio_gemini.geometry import GeminiBox, ImageSize, PixelBox
    from label_studio_gemini.masks.crops import MaskCrop
    from label_studio_gemini.questions import Question
    from label_studio_gemini.smart.known import KnownRegion
    from label_studio_gemini.smart.prompts import BoxPrompt, PointPrompt, Prompts

SAME_OBJECT = 0.9
"""The least IoU of a region that was accepted before with what is found again."""

SAME_OBJECT_TOLD = 0.7
"""The same where Gemini was told of the region, and was to leave it out."""

_NEAR = 50.0  # of 0-1000: so near to a point that is not meant, a point without an extent is it


class Part(NamedTuple):
    """What answers some of the prompts.

    Attributes:
        reading: The reading with these objects alone.
        prompt: The one region that prompted it; empty where several did, or a text.
    """

    reading: Reading
    prompt: Drawn = Drawn()


class Chosen(NamedTuple):
    """What is meant, part by part, and how many objects are left out, by reason."""

    parts: tuple[Part, ...]
    dropped: Mapping[str, int]


def choose(
    reading: Reading,
    prompts: Prompts,
    question: Question,
    size: ImageSize,
    known: Sequence[KnownRegion] = (),
) -> Chosen:
    """Return those objects alone that are meant, and are not there already.

    Objects whose label nobody has are kept: they become no regions, and are counted later.

    Args:
        reading: What Gemini said, on the grid of the whole image.
        prompts: What the annotator means.
        question: What was asked.
        size: The image's.
        known: What is there already.
    """
    objects = [_Object(one, labels_for(one.label, question), size) for one in reading.detections]
    labelled = [one for one in objects if one.labels]
    nobodys = [one for one in objects if not one.labels]
    meant = [_Meant(labelled)] if prompts.text is not None else _pointed_at(labelled, prompts, size)
    least = SAME_OBJECT if prompts.text is None else SAME_OBJECT_TOLD
    fresh = [
        [one for one in some if not is_known(one.detection, one.labels, known, size, least)]
        for some, _ in meant
    ]
    parts = [
        Part(_reading_of(reading, some), prompt)
        for some, (_, prompt) in zip(fresh, meant, strict=True)
    ]
    pointed, left = sum(len(some) for some, _ in meant), sum(map(len, fresh))
    dropped = Counter(not_meant=len(labelled) - pointed, there_already=pointed - left)
    return Chosen((*parts, Part(_reading_of(reading, nobodys))), +dropped)


def _reading_of(reading: Reading, some: Sequence[_Object]) -> Reading:
    """Return a reading with some of its objects alone, in its order."""
    kept = {id(one.detection) for one in some}
    return replace(reading, detections=tuple(one for one in reading.detections if id(one) in kept))


@dataclass(eq=False)
class _Object:
    """A detection, its labels as they are stored, and its pixels, worked out where asked for."""

    detection: Detection
    labels: frozenset[str]
    size: ImageSize
    _crop: MaskCrop | None = None
    _is_looked_up: bool = False

    def fits(self, labels: Sequence[str]) -> bool:
        return not labels or not self.labels.isdisjoint(labels)

    def encloses(self, point: GeminiPoint) -> bool:
        """Say whether a point is in the object's box."""
        box = self.detection.box
        if box is None:
            return False
        return box.ymin <= point.y <= box.ymax and box.xmin <= point.x <= box.xmax

    def holds(self, point: GeminiPoint) -> bool:
        """Say whether a point is on the object: on its mask, where that can be read."""
        box = self.detection.box
        if box is None or not self.encloses(point):
            return False
        crop = self._pixels(box)
        if crop is None:
            return True
        column = (
            min(int(point.x * self.size.width / GEMINI_SCALE), self.size.width - 1) - crop.area.left
        )
        row = (
            min(int(point.y * self.size.height / GEMINI_SCALE), self.size.height - 1)
            - crop.area.top
        )
        rows, columns = crop.mask.shape
        return 0 <= row < rows and 0 <= column < columns and bool(crop.mask[row, column])

    @property
    def is_exact(self) -> bool:
        """Whether its pixels are known, or it is but a point."""
        box = self.detection.box
        return box is None or self._pixels(box) is not None

    def _pixels(self, box: GeminiBox) -> MaskCrop | None:
        if not self._is_looked_up and self.detection.mask is not None:
            try:
                self._crop = crop_from_mask(self.detection.mask, box, self.size)
            except MaskError:
                self._crop = None
        self._is_looked_up = True
        return self._crop

    @property
    def centre(self) -> GeminiPoint:
        box, point = self.detection.box, self.detection.point
        if box is not None:
            return GeminiPoint((box.ymin + box.ymax) / 2, (box.xmin + box.xmax) / 2)
        return point or GeminiPoint(0, 0)

    @property
    def extent(self) -> float:
        box = self.detection.box
        return 0.0 if box is None else (box.ymax - box.ymin) * (box.xmax - box.xmin)

    def distance(self, point: GeminiPoint) -> float:
        across = (self.centre.x - point.x) * self.size.width
        down = (self.centre.y - point.y) * self.size.height
        return math.hypot(across, down)


class _Meant(NamedTuple):
    """Objects that are meant, and the one region that says so."""

    objects: list[_Object]
    prompt: Drawn = Drawn()


def _pointed_at(found: Sequence[_Object], prompts: Prompts, size: ImageSize) -> list[_Meant]:
    """Choose among objects with a box and among those with only a point, each on their own."""
    groups = (
        [one for one in found if one.detection.box is not None],
        [one for one in found if one.detection.box is None],
    )
    meant: list[_Meant] = []
    taken: list[_Object] = []
    for prompt, edges in zip(prompts.boxes, edges_of(prompts.boxes, size), strict=True):
        best = [
            _in_box([one for one in group if one not in taken], prompt, edges) for group in groups
        ]
        some = [one for one in best if one is not None]
        taken += some
        meant.append(_Meant(some, prompt.region))
    if prompts.points:
        at_points = [one for group in groups for one in _at_points(group, prompts.points)]
        # Of several points none is the region's own: the others would stay beside it.
        is_alone = len(prompts.prompts) == 1 and prompts.points[0].positive
        region = prompts.points[0].region if is_alone else Drawn()
        meant.append(_Meant([one for one in at_points if one not in taken], region))
    return meant


def _in_box(found: Sequence[_Object], prompt: BoxPrompt, edges: PixelBox) -> _Object | None:
    """Return the object that fills a box best, of those whose centre is in it."""
    inside = [one for one in found if one.fits(prompt.labels) and _is_inside(one, edges)]
    return max(inside, key=_likeness(edges), default=None)


def _is_inside(one: _Object, edges: PixelBox) -> bool:
    x = one.centre.x * one.size.width / GEMINI_SCALE
    y = one.centre.y * one.size.height / GEMINI_SCALE
    return edges.left <= x <= edges.right and edges.top <= y <= edges.bottom


def _likeness(edges: PixelBox) -> Callable[[_Object], tuple[float, float]]:
    """Return how well an object fills a box; one that is but a point, how near its middle it is."""

    def likeness(one: _Object) -> tuple[float, float]:
        box = one.detection.box
        overlap = 0.0 if box is None else iou(pixel_from_gemini(box, one.size), edges)
        middle = GeminiPoint(
            (edges.top + edges.bottom) / 2 * GEMINI_SCALE / one.size.height,
            (edges.left + edges.right) / 2 * GEMINI_SCALE / one.size.width,
        )
        return overlap, -one.distance(middle)

    return likeness


def _at_points(found: Sequence[_Object], prompts: Sequence[PointPrompt]) -> list[_Object]:
    """Return what the positive points are on; without one, all that the others are not on."""
    labels = [label for one in prompts for label in one.labels]
    unmeant = _unmeant(found, prompts)
    free = [one for one in found if one.fits(labels) and one not in unmeant]
    open_points = [one.point for one in prompts if one.positive]
    if not open_points:
        return free
    meant: list[_Object] = []
    while open_points:
        best = max(free, key=lambda one: (_count(one, open_points), -one.extent), default=None)
        if best is None or not _count(best, open_points):
            break
        meant.append(best)
        open_points = [point for point in open_points if not best.holds(point)]
    newest = next(one.point for one in reversed(prompts) if one.positive)
    if not meant and free and not any(one.holds(newest) for one in found):
        # Nothing is under the point: it may be a little beside, or the objects be points too.
        meant = [min(free, key=lambda one: (not one.encloses(newest), one.distance(newest)))]
    return meant


def _unmeant(found: Sequence[_Object], prompts: Sequence[PointPrompt]) -> list[_Object]:
    """Return what the negative points are on.

    In a box there may be other objects: a cup is in the box of its saucer. A point in several is on
    the smallest. Where Gemini has left the cup out, as it was told, the saucer is the smallest that
    is left; it stays if a positive point is on it.
    """
    wanted = [one.point for one in prompts if one.positive]
    unmeant: list[_Object] = []
    for point in (one.point for one in prompts if not one.positive):
        there = [one for one in found if _is_at(one, point)]
        surely = [one for one in there if one.is_exact]
        smallest = min(there, key=lambda one: one.extent, default=None)
        if smallest is not None and not surely:
            is_alone = len(there) == 1
            surely = [] if is_alone and _count(smallest, wanted) else [smallest]
        unmeant += surely
    return unmeant


def _is_at(one: _Object, point: GeminiPoint) -> bool:
    if one.detection.box is not None:
        return one.holds(point)
    return max(abs(one.centre.x - point.x), abs(one.centre.y - point.y)) <= _NEAR


def _count(one: _Object, points: Sequence[GeminiPoint]) -> int:
    return sum(one.holds(point) for point in points)
