"""Which images a request shows, and what of an answer is about which of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels import AnswerTarget, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.labels import Target
    from label_studio_gemini.questions.builder import Question
    from label_studio_gemini.recipes import AnswerRecipe


class Layout:
    """The images of one request, by the names of their tags; a tag with pages is there for each.

    Attributes:
        images: The name of the tag of each image, in the order of the request.
    """

    def __init__(self, question: Question, images: Sequence[str] | None = None) -> None:
        self.images = tuple(images or question.image_names)
        self._answers = question.answers

    @property
    def several(self) -> bool:
        """Whether an answer has to say which image it is about."""
        return len(self.images) > 1

    @property
    def of_images(self) -> tuple[AnswerRecipe, ...]:
        """What is asked of each image, where there are several."""
        if not self.several:
            return ()
        return tuple(one for one in self._answers if one.target.scope is Scope.IMAGE)

    @property
    def of_task(self) -> tuple[AnswerRecipe, ...]:
        """What is asked once: of the one image, or of all together."""
        each = self.of_images
        return tuple(one for one in self._answers if one not in each)

    def numbers(self, target: Target) -> tuple[int, ...]:
        """Return the numbers of the images that a target is for, from 1."""
        return tuple(
            number for number, name in enumerate(self.images, 1) if name in target.image_names
        )

    def where(self, target: Target) -> str:
        """Say in words which images a target is for: `the image`, `image 2`, `images 1, 3`."""
        numbers = self.numbers(target)
        if not self.several:
            return "the image"
        if len(numbers) == len(self.images):
            return "the images" if _spans(target) else "each image"
        listed = _ranges(numbers)
        return f"image {listed}" if len(numbers) == 1 else f"images {listed}"


def _spans(target: Target) -> bool:
    """Say whether a target takes one value of all its images together."""
    return isinstance(target, AnswerTarget) and target.scope is Scope.TASK


def _ranges(numbers: Sequence[int]) -> str:
    """Write `1, 2, 3, 5` as `1-3, 5`: a document can have thousands of pages."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
