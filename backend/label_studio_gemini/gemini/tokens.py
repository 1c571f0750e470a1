"""Token counts as they arrive: absent, null or odd, and never worth an answer that was paid for."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

_IMAGE = "image"
_COUNTS = ("tokens", "tokenCount", "token_count")


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _image_count(value: object) -> int:
    entries = value if isinstance(value, list) else []
    return sum(
        _count(next((entry[name] for name in _COUNTS if name in entry), 0))
        for entry in entries
        if isinstance(entry, dict) and str(entry.get("modality")).lower() == _IMAGE
    )


Count: TypeAlias = Annotated[int, BeforeValidator(_count)]
"""A number of tokens; whatever is no such number counts as 0."""

ImageCount: TypeAlias = Annotated[int, BeforeValidator(_image_count)]
"""The images' part of a list of `{"modality": …, "tokens" or "tokenCount": …}`."""
