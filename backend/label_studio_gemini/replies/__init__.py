"""Reply text → `Reading`, by the shape of the text and never by the model's name.

`scan` finds the JSON in the text, `finder` the items in the JSON and what is said beside them, and
`reader` what each says: of an item with `items`, `boxes`, `points`, `outlines` and `pictures`, and
of images and of items with `answers`; `relations` tells which item relates to which.
An item that is not whole is refused or, where the reply was cut within it, left out: nothing is
ever completed or guessed, and no broken item harms another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.replies.reader import Reader
from label_studio_gemini.replies.strings import mended, text_from_quoted

if TYPE_CHECKING:
    from label_studio_gemini.detections import Reading

__all__ = ["read_reply"]

_MAX_STRING_LEVELS = 2
# A reply that is a JSON text inside a JSON string, with or without the outer quotes: no quote
# within it stands without a backslash.
_QUOTED_REPLY = re.compile(
    r'\s*+(?:`{3,}+\w*+\s*+)?+"?+((?:\\++")?+(?:\s|\\[nrt])*+[\[{][^"\\]*+(?:\\.[^"\\]*+)*+)\\?"?+[\s`]*+',
    re.DOTALL,
)


def read_reply(text: str) -> Reading:
    """Read what a model answered, whatever the text; in linear time.

    Where an answer stands in a fenced block, only fenced blocks are read. The same label with the
    same place once more is refused as `REPEATED`: a model that runs in circles writes that.

    Raises:
        ReplyError: The text holds nothing that could be an answer; an empty list is one.
    """
    text = mended(text)
    for _ in range(_MAX_STRING_LEVELS):
        quoted = _QUOTED_REPLY.fullmatch(text) if '\\"' in text else None
        if quoted is None:
            break
        text = text_from_quoted(quoted[1])
    return Reader(text).reading()
