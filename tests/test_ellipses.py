"""An ellipse that is fitted to a mask, and how Label Studio keeps and turns it."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.geometry import ImageSize, PixelArea, PixelBox
from label_studio_gemini.masks.crops import MaskCrop
from label_studio_gemini.masks.ellipses import (
    PercentEllipse,
    PixelEllipse,
    ellipse_from_box,
    ellipse_from_crop,
    percent_from_ellipse,
)

AREA = PixelArea(100, 200, 300, 350)


def drawn(ellipse: PixelEllipse, area: PixelArea = AREA) -> npt.NDArray[np.bool_]:
    """Draw an ellipse as a canvas does: the axes turned by `rotation`, y downwards."""
    x, y = np.meshgrid(
        np.arange(area.left, area.right) + 0.5 - ellipse.cx,
        np.arange(area.top, area.bottom) + 0.5 - ellipse.cy,
    )
    turn = math.radians(ellipse.rotation)
    along = x * math.cos(turn) + y * math.sin(turn)
    across = y * math.cos(turn) - x * math.sin(turn)
    return (along / ellipse.rx) ** 2 + (across / ellipse.ry) ** 2 <= 1


@given(
    st.builds(
        PixelEllipse,
        cx=st.floats(180, 220),
        cy=st.floats(260, 290),
        rx=st.floats(8, 55),
        ry=st.floats(8, 55),
        rotation=st.floats(0, 359),
    )
)
def test_a_drawn_ellipse_is_found_again(ellipse: PixelEllipse) -> None:
    """To half a pixel, and it covers the same pixels."""
    mask = drawn(ellipse)

    found = ellipse_from_crop(MaskCrop(AREA, mask))

    assert (found.cx, found.cy) == pytest.approx((ellipse.cx, ellipse.cy), abs=0.5)
    assert sorted(found[2:4]) == pytest.approx(sorted(ellipse[2:4]), abs=0.5)
    again = drawn(found)
    assert (again & mask).sum() / (again | mask).sum() > 0.93


@pytest.mark.parametrize("rotation", [0, 20, 40, 320, 340])
@pytest.mark.parametrize(("rx", "ry"), [(50, 20), (20, 50)])
def test_the_turn_is_clockwise_and_the_smallest(rotation: float, rx: float, ry: float) -> None:
    """So rx stays the width of what a person sees, and a tall ellipse is not a wide one on end."""
    ellipse = PixelEllipse(200, 275, rx, ry, rotation)

    found = ellipse_from_crop(MaskCrop(AREA, drawn(ellipse)))

    assert found[:4] == pytest.approx(ellipse[:4], abs=0.5)
    assert math.remainder(found.rotation - rotation, 360) == pytest.approx(0, abs=1)
    assert 0 <= found.rotation < 360


@pytest.mark.parametrize(
    ("mask", "radii"),
    [
        pytest.param(np.ones((1, 1), np.bool_), (1 / math.sqrt(3),) * 2, id="one pixel"),
        pytest.param(
            np.ones((1, 30), np.bool_), (30 / math.sqrt(3), 1 / math.sqrt(3)), id="a line"
        ),
    ],
)
def test_thin_masks_have_a_size(mask: npt.NDArray[np.bool_], radii: tuple[float, float]) -> None:
    found = ellipse_from_crop(MaskCrop(PixelArea(5, 5, 5 + mask.shape[1], 6), mask))

    assert found[2:4] == pytest.approx(radii)
    assert found.rotation == 0


def test_a_box_holds_its_ellipse() -> None:
    assert ellipse_from_box(PixelBox(10, 20, 50.5, 40)) == PixelEllipse(30.25, 30, 20.25, 10, 0)


def test_percents_are_of_the_width_and_of_the_height() -> None:
    """A circle of a wide image has unequal percents, and a turn stays as it is.

    Label Studio's own: 12.5 and 16.667 percent of 640 by 480 are both 80 pixels.
    """
    circle = PixelEllipse(180, 370, 80, 80, 30)

    percent = percent_from_ellipse(circle, ImageSize(640, 480))

    assert percent == pytest.approx(PercentEllipse(28.125, 77.083, 12.5, 16.667, 30), abs=1e-3)


@given(scale=st.floats(0.1, 3))
def test_the_editor_draws_the_same_ellipse_at_any_zoom(scale: float) -> None:
    """It takes percents of the stage, then turns: the stage has the image's proportions."""
    size = ImageSize(400, 500)
    ellipse = PixelEllipse(200, 275, 60, 25, 25)
    percent = percent_from_ellipse(ellipse, size)

    stage_width, stage_height = size.width * scale, size.height * scale
    on_stage = PixelEllipse(
        percent.x / 100 * stage_width,
        percent.y / 100 * stage_height,
        percent.radius_x / 100 * stage_width,
        percent.radius_y / 100 * stage_height,
        percent.rotation,
    )

    assert [side / scale for side in on_stage[:4]] == pytest.approx(ellipse[:4])
    assert on_stage.rotation == ellipse.rotation


def test_a_large_mask_takes_little_memory() -> None:
    crop = MaskCrop(PixelArea(0, 0, 4000, 3000), np.ones((3000, 4000), np.bool_))

    tracemalloc.start()
    found = ellipse_from_crop(crop)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (found.cx, found.cy) == (2000, 1500)
    assert peak < 10_000_000
