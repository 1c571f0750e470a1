"""A recipe -> what Gemini is told: the prompt, and the JSON Schema of the answer.

The wording follows Google's own documents: the native `box_2d` order is spelled out, since other
conventions measurably degrade the boxes, and the labels are an enum of the schema, which is what
makes replies readable. Source: https://ai.google.dev/gemini-api/docs/image-understanding
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.recipes import Recipe, Wanted

_BOX_ORDER = "[ymin, xmin, ymax, xmax] normalized to 0-1000"
_LABELS = "{labels}"
_FIELD = re.compile(r"\{\{\s*task\.data\.([\w.-]+)\s*\}\}")


def build_prompt(recipe: Recipe, data: Mapping[str, object] | None = None) -> str:
    """Return a recipe's instruction: its own words or ones made of its labels, and the form.

    In its own words `{labels}` stands for the labels, and `{{ task.data.title }}` for a field of
    the task; nothing else in them means anything, and nothing is ever run.

    Args:
        recipe: What is asked for.
        data: The data of the task; None leaves the fields as they stand.

    Raises:
        TaskError: The task lacks a field that the prompt names.
    """
    names = ", ".join(wanted.name for wanted in recipe.wanted)
    question = f"Detect every instance of the following in the image: {names}."
    if recipe.prompt is not None:
        question = recipe.prompt.replace(_LABELS, names)
        question = question if data is None else _filled(question, data)
    labels = "\n".join(_label_line(wanted) for wanted in recipe.wanted)
    return (
        f"{question.strip()}\n\n"
        "Give each object a label of its own, one of:\n"
        f"{labels}\n\n"
        "Answer with a JSON object that has a list `boxes` of objects with `box_2d` and `label`. "
        f"The box_2d of an object is {_BOX_ORDER}, tight around what is visible of it. "
        f"One entry per object, each object once, at most {recipe.max_objects} objects. "
        "Leave out whatever none of the labels fits. "
        "Where there is no such object, answer with an empty list."
    )


def build_schema(recipe: Recipe) -> Mapping[str, object]:
    """Return the JSON Schema of the answer: `{"boxes": [{"box_2d": […], "label": "…"}]}`."""
    return {
        "type": "object",
        "properties": {
            "boxes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "box_2d": {
                            "type": "array",
                            "items": {"type": "integer"},
                            "minItems": 4,
                            "maxItems": 4,
                            "description": f"The 2D bounding box of the object as {_BOX_ORDER}.",
                        },
                        "label": {
                            "type": "string",
                            "enum": [wanted.name for wanted in recipe.wanted],
                        },
                    },
                    "required": ["box_2d", "label"],
                },
            }
        },
        "required": ["boxes"],
    }


def _filled(question: str, data: Mapping[str, object]) -> str:
    def value_of(match: re.Match[str]) -> str:
        value: object = data
        for step in match[1].split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str | int | float):
            return str(value)
        raise TaskError(
            f"The prompt names `task.data.{match[1]}`, and the task has no text or number there.",
            hint=f"the task's data has {sorted(data)}; give it that field, or change the prompt.",
        )

    return _FIELD.sub(value_of, question)


def _label_line(wanted: Wanted) -> str:
    return f"- {wanted.name}: {wanted.description}" if wanted.description else f"- {wanted.name}"
