"""A question → the JSON Schema of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels import AnswerKind
from label_studio_gemini.prompts.answers import answer_schema
from label_studio_gemini.questions import Layout, names_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from label_studio_gemini.questions import Question
    from label_studio_gemini.recipes import AnswerRecipe

BOX_ORDER = "[ymin, xmin, ymax, xmax] normalized to 0-1000"
POINT_ORDER = "[y, x] normalized to 0-1000"
MASK_FORM = (
    "its outline as a polygon of [x, y] points over the whole image, normalized to 0-1000, as "
    "close to the object's edge as can be"
)
_IMAGE = {"type": "integer", "description": "The number of the object's image, from 1."}
# Text that is not there and a date that is not known are left out.
_OPTIONAL = frozenset({AnswerKind.TEXTAREA, AnswerKind.DATETIME, AnswerKind.NUMBER})


def build_schema(question: Question, images: Sequence[str] | None = None) -> Mapping[str, object]:
    """Return the JSON Schema of the answer: `{"boxes": [{"box_2d": […], "label": "…"}]}`.

    Args:
        question: What is asked.
        images: The name of the tag of each image, in the order of the request; None is one each.
    """
    layout = Layout(question, images)
    properties: dict[str, object] = {}
    if question.boxes:
        properties["boxes"] = _list_of(_box(question, layout))
    if question.points:
        properties["points"] = _list_of(_point(question, layout))
    if question.relations:
        properties["relations"] = _list_of(_relation(question))
    if layout.of_task:
        properties["answers"] = _answers(layout.of_task)
    if layout.of_images:
        numbered = {"image": {**_IMAGE, "description": "The number of the image, from 1."}}
        properties["image_answers"] = _list_of(_answers(layout.of_images, numbered))
    return _object(properties, list(properties))


def _box(question: Question, layout: Layout) -> dict[str, object]:
    masked = set(names_of(question.masked))
    boxed = names_of(question.boxes)
    # What can be cut off without loss comes last: a mask is long, and a label is short.
    properties: dict[str, object] = {
        **({"image": _IMAGE} if layout.several else {}),
        **({"id": {"type": "integer"}} if question.relations else {}),
        "box_2d": _numbers(4, f"The 2D bounding box of the object as {BOX_ORDER}."),
        "label": {"type": "string", "enum": [*boxed]},
        **({"answers": _answers(question.attributes)} if question.attributes else {}),
        **({"mask": _mask(question)} if masked else {}),
    }
    required = [name for name in properties if name != "mask" or masked == set(boxed)]
    return _object(properties, required)


def _point(question: Question, layout: Layout) -> dict[str, object]:
    properties: dict[str, object] = {
        **({"image": _IMAGE} if layout.several else {}),
        "point": _numbers(2, f"A point on the object as {POINT_ORDER}."),
        "label": {"type": "string", "enum": [*names_of(question.points)]},
    }
    return _object(properties, list(properties))


def _mask(question: Question) -> dict[str, object]:
    if question.draws_masks:
        return {"type": "string", "description": "A PNG of the object's box, in base64."}
    pair = {"type": "array", "items": {"type": "integer"}}
    return {"type": "array", "items": pair, "description": f"The mask of the object: {MASK_FORM}."}


def _relation(question: Question) -> dict[str, object]:
    names = [one.name for one in question.relations]
    properties = {
        "from": {"type": "integer"},
        "to": {"type": "integer"},
        "label": {"type": "string", "enum": names},
    }
    return _object(properties, list(properties))


def _answers(
    recipes: Sequence[AnswerRecipe], before: Mapping[str, object] | None = None
) -> dict[str, object]:
    properties = {
        **(before or {}),
        **{recipe.target.name: answer_schema(recipe) for recipe in recipes},
    }
    optional = {one.target.name for one in recipes if one.target.kind in _OPTIONAL}
    return _object(properties, [name for name in properties if name not in optional])


def _numbers(count: int, description: str) -> dict[str, object]:
    return {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": count,
        "maxItems": count,
        "description": description,
    }


def _list_of(item: object) -> dict[str, object]:
    return {"type": "array", "items": item}


def _object(properties: Mapping[str, object], required: Sequence[str]) -> dict[str, object]:
    shape: dict[str, object] = {"type": "object", "properties": properties}
    return {**shape, "required": [*required]} if required else shape
