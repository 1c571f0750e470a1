"""Which models there are, and what each refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.refusals import Refusal, unknown_model

if TYPE_CHECKING:
    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.ask import Ask

LISTED = (
    "gemini-3-flash-preview",
    "gemini-3.8-flash",
    "gemini-3.7-flash",
    "gemini-3.6-flash",
    "gemini-3.5-flash",
    "gemini-3.5-flash-lite",
    "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-robotics-er-2-preview",
)
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?-(\w+)")
_LEVELS_SINCE = (3, 0)
_NO_MINIMAL_SINCE = (3, 7)
_NO_MINIMAL_UNTIL = (4, 0)
_ALWAYS_CIVIL = (2, 0)


def check_model(name: str, version: str, prefixes: tuple[str, ...]) -> None:
    """Refuse a model that does not exist.

    Args:
        name: The model's name, without `models/`.
        version: The version of the API that was addressed.
        prefixes: What the names of the models that exist begin with.

    Raises:
        Refusal: 404.
    """
    if not name.startswith(prefixes):
        raise unknown_model(name, version)


def check_thinking(ask: Ask) -> None:
    """Refuse what a model does not take: a level, the least level, a budget of 0, or both at once.

    Raises:
        Refusal: 400.
    """
    level, budget = ask.thinking_level, ask.thinking_budget
    if level is not None and budget is not None:
        raise Refusal("You can only set only one of thinking budget and thinking level.")
    parts = _VERSION.match(ask.model)
    if parts is None:
        return
    number = (int(parts[1]), int(parts[2] or 0))
    pro = parts[3] == "pro"
    if level is not None and number < _LEVELS_SINCE:
        raise Refusal("Thinking level is not supported for this model.")
    if level == "minimal" and (pro or _NO_MINIMAL_SINCE <= number < _NO_MINIMAL_UNTIL):
        raise Refusal(
            "Thinking level MINIMAL is not supported for this model. Please retry with other "
            "thinking level."
        )
    if budget == 0 and pro:
        raise Refusal("Budget 0 is invalid. This model only works in thinking mode.")


def check_safety(ask: Ask) -> None:
    """Refuse what some models do not take: https://github.com/danny-avila/LibreChat/issues/5666.

    Raises:
        Refusal: 400.
    """
    parts = _VERSION.match(ask.model)
    number = parts and (int(parts[1]), int(parts[2] or 0))
    if number == _ALWAYS_CIVIL and ("civic_integrity", "off") in ask.safety:
        raise Refusal("HARM_CATEGORY_CIVIC_INTEGRITY threshold cannot be 5")


def build_model(name: str) -> JsonObject:
    """Return a model's entry in the list of models."""
    methods: list[JsonValue] = ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }
