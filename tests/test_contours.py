"""Polygons cover what the mask covers: valid, simple, and no more corners than it takes."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import GeminiPoint, ImageSize, PixelArea
from label_studio_gemini.masks.contours import (
    PixelPolygon,
    polygons_from_crop,
    polygons_from_rings,
)
from label_studio_gemini.masks.crops import MaskCrop
from label_studio_gemini.masks.types import MaskPolygon

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT, TOP = 7, 11


def crop_of(mask: npt.NDArray[np.bool_]) -> MaskCrop:
    height, width = mask.shape
    return MaskCrop(PixelArea(LEFT, TOP, LEFT + width, TOP + height), mask)


def picture(*rows: str) -> MaskCrop:
    return crop_of(np.array([[pixel == "#" for pixel in row] for row in rows]))


def disc(side: int, radius: float, *, hole: float = 0) -> npt.NDArray[np.bool_]:
    across, down = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    distance = np.hypot(across - side / 2, down - side / 2)
    inside: npt.NDArray[np.bool_] = (distance < radius) & (distance >= hole)
    return inside


@st.composite
def crops(draw: st.DrawFn) -> MaskCrop:
    """Noise, and shapes with holes and islands; never empty."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    coarse = rng.random(shape) < draw(st.sampled_from([0.1, 0.4, 0.6, 0.9]))
    scale = draw(st.integers(1, 4))
    mask = coarse.repeat(scale, axis=0).repeat(scale, axis=1)
    mask[0, 0] = True
    return crop_of(mask)


def drawn(polygons: tuple[PixelPolygon, ...], like: MaskCrop) -> npt.NDArray[np.bool_]:
    """Return the pixels of a crop whose centres lie in one of the polygons, edges included."""
    left, top, right, bottom = like.area
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    shapes = [shapely.Polygon(polygon) for polygon in polygons]
    inside: npt.NDArray[np.bool_] = np.any([shapely.intersects_xy(s, x, y) for s in shapes], axis=0)
    return inside


@given(crops())
def test_an_outline_that_is_not_simplified_covers_exactly_the_mask(crop: MaskCrop) -> None:
    """All polygons together, with holes left out and islands in them."""
    polygons = polygons_from_crop(crop, tolerance=0, min_area=0)

    assert np.array_equal(drawn(polygons, crop), crop.mask)


@given(
    crop=crops(),
    tolerance=st.sampled_from([0.0, 0.5, 1.0, 5.0]),
    min_area=st.sampled_from([0.0, 4.0, 1000.0]),
)
def test_polygons_are_what_an_editor_can_draw(
    crop: MaskCrop, tolerance: float, min_area: float
) -> None:
    """Simple and valid, side by side, inside the crop, the largest first, specks left out."""
    polygons = polygons_from_crop(crop, tolerance=tolerance, min_area=min_area)

    shapes = [shapely.Polygon(polygon) for polygon in polygons]
    assert shapes
    assert all(shape.is_valid and shape.area > 0 for shape in shapes)
    assert all(len(polygon) >= 3 and polygon.shape[1] == 2 for polygon in polygons)
    assert not any(np.array_equal(polygon[0], polygon[-1]) for polygon in polygons)
    assert shapely.box(*crop.area).covers(shapely.union_all(shapes))
    assert [s.area for s in shapes] == sorted((s.area for s in shapes), reverse=True)
    assert all(shape.area >= min_area for shape in shapes[1:])
    if tolerance == 0:  # or two parts may lean over the gap between them
        assert shapely.union_all(shapes).area == pytest.approx(sum(s.area for s in shapes))


def test_coordinates_are_of_edges() -> None:
    """A block of 10 by 10 has an area of 100, less its four cut corners; not of 81."""
    (polygon,) = polygons_from_crop(crop_of(np.ones((10, 10), np.bool_)), tolerance=0)

    assert shapely.Polygon(polygon).area == 99.5
    assert shapely.Polygon(polygon).bounds == (LEFT, TOP, LEFT + 10, TOP + 10)
    assert len(polygon) == 8


def test_parts_become_polygons_and_specks_do_not() -> None:
    """One that touches another by a corner only is a part of its own."""
    crop = picture(
        "####......##",
        "####......##",
        "####........",
        "....##......",
        "....##.....#",
    )

    areas = [
        [shapely.Polygon(p).area for p in polygons_from_crop(crop, tolerance=0, min_area=size)]
        for size in (0, 1, 4, 100)
    ]

    assert areas == [[11.5, 3.5, 3.5, 0.5], [11.5, 3.5, 3.5], [11.5], [11.5]]


def test_small_holes_are_filled_and_large_ones_cut_open() -> None:
    """A ring becomes two halves that meet along the cut."""
    mask = disc(80, 39, hole=15)
    mask[2:4, 40] = False

    whole = polygons_from_crop(crop_of(mask), tolerance=0, min_area=1000)
    halves = polygons_from_crop(crop_of(mask), tolerance=0, min_area=16)

    assert [len(whole), len(halves)] == [1, 2]
    assert shapely.Polygon(whole[0]).area == pytest.approx(np.pi * 39**2, rel=0.01)
    one, other = (shapely.Polygon(half) for half in halves)
    assert one.intersection(other).area == 0
    assert one.touches(other)
    assert one.area + other.area == pytest.approx(np.pi * (39**2 - 15**2), rel=0.01)
    assert one.area == pytest.approx(other.area, rel=0.01)


