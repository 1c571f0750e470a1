"""Texts from outside, cut to fit: a label or the name of a project may be 10 MB long."""

from __future__ import annotations

import hashlib

from label_studio_gemini.cache.rows import plain_text

LONGEST_NAME = 200
LONGEST_TEXT = 2_000
"""Characters of an error or a hint."""

_HEAD = 180  # characters of a name that stay; a digest keeps it apart from others like it


def short_text(text: str, most: int = LONGEST_TEXT) -> str:
    """Return the beginning of a text, as SQLite can hold it."""
    return plain_text(text if len(text) <= most else f"{text[: most - 1]}…")


def short_name(name: str) -> str:
    """Return a name as SQLite can hold it; two long ones that differ stay two."""
    plain = plain_text(name)
    if len(plain) <= LONGEST_NAME:
        return plain
    return f"{plain[:_HEAD]}…{hashlib.sha256(plain.encode()).hexdigest()[:12]}"
