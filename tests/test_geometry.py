"""Boxes keep their meaning through every conversion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.geometry import (
    GeminiBox,
    ImageSize,
    PercentBox,
    PixelBox,
    gemini_from_pixel,
    iou,
    percent_from_gemini,
    pixel_from_gemini,
    pixel_from_percent,
)

sizes = st.builds(ImageSize, st.integers(1, 20_000), st.integers(1, 20_000))
grid = st.integers(0, 1000)


@st.composite
def gemini_boxes(draw: st.DrawFn) -> GeminiBox:
    ymin, ymax = sorted((draw(grid), draw(grid)))
    xmin, xmax = sorted((draw(grid), draw(grid)))
    return GeminiBox(ymin=ymin, xmin=xmin, ymax=ymax, xmax=xmax)


def test_axes_are_not_swapped() -> None:
    """A box far wider than tall, in the native order, stays so in every space."""
    box = GeminiBox(*[100, 200, 150, 900])
    assert percent_from_gemini(box) == PercentBox(x=20, y=10, width=70, height=5)
    assert pixel_from_gemini(box, ImageSize(2000, 400)) == PixelBox(400, 40, 1800, 60)


@given(box=gemini_boxes(), size=sizes)
def test_both_ways_to_pixels_agree(box: GeminiBox, size: ImageSize) -> None:
    direct = pixel_from_gemini(box, size)
    over_percent = pixel_from_percent(percent_from_gemini(box), size)
    assert over_percent == pytest.approx(direct, abs=1e-6)


@given(box=gemini_boxes(), size=sizes)
def test_pixels_and_back_is_the_same_box(box: GeminiBox, size: ImageSize) -> None:
    assert gemini_from_pixel(pixel_from_gemini(box, size), size) == pytest.approx(box, abs=1e-6)


@given(box=gemini_boxes())
def test_percent_stays_within_the_image(box: GeminiBox) -> None:
    percent = percent_from_gemini(box)
    assert min(percent) >= 0
    assert percent.x + percent.width <= 100.00000000000003


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (PixelBox(0, 0, 10, 10), 1.0),
        (PixelBox(0, 0, 10, 5), 0.5),
        (PixelBox(5, 5, 15, 15), 25 / 175),
        (PixelBox(10, 0, 20, 10), 0.0),
        (PixelBox(3, 3, 3, 3), 0.0),
    ],
)
def test_iou(other: PixelBox, expected: float) -> None:
    box = PixelBox(0, 0, 10, 10)
    assert iou(box, other) == pytest.approx(expected)
    assert iou(other, box) == iou(box, other)
