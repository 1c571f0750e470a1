"""Messages that are one and the same: equal but for names, addresses and numbers."""

from __future__ import annotations

import json
import re
from itertools import zip_longest

# What the backend's messages quote, addresses, and numbers but HTTP's: `a/b.jpg`, 'text', 1,024
_SPECIFIC = re.compile(
    r"(`[^`]*`|(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|(?<!\w)\"(?:[^\"\\]|\\.)*\"(?!\w)|https?://\S+"
    r"|(?<!HTTP )(?<![\w.])\$?\d[\d,.]*\d|(?<!HTTP )(?<![\w.])\$?\d)",
    re.ASCII,
)
_DIFFERS = "…"


def pattern_of(text: str) -> str:
    """Return a message without what differs from task to task."""
    return _SPECIFIC.sub(_DIFFERS, text)


def parts_of(text: str) -> str:
    """Return a message as JSON: what stays and what is its own, in turns."""
    return json.dumps(_SPECIFIC.split(text))


def common_parts(parts: str, others: str) -> str:
    """Return what two messages of one pattern have in common."""
    if parts == others:
        return parts
    pairs = zip_longest(json.loads(parts), json.loads(others))
    return json.dumps([one if one == other else None for one, other in pairs])


def text_of(parts: str) -> str:
    """Return the message that parts make up."""
    text = "".join(_DIFFERS if part is None else part for part in json.loads(parts))
    return text[:-1] if text.endswith(f"{_DIFFERS}.") else text
