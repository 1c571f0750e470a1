"""JSON with images in it."""

from __future__ import annotations

import base64
import json
import secrets
from itertools import chain, zip_longest

_MARK = secrets.token_hex(16)  # it is never sent, so that nobody can put it into a prompt
_MARK_BYTES = _MARK.encode("ascii")


def write_json(content: object) -> bytes:
    """Write JSON in which each `bytes` is text: its base64.

    `json.dumps` would look at each letter of that, which takes longer than making it, and nothing
    else runs meanwhile.

    Raises:
        TypeError: Something else in it is nothing that JSON has.
    """
    pieces: list[bytes] = []

    def put_aside(value: object) -> str:
        if not isinstance(value, bytes):
            raise TypeError(f"{type(value).__name__} is nothing that JSON has")
        pieces.append(base64.b64encode(value))
        return _MARK

    around = json.dumps(content, default=put_aside).encode("ascii").split(_MARK_BYTES)
    return b"".join(chain.from_iterable(zip_longest(around, pieces, fillvalue=b"")))
