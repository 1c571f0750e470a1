"""How many tokens things take, by the published rules."""

from __future__ import annotations

import math
import re

_SMALL = 384
_TILE = 258
_BUDGETS = {"low": 280, "medium": 560, "high": 1120, "ultra_high": 2240}
_OLDER = re.compile(r"gemini-[12]\b")
_CHARACTERS = 4
_THOUGHTS = {"minimal": 0, "low": 64, "medium": 128, "high": 256, "xhigh": 512}


def text_tokens(text: str) -> int:
    """Return the tokens of a text: about one for four characters."""
    return math.ceil(len(text) / _CHARACTERS)


def text_within(text: str, tokens: int) -> str:
    """Return as much of a text as that many tokens hold."""
    return text[: tokens * _CHARACTERS]


def picture_tokens(model: str, size: tuple[int, int], resolution: str | None) -> int:
    """Return the tokens of a picture.

    From Gemini 3 on it is a fixed budget for each resolution, `high` where none is asked for.
    Before, a picture was cut into tiles of about two thirds of its shorter side.

    Args:
        model: The model's name.
        size: (width, height) in pixels.
        resolution: What was asked for.
    """
    if not _OLDER.match(model):
        return _BUDGETS[resolution or "high"]
    if max(size) <= _SMALL:
        return _TILE
    unit = max(math.floor(min(size) / 1.5), 1)
    return math.ceil(size[0] / unit) * math.ceil(size[1] / unit) * _TILE


def thought_tokens(level: str | None, budget: int | None) -> int:
    """Return the tokens that the model thinks: none at the least level or at a budget of 0."""
    if budget is not None and budget >= 0:
        return min(budget, _THOUGHTS["medium"])
    return _THOUGHTS[level or "medium"]
