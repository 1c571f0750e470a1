"""Which of a request's safety settings a refusal is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

SAFETY = "safety"

Settings: TypeAlias = Sequence[tuple[str, str]]
"""Harm category and threshold, in the order in which they are sent."""

_PLACE = re.compile(r"safety.?settings?\[(\d{1,3})\]", re.IGNORECASE)
_THRESHOLD = re.compile(r"threshold", re.IGNORECASE)


def setting_name(category: str) -> str:
    """Return the name of a setting among the parts of a request."""
    return f"{SAFETY}.{category}"


def settings_refused(
    message: str, settings: Settings
) -> tuple[frozenset[str], frozenset[tuple[str, object]]]:
    """Return what a refusal is about: categories altogether, and categories at a threshold.

    A setting is named by its place (`safety_settings[4]: element predicate failed: $.category in
    …`, which lists the categories that are taken), by its category
    (`HARM_CATEGORY_CIVIC_INTEGRITY threshold cannot be 5`) or by its threshold alone. Where none
    is named, it is about all, whatever they are.

    Args:
        message: What the service said.
        settings: What it refused.
    """
    by_place = {int(place) for place in _PLACE.findall(message)}
    named = (
        [one for place, one in enumerate(settings) if place in by_place]
        or [one for one in settings if _names(message, one[0])]
        or [one for one in settings if _names(message, one[1])]
    )
    if not named:
        return frozenset({SAFETY}), frozenset()
    by_threshold = list(_at_threshold(message, named))
    whole = {setting_name(category) for category, _ in named if not by_threshold}
    return frozenset(whole), frozenset(by_threshold)


def _at_threshold(message: str, named: Settings) -> Iterator[tuple[str, object]]:
    """Yield the settings that were refused at their threshold, and may be taken at another."""
    about_thresholds = _THRESHOLD.search(message) is not None
    for category, threshold in named:
        if about_thresholds or _names(message, threshold):
            yield setting_name(category), threshold


def _names(message: str, word: str) -> bool:
    """Say whether a message has a category or a threshold, alone or as `HARM_CATEGORY_…`."""
    named = rf"(?:harm_category_|(?<![a-z_])){re.escape(word)}(?![a-z_])"
    return re.search(named, message, re.IGNORECASE) is not None
