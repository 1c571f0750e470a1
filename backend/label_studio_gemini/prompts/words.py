"""A question → the prompt: the user's words or ones made of the labels, and the form of answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels import Shape
from label_studio_gemini.prompts.answers import answer_line
from label_studio_gemini.prompts.fields import filled
from label_studio_gemini.prompts.focus import words_from_focus
from label_studio_gemini.prompts.schema import BOX_ORDER, MASK_FORM, POINT_ORDER
from label_studio_gemini.questions import Layout, names_of, wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from label_studio_gemini.prompts.focus import Focus
    from label_studio_gemini.questions import Question
    from label_studio_gemini.recipes import AnswerRecipe, RegionRecipe, Wanted

_MASK_PICTURE = "a picture of the object within its box, white on black, as data:image/png;base64"


def build_prompt(
    question: Question,
    data: Mapping[str, object] | None = None,
    images: Sequence[str] | None = None,
    focus: Focus | None = None,
) -> str:
    """Return the instruction of a request.

    Args:
        question: What is asked.
        data: The data of the task; None leaves fields in the user's words as they stand.
        images: The name of the tag of each image, in the order of the request; None is one each.
        focus: What of one image is meant, where it is not all that the labels fit.

    Raises:
        TaskError: The task lacks a field that a prompt names.
    """
    layout = Layout(question, images)
    most = question.max_objects if focus is None or focus.most is None else focus.most
    parts = [
        *(_asked(question, layout, data) if focus is None else _meant(question, focus, data)),
        *_labels(question, layout),
        _form(question, layout, most),
        *_answers(question, layout, data),
    ]
    return "\n\n".join(parts)


def _asked(question: Question, layout: Layout, data: Mapping[str, object] | None) -> Iterator[str]:
    """Return what is looked for: each user's prompt once, and the rest in as few sentences."""
    plain: dict[tuple[bool, str], list[RegionRecipe]] = {}
    said: set[str] = set()
    for recipe in question.objects:
        if recipe.prompt is None:
            key = (recipe.target.shape is Shape.KEYPOINT, layout.where(recipe.target))
            plain.setdefault(key, []).append(recipe)
            continue
        text = filled(recipe.prompt, ", ".join(names_of([recipe])), data).strip()
        about = _about(layout, recipe)
        if about + text not in said:
            said.add(about + text)
            yield about + text
    for (points, where), recipes in plain.items():
        verb = "Point at" if points else "Detect"
        names = ", ".join(names_of(recipes))
        yield f"{verb} every instance of the following in {where}: {names}."


def _meant(question: Question, focus: Focus, data: Mapping[str, object] | None) -> Iterator[str]:
    """Return what is looked for at one place; of the users' prompts, what they say of labels."""
    said = [] if focus.text is not None else [one for one in question.objects if one.prompt]
    prompts = (filled(one.prompt or "", ", ".join(names_of([one])), data).strip() for one in said)
    if said:
        yield (
            "Whole images are labelled by these instructions:\n"
            + "\n".join(dict.fromkeys(prompts))
            + "\nHere they only tell what the labels mean."
        )
    yield from words_from_focus(focus, names_of(question.objects))


def _about(layout: Layout, recipe: RegionRecipe | AnswerRecipe) -> str:
    """Say which images the words that follow are about, where that is not all of them."""
    if len(layout.numbers(recipe.target)) == len(layout.images):
        return ""
    return f"In {layout.where(recipe.target)}: "


def _labels(question: Question, layout: Layout) -> Iterator[str]:
    if not question.objects:
        return
    lines = "\n".join(_label_line(one) for one in wanted_of(question.objects).values())
    yield f"Give each object a label of its own, one of:\n{lines}"
    if layout.several:
        yield "Give each object the number of its image as `image`, from 1."


def _label_line(wanted: Wanted) -> str:
    return f"- {wanted.name}: {wanted.description}" if wanted.description else f"- {wanted.name}"


def _form(question: Question, layout: Layout, most: int) -> str:
    lists = [
        *([f"a list `boxes` of objects with {_keys(question, layout)}"] if question.boxes else []),
        *([f"a list `points` of objects with {_point_keys(layout)}"] if question.points else []),
        *(["a list `relations`"] if question.relations else []),
        *(["an object `answers`"] if layout.of_task else []),
        *(["a list `image_answers`"] if layout.of_images else []),
    ]
    sentences = [
        f"Answer with a JSON object that has {_listed(lists)}.",
        *_of_boxes(question),
        *_of_points(question),
        *_of_objects(question, layout, most),
        *_of_relations(question),
    ]
    return " ".join(sentences)


def _keys(question: Question, layout: Layout) -> str:
    names = [
        *(["image"] if layout.several else []),
        *(["id"] if question.relations else []),
        *("box_2d", "label"),
        *(["answers"] if question.attributes else []),
        *(["mask"] if question.masked else []),
    ]
    return _listed([f"`{name}`" for name in names])


def _point_keys(layout: Layout) -> str:
    return _listed([*(["`image`"] if layout.several else []), "`point`", "`label`"])


def _of_boxes(question: Question) -> Iterator[str]:
    if not question.boxes:
        return
    yield f"The box_2d of an object is {BOX_ORDER}, tight around what is visible of it."
    if not question.masked:
        return
    form = _MASK_PICTURE if question.draws_masks else MASK_FORM
    masked, boxed = names_of(question.masked), names_of(question.boxes)
    only = "" if set(masked) == set(boxed) else f" Only these need one: {', '.join(masked)}."
    yield f"The mask of an object is {form}.{only}"


def _of_points(question: Question) -> Iterator[str]:
    if question.points:
        yield f"The point of an object is {POINT_ORDER}, on the object itself."


def _of_objects(question: Question, layout: Layout, most: int) -> Iterator[str]:
    if not question.objects:
        return
    each = " in an image" if layout.several else ""
    objects = "object" if most == 1 else "objects"
    yield (
        f"One entry per object, each object once, at most {most} {objects}{each}. "
        "Leave out whatever none of the labels fits. "
        "Where there is no such object, answer with an empty list."
    )


def _of_relations(question: Question) -> Iterator[str]:
    if not question.relations:
        return
    lines = "; ".join(
        f"{one.name} ({one.description})" if one.description else one.name
        for one in question.relations
    )
    yield (
        "Number the boxes by `id`, from 1. A relation has `from` and `to`, the ids of two boxes, "
        f"and a `label`: {lines}. Leave out what does not relate."
    )


def _answers(
    question: Question, layout: Layout, data: Mapping[str, object] | None
) -> Iterator[str]:
    groups = [
        ("In the `answers` of each object, say:", question.attributes),
        ("In `answers`, say:", layout.of_task),
        (
            "In `image_answers`, one object an image with its number as `image`, say:",
            layout.of_images,
        ),
    ]
    for heading, recipes in groups:
        if recipes:
            lines = "\n".join(_answer_line(one, layout, data) for one in recipes)
            yield f"{heading}\n{lines}"


def _answer_line(recipe: AnswerRecipe, layout: Layout, data: Mapping[str, object] | None) -> str:
    names = ", ".join(names_of([recipe]))
    asked = None if recipe.prompt is None else filled(recipe.prompt, names, data).strip()
    return f"- `{recipe.target.name}`: {_about(layout, recipe)}{answer_line(recipe, asked)}"


def _listed(things: Sequence[str]) -> str:
    """Write `a, b and c`."""
    if len(things) == 1:
        return things[0]
    return f"{', '.join(things[:-1])} and {things[-1]}"
