"""Brush masks of a 12 megapixel image: this package and label-studio-sdk's `mask2rle`, in one run.

Both write the same bytes, which is checked first. Then a whole reply: 20 masks as Gemini draws
them, 256 by 256 each, from its text to checked result items. `python tests/benchmarks/masks.py`
"""

from __future__ import annotations

import base64
import io
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from label_studio_sdk.converter.brush import mask2rle

from label_studio_gemini.config import Config
from label_studio_gemini.geometry import ImageSize, PixelBox
from label_studio_gemini.masks.rle import rle_from_crop, rle_from_mask
from label_studio_gemini.plan import build_plan
from label_studio_gemini.regions import Regions, ShownImage, build_regions
from label_studio_gemini.replies import read_reply
from rle_masks import blob

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.questions import Question

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


def reply_row() -> Row:
    text, question = reply_with_masks(20), brush_question()
    return Row(
        "a reply with 20 masks, ms", f"{best_of(20, lambda: converted(text, question)) * 1000:.1f}"
    )


def memory_row() -> Row:
    """What the process takes at most above what it had, where Linux tells: in one of its own."""
    text, question = reply_with_masks(20), brush_question()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        megabytes = process.submit(peak_megabytes, text, question).result()
    return Row("the same, MB at its peak", f"{megabytes:.1f}")


def brush_question() -> Question:
    xml = """<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i">
    <Label value="thing"/></BrushLabels></View>"""
    (question,) = build_plan(Config(masks="png"), xml).questions
    return question


def reply_with_masks(count: int) -> str:
    """Write a reply about objects of different sizes: 10 to 40 % of its sides."""
    random = np.random.default_rng(0)
    items = []
    for _ in range(count):
        height, width = random.integers(100, 400, 2)
        top, left = random.integers(0, 600, 2)
        box = [int(top), int(left), int(top + height), int(left + width)]
        ellipse = Image.new("L", (256, 256))
        ImageDraw.Draw(ellipse).ellipse((4, 4, 252, 252), fill=255)
        file = io.BytesIO()
        ellipse.save(file, "PNG")
        mask = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
        items.append({"box_2d": box, "mask": mask, "label": "thing"})
    return f"```json\n{json.dumps(items)}\n```"


def converted(text: str, question: Question) -> Regions:
    regions = build_regions(read_reply(text), question, [ShownImage("i", SIZE)])
    assert len(regions.items) == 20
    return regions


def peak_megabytes(text: str, question: Question) -> float:
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    converted(text, question)
    return resident("VmHWM") - before


def resident(name: str) -> float:
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)
    )
    return int(line.split()[1]) / 1024


ROWS: tuple[Callable[[], Row], ...] = (object_row, image_row, reply_row, memory_row)


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
