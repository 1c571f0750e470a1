"""Reply text → `Reading`, by the shape of the text and never by the model's name.

`scan` finds the JSON in the text, `finder` the items in the JSON, `beside` what is said beside
them, `images` of which image. `parts` tells what of it all is the answer, and `reader` what each
says: of an item with `items`, `boxes`, `points`, `outlines` and `pictures`, and of images and of
items with `answers`; `relations` tells which item relates to which, `loops` which are no items.
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

    What can be used is read in fenced blocks and in the open alike; what can't is refused where a
    fenced block answers, if it stands in one. The same label with the same place once more is
    refused as `REPEATED`: a model that runs in circles writes that.

    Raises:
        ReplyError: The text holds nothing that could be an answer; an empty list and `null` are.
    """
    text = mended(text)
    for _ in range(_MAX_STRING_LEVELS):
        quoted = _QUOTED_REPLY.fullmatch(text) if '\\"' in text else None
        if quoted is None:
            break
        text = text_from_quoted(quoted[1])
    return Reader(text).reading()
