"""Brush masks read: whatever sizes their header names, and never more than list and image allow."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.errors import MaskError
from label_studio_gemini.masks.rle import rle_from_mask
from label_studio_gemini.masks.rle_decode import mask_from_rle
from rle_masks import ask_editor, blob, masks

if TYPE_CHECKING:
    from rle_masks import Bools


@dataclass(frozen=True)
class Run:
    """Some words of a list: as they are, or one of them repeated."""

    size: int  # which of the four
    words: tuple[int, ...]
    is_repeated: bool


def packed(runs: list[Run], word_size: int, sizes: tuple[int, ...]) -> list[int]:
    """Pack runs as `@thi.ng/rle-pack` describes it, bit by bit."""
    count = sum(len(run.words) for run in runs)
    bits = f"{count:032b}{word_size - 1:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    for run in runs:
        length = format(len(run.words) - 1, f"0{sizes[run.size]}b")
        words = run.words[:1] if run.is_repeated else run.words
        bits += f"{run.is_repeated:b}{run.size:02b}{length}"
        bits += "".join(format(word, f"0{word_size}b") for word in words)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Draw a list of any word and run sizes, and the words in it: four for each pixel."""
    word_size = draw(st.integers(1, 32))
    sizes = tuple(draw(st.lists(st.integers(1, 16), min_size=4, max_size=4)))
    word = st.sampled_from([0, 1, (1 << word_size) - 1])
    left = 4 * draw(st.integers(1, 40))
    runs = []
    while left:
        size = draw(st.integers(0, 3))
        length = draw(st.integers(1, min(left, 1 << sizes[size])))
        is_repeated = draw(st.booleans())
        if is_repeated:
            words = [draw(word)] * length
        else:
            words = draw(st.lists(word, min_size=length, max_size=length))
        runs.append(Run(size, tuple(words), is_repeated))
        left -= length
    return packed(runs, word_size, sizes), [word for run in runs for word in run.words]


@given(lists())
def test_any_word_and_run_sizes_are_read(drawn: tuple[list[int], list[int]]) -> None:
    """An object is where the fourth of a pixel's words, its opacity, is not 0."""
    rle, words = drawn
    expected = [word != 0 for word in words[3::4]]
    assert mask_from_rle(rle, (len(words) // 4, 1))[0].tolist() == expected


@given(masks())
def test_what_is_encoded_is_read_back(mask: Bools) -> None:
    height, width = mask.shape
    read = mask_from_rle(rle_from_mask(mask), (width, height))
    assert read.dtype == np.bool_
    assert read.shape == mask.shape
    assert (read == mask).all()


def test_what_the_editor_encodes_is_read() -> None:
    """Its brush strokes have soft edges, and single words where three channels are one colour."""
    drawing = np.random.default_rng(5)
    soft = [drawing.integers(0, 4, (9, 7, 1), np.uint8).repeat(4, axis=2) for _ in range(50)]
    coloured = [drawing.integers(0, 3, (9, 7, 4), np.uint8) for _ in range(50)]
    round_ones = [(blob(90, 70, seed) * np.uint8(200))[..., None].repeat(4, 2) for seed in range(9)]
    pictures = [*soft, *coloured, *round_ones]
    answer = ask_editor(encode=[picture.ravel() for picture in pictures])
    for picture, rle in zip(pictures, answer.encoded, strict=True):
        height, width = picture.shape[:2]
        assert (mask_from_rle(rle, (width, height)) == (picture[..., 3] > 0)).all()


def test_what_follows_the_last_run_is_not_looked_at() -> None:
    mask = blob(9, 7, seed=0)
    assert (mask_from_rle([*rle_from_mask(mask), 255, 255], (7, 9)) == mask).all()


def test_a_list_that_is_cut_anywhere_is_refused() -> None:
    rle = rle_from_mask(blob(30, 40, seed=0))
    for length in range(len(rle) - 2):
        with pytest.raises(MaskError, match="ends before") as caught:
            mask_from_rle(rle[:length], (40, 30))
        assert caught.value.hint


BOMB = [255, 255, 255, 255, 58, 255, 255, 128, *[255] * 90]
TOO_LONG = packed([Run(3, (0,) * 9, is_repeated=True)], 8, (3, 4, 8, 16))
TOO_LONG[3] = 8


@dataclass(frozen=True)
class Broken:
    """A list that is no mask of an image of 2 by 1, and what is said of it."""

    id: str
    rle: object
    says: str


@pytest.mark.parametrize(
    "case",
    [
        Broken("empty", [], "ends before"),
        Broken("no bytes", [0, 0, 0, 256], "no list of bytes"),
        Broken("negative", [0, 0, 0, -1], "no list of bytes"),
        Broken("huge", [1 << 80], "no list of bytes"),
        Broken("fractions", [0.5], "no list of bytes"),
        Broken("none", [None], "no list of bytes"),
        Broken("text", "rle", "no list of bytes"),
        Broken("another image", rle_from_mask(np.ones((1, 3), np.bool_)), "of 12 words"),
        Broken("a bomb", BOMB, "of 4294967295 words"),
        Broken("runs beyond the end", TOO_LONG, "longer than its header"),
    ],
    ids=lambda case: case.id,
)
def test_a_list_that_is_no_mask_of_the_image_is_refused(case: Broken) -> None:
    with pytest.raises(MaskError, match=case.says) as caught:
        mask_from_rle(case.rle, (2, 1))  # type: ignore[arg-type]
    assert caught.value.hint


@given(st.binary(max_size=200), st.integers(1, 64), st.lists(st.integers(0, 3), max_size=3))
def test_any_bytes_are_a_mask_or_refused(tail: bytes, width: int, flips: list[int]) -> None:
    """Nothing else happens, whatever follows a header that fits or nearly does."""
    count = bytearray((4 * width).to_bytes(4))
    for at in flips:
        count[at] ^= 1
    with suppress(MaskError):
        assert mask_from_rle([*count, *tail], (width, 1)).shape == (1, width)


def test_masks_of_one_size_are_told_apart_by_shape() -> None:
    """The list holds no width: it is the caller's image that says it."""
    rle = rle_from_mask(np.eye(2, 3, dtype=np.bool_))
    for width, height in itertools.permutations((2, 3)):
        assert mask_from_rle(rle, (width, height)).shape == (height, width)
