"""Scalars as they are written → numbers, and what was cut back to the 0-1000 grid."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from label_studio_gemini.geometry import GEMINI_SCALE
from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.replies.nodes import Value

_NUMBER = re.compile(r"\s*+[-+]?(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+\s*+", re.ASCII)
_SEPARATORS = re.compile(r"[\s,;\[\]()]+")
_IMAGE = re.compile(
    r"(?:(?:image|img|picture|page)[\s_-]*+)?+[\s_#]*+(0|[1-9]\d{0,3}+)(?:\.0*+)?+",
    re.IGNORECASE | re.ASCII,
)
_NOTHING = frozenset({"null", "None"})
_MAX_WHOLE = 2**53  # beyond, a float does not hold every one


def number_from_text(text: str) -> float | None:
    """Return the finite number that `text` is, or None; `true`, `1_0`, `NaN`, `0x10` are none."""
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def split_numbers(text: str, most: int) -> list[str]:
    """Split a string like `[1, 2; 3 4]` into about `most` parts; the last has all the rest."""
    return [part for part in _SEPARATORS.split(text, max(most, 1)) if part]


def numbers_from_texts(texts: Sequence[str]) -> list[float] | None:
    """Return the numbers that `texts` are, or None where one is none, or there are none."""
    numbers = [number_from_text(text) for text in texts]
    found = [number for number in numbers if number is not None]
    return found if found and len(found) == len(numbers) else None


def on_grid(number: float) -> float:
    """Return `number`, cut back to 0-1000."""
    return min(max(number, 0.0), float(GEMINI_SCALE))


def image_number(value: Value | None) -> int | None:
    """Return the number of an image, from 1, as it is named: `2`, `"2"`, `"Image 2"`; or None."""
    return (counted_image(value) if isinstance(value, str) else None) or None


def counted_image(name: str) -> int | None:
    """Return the number in the name of an image, from 0 or from 1, whichever was counted from."""
    named = _IMAGE.fullmatch(name.strip())
    return None if named is None else int(named[1])


def whole_number(value: Value | None) -> int | None:
    """Return the whole number that `value` is: `2`, `"2"`, `2.0`, `"#2"`; or None."""
    number = number_from_text(value.strip().removeprefix("#")) if isinstance(value, str) else None
    if number is None or not number.is_integer() or abs(number) > _MAX_WHOLE:
        return None
    return int(number)


def is_nothing(value: Value) -> bool:
    """Say whether `value` says that there is none: `null`, an empty text, an empty list."""
    if isinstance(value, JsonList):
        return value.whole and value.end >= 0 and value.empty
    if isinstance(value, JsonObject):
        return False
    return value in _NOTHING if isinstance(value, Bare) else not value.strip()
