"""A recipe -> what Gemini is told: the prompt, and the JSON Schema of the answer.

The wording follows Google's own documents: the native `box_2d` order is spelled out, since other
conventions measurably degrade the boxes, and the labels are an enum of the schema, which is what
makes replies readable. Source: https://ai.google.dev/gemini-api/docs/image-understanding
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.recipes import Recipe, Wanted

_BOX_ORDER = "[ymin, xmin, ymax, xmax] normalized to 0-1000"


def build_prompt(recipe: Recipe) -> str:
    """Return a recipe's instruction: its own words or ones made of its labels, and the form."""
    names = ", ".join(wanted.name for wanted in recipe.wanted)
    question = recipe.prompt or f"Detect every instance of the following in the image: {names}."
    labels = "\n".join(_label_line(wanted) for wanted in recipe.wanted)
    return (
        f"{question.strip()}\n\n"
        "Give each object a label of its own, one of:\n"
        f"{labels}\n\n"
        f"The box_2d of an object is {_BOX_ORDER}, tight around what is visible of it. "
        "One entry per object, each object once. Leave out whatever none of the labels fits. "
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


def _label_line(wanted: Wanted) -> str:
    hint = wanted.label.hint
    return f"- {wanted.name}: {hint}" if hint else f"- {wanted.name}"
