"""What a reply says beside its items: answers and relations, as far as they are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.replies.answers import is_null
from label_studio_gemini.replies.images import image_of
from label_studio_gemini.replies.keys import ANSWERS_KEY, IMAGE_ANSWERS_KEY, RELATIONS_KEYS
from label_studio_gemini.replies.nodes import JsonObject
from label_studio_gemini.replies.numbers import image_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from label_studio_gemini.detections import Answer
    from label_studio_gemini.replies.nodes import Value


@dataclass(frozen=True, slots=True)
class Found:
    """An item, an object of answers or a relation, and the number of the image it stands under.

    Attributes:
        value: It.
        image: The number, where there is one.
        placed: Whether it is an item that says where it is.
    """

    value: Value
    image: int | None
    placed: bool = False


class Mark(NamedTuple):
    """How much was found up to a place in the reply."""

    answers: int
    flat: int
    unplaced: int
    relations: int

    def is_clear(self, earlier: Mark) -> bool:
        """Say whether what was found since `earlier` stands where answers or relations do."""
        return self._replace(flat=0) != earlier._replace(flat=0)


class Beside:
    """What was found so far in one reply that is no item.

    Attributes:
        answers: The objects of answers.
        flat: Answers that stood beside lists of items, or alone, with the number of their image.
        unplaced: Objects of the answers of one image that don't say of which.
        relations: What stood where relations do, and relations that stood elsewhere.
    """

    def __init__(self) -> None:
        self.answers: list[Found] = []
        self.flat: list[tuple[int | None, dict[str, Answer]]] = []
        self.unplaced: list[Value] = []
        self.relations: list[Found] = []
        self._takers: dict[str, Callable[[Sequence[Value], int | None], bool]] = {
            ANSWERS_KEY: self._take_answers,
            IMAGE_ANSWERS_KEY: self._take_image_answers,
            **dict.fromkeys(RELATIONS_KEYS, self._take_relations),
        }

    def mark(self) -> Mark:
        """Return how much there is now."""
        return Mark(len(self.answers), len(self.flat), len(self.unplaced), len(self.relations))

    def forget(self, mark: Mark) -> None:
        """Drop what was found since `mark`."""
        del self.answers[mark.answers :]
        del self.flat[mark.flat :]
        del self.unplaced[mark.unplaced :]
        del self.relations[mark.relations :]

    def has_place_for(self, name: str) -> bool:
        """Say whether answers or relations stand under a key."""
        return name in self._takers

    def take(self, name: str, elements: Sequence[Value], image: int | None) -> bool:
        """Take in what stands under a key of answers or relations; say whether it can be such.

        Args:
            name: The key.
            elements: What stands there.
            image: The number of the image that it stands under.
        """
        return self._takers[name](elements, image)

    def _take_answers(self, elements: Sequence[Value], image: int | None) -> bool:
        objects = [one for one in elements if isinstance(one, JsonObject)]
        if len(objects) < len(elements):
            return False
        self.answers += [Found(one, image_of(one, surely=True) or image) for one in objects]
        return True

    def _take_image_answers(self, elements: Sequence[Value], image: int | None) -> bool:
        """Take in one object for each image; if none says which one it is of, in their order."""
        by_number = _answers_by_number(elements)
        if by_number:
            self.answers += by_number
            return True
        named = [
            image_of(one, surely=True) or image if isinstance(one, JsonObject) else None
            for one in elements
        ]
        in_order = not any(named)
        for place, (one, number) in enumerate(zip(elements, named, strict=True), 1):
            of = image_number(str(place)) if in_order else number
            if number is None and isinstance(one, JsonObject) and one.end < 0:
                continue  # its number may have come behind the end of the text
            if of is not None and isinstance(one, JsonObject):
                self.answers.append(Found(one, of))
            elif not is_null(one):
                self.unplaced.append(one)
        return True

    def _take_relations(self, elements: Sequence[Value], image: int | None) -> bool:
        for one in elements:
            own = image_of(one) if isinstance(one, JsonObject) else None
            self.relations.append(Found(one, own or image))
        return True


def _answers_by_number(elements: Sequence[Value]) -> list[Found]:
    """Return the objects of answers in one object that has the numbers of images as its keys."""
    holder = elements[0] if len(elements) == 1 else None
    members = holder.members if isinstance(holder, JsonObject) else []
    found = [Found(value, image_number(key)) for key, value in members]
    by_number = all(one.image and isinstance(one.value, JsonObject) for one in found)
    return found if by_number else []
