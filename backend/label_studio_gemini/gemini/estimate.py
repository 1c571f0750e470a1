"""How many tokens a request will take, before it is sent: by published rules where there are any.

What no rule says is an assumption, stated where its number stands, and errs on the high side: the
estimate is there so that nobody spends more than was meant.
"""

from __future__ import annotations

import json
import math
import re
from itertools import chain
from typing import TYPE_CHECKING

from label_studio_gemini.gemini.types import (
    LeastThinking,
    MediaResolution,
    ThinkingLevel,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.gemini.types import GeminiRequest, Options, Thinking
    from label_studio_gemini.geometry import ImageSize

# https://ai.google.dev/gemini-api/docs/media-resolution
_BUDGETS = {
    MediaResolution.LOW: 280,
    MediaResolution.MEDIUM: 560,
    MediaResolution.HIGH: 1120,
    MediaResolution.ULTRA_HIGH: 2240,
}
_TILE = 258
_SMALL = 384  # pixels of both sides up to which an image is one tile
_TILES_FAMILIES = frozenset({1, 2})
_BUDGET_FAMILIES = frozenset({3, 4})
_FAMILY = re.compile(r"gemini-(\d+)")
_BYTES_PER_TOKEN = 4

BOX_TOKENS = 32
"""Of one object with a box. In 45 public answers an item has 89 characters, 13 of them digits, each
of which is a token of its own."""
MASK_TOKENS = 550
"""Of one object with a mask: 955 characters in 21 public answers, mostly base64, which packs about
two characters into a token; rounded up."""
OBJECTS = 10
"""Objects in an image where nothing else is known: about those of a COCO photo (7), and some."""

# Assumptions: Google publishes no averages, and does not promise that `minimal` is none.
_THOUGHTS = {
    ThinkingLevel.MINIMAL: 50,
    ThinkingLevel.LOW: 500,
    ThinkingLevel.MEDIUM: 1500,
    ThinkingLevel.HIGH: 4000,
}
_OWN_CHOICE = _THOUGHTS[ThinkingLevel.HIGH]  # what Gemini 3 takes where no level is sent

_AGENTIC_TIME = 4.0
"""Of code execution, as measured for 1,000 photos: https://github.com/simedw/coco-gemini"""
_AGENTIC_OUTPUT = 4
"""An assumption: time goes into writing, so four times the time is four times the tokens."""
_AGENTIC_INPUT = 2
"""An assumption: what is cropped is billed as input too, and is as much again as what was sent."""


def estimate_tokens(
    request: GeminiRequest,
    sizes: Sequence[ImageSize],
    *,
    objects: int = OBJECTS,
    object_tokens: int = BOX_TOKENS,
) -> Usage:
    """Return the tokens that a request and its answer will probably take.

    Args:
        request: What is to be sent.
        sizes: The size of each image, in the order in which they are sent: those of the examples,
            then the request's own.
        objects: How many objects are expected in each of the request's own images.
        object_tokens: What one of them takes in the answer: `BOX_TOKENS`, `MASK_TOKENS`.

    Raises:
        ValueError: If there are not as many sizes as images.
    """
    options = request.options
    examples = chain.from_iterable(example.images for example in request.examples)
    pairs = zip(chain(examples, request.images), sizes, strict=True)
    images = sum(
        image_tokens(request.model, size, image.resolution or options.resolution)
        for image, size in pairs
    )
    texts = sum(map(text_tokens, _texts(request)))
    thoughts = thought_tokens(options.thinking)
    output = max(len(request.images), 1) * objects * object_tokens
    if options.code_execution:
        images, texts = images * _AGENTIC_INPUT, texts * _AGENTIC_INPUT
        thoughts, output = thoughts * _AGENTIC_OUTPUT, output * _AGENTIC_OUTPUT
    if options.max_output_tokens is not None:
        thoughts = min(thoughts, options.max_output_tokens)
        output = min(output, options.max_output_tokens - thoughts)
    return Usage(
        input_tokens=images + texts,
        output_tokens=output,
        thought_tokens=thoughts,
        image_tokens=images,
    )


def time_factor(options: Options) -> float:
    """Return how many times as long as a plain request one with these options takes."""
    return _AGENTIC_TIME if options.code_execution else 1.0


def image_tokens(model: str, size: ImageSize, resolution: MediaResolution | None = None) -> int:
    """Return the tokens of one image.

    With Gemini 3 and 4 it is a budget for each resolution. Before, an image was cut into tiles of
    about two thirds of its shorter side, whatever the resolution. Of other models nothing is
    known, so it is the larger of both.

    Args:
        model: Any model name.
        size: In pixels.
        resolution: What is asked for; None is `high`, the default.
    """
    budget = _BUDGETS[resolution or MediaResolution.HIGH]
    family = _FAMILY.search(model.lower())
    number = int(family[1]) if family else None
    if number in _BUDGET_FAMILIES:
        return budget
    tiles = _tiles(size) * _TILE
    return tiles if number in _TILES_FAMILIES else max(tiles, budget)


def text_tokens(text: str) -> int:
    """Return the tokens of a text: one for four characters, as Google says of English.

    Bytes are counted, as other scripts take more tokens for a character, and more bytes too.
    """
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)


def thought_tokens(thinking: Thinking | None) -> int:
    """Return the tokens that a model thinks at most, or at a level usually.

    Args:
        thinking: A level, a budget (negative: as the model likes), the least, or None where the
            model decides.
    """
    if thinking is None:
        return _OWN_CHOICE
    if isinstance(thinking, LeastThinking):
        return _THOUGHTS[ThinkingLevel.MINIMAL]
    if isinstance(thinking, ThinkingLevel):
        return _THOUGHTS[thinking]
    return thinking if thinking >= 0 else _OWN_CHOICE


def _tiles(size: ImageSize) -> int:
    if max(size) <= _SMALL:
        return 1
    unit = max(math.floor(min(size) / 1.5), 1)  # a side of one pixel would make it 0
    return math.ceil(size.width / unit) * math.ceil(size.height / unit)


def _texts(request: GeminiRequest) -> tuple[str, ...]:
    """Return all text that is counted as input: the schema too."""
    schema = "" if request.schema is None else json.dumps(dict(request.schema))
    examples = chain.from_iterable((example.prompt, example.answer) for example in request.examples)
    return request.options.system or "", request.prompt, schema, *examples
