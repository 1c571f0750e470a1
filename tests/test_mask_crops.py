"""A reply's mask lands on exactly the pixels whose centres it covers."""

from __future__ import annotations

import io
import math
import tracemalloc
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import (
    GeminiBox,
    GeminiPoint,
    ImageSize,
    PixelArea,
    PixelBox,
    gemini_from_pixel,
    pixel_from_gemini,
)
from label_studio_gemini.masks.crops import MaskCrop, crop_from_mask
from label_studio_gemini.masks.types import MaskPng, MaskPolygon

SIZE = ImageSize(40, 30)
TINY = ImageSize(13, 11)
EVERYWHERE = GeminiBox(0, 0, 1000, 1000)


def drawn(values: object) -> MaskPng:
    file = io.BytesIO()
    Image.fromarray(np.array(values, np.uint8)).save(file, "PNG")
    return MaskPng(file.getvalue())


def outlined(*rings: list[tuple[float, float]], size: ImageSize = SIZE) -> MaskPolygon:
    """Return an outline from (x, y) in pixels."""
    width, height = size
    return MaskPolygon(
        tuple(tuple(GeminiPoint(y * 1000 / height, x * 1000 / width) for x, y in r) for r in rings)
    )


def full(crop: MaskCrop, size: ImageSize = SIZE) -> npt.NDArray[np.bool_]:
    image = np.zeros((size.height, size.width), np.bool_)
    left, top, right, bottom = crop.area
    assert crop.mask.shape == (bottom - top, right - left)
    image[top:bottom, left:right] = crop.mask
    return image


def rectangle(left: int, top: int, right: int, bottom: int) -> npt.NDArray[np.bool_]:
    image = np.zeros((SIZE.height, SIZE.width), np.bool_)
    image[top:bottom, left:right] = True
    return image


@dataclass(frozen=True)
class Case:
    """A box in pixels, and the pixels whose centres it holds."""

    id: str
    box: PixelBox
    expected: PixelArea


