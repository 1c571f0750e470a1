"""What bounds the time of a reading: whatever megabytes of a reply are made of."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies import read_reply
from label_studio_gemini.replies.scan import MAX_TOKENS
from replies_cases import PNG, URI, png

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1_000_000
HUGE: dict[str, Callable[[int], str]] = {
    "base64": lambda size: (
        f'[{{"box_2d":[1,2,3,4],"label":"a","mask":"data:image/png;base64,{"A" * size}"}}]'
    ),
    "PNG and base64": lambda size: (
        f'[{{"box_2d":[1,2,3,4],"label":"a","mask":"{PNG[:-2]}{"A" * size}"}}]'
    ),
    "base64 without end": lambda size: (
        f'[{{"box_2d":[1,2,3,4],"label":"a","mask":"{PNG}{"A" * size}'
    ),
    "many masks": lambda size: (
        "[" + f'{{"box_2d":[1,2,3,4],"label":"a","mask":"{URI}"}},' * (size // 1900) + "]"
    ),
    "large masks": lambda size: (
        "["
        + f'{{"box_2d":[1,2,3,4],"label":"a","mask":"{png("1", 4000)}"}},' * (size // 36_000)
        + "]"
    ),
    "a polygon": lambda size: (
        '[{"box_2d":[1,2,3,4],"label":"a","mask":[' + "[12,345]," * (size // 9) + "]}]"
    ),
    "a flat polygon": lambda size: (
        '[{"box_2d":[1,2,3,4],"label":"a","mask":[' + "12,345," * (size // 7) + "]}]"
    ),
    "a polygon in a string": lambda size: (
        '[{"box_2d":[1,2,3,4],"label":"a","mask":"' + "12,345," * (size // 7) + '"}]'
    ),
    "tokens": lambda size: '[{"mask":<start_of_mask>' + "<seg_1>" * (size // 7) + ',"label":"a"}]',
    "beginnings of tokens": lambda size: "[" + "<start_of_mask><seg_1" * (size // 21),
    "beginnings of base64": lambda size: "[" + "iVBORw0KGgo " * (size // 12) + "<",
    "keys in lists": lambda size: '{"a":[' + '1,"b":' * (size // 6),
    "stray quotes": lambda size: "[" + "\"a'" * (size // 3),
    "stray quotes and keys": lambda size: "[" + "\"'a':" * (size // 5),
    "answers": lambda size: '{"answers":{' + '"a":"b",' * (size // 8),
    "drifting": lambda size: "[" + '{"box_2d":[1,2,300,400],"label":"a 1"},' * (size // 39),
    "images": lambda size: '{"image":1,"a":' * (size // 14),
}


@pytest.mark.parametrize("write", HUGE.values(), ids=HUGE)
def test_ten_megabytes_take_about_a_second(write: Callable[[int], str]) -> None:
    """Measured 0.1 to 1 s; were the time quadratic, it would take days."""
    text = write(10 * MB)
    start = time.thread_time()
    try_reading(text)

    assert time.thread_time() - start < 20


@pytest.mark.slow
def test_the_slowest_of_ten_megabytes(measured: Callable[[str], None]) -> None:
    seconds = {}
    for name, write in HUGE.items():
        text = write(10 * MB)
        start = time.process_time()
        try_reading(text)
        seconds[name] = time.process_time() - start

    slowest = max(seconds, key=lambda name: seconds[name])

    measured(f"10 MB of a reply: {seconds[slowest]:.2f} s of CPU at most ({slowest})")


def try_reading(text: str) -> None:
    assert len(text) > MAX_TOKENS
    with suppress(ReplyError):
        read_reply(text)