def test_an_island_in_a_hole_is_kept() -> None:
    mask = disc(80, 39, hole=20) | disc(80, 8)

    polygons = polygons_from_crop(crop_of(mask), tolerance=0)

    assert len(polygons) == 3
    assert np.array_equal(drawn(polygons, crop_of(mask)), mask)


@pytest.mark.parametrize(("tolerance", "most"), [(0.0, 400), (0.5, 150), (1.0, 40), (3.0, 20)])
def test_simplifying_leaves_few_corners_and_stays_near(tolerance: float, most: int) -> None:
    crop = crop_of(disc(200, 95))
    (exact,) = polygons_from_crop(crop, tolerance=0)

    (simple,) = polygons_from_crop(crop, tolerance=tolerance)

    assert len(simple) <= most
    distance = shapely.hausdorff_distance(shapely.LinearRing(exact), shapely.LinearRing(simple))
    assert distance <= tolerance


def test_small_things_keep_their_shape() -> None:
    """A tolerance as wide as the object would leave a splinter of it."""
    for radius in (3.0, 6.0):
        crop = crop_of(disc(14, radius))
        found = drawn(polygons_from_crop(crop, tolerance=5), crop)
        assert (found & crop.mask).sum() / (found | crop.mask).sum() > 0.9


def test_twelve_megapixels_take_little_memory() -> None:
    across, down = np.meshgrid(np.linspace(-1, 1, 4000), np.linspace(-1, 1, 3000))
    crop = crop_of(across**2 + down**2 < 0.9)
    del across, down

    tracemalloc.start()
    polygons = polygons_from_crop(crop)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(polygons) == 1
    assert peak < 40_000_000


SIZE = ImageSize(200, 100)
SQUARE = [(100, 100), (200, 100), (200, 300), (100, 300)]
BOW_TIE = [(0, 0), (500, 500), (500, 0), (0, 500)]


def reply(*rings: Sequence[tuple[float, float]]) -> MaskPolygon:
    """Return an outline as Gemini gives it, from (x, y) on its grid."""
    return MaskPolygon(tuple(tuple(GeminiPoint(y=y, x=x) for x, y in ring) for ring in rings))


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param(reply(SQUARE), [[[20, 10], [40, 10], [40, 30], [20, 30]]], id="as given"),
        pytest.param(
            reply([p for p in SQUARE for _ in range(3)]),
            [[[20, 10], [40, 10], [40, 30], [20, 30]]],
            id="points that repeat",
        ),
        pytest.param(
            reply([*SQUARE, SQUARE[0]]), [[[20, 10], [40, 10], [40, 30], [20, 30]]], id="closed"
        ),
        pytest.param(
            reply([(-50, -50), (1100, -50), (1100, 500), (-50, 500)]),
            [[[0, 0], [200, 0], [200, 50], [0, 50]]],
            id="outside",
        ),
        pytest.param(
            reply(BOW_TIE), [[[0, 0], [100, 50], [100, 0], [0, 50]]], id="crossing itself"
        ),
        pytest.param(
            reply([(0, 0), (9, 0), (9, 9)], [(5, 5)] * 9, [(0, 0), (99, 99), (500, 500)], SQUARE),
            [[[20, 10], [40, 10], [40, 30], [20, 30]]],
            id="the largest first, without specks, points and lines",
        ),
        pytest.param(reply([(0, 0), (5, 0), (5, 5)]), [[[0, 0], [1, 0], [1, 0.5]]], id="a speck"),
    ],
)
def test_outlines_of_a_reply_stay_as_given(
    mask: MaskPolygon, expected: list[list[list[float]]]
) -> None:
    """In pixels, and without what repeats or is outside of the image."""
    polygons = polygons_from_rings(mask, SIZE)

    assert [np.round(polygon, 9).tolist() for polygon in polygons] == expected


def test_outlines_of_a_reply_are_simplified_where_asked() -> None:
    line = [(x, 100.0 + x % 2) for x in range(100, 200)]
    mask = reply([*line, (200, 300), (100, 300)], SQUARE[:3])

    kept = polygons_from_rings(mask, SIZE)
    simple = polygons_from_rings(mask, SIZE, tolerance=1)

    assert [len(polygon) for polygon in kept] == [102, 3]
    assert [len(polygon) for polygon in simple] == [4, 3]


@given(
    rings=st.lists(
        st.lists(st.tuples(st.integers(-9, 1009), st.integers(-9, 1009)), min_size=3, max_size=12),
        min_size=1,
    ),
    tolerance=st.sampled_from([0.0, 2.0]),
)
def test_outlines_of_a_reply_lie_in_the_image(
    rings: list[list[tuple[float, float]]], tolerance: float
) -> None:
    """Or are refused, where all of them are lines."""
    polygons: tuple[PixelPolygon, ...] = ()
    with suppress(MaskError):
        polygons = polygons_from_rings(reply(*rings), SIZE, tolerance=tolerance)
    for polygon in polygons:
        assert len(polygon) >= 3
        assert ((polygon >= 0) & (polygon <= SIZE)).all()
        assert (polygon != np.roll(polygon, 1, axis=0)).any(axis=1).all()


@pytest.mark.parametrize(
    "mask", [reply(), reply([(5, 5)] * 4), reply([(0, 0), (10, 10), (20, 20)])]
)
def test_outlines_around_nothing_are_an_error(mask: MaskPolygon) -> None:
    with pytest.raises(MaskError, match="enclose nothing"):
        polygons_from_rings(mask, SIZE)
