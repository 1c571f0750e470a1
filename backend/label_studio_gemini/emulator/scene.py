"""The pictures that a question is about, and what the key has in each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.labels import names_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from label_studio_gemini.emulator.geometry import Frame, Ring


@dataclass(frozen=True, slots=True)
class Thing:
    """One object as it lies in the picture that was sent.

    Attributes:
        category: The key's name for it.
        frame: Its rectangle.
        rings: Its outlines.
        answers: What the key says when it is asked about this object, by the question's name.
    """

    category: str
    frame: Frame
    rings: tuple[Ring, ...]
    answers: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the request.

    Attributes:
        number: What the request calls it, or else its place, from 1.
        things: What the key has in it; nothing where it is no photo of the key.
        answers: What the key says when it is asked about this photo, by the question's name.
    """

    number: int
    things: tuple[Thing, ...]
    answers: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Found:
    """One object that was asked for.

    Attributes:
        label: The name to answer it by.
        thing: The object.
        image: The number of its picture.
        alike: How many objects of its category the picture has, itself included.
    """

    label: str
    thing: Thing
    image: int
    alike: int


@dataclass(frozen=True, slots=True)
class Scene:
    """All pictures of the last turn, and every category that the key knows."""

    categories: tuple[str, ...]
    views: tuple[View, ...]

    def found(self, asked: Sequence[str], question: str) -> list[Found]:
        """Return the objects that one list asks for, picture by picture.

        Args:
            asked: The labels that the schema allows in the list; empty where it allows any.
            question: The text of the question.
        """
        names = names_for(self.categories, asked=asked, prompt=question)
        found: list[Found] = []
        for view in self.views:
            alike = Counter(thing.category for thing in view.things)
            found += [
                Found(names[thing.category], thing, view.number, alike[thing.category])
                for thing in view.things
                if thing.category in names
            ]
        return found
