"""Brush masks: to the byte what label-studio-sdk writes, from a crop as from the whole image."""

from __future__ import annotations

import itertools
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.converter.brush import decode_rle, mask2rle

from label_studio_gemini.geometry import ImageSize, PixelBox
from label_studio_gemini.masks.rle import rle_from_crop, rle_from_mask
from label_studio_gemini.masks.rle_decode import mask_from_rle
from rle_masks import ask_editor, blob, coco_masks, digest, masks, words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from rle_masks import Bools


def of_sdk(mask: Bools) -> list[int]:
    rle: list[int] = mask2rle(mask.astype(np.uint8) * 255)
    return rle


def of_runs(*lengths: int) -> Bools:
    """Return a mask of one row: background, object, background …, each so many pixels."""
    values = [number % 2 == 1 for number in range(len(lengths))]
    return np.repeat(values, lengths)[None]


@given(masks())
def test_a_mask_is_encoded_as_the_sdk_does(mask: Bools) -> None:
    assert rle_from_mask(mask) == of_sdk(mask)


# Four words a pixel: a length takes 3 bits up to 2 pixels, 4 up to 4, 8 up to 64, 16 up to 16384.
TURNS = [1, 2, 3, 4, 5, 64, 65, 16384, 16385, 32768, 32769, 49153]


@pytest.mark.parametrize("length", TURNS)
def test_each_length_of_a_run_is_encoded_as_the_sdk_does(length: int) -> None:
    for mask in (of_runs(length), of_runs(0, length), of_runs(7, length, 7), of_runs(length, 1)):
        assert rle_from_mask(mask) == of_sdk(mask)
        assert (mask_from_rle(rle_from_mask(mask), (mask.size, 1)) == mask).all()


@pytest.mark.parametrize("fill", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (8, 8), (7, 9), (300, 400)])
def test_an_empty_and_a_full_mask_are_encoded_as_the_sdk_does(
    shape: tuple[int, int], *, fill: bool
) -> None:
    mask = np.full(shape, fill)
    assert rle_from_mask(mask) == of_sdk(mask)
    assert rle_from_crop(mask, (0, 0, shape[1], shape[0]), shape[::-1]) == of_sdk(mask)


def spread(mask: Bools) -> npt.NDArray[Any]:
    """Return the mask as every other column of a wider array."""
    wide = np.ones((mask.shape[0], mask.shape[1] * 2), np.bool_)
    wide[:, ::2] = mask
    return wide[:, ::2]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda mask: mask.astype(np.uint8), id="0 and 1"),
        pytest.param(lambda mask: mask.astype(np.int64) * -300, id="wide and negative"),
        pytest.param(lambda mask: mask * 0.25, id="fractions"),
        pytest.param(np.asfortranarray, id="column by column"),
        pytest.param(spread, id="a view"),
    ],
)
def test_what_is_not_0_is_the_object(made: Callable[[Bools], npt.NDArray[Any]]) -> None:
    mask = blob(40, 50, seed=1)
    assert rle_from_mask(made(mask)) == of_sdk(mask)
    assert rle_from_crop(made(mask), (3, 2, 53, 42), (60, 50)) == of_sdk(
        np.pad(mask, ((2, 8), (3, 7)))
    )


@given(crop=masks(), margins=st.tuples(*[st.integers(0, 40)] * 4), compact=st.booleans())
def test_a_crop_is_encoded_as_the_whole_image(
    crop: Bools, margins: tuple[int, int, int, int], *, compact: bool
) -> None:
    """Wherever it lies, at an edge too."""
    left, top, right, bottom = margins
    image = np.pad(crop, ((top, bottom), (left, right)))
    box = (left, top, left + crop.shape[1], top + crop.shape[0])
    size = ImageSize(*image.shape[::-1])
    made = rle_from_crop(crop, box, size, compact=compact)
    assert made == rle_from_mask(image, compact=compact)
    assert all(type(byte) is int for byte in made)


