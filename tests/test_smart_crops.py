"""A crop shows what is meant, and its places come back to where they are in the whole image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.detections import Detection, Reading
from label_studio_gemini.errors import TaskError
from label_studio_gemini.geometry import (
    GeminiBox,
    GeminiPoint,
    ImageSize,
    PercentBox,
    PixelArea,
    PixelBox,
    box_from_crop,
    box_in_crop,
    pixel_from_gemini,
    point_from_crop,
    point_in_crop,
)
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.masks.rle import rle_from_mask
from label_studio_gemini.masks.types import MaskPng, MaskPolygon
from label_studio_gemini.smart import read_context
from label_studio_gemini.smart.crops import area_to_send, reading_from_crop
from label_studio_gemini.smart.items import read_items
from label_studio_gemini.smart.places import bounds_of, place_of
from smart_kit import context, point, rectangle

if TYPE_CHECKING:
    from label_studio_gemini.smart import Prompts

CONFIG = read_label_config("""<View><Image name="img" value="$image"/>
<RectangleLabels name="rect" toName="img" smart="true"><Label value="Car"/></RectangleLabels>
</View>""")
SIZE = ImageSize(1000, 500)
grid = st.floats(0, 1000)


@st.composite
def areas(draw: st.DrawFn) -> tuple[PixelArea, ImageSize]:
    width, height = draw(st.integers(1, 20_000)), draw(st.integers(1, 20_000))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return PixelArea(left, top, right, bottom), ImageSize(width, height)


@given(place=areas(), y=grid, x=grid)
def test_a_point_of_a_crop_comes_back(
    place: tuple[PixelArea, ImageSize], y: float, x: float
) -> None:
    area, size = place
    whole = point_from_crop(GeminiPoint(y, x), area, size)
    assert min(whole) >= 0
    assert max(whole) <= 1000
    pixel = pixel_from_gemini(GeminiBox(*whole, *whole), size)
    assert area.left - 1e-6 <= pixel.left <= area.right + 1e-6
    assert area.top - 1e-6 <= pixel.top <= area.bottom + 1e-6
    # A crop of one pixel of 20,000 magnifies what floating point loses.
    assert point_in_crop(whole, area, size) == pytest.approx(GeminiPoint(y, x), abs=1e-5)


@given(place=areas(), sides=st.tuples(grid, grid, grid, grid))
def test_a_box_of_a_crop_keeps_its_order_and_comes_back(
    place: tuple[PixelArea, ImageSize], sides: tuple[float, float, float, float]
) -> None:
    area, size = place
    (ymin, ymax), (xmin, xmax) = sorted(sides[:2]), sorted(sides[2:])
    box = GeminiBox(ymin, xmin, ymax, xmax)
    whole = box_from_crop(box, area, size)
    assert whole.ymin <= whole.ymax
    assert whole.xmin <= whole.xmax
    assert box_in_crop(whole, area, size) == pytest.approx(box, abs=1e-5)


def test_axes_are_not_swapped() -> None:
    """The right half of a wide image: x moves, y does not."""
    area = PixelArea(500, 0, 1000, 500)
    assert box_from_crop(GeminiBox(100, 200, 300, 400), area, SIZE) == (100, 600, 300, 700)
    assert box_in_crop(GeminiBox(100, 600, 300, 700), area, SIZE) == (100, 200, 300, 400)


def test_outlines_move_and_pictures_ride_with_their_box() -> None:
    area = PixelArea(500, 0, 1000, 500)
    box, dot = GeminiBox(0, 0, 500, 500), GeminiPoint(500, 0)
    ring = MaskPolygon(((GeminiPoint(0, 0), GeminiPoint(0, 1000), GeminiPoint(500, 500)),))
    png = MaskPng(b"any")
    reading = Reading(
        (Detection("a", box, mask=ring), Detection("b", box, mask=png), Detection("c", point=dot)),
        clamped=3,
    )
    moved = reading_from_crop(reading, area, SIZE)
    outlined, drawn, pointed = moved.detections
    assert outlined.box == drawn.box == GeminiBox(0, 500, 500, 750)
    assert outlined.mask == MaskPolygon(
        ((GeminiPoint(0, 500), GeminiPoint(0, 1000), GeminiPoint(500, 750)),)
    )
    assert drawn.mask is png
    assert pointed == Detection("c", point=GeminiPoint(500, 500))
    assert moved.clamped == 3
    assert reading_from_crop(reading, PixelArea(0, 0, *SIZE), SIZE) is reading


def prompts_of(*items: object) -> Prompts:
    prompts = read_context(context(*items), CONFIG)
    assert prompts is not None
    return prompts


@pytest.mark.parametrize(
    ("items", "area"),
    [
        ([rectangle(40, 40, 20, 20)], (360, 168, 640, 332)),
        ([rectangle(50, 50, 0.1, 0.2)], (468, 218, 533, 283)),
        ([rectangle(0, 90, 20, 10)], (0, 418, 240, 500)),
        ([rectangle(-10, -10, 30, 30)], (0, 0, 240, 132)),
        (
            [rectangle(10, 10, 10, 10, id="a"), rectangle(40, 30, 10, 10, id="b")],
            (68, 18, 532, 232),
        ),
        ([rectangle(10, 10, 80, 80)], (0, 0, 1000, 500)),
        ([point(10, 10)], (0, 0, 1000, 500)),
        ([rectangle(10, 10, 1, 1, id="a"), point(10, 10)], (0, 0, 1000, 500)),
    ],
    ids=[
        "a fifth around",
        "some pixels at least",
        "to the edge and no further",
        "drawn from outside",
        "around all of them",
        "nearly all is all",
        "all for a point",
        "all for a point beside a box",
    ],
)
def test_what_is_sent(items: list[object], area: tuple[int, ...]) -> None:
    assert area_to_send(prompts_of(*items), SIZE) == area


@pytest.mark.parametrize("box", [(10, 10, 0, 5), (120, 10, 5, 5), (-20, 10, 5, 5)])
def test_a_box_around_nothing_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(TaskError, match="no area on the image"):
        area_to_send(prompts_of(rectangle(*box)), SIZE)


@given(
    numbers=st.tuples(*[st.floats(-50, 150)] * 2, *[st.floats(0.5, 100)] * 2),
    rotation=st.floats(-720, 720),
    size=st.builds(ImageSize, st.integers(1, 9000), st.integers(1, 9000)),
)
def test_the_part_that_is_sent_is_within_the_image(
    numbers: tuple[float, float, float, float], rotation: float, size: ImageSize
) -> None:
    item = rectangle(*numbers)
    item["value"]["rotation"] = rotation
    try:
        area = area_to_send(prompts_of(item), size)
    except TaskError:
        assert bounds_of(PercentBox(*numbers), rotation, size) is None
        return
    assert 0 <= area.left < area.right <= size.width
    assert 0 <= area.top < area.bottom <= size.height


def test_a_turned_box_is_turned_in_pixels() -> None:
    """A quarter clockwise about the upper left corner: of a wide image, the percents change."""
    assert bounds_of(PercentBox(50, 20, 20, 20), 90, SIZE) == pytest.approx(
        PixelBox(400, 100, 500, 300)
    )


def test_regions_of_every_shape_are_somewhere() -> None:
    mask = np.zeros((500, 1000), np.bool_)
    mask[100:200, 300:500] = True
    values = {
        "rectangle": {"x": 30, "y": 20, "width": 20, "height": 20, "rotation": 0},
        "ellipselabels": {"x": 40, "y": 30, "radiusX": 10, "radiusY": 10, "rotation": 0},
        "polygon": {"points": [[30, 20], [50, 20], [50, 40]]},
        "vector": {"vertices": [{"x": 30, "y": 20}, {"x": 50, "y": 40}]},
        "brushlabels": {"format": "rle", "rle": rle_from_mask(mask)},
    }
    for kind, value in values.items():
        (item,) = read_items([{"type": kind, "to_name": "img", "value": value}])
        assert place_of(item, SIZE) == pytest.approx(GeminiBox(200, 300, 400, 500)), kind


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("brush", {"rle": [1, 2, 3]}),
        ("brush", {"rle": "x"}),
        ("brush", {"rle": [{"a": 1}]}),
        ("bitmask", {"imageDataURL": "data:image/png;base64,AAAA"}),
        ("bitmask", {}),
        ("polygon", {"points": [[1], "ab", [None, 3]]}),
        ("polygon", {"points": 7}),
        ("vector", {"vertices": [1, {"x": 1}]}),
        ("ellipse", {"x": 1}),
        ("keypoint", {"x": -1, "y": 1}),
        ("relation", {}),
    ],
)
def test_a_broken_region_is_nowhere(kind: str, value: dict[str, object]) -> None:
    (item,) = read_items([{"type": kind, "to_name": "img", "value": value}])
    assert place_of(item, SIZE) is None
