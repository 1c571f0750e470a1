"""Characters: the escapes of JSON strings, however badly made, and halves of surrogate pairs."""

from __future__ import annotations

import json
import re

_MAX_REPAIRED = 1_000_000
_HELD = "\udfff"  # stands for an escaped backslash: `mended` has left no surrogate in any text
_BAD_ESCAPE = re.compile(r'\\(?!["/bfnrt]|u[0-9a-fA-F]{4})')
_BARE_QUOTE = re.compile(r'"(?<!\\")')
# Made once: `json.loads` makes one for each text, which takes longer than to read a label.
_decode = json.JSONDecoder(strict=False).decode


def mended(text: str) -> str:
    """Return `text` with a `?` for each half of a surrogate pair, which nothing could encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def text_from_quoted(raw: str) -> str:
    r"""Resolve the escapes of what stands between two quotes; of a bad one (`\_`), drop the `\`.

    Args:
        raw: The characters between the quotes, as written, of a text that was `mended`. With bad
            escapes and beyond a million characters it is returned as it is: to repair takes time.
    """
    if "\\" not in raw:
        return raw
    try:
        text = _decode(f'"{raw}"')
    except ValueError:
        if len(raw) > _MAX_REPAIRED:
            return raw
        kept = _BAD_ESCAPE.sub("", raw.replace("\\\\", _HELD))
        kept = _BARE_QUOTE.sub(r'\\"', kept).replace(_HELD, "\\\\")
        text = _decode(f'"{kept}"')
    return mended(str(text))
