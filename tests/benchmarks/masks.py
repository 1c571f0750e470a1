"""Brush masks of a 12 megapixel image: this package and label-studio-sdk's `mask2rle`, in one run.

Both write the same bytes, which is checked first. `python tests/benchmarks/masks.py`
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from label_studio_sdk.converter.brush import mask2rle

from label_studio_gemini.geometry import ImageSize, PixelBox
from label_studio_gemini.masks import rle_from_crop, rle_from_mask
from rle_masks import blob

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = ImageSize(4000, 3000)
BOX = PixelBox(1000, 800, 1300, 1200)


class Row(NamedTuple):
    """A line of the table."""

    what: str
    ours: str
    sdk: str = ""
    ratio: str = ""


def main() -> None:
    print_row(Row("", "ours", f"label-studio-sdk {version('label-studio-sdk')}", "ratio"))
    for measure in ROWS:
        print_row(measure())


def object_row() -> Row:
    """An object of 300 by 400: the SDK is given the image that it needs, already built."""
    crop = blob(400, 300, seed=0)
    image = np.zeros((SIZE.height, SIZE.width), np.uint8)
    image[800:1200, 1000:1300] = crop * np.uint8(255)
    return compared(
        "a mask of 300 x 400, ms", lambda: rle_from_crop(crop, BOX, SIZE), lambda: mask2rle(image)
    )


def image_row() -> Row:
    """An object that fills the image."""
    image = blob(SIZE.height, SIZE.width, seed=0) * np.uint8(255)
    return compared(
        "a mask of the whole image, ms", lambda: rle_from_mask(image), lambda: mask2rle(image)
    )


ROWS: tuple[Callable[[], Row], ...] = (object_row, image_row)


def compared(what: str, ours: Callable[[], list[int]], sdk: Callable[[], list[int]]) -> Row:
    assert ours() == sdk()
    quick, slow = best_of(200, ours), best_of(10, sdk)
    return Row(what, f"{quick * 1000:.2f}", f"{slow * 1000:.0f}", f"{slow / quick:.0f}")


def best_of(times: int, work: Callable[[], object]) -> float:
    """Return the seconds of the quickest run, after one that warms up."""
    work()
    return min(seconds_of(work) for _ in range(times))


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def print_row(row: Row) -> None:
    print(f"{row.what:<32}{row.ours:>8}{row.sdk:>26}{row.ratio:>8}")


if __name__ == "__main__":
    main()
