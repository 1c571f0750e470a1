"""What bounds the time of a reading: above what a model can write, and never at a box's cost."""

from __future__ import annotations

import base64
import json
import time
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from PIL import Image

from label_studio_gemini.errors import ReplyError
from label_studio_gemini.masks.types import MaskPng, MaskPolygon
from label_studio_gemini.replies import read_reply

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 10_000_000
MOST_ITEMS = 65_536 // 20  # the tokens of the longest answer, by those of the shortest item


def item(number: int, **more: Any) -> dict[str, Any]:
    """Return an item unlike any other: what drifts a little would pass for a loop."""
    top, left = number // 45 * 12, number % 45 * 20
    return {"box_2d": [top, left, top + 50, left + 50], "label": "cat", **more}


def outlined(number: int) -> dict[str, Any]:
    """Return an item with a polygon in a string, of 36 points: 182 tokens."""
    top, left, bottom, right = item(number)["box_2d"]
    ring = [[left, top], [right, top], [right, bottom], [left, bottom]] * 9
    return item(number, mask=json.dumps(ring))


def png() -> bytes:
    out = BytesIO()
    Image.effect_noise((64, 64), 90).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_the_fullest_answer_in_strings_is_read_to_its_end(levels: int) -> None:
    value: object = [item(n) for n in range(MOST_ITEMS)]
    for _ in range(levels):
        value = {"answer": json.dumps(value)}
    reading = read_reply(json.dumps(value))
    assert len(reading.detections) == MOST_ITEMS
    assert not reading.truncated


def test_polygons_in_strings_are_read_as_far_as_a_model_can_write_them() -> None:
    """Those beyond are counted, and their boxes kept."""
    reading = read_reply(json.dumps([outlined(n) for n in range(1_000)]))
    polygons = [isinstance(found.mask, MaskPolygon) for found in reading.detections]
    assert len(reading.detections) == 1_000
    assert polygons == sorted(polygons, reverse=True)
    assert 200 < sum(polygons) < 400
    assert reading.masks_unreadable == 1_000 - sum(polygons)


@pytest.mark.parametrize("sure", [True, False], ids=["as it is", "too often"])
def test_a_picture_with_percent_signs_is_read_and_a_flood_of_them_is_not(sure: bool) -> None:  # noqa: FBT001
    data = png()
    text = quote(base64.b64encode(data).decode(), safe="")
    assert text.count("%") > 10
    mask = f"data:image/png;base64,{text if sure else text + '%3D' * 500_000}"
    (found,) = read_reply(json.dumps([item(1, mask=mask)])).detections
    assert isinstance(found.mask, MaskPng) is sure
    assert not isinstance(found.mask, MaskPng) or found.mask.png == data


def repeated(unit: str, head: str = "[", tail: str = "]") -> str:
    return head + unit * (SIZE // len(unit)) + tail


DEEP = '{"box_2d": [1, 2, 3, 4], "label": "a", "parts": ['
HOSTILE: dict[str, Callable[[], str]] = {
    "short polygons in strings": lambda: repeated(json.dumps(outlined(1)) + ","),
    "flat polygons in strings": lambda: repeated(
        json.dumps(item(1, mask="1,2 3,4 " * 50_000)) + ","
    ),
    "one item of many boxes": lambda: (
        json.dumps([{"box_2d": [[n, 2, 995, 9] for n in range(900)] * 14, "label": "a"}])
        + " " * SIZE
    ),
    "items deep in items": lambda: repeated(json.dumps(item(1)) + ",", "[" + DEEP * 30, "]}" * 30),
    "quoted base64": lambda: repeated(
        "%2B", '[{"box_2d": [1, 2, 3, 4], "mask": "data:image/png;base64,'
    ),
    "a long key": lambda: repeated("\\_", '[{"', '": 1}]'),
}


@pytest.mark.parametrize("write", HOSTILE.values(), ids=HOSTILE)
def test_ten_megabytes_take_less_than_a_second(write: Callable[[], str]) -> None:
    """On a machine that does nothing else: tests/benchmarks/reading.py measures that."""
    text = write()
    start = time.thread_time()
    with suppress(ReplyError):
        read_reply(text)
    assert time.thread_time() - start < 5
