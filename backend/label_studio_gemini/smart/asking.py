"""What an annotator means → the question: which labels, drawn by which tags, in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError
from label_studio_gemini.geometry import box_in_crop, gemini_from_pixel, point_in_crop
from label_studio_gemini.labels import MASK_SHAPES, LabelConfig, RegionTarget, Shape
from label_studio_gemini.prompts import Focus, FoundObject
from label_studio_gemini.questions import Question
from label_studio_gemini.recipes import RegionRecipe, build_recipes, draws_regions
from label_studio_gemini.smart.crops import edges_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from label_studio_gemini.config import Config
    from label_studio_gemini.geometry import ImageSize, PixelArea
    from label_studio_gemini.labels import Label
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.recipes import Wanted
    from label_studio_gemini.smart.known import KnownRegion
    from label_studio_gemini.smart.prompts import Prompts


def build_smart_question(prompts: Prompts, plan: Plan, config: Config) -> Question:
    """Return the one question that answers a smart tool.

    A text asks for what the project's recipes ask for, and each of their tags draws it. A box or a
    point asks for one object, of the labels that were chosen, and for one region of it: a mask or
    an outline where the project has a tag for that, else a box, else a point. Examples are left
    out, since they show whole images, and relations, since nothing else is there to relate to.

    Raises:
        TaskError: No tag of the project has the label, or could draw anything.
    """
    name = prompts.image.name
    drawn = [one for question in plan.questions for one in question.objects if _is_for(one, name)]
    others = _other_recipes(drawn, name, plan.label_config, config)
    recipes = drawn or others
    if prompts.text is None:
        recipes = _for_labels(prompts, drawn, others)
    if not recipes:
        raise TaskError(
            f"No control tag draws regions on <Image name={name!r}>, so a smart tool has none "
            "to suggest.",
            hint="add a <RectangleLabels>, <BrushLabels> or other such tag for it.",
        )
    recipes = [replace(one, relations=(), examples=()) for one in _without_repeats(recipes)]
    attributes = {
        one.target.name: one
        for question in plan.questions
        for one in question.attributes
        if name in one.target.image_names
    }
    return Question(
        image_names=(name,),
        objects=tuple(_with_only_label(recipes)),
        attributes=tuple(attributes.values()),
        answers=(),
        options=recipes[0].options,
    )


def build_focus(
    prompts: Prompts,
    question: Question,
    area: PixelArea,
    size: ImageSize,
    known: Sequence[KnownRegion] = (),
) -> Focus:
    """Return what is meant, as it is told to Gemini.

    Args:
        prompts: What the annotator means.
        question: What is asked.
        area: What the image that is sent shows, in pixels of the whole.
        size: The whole image's.
        known: What is on the image already, and not wanted again.
    """
    edges = edges_of(prompts.boxes, size)
    points = [(one.positive, point_in_crop(one.point, area, size)) for one in prompts.points]
    wanted = len(edges) + sum(positive for positive, _ in points)
    return Focus(
        boxes=tuple(box_in_crop(gemini_from_pixel(box, size), area, size) for box in edges),
        points=tuple(point for positive, point in points if positive),
        not_points=tuple(point for positive, point in points if not positive),
        text=prompts.text,
        found=tuple(FoundObject(_name_of(one.labels, question), one.place) for one in known),
        is_part=area != (0, 0, *size),
        most=wanted if wanted and prompts.text is None else None,
    )


def labels_for(said: str, question: Question) -> frozenset[str]:
    """Return the labels that what Gemini called an object becomes, as they are stored."""
    known = {one.known_label_for(said) for one in question.objects} - {None}
    found = known or {one.unknown for one in question.objects}
    return frozenset(label.stored for label in found if label is not None)


def stored_labels(question: Question) -> frozenset[str]:
    """Return all labels that a question asks for, as they are stored."""
    return frozenset(wanted.label.stored for one in question.objects for wanted in one.wanted)


def _name_of(labels: Sequence[str], question: Question) -> str:
    """Return what Gemini is asked to call an object with these labels."""
    names = (w.name for one in question.objects for w in one.wanted if w.label.stored in labels)
    return next(names, labels[0])


def _is_for(recipe: RegionRecipe, image_name: str) -> bool:
    return image_name in recipe.target.image_names


def _other_recipes(
    drawn: Sequence[RegionRecipe], image_name: str, label_config: LabelConfig, config: Config
) -> list[RegionRecipe]:
    """Return a recipe for each tag that none of the project's recipes fills."""
    filled = {one.target.name for one in drawn}
    bare = config.model_copy(update={"recipes": []})
    alone = [
        LabelConfig(label_config.images, (target,))
        for target in label_config.targets
        if isinstance(target, RegionTarget)
        and target.name not in filled
        and image_name in target.image_names
    ]
    made = (recipe for one in alone for recipe in build_recipes(bare, one).recipes)
    # A recipe of the YAML may be called as the tag is.
    return [replace(one, name=f"the tag {one.name}") for one in made if draws_regions(one)]


