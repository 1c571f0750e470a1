"""The emulator's own geometry: what is said of points is what happens to pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from label_studio_gemini.emulator.geometry import LAYS, Frame, Lay, Point, thousandths

fractions = st.floats(0, 1)


@pytest.mark.parametrize("lay", LAYS)
def test_a_point_goes_where_its_pixel_goes(lay: Lay) -> None:
    pixels = np.zeros((4, 6, 1), np.float32)
    pixels[1, 4] = 1
    laid = lay.pixels(pixels)
    row, column, _ = np.argwhere(laid)[0]
    width, height = lay.size(6, 4)
    assert laid.shape == (height, width, 1)
    point = lay.point(Point(4.5 / 6, 1.5 / 4))
    assert point == pytest.approx(((column + 0.5) / width, (row + 0.5) / height))


@pytest.mark.parametrize("lay", LAYS)
def test_undoing_gives_the_picture_back(lay: Lay) -> None:
    pixels = np.random.default_rng(0).random((3, 5, 3), np.float32)
    assert np.array_equal(lay.undone(lay.pixels(pixels)), pixels)


@given(fractions, fractions, fractions, fractions, st.sampled_from(LAYS))
def test_a_frame_stays_a_frame(one: float, two: float, three: float, four: float, lay: Lay) -> None:
    frame = Frame(min(one, two), min(three, four), max(one, two), max(three, four))
    laid = lay.frame(frame)
    assert 0 <= laid.left <= laid.right <= 1
    assert 0 <= laid.top <= laid.bottom <= 1


def test_every_exif_orientation_is_one_of_the_lays() -> None:
    """Each of the eight ways of storing a photo is told apart."""
    stored = np.arange(24, dtype=np.uint8).reshape(4, 6)
    seen = set()
    for orientation in range(1, 9):
        image = Image.fromarray(stored)
        image.getexif()[0x0112] = orientation
        upright = np.asarray(ImageOps.exif_transpose(image), np.float32)[..., None]
        raw = stored.astype(np.float32)[..., None]
        fitting = [lay for lay in LAYS if np.array_equal(lay.pixels(upright), raw)]
        assert len(fitting) == 1
        seen.add(fitting[0])
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("fraction", "whole"), [(0, 0), (1, 1000), (0.0005, 1), (0.00049, 0), (-0.1, 0), (1.2, 1000)]
)
def test_thousandths_round_halves_up_and_stay_in_range(fraction: float, whole: int) -> None:
    assert thousandths(fraction) == whole


def test_the_native_box_has_y_first() -> None:
    assert Frame(left=0.1, top=0.2, right=0.3, bottom=0.4).native() == (200, 100, 400, 300)
