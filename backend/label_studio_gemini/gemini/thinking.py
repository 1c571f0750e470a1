"""Which thinking comes nearest to what was wanted, where a model does not take that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.gemini.types import LeastThinking, ThinkingLevel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from label_studio_gemini.gemini.types import Thinking

_LEVELS = tuple(ThinkingLevel)
_BUDGETS = {
    ThinkingLevel.MINIMAL: 0,  # "matches the no-thinking setting for most queries"
    ThinkingLevel.LOW: 1_024,
    ThinkingLevel.MEDIUM: 8_192,
    ThinkingLevel.HIGH: 24_576,
}
"""The budgets that Google itself takes for `reasoning_effort` with the models that have no levels:
https://ai.google.dev/gemini-api/docs/openai. No thinking for minimal:
https://ai.google.dev/gemini-api/docs/thinking."""
_SMALLEST_BUDGETS = (128, 512)
"""The least but off, of 2.5 Pro and of 2.5 Flash-Lite."""
_LARGEST_BUDGETS = (32_768, 24_576)
"""The most, of 2.5 Pro and of the others."""


def nearest_thinking(wanted: Thinking) -> tuple[ThinkingLevel | int, ...]:
    """Return what to ask for in place of `wanted`, the best first, `wanted` itself included.

    The least of all is a level (Gemini 3: minimal; some begin at low) or a budget (2.5). Levels
    stand in for each other before budgets do, and the cheaper of two before the dearer. After the
    last there is only asking for nothing.
    """
    return tuple(dict.fromkeys(_nearest(wanted)))


def _nearest(wanted: Thinking) -> Iterator[ThinkingLevel | int]:
    if isinstance(wanted, LeastThinking):
        yield from (ThinkingLevel.MINIMAL, ThinkingLevel.LOW, 0, *_SMALLEST_BUDGETS)
    elif isinstance(wanted, ThinkingLevel):
        yield from _levels_near(wanted)
        yield from _budgets_near(_BUDGETS[wanted])
    else:
        yield from _budgets_near(wanted)
        yield from _levels_near(_level_from_budget(wanted))


def _levels_near(level: ThinkingLevel) -> list[ThinkingLevel]:
    place = _LEVELS.index(level)
    return sorted(_LEVELS, key=lambda other: abs(_LEVELS.index(other) - place))


def _budgets_near(budget: int) -> list[int]:
    larger = [other for other in _SMALLEST_BUDGETS if 0 <= budget < other]
    smaller = [other for other in _LARGEST_BUDGETS if budget > other]
    return [budget, *larger, *smaller]


def _level_from_budget(budget: int) -> ThinkingLevel:
    """Return the level that thinks as long; -1 ("as you like") is what models of levels do high."""
    if budget < 0:
        return ThinkingLevel.HIGH
    return next((level for level, most in _BUDGETS.items() if budget <= most), ThinkingLevel.HIGH)
