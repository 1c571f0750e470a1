"""A question → what Gemini is told: the prompt, and the JSON Schema of the answer. Pure.

The wording follows Google's own documents: the native `box_2d` order is spelled out, since other
conventions measurably degrade the boxes, and the labels are an enum of the schema, which is what
makes replies readable. Source: https://ai.google.dev/gemini-api/docs/image-understanding
"""

from __future__ import annotations

from label_studio_gemini.prompts.focus import Focus, FoundObject
from label_studio_gemini.prompts.schema import build_schema
from label_studio_gemini.prompts.words import build_prompt

__all__ = ["Focus", "FoundObject", "build_prompt", "build_schema"]