@pytest.mark.parametrize("edges", list(itertools.product([0, 2], repeat=4)))
def test_one_pixel_and_a_full_crop_may_touch_any_edge(edges: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = edges
    for shape in ((1, 1), (3, 4)):
        crop = np.ones(shape, np.bool_)
        image = np.pad(crop, ((top, bottom), (left, right)))
        box = PixelBox(left, top, left + shape[1], top + shape[0])
        assert rle_from_crop(crop, box, ImageSize(*image.shape[::-1])) == of_sdk(image)


def test_the_image_of_a_crop_is_never_built() -> None:
    """One of 900 megapixels takes 20 MB at most; most of that is the list of its runs."""
    crop, size = blob(400, 300, seed=0), (30_000, 30_000)
    tracemalloc.start()
    try:
        rle = rle_from_crop(crop, (1000, 800, 1300, 1200), size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert int.from_bytes(rle[:4]) == 4 * 30_000 * 30_000


@dataclass(frozen=True)
class Wrong:
    """A box that cannot be encoded, and what is said of it."""

    box: tuple[float, ...]
    says: str
    shape: tuple[int, ...] = (2, 3)
    size: tuple[int, int] = (10, 8)


@pytest.mark.parametrize(
    "case",
    [
        Wrong((-1, 0, 2, 2), "not within"),
        Wrong((0, -1, 3, 1), "not within"),
        Wrong((8, 0, 11, 2), "not within"),
        Wrong((0, 7, 3, 9), "not within"),
        Wrong((3, 0, 0, 2), "not within"),
        Wrong((3, 2, 3, 2), "not within", shape=(0, 0)),
        Wrong((0.5, 0, 3.5, 2), "whole pixels"),
        Wrong((float("nan"), 0, 3, 2), "whole pixels"),
        Wrong((0, 0, float("inf"), 2), "whole pixels"),
        Wrong((0, 0, 2, 3), "does not fill"),
        Wrong((0, 0, 3, 2), "does not fill", shape=(2, 3, 1)),
        Wrong((0, 0, 3), "not enough values"),
        Wrong((0, 0, 3, 2), "too large", size=(1 << 15, 1 << 15)),
    ],
    ids=str,
)
def test_a_box_that_does_not_fit_is_refused(case: Wrong) -> None:
    with pytest.raises(ValueError, match=case.says):
        rle_from_crop(np.ones(case.shape, np.bool_), case.box, case.size)


@pytest.mark.parametrize("shape", [(), (6,), (2, 3, 1), (0, 3), (3, 0)])
def test_a_mask_that_is_no_plane_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="height by width"):
        rle_from_mask(np.ones(shape, np.bool_))


@given(mask=masks().filter(lambda mask: mask.size < 10_000), compact=st.booleans())
def test_the_sdk_decodes_either_encoding(mask: Bools, *, compact: bool) -> None:
    decoded = decode_rle(rle_from_mask(mask, compact=compact))
    assert (decoded == words_of(mask)).all()


@given(masks())
def test_a_compact_list_is_the_same_mask_and_never_longer(mask: Bools) -> None:
    compact = rle_from_mask(mask, compact=True)
    assert len(compact) <= len(rle_from_mask(mask))
    height, width = mask.shape
    assert (mask_from_rle(compact, (width, height)) == mask).all()


def test_compact_lists_of_real_masks_are_a_tenth_shorter(
    shared: Path, measured: Callable[[str], None]
) -> None:
    drawn = list(coco_masks(shared / "photos" / "coco"))
    usual = sum(len(rle_from_mask(mask)) for mask in drawn)
    compact = sum(len(rle_from_mask(mask, compact=True)) for mask in drawn)
    measured(
        f"compact brush masks of {len(drawn)} COCO objects: {compact / usual:.1%} of {usual} B"
    )
    assert compact < 0.9 * usual


def test_the_editor_decodes_real_masks(shared: Path) -> None:
    """Every tenth of them, for the sake of time: each is a picture of a megabyte."""
    drawn = list(coco_masks(shared / "photos" / "coco"))[::10]
    for compact in (False, True):
        answer = ask_editor(decode=[rle_from_mask(mask, compact=compact) for mask in drawn])
        assert answer.decoded == [digest(words_of(mask)) for mask in drawn]


def test_the_editor_decodes_noise_and_blobs() -> None:
    """Of all small sizes, crops in larger images, and one of a megapixel."""
    drawing = np.random.default_rng(4)
    drawn = [
        drawing.random((height, width)) < drawing.random()
        for height, width in drawing.integers(1, 40, (300, 2))
    ]
    drawn += [
        blob(height, width, seed=height) for height, width in drawing.integers(1, 90, (60, 2))
    ]
    drawn.append(blob(1000, 1100, seed=0))
    lists = [rle_from_mask(mask, compact=number % 2 == 0) for number, mask in enumerate(drawn)]
    crop = blob(400, 300, seed=0)
    lists.append(rle_from_crop(crop, (700, 10, 1000, 410), (1000, 800)))
    drawn.append(np.pad(crop, ((10, 390), (700, 0))))
    assert ask_editor(decode=lists).decoded == [digest(words_of(mask)) for mask in drawn]
