"""What a person points at in an image → the words that tell Gemini."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from label_studio_gemini.geometry import GeminiBox, GeminiPoint

_BOX = "[ymin, xmin, ymax, xmax]"
_POINT = "[y, x]"
_GRID = "normalized to 0-1000"


class FoundObject(NamedTuple):
    """An object that is found already: what it is called, and where it is."""

    name: str
    place: GeminiBox | GeminiPoint


@dataclass(frozen=True, slots=True)
class Focus:
    """What of an image is meant; all places are on the 0-1000 grid of the image that is sent.

    Attributes:
        boxes: Each drawn around one object.
        points: Each on an object that is meant; several may be on the same.
        not_points: Each on an object that is not meant.
        text: A person's own words for what is wanted.
        found: What is there already, and not wanted again.
        is_part: Whether the image that is sent is a part of another.
        most: The most objects that are wanted; None leaves that to the question.
    """

    boxes: tuple[GeminiBox, ...] = ()
    points: tuple[GeminiPoint, ...] = ()
    not_points: tuple[GeminiPoint, ...] = ()
    text: str | None = None
    found: tuple[FoundObject, ...] = ()
    is_part: bool = False
    most: int | None = None


def words_from_focus(focus: Focus, names: Sequence[str]) -> Iterator[str]:
    """Give what is looked for, a paragraph each.

    Args:
        focus: What is meant.
        names: What objects may be called.
    """
    if focus.is_part:
        yield "The image is a part of a larger one."
    if focus.text is not None:
        yield f"Find what a person who labels the image asks for in these words:\n{focus.text}"
    if focus.boxes:
        yield _of_boxes(focus.boxes)
    if focus.points or focus.not_points:
        yield _of_points(focus, names)
    if focus.found:
        lines = "\n".join(f"- {_shown(one.place)}: {one.name}" for one in focus.found)
        yield (
            f"These are found already, by their {_BOX} or {_POINT} {_GRID}. "
            f"They are not wanted again:\n{lines}"
        )


def _of_boxes(boxes: Sequence[GeminiBox]) -> str:
    if len(boxes) == 1:
        return (
            f"A person drew the box {_shown(boxes[0])}, which is {_BOX} {_GRID}, around one object "
            "of the image, perhaps loosely. Answer with that object alone, and with all of it that "
            "is visible: what is in this box?"
        )
    return (
        f"A person drew these boxes, each {_BOX} {_GRID}, each around one object of the image, "
        f"perhaps loosely: {_listed(boxes)}. Answer with those objects alone, and with all of them "
        "that is visible: what is in each box?"
    )


def _of_points(focus: Focus, names: Sequence[str]) -> str:
    form = f"which is {_POINT} {_GRID}"
    unwanted = (
        f" Not meant is what is at {_listed(focus.not_points)}: leave that out."
        if focus.not_points
        else ""
    )
    if not focus.points:
        return (
            f"Find every instance of the following in the image: {', '.join(names)}. "
            f"A point here is {_POINT} {_GRID}.{unwanted}"
        )
    if len(focus.points) == 1:
        meant = f"the object at the point {_shown(focus.points[0])}, {form}"
    else:
        meant = f"the object, or the objects, at the points {_listed(focus.points)}, each of {form}"
    return f"A person means {meant}. Answer with that alone, the whole of it.{unwanted}"


def _listed(places: Iterable[GeminiBox | GeminiPoint]) -> str:
    return ", ".join(map(_shown, places))


def _shown(place: GeminiBox | GeminiPoint) -> str:
    """Write a place as Gemini does: in whole numbers."""
    return str([round(value) for value in place])
