"""What is asked for, and what becomes of the answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeGuard, TypeVar

from label_studio_gemini.config import (
    MAX_OBJECTS,
    NO_OPTIONS,
    POINT_WIDTH,
    OptionsConfig,
    PolygonConfig,
)
from label_studio_gemini.labels import AnswerTarget, RegionTarget, Target, match_label

if TYPE_CHECKING:
    from label_studio_gemini.labels import Label

_Target_co = TypeVar("_Target_co", bound=Target, covariant=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that Gemini is asked for, or one of the answers that it may choose from.

    Attributes:
        name: What Gemini is asked to call it.
        label: The project's label that it becomes.
        description: What is meant by it, for Gemini.
    """

    name: str
    label: Label
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """How the regions of a recipe are drawn.

    Attributes:
        fallback: Whether an object without a usable mask becomes a region of its box, where the
            target needs a mask; else it has none.
        smooth: Whether the ragged edges of a drawn mask are smoothed.
        tolerance: How far a polygon may be off the mask's outline, in pixels of the image.
        min_area: Parts of an object that are smaller, in square pixels, are dropped.
        point_width: The width of key points, in percent of the image's width.
    """

    fallback: bool = True
    smooth: bool = True
    tolerance: float = PolygonConfig().tolerance
    min_area: float = PolygonConfig().min_area
    point_width: float = POINT_WIDTH


@dataclass(frozen=True, slots=True)
class RelationWanted:
    """One way in which objects may relate to each other, and what is meant by it."""

    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ExampleImage:
    """An image that was answered rightly, to be shown before the question.

    Attributes:
        address: Its path, or its http(s) address.
        answer: The answer, in JSON.
        resolution: How closely it is looked at, where that is not the recipe's.
    """

    address: str
    answer: str
    resolution: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe(Generic[_Target_co]):
    """One question about an image, and what becomes of its answers.

    Attributes:
        name: Its name in the YAML file, or the control tag's.
        target: The control tag that it fills.
        wanted: What is asked for, or may be chosen from, each name once; empty only where the
            target takes a free value.
        prompt: The question in the user's own words, or None to make it of `wanted`.
        unknown: The label for whatever Gemini calls by another name, or None to drop that.
        max_objects: The most objects that are asked for.
        options: How Gemini answers it.
        drawing: How its regions are drawn.
        relations: How its objects may relate to each other, where that is asked for.
        examples: What is shown before the question.
    """

    name: str
    target: _Target_co
    wanted: tuple[Wanted, ...]
    prompt: str | None = None
    unknown: Label | None = None
    max_objects: int = MAX_OBJECTS
    options: OptionsConfig = NO_OPTIONS
    drawing: Drawing = field(default_factory=Drawing)
    relations: tuple[RelationWanted, ...] = ()
    examples: tuple[ExampleImage, ...] = ()

    def label_for(self, said: str) -> Label | None:
        """Return the label for what Gemini called an object, or None where nothing matches.

        As `known_label_for`, and where that finds nothing, `unknown`.
        """
        return self.known_label_for(said) or self.unknown

    def known_label_for(self, said: str) -> Label | None:
        """Return the label that was asked for by what Gemini said, or None.

        The order: a name that was asked for, exactly, then but for its case; then the labels of
        the target (`labels.match_label`) as far as this recipe has them.
        """
        folded = said.strip().casefold()
        exact = next((wanted for wanted in self.wanted if wanted.name == said), None)
        near = exact or next((one for one in self.wanted if one.name.casefold() == folded), None)
        if near is not None:
            return near.label
        return match_label(said, [wanted.label for wanted in self.wanted])


RegionRecipe: TypeAlias = Recipe[RegionTarget]
AnswerRecipe: TypeAlias = Recipe[AnswerTarget]
AnyRecipe: TypeAlias = Recipe[Target]


def draws_regions(recipe: AnyRecipe) -> TypeGuard[RegionRecipe]:
    """Say whether a recipe's target takes regions."""
    return isinstance(recipe.target, RegionTarget)


def takes_answers(recipe: AnyRecipe) -> TypeGuard[AnswerRecipe]:
    """Say whether a recipe's target takes a value."""
    return isinstance(recipe.target, AnswerTarget)
