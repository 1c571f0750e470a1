"""Smart tools: an annotator points at something in an image, and Gemini's answer is suggested.

prompts.py   what came with the request → what the annotator means
items.py     result items of Label Studio, as they come
places.py    where each of them is
known.py     what is on the image already
crops.py     which part of the image is sent, and its places in the whole
asking.py    the question, and the words
choosing.py  which objects of the answer are meant
memory.py    which regions were prompts
tools.py     all of it, in one call of Gemini
"""

from __future__ import annotations

from label_studio_gemini.smart.memory import PromptMemory
from label_studio_gemini.smart.prompts import (
    BoxPrompt,
    PointPrompt,
    Prompt,
    Prompts,
    TextPrompt,
    read_context,
)
from label_studio_gemini.smart.tools import SmartTools

__all__ = [
    "BoxPrompt",
    "PointPrompt",
    "Prompt",
    "PromptMemory",
    "Prompts",
    "SmartTools",
    "TextPrompt",
    "read_context",
]
