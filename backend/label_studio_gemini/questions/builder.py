"""Recipes → questions: what is asked together, in one request, so that an image is paid for once.

Recipes share a request where they are answered in the same way: all images of a task go together. A
label that two recipes ask for is asked for once, and becomes a region of each; only where both ask
for it in words of their own are they two requests, since an answer could not say which it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.labels import MASK_SHAPES, Scope, Shape
from label_studio_gemini.recipes import AnswerRecipe, RegionRecipe, draws_regions, takes_answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from label_studio_gemini.config import OptionsConfig
    from label_studio_gemini.recipes import AnyRecipe, ExampleImage, RelationWanted, Wanted


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked in one request.

    Attributes:
        image_names: The Image tags whose images it shows, in the labelling config's order.
        objects: The recipes whose regions it asks for.
        attributes: The recipes that ask for something of each region.
        answers: The recipes that ask for something of the images.
        options: How Gemini answers it.
        examples: What is shown before it.
    """

    image_names: tuple[str, ...]
    objects: tuple[RegionRecipe, ...]
    attributes: tuple[AnswerRecipe, ...]
    answers: tuple[AnswerRecipe, ...]
    options: OptionsConfig
    examples: tuple[ExampleImage, ...] = ()

    @property
    def boxes(self) -> tuple[RegionRecipe, ...]:
        """The recipes that need a box of each object."""
        return tuple(one for one in self.objects if one.target.shape is not Shape.KEYPOINT)

    @property
    def points(self) -> tuple[RegionRecipe, ...]:
        """The recipes that need a point on each object."""
        return tuple(one for one in self.objects if one.target.shape is Shape.KEYPOINT)

    @property
    def masked(self) -> tuple[RegionRecipe, ...]:
        """The recipes that need a mask of each object, beside its box."""
        return tuple(one for one in self.objects if one.target.shape in MASK_SHAPES)

    @property
    def relations(self) -> tuple[RelationWanted, ...]:
        """How objects may relate to each other, each name once; empty where it is not asked."""
        named = {one.name: one for recipe in self.objects for one in recipe.relations}
        return tuple(named.values())

    @property
    def draws_masks(self) -> bool:
        """Whether masks are asked for as pictures."""
        return bool(self.masked) and self.options.masks == "png"

    @property
    def structured(self) -> bool:
        """Whether the answer has to follow a schema. Under one, models answer no pictures."""
        if self.options.structured is not None:
            return self.options.structured
        return not self.draws_masks

    @property
    def max_objects(self) -> int:
        """The most objects of an image that are asked for: each recipe's, shared labels once."""
        by_names = {frozenset(names_of([one])): one.max_objects for one in self.objects}
        return sum(by_names.values())


def names_of(recipes: Iterable[AnyRecipe]) -> tuple[str, ...]:
    """Return what Gemini is asked to call things, each name once."""
    return tuple(wanted_of(recipes))


def wanted_of(recipes: Iterable[AnyRecipe]) -> dict[str, Wanted]:
    """Return what is asked for, by name; of two, the one that is described counts."""
    wanted: dict[str, Wanted] = {}
    for one in (one for recipe in recipes for one in recipe.wanted):
        if one.name not in wanted or wanted[one.name].description is None:
            wanted[one.name] = one
    return wanted


def build_questions(
    recipes: Sequence[AnyRecipe], image_names: Sequence[str]
) -> tuple[Question, ...]:
    """Return what is asked of a task, in as few requests as can be.

    Args:
        recipes: All of the project's.
        image_names: The names of its Image tags, in the labelling config's order.

    Returns:
        The questions; none where all recipes are about regions that no recipe draws.
    """
    attributes = [one for one in recipes if takes_answers(one) and _is_attribute(one)]
    asking = [one for one in recipes if draws_regions(one) or not _is_attribute(one)]
    return tuple(
        _question(part, attributes, image_names)
        for group in _answered_alike(asking)
        for part in _without_clashes(group)
    )


def _is_attribute(recipe: AnyRecipe) -> bool:
    return takes_answers(recipe) and recipe.target.scope is Scope.REGION


def _answered_alike(recipes: Sequence[AnyRecipe]) -> list[list[AnyRecipe]]:
    """Group recipes that are answered in the same way, and after the same examples."""
    groups: list[list[AnyRecipe]] = []
    for recipe in recipes:
        group = next((group for group in groups if _alike(group[0], recipe)), None)
        if group is None:
            groups.append([recipe])
        else:
            group.append(recipe)
    return groups


def _alike(one: AnyRecipe, other: AnyRecipe) -> bool:
    return one.options == other.options and one.examples == other.examples


def _without_clashes(group: Sequence[AnyRecipe]) -> list[list[AnyRecipe]]:
    """Part recipes that ask for the same label in words of their own."""
    parts: list[list[AnyRecipe]] = []
    for recipe in group:
        free = (part for part in parts if not any(_clash(one, recipe) for one in part))
        part = next(free, None)
        if part is None:
            parts.append([recipe])
        else:
            part.append(recipe)
    return parts


def _clash(one: AnyRecipe, other: AnyRecipe) -> bool:
    if not (draws_regions(one) and draws_regions(other)) or one.prompt == other.prompt:
        return False
    if set(one.target.image_names).isdisjoint(other.target.image_names):
        return False  # the number of its image tells
    folded = {name.casefold() for name in names_of([one])}
    return not folded.isdisjoint(name.casefold() for name in names_of([other]))


def _question(
    recipes: Sequence[AnyRecipe], attributes: Sequence[AnswerRecipe], image_names: Sequence[str]
) -> Question:
    objects = tuple(one for one in recipes if draws_regions(one))
    drawn = {name for one in objects for name in one.target.image_names}
    shown = {name for one in recipes for name in one.target.image_names}
    return Question(
        image_names=tuple(name for name in image_names if name in shown),
        objects=objects,
        attributes=tuple(one for one in attributes if not drawn.isdisjoint(one.target.image_names)),
        answers=tuple(one for one in recipes if takes_answers(one)),
        options=recipes[0].options,
        examples=recipes[0].examples,
    )