CASES = [
    Case("whole pixels", PixelBox(2, 3, 6, 8), PixelArea(2, 3, 6, 8)),
    Case("less than half a pixel off", PixelBox(2.4, 3.4, 6.4, 8.4), PixelArea(2, 3, 6, 8)),
    Case("more than half a pixel off", PixelBox(2.6, 3.6, 6.6, 8.6), PixelArea(3, 4, 7, 9)),
    Case("one centre", PixelBox(4.4, 4.4, 4.6, 4.6), PixelArea(4, 4, 5, 5)),
    Case("the whole image", PixelBox(0, 0, 40, 30), PixelArea(0, 0, 40, 30)),
    Case("over the edge", PixelBox(-5, -5, 3, 60), PixelArea(0, 0, 3, 30)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("side", [1, 3, 256])
def test_a_full_mask_covers_the_centres_in_its_box(case: Case, side: int) -> None:
    mask = drawn(np.full((side, side), 255))

    crop = crop_from_mask(mask, gemini_from_pixel(case.box, SIZE), SIZE)

    assert crop.area == case.expected
    assert crop.mask.all()


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("width", [4, 64, 256])
def test_an_edge_runs_where_the_mask_says_and_not_where_pixels_do(
    width: int, *, smooth: bool
) -> None:
    """Half of a box from 10.3 to 22.3 ends at 16.3, so that pixel 15 is in and pixel 16 is not."""
    mask = drawn(np.repeat([[255, 0]], width // 2, axis=1).repeat(width, axis=0))
    box = gemini_from_pixel(PixelBox(10.3, 5, 22.3, 25), SIZE)

    found = full(crop_from_mask(mask, box, SIZE, smooth=smooth))

    assert np.array_equal(found, rectangle(10, 5, 16, 25))


@given(
    values=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    corners=st.tuples(*[st.floats(0, 1000)] * 4),
)
def test_a_mask_is_read_between_its_pixels(
    values: int, shape: tuple[int, int], corners: tuple[float, float, float, float]
) -> None:
    """Enlarged or reduced: at a pixel's centre, a straight line between the nearest four values."""
    ymin, ymax = sorted(corners[:2])
    xmin, xmax = sorted(corners[2:])
    assume(ymax - ymin > 1 and xmax - xmin > 1)
    box = GeminiBox(ymin, xmin, ymax, xmax)
    picture = np.random.default_rng(values).integers(0, 256, shape, np.uint8)

    expected, sure = between(picture, pixel_from_gemini(box, TINY), TINY)
    try:
        found = full(crop_from_mask(drawn(picture), box, TINY, smooth=False), TINY)
    except MaskError:
        found = np.zeros_like(expected)

    assert np.array_equal(found[sure], expected[sure])


def between(
    picture: npt.NDArray[np.uint8], box: PixelBox, size: ImageSize
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which pixels of the image a picture covers, and where rounding can't change it."""
    rows, columns = picture.shape
    covered = np.zeros((size.height, size.width), np.bool_)
    sure = np.ones_like(covered)
    for row, column in np.ndindex(covered.shape):
        x, y = column + 0.5, row + 0.5
        if box.left <= x < box.right and box.top <= y < box.bottom:
            u = min(max((x - box.left) / (box.right - box.left) * columns - 0.5, 0), columns - 1)
            v = min(max((y - box.top) / (box.bottom - box.top) * rows - 0.5, 0), rows - 1)
            left, top = math.floor(u), math.floor(v)
            right, bottom = min(left + 1, columns - 1), min(top + 1, rows - 1)
            upper, lower = (
                picture[r, left] + (u - left) * (float(picture[r, right]) - picture[r, left])
                for r in (top, bottom)
            )
            value = upper + (v - top) * (lower - upper)
            covered[row, column] = value > 127.5
            sure[row, column] = abs(value - 127.5) > 2
        sure[row, column] &= all(abs(x - edge) > 1e-6 for edge in (box.left, box.right))
        sure[row, column] &= all(abs(y - edge) > 1e-6 for edge in (box.top, box.bottom))
    return covered, sure


def test_smoothing_takes_specks_away_and_off_leaves_them() -> None:
    """One odd value inside and one outside are noise, not a hole and a part."""
    picture = np.zeros((30, 40), np.uint8)
    picture[:, :20] = 255
    picture[10, 10], picture[10, 30] = 0, 255

    smooth = full(crop_from_mask(drawn(picture), EVERYWHERE, SIZE))
    raw = full(crop_from_mask(drawn(picture), EVERYWHERE, SIZE, smooth=False))

    assert np.array_equal(smooth, rectangle(0, 0, 20, 30))
    assert np.array_equal(raw, picture > 127)


@pytest.mark.parametrize(
    ("mask", "box"),
    [
        pytest.param(drawn(np.full((9, 9), 127)), EVERYWHERE, id="nothing above the midpoint"),
        pytest.param(drawn([[255]]), GeminiBox(0, 0, 1000, 10), id="a box between two centres"),
        pytest.param(MaskPng(b"\x89PNG\r\n\x1a\n"), EVERYWHERE, id="no picture"),
        pytest.param(outlined([(5, 5.2), (9, 9.2), (20, 20.2)]), EVERYWHERE, id="a line"),
        pytest.param(outlined([(5.1, 5.1), (5.3, 5.1), (5.3, 9)]), EVERYWHERE, id="a splinter"),
    ],
)
def test_a_mask_without_a_pixel_is_an_error(mask: MaskPng | MaskPolygon, box: GeminiBox) -> None:
    with pytest.raises(MaskError) as caught:
        crop_from_mask(mask, box, SIZE)
    assert caught.value.hint


SQUARE = [(4.0, 4.0), (12.0, 4.0), (12.0, 12.0), (4.0, 12.0)]
OTHER = [(8.0, 8.0), (20.0, 8.0), (20.0, 20.0), (8.0, 20.0)]


@dataclass(frozen=True)
class Outline:
    """Rings in pixels, and the rectangles that they fill together."""

    id: str
    rings: tuple[list[tuple[float, float]], ...]
    expected: tuple[tuple[int, int, int, int], ...]


OUTLINES = [
    Outline("square", (SQUARE,), ((4, 4, 12, 12),)),
    Outline("the other way round", (SQUARE[::-1],), ((4, 4, 12, 12),)),
    Outline("two that overlap", (SQUARE, OTHER), ((4, 4, 12, 12), (8, 8, 20, 20))),
    Outline("and turn against each other", (SQUARE, OTHER[::-1]), ((4, 4, 12, 12), (8, 8, 20, 20))),
    Outline(
        "far apart",
        (SQUARE, [(30, 20), (35, 20), (35, 25), (30, 25)]),
        ((4, 4, 12, 12), (30, 20, 35, 25)),
    ),
    Outline("in a loop, again and again", (SQUARE * 300,), ((4, 4, 12, 12),)),
    Outline(
        "joined by a bridge",
        ([*SQUARE, SQUARE[0], (30, 20), (35, 20), (35, 25), (30, 25), (30, 20), SQUARE[0]],),
        ((4, 4, 12, 12), (30, 20, 35, 25)),
    ),
    Outline(
        "half a pixel off",
        ([(4.4, 4.4), (12.4, 4.4), (12.4, 12.6), (4.4, 12.6)],),
        ((4, 4, 12, 13),),
    ),
    Outline("over the edge", ([(-9, -9), (6, -9), (6, 99), (-9, 99)],), ((0, 0, 6, 30),)),
    Outline("beside the image", (SQUARE, [(50, 4), (60, 4), (60, 9)]), ((4, 4, 12, 12),)),
]


@pytest.mark.parametrize("case", OUTLINES, ids=lambda case: case.id)
def test_outlines_are_filled(case: Outline) -> None:
    """Their union is, wherever the box may be."""
    elsewhere = GeminiBox(900, 900, 1000, 1000)
    expected = np.any([rectangle(*corners) for corners in case.expected], axis=0)

    assert np.array_equal(full(crop_from_mask(outlined(*case.rings), elsewhere, SIZE)), expected)


TENTHS = st.integers(-100, 500).map(lambda n: n / 10)


@given(points=st.lists(st.tuples(TENTHS, TENTHS), min_size=3, max_size=9))
def test_a_pixel_belongs_to_an_outline_that_holds_its_centre(
    points: list[tuple[float, float]],
) -> None:
    polygon = shapely.Polygon(points)
    assume(polygon.is_valid and polygon.area > 1)
    x, y = np.meshgrid(np.arange(SIZE.width) + 0.5, np.arange(SIZE.height) + 0.5)
    expected = shapely.contains_xy(polygon, x, y)
    on_the_line = shapely.dwithin(polygon.exterior, shapely.points(x, y), 1e-6)
    try:
        found = full(crop_from_mask(outlined(points), EVERYWHERE, SIZE))
    except MaskError:
        found = np.zeros_like(expected)

    assert np.array_equal(found[~on_the_line], expected[~on_the_line])


def test_the_full_image_is_never_built() -> None:
    """An object of 300 by 400 in 12 megapixels takes the memory of its own pixels."""
    size = ImageSize(4000, 3000)
    rng = np.random.default_rng(0)
    box = gemini_from_pixel(PixelBox(1000.3, 800.2, 1300.3, 1200.2), size)
    masks = (
        drawn(rng.integers(0, 256, (256, 256))),
        outlined([(1000, 800), (1300, 900), (1200, 1200)], size=size),
    )

    for mask in masks:
        tracemalloc.start()
        crop_from_mask(mask, box, size)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 6_000_000


@pytest.mark.slow
def test_a_huge_picture_of_noise_takes_bounded_memory() -> None:
    """16 megapixels are the most that a reply may have; each of them could be an edge."""
    noise = drawn(np.random.default_rng(0).integers(0, 256, (4096, 4096), np.uint8))
    tracemalloc.start()
    crop_from_mask(noise, EVERYWHERE, ImageSize(4000, 3000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000_000