def _for_labels(
    prompts: Prompts, drawn: Sequence[RegionRecipe], others: Sequence[RegionRecipe]
) -> list[RegionRecipe]:
    """Return who draws the labels that were chosen, or else all that the project asks for.

    Raises:
        TaskError: Nobody has one of the labels.
    """
    tools = [one.tool for one in prompts.drawn]
    chosen = prompts.labels
    said: Iterable[str]
    if chosen is not None:
        said = chosen
    else:
        said = dict.fromkeys(w.label.stored for one in drawn or others for w in one.wanted)
    parts: dict[str, tuple[RegionRecipe, list[Wanted]]] = {}
    for label in said:
        for recipe in _drawers(label, drawn, others, tools):
            _, wanted = parts.setdefault(recipe.name, (recipe, []))
            wanted += [one for one in _having(recipe, label) if one not in wanted]
    return [replace(recipe, wanted=tuple(wanted)) for recipe, wanted in parts.values()]


def _drawers(
    label: str, drawn: Sequence[RegionRecipe], others: Sequence[RegionRecipe], tools: Sequence[str]
) -> list[RegionRecipe]:
    """Return the recipes that draw a label: those of the finest shape, the project's own first."""
    own = [one for one in drawn if _having(one, label)]
    further = [one for one in others if _having(one, label)]
    further.sort(key=lambda one: one.target.name not in tools)
    if not own and not further:
        raise TaskError(
            f"No control tag of the project draws the label {label!r}, which was chosen for the "
            "smart tool.",
            hint="see whether the project's labels were changed since the task was opened.",
        )
    for shapes in (MASK_SHAPES, {Shape.RECTANGLE}, {Shape.KEYPOINT}):
        found = [one for one in own if one.target.shape in shapes]
        found = found or [one for one in further if one.target.shape in shapes][:1]
        if found:
            return found
    raise AssertionError(label)  # every shape is in one of the three


def _having(recipe: RegionRecipe, label: str) -> list[Wanted]:
    """Return what a recipe asks for that becomes a label, given as it is stored or shown."""
    return [one for one in recipe.wanted if label in (one.label.stored, one.label.value)]


def _without_repeats(recipes: Sequence[RegionRecipe]) -> list[RegionRecipe]:
    """Let each tag draw what has one name once, though several recipes ask for it."""
    seen: set[tuple[str, str]] = set()
    kept: list[RegionRecipe] = []
    for recipe in recipes:
        fresh = [
            one for one in recipe.wanted if (recipe.target.name, one.name.casefold()) not in seen
        ]
        seen |= {(recipe.target.name, one.name.casefold()) for one in fresh}
        if fresh:
            kept.append(replace(recipe, wanted=tuple(fresh)))
    return kept


def _with_only_label(recipes: Sequence[RegionRecipe]) -> list[RegionRecipe]:
    """Where there is one label alone, let it be that whatever Gemini calls an object."""
    values = {one.label.value for recipe in recipes for one in recipe.wanted}
    if len(values) > 1:
        return list(recipes)
    only: dict[str, Label] = {one.name: one.wanted[0].label for one in recipes}
    return [replace(one, unknown=only[one.name]) for one in recipes]
