"""Masks to encode, and the npm package with which Label Studio's editor reads and writes them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]

NPM = Path(__file__).parent / "npm"


def blob(height: int, width: int, seed: int) -> Bools:
    """Return a round object with a wavy edge and a hole, as large as its picture."""
    waves = np.random.default_rng(seed).integers(3, 12)
    y, x = np.mgrid[0:height, 0:width]
    y, x = (2 * y + 1) / height - 1, (2 * x + 1) / width - 1
    radius = np.hypot(y, x)
    edge = 0.9 + 0.1 * np.sin(np.arctan2(y, x) * waves)
    drawn: Bools = (radius <= edge) & (radius >= 0.2)
    return drawn


@st.composite
def masks(draw: st.DrawFn) -> Bools:
    """Draw a mask: noise, or a blob; as it is, or each pixel many times as large."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    drawn: Bools
    if draw(st.booleans()):
        drawn = blob(height, width, draw(st.integers(0, 99)))
    else:
        drawn = draw(hnp.arrays(np.bool_, (height, width)))
    scale = draw(st.sampled_from([1, 1, 1, 3, 30]))
    return drawn.repeat(scale, axis=0).repeat(scale, axis=1)


def words_of(mask: Bools) -> npt.NDArray[np.uint8]:
    """Return the RGBA picture of a mask, as one row of bytes."""
    return (mask.ravel().astype(np.uint8) * 255).repeat(4)


def coco_masks(coco: Path) -> Iterator[Bools]:
    """Return the mask of each object of the photos, crowds aside."""
    key = json.loads((coco / "instances.json").read_bytes())
    sizes = {photo["id"]: (photo["width"], photo["height"]) for photo in key["images"]}
    for thing in key["annotations"]:
        if not thing["iscrowd"]:
            picture = Image.new("1", sizes[thing["image_id"]])
            for ring in thing["segmentation"]:
                ImageDraw.Draw(picture).polygon(ring, fill=1)
            yield np.asarray(picture)


class Packed(NamedTuple):
    """What the npm package says: digests of the words of each list, and lists of words."""

    decoded: list[str]
    encoded: list[list[int]]


def ask_editor(
    decode: Sequence[list[int]] = (), encode: Sequence[npt.NDArray[np.uint8]] = ()
) -> Packed:
    """Unpack lists and pack words as the editor does; skip where its package is not installed."""
    node = shutil.which("node")
    if node is None or not (NPM / "node_modules").is_dir():
        pytest.skip("needs Node.js 18 or later, and `npm ci --prefix tests/npm`")
    asked = {"decode": list(decode), "encode": [words.tolist() for words in encode]}
    done = subprocess.run(
        [node, NPM / "rle.mjs"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return Packed(**answer)


def digest(words: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha256(words.tobytes()).hexdigest()
