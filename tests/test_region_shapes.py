"""Each control tag gets the geometry that the real editor draws, within the image, mask or none."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.converter.brush import decode_rle
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image

from label_studio_gemini.detections import Detection
from label_studio_gemini.geometry import GeminiBox, GeminiPoint, ImageSize
from label_studio_gemini.labels import MASK_SHAPES, Label, RegionTarget, Shape
from label_studio_gemini.masks.bitmaps import mask_from_bitmap
from label_studio_gemini.masks.types import MaskPng, MaskPolygon
from label_studio_gemini.recipes import Drawing
from label_studio_gemini.regions import check_item
from label_studio_gemini.regions.shapes import Drawn, draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from label_studio_gemini.regions import RegionJson
    from label_studio_gemini.regions.json import PolygonValue

SIZE = ImageSize(640, 480)
BOX = GeminiBox(ymin=100, xmin=200, ymax=300, xmax=600)
OUTLINES = (Shape.POLYGON, Shape.VECTOR)
PAINTED = (Shape.BRUSH, Shape.BITMASK)
TAGS = {
    Shape.RECTANGLE: "Rectangle",
    Shape.POLYGON: "Polygon",
    Shape.ELLIPSE: "Ellipse",
    Shape.KEYPOINT: "KeyPoint",
    Shape.BRUSH: "Brush",
    Shape.BITMASK: "Bitmask",
    Shape.VECTOR: "Vector",
}
CONFIG = """<View><Image name="img" value="$image"/>
<{tag}Labels name="c" toName="img">
<Label value="Shape"/><Label value="Other" alias="o"/>
</{tag}Labels></View>"""
SPLIT_CONFIG = """<View><Image name="img" value="$image"/>
<Labels name="lab" toName="img"><Label value="Shape"/><Label value="Other" alias="o"/></Labels>
<{tag} name="c" toName="img"/></View>"""


def drawn_mask(pixels: npt.NDArray[np.uint8]) -> MaskPng:
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return MaskPng(content.getvalue())


def outlined(*rings: list[tuple[float, float]]) -> MaskPolygon:
    """Return a mask of rings of (x, y) on the 0-1000 grid."""
    return MaskPolygon(tuple(tuple(GeminiPoint(y, x) for x, y in ring) for ring in rings))


FULL = drawn_mask(np.full((64, 64), 255, np.uint8))
BLANK = drawn_mask(np.zeros((64, 64), np.uint8))
BROKEN = MaskPng(b"no picture")
TRIANGLE = outlined([(500, 100), (400, 400), (600, 400)])
LINE = outlined([(200, 100), (600, 300), (400, 200)])


def values_of(
    shape: Shape, detection: Detection, drawing: Drawing | None = None
) -> list[dict[str, Any]]:
    """Return what is drawn, where nothing is lost and nothing falls back."""
    drawn = draw(detection, shape, SIZE, drawing or Drawing())
    assert (drawn.fell_back, drawn.fault) == (False, None)
    return [dict(value) for value in drawn.values]


def mask_of(value: Mapping[str, Any], size: ImageSize = SIZE) -> npt.NDArray[np.bool_]:
    """Return the pixels that the value of a brush or a bitmask paints."""
    if "rle" in value:
        pixels = np.array(decode_rle(value["rle"])).reshape(size.height, size.width, 4)
        mask: npt.NDArray[np.bool_] = pixels[..., 3] == 255
        return mask
    return mask_from_bitmap(value["imageDataURL"], size)


def filled(box: GeminiBox, size: ImageSize = SIZE) -> npt.NDArray[np.bool_]:
    mask = np.zeros((size.height, size.width), np.bool_)
    rows = slice(round(box.ymin * size.height / 1000), round(box.ymax * size.height / 1000))
    columns = slice(round(box.xmin * size.width / 1000), round(box.xmax * size.width / 1000))
    mask[rows, columns] = True
    return mask


def test_a_rectangle_is_the_box() -> None:
    value = {"x": 20, "y": 10, "width": 40, "height": 20, "rotation": 0}
    assert values_of(Shape.RECTANGLE, Detection("a", BOX, mask=FULL)) == [value]


def test_a_key_point_is_the_point_or_else_the_middle_of_the_box() -> None:
    point = Detection("a", BOX, GeminiPoint(y=770.83, x=281.25))
    assert values_of(Shape.KEYPOINT, point) == [{"x": 28.125, "y": 77.083, "width": 0.5}]
    large = Drawing(point_width=2)
    assert values_of(Shape.KEYPOINT, Detection("a", BOX), large) == [{"x": 40, "y": 20, "width": 2}]


@pytest.mark.parametrize("shape", OUTLINES)
def test_an_outline_is_drawn_as_it_was_given(shape: Shape) -> None:
    """No tolerance takes a point away that Gemini gave."""
    (value,) = values_of(shape, Detection("a", BOX, mask=TRIANGLE), Drawing(tolerance=50))
    points = [[50, 10], [40, 40], [60, 40]]
    assert value["closed"] is True
    assert (value.get("points") or [[one["x"], one["y"]] for one in value["vertices"]]) == points


def test_a_path_names_its_vertices_and_the_one_before() -> None:
    (value,) = values_of(Shape.VECTOR, Detection("a", BOX, mask=TRIANGLE))
    names = [vertex["id"] for vertex in value["vertices"]]
    assert len(set(names)) == 3
    assert [vertex["prevPointId"] for vertex in value["vertices"]] == [None, *names[:-1]]


@pytest.mark.parametrize("shape", OUTLINES)
def test_several_parts_are_several_regions(shape: Shape) -> None:
    two = outlined([(200, 100), (300, 100), (300, 300)], [(400, 100), (600, 100), (600, 300)])
    assert len(values_of(shape, Detection("a", BOX, mask=two))) == 2
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:, :20] = pixels[:, 40:] = 255
    assert len(values_of(shape, Detection("a", BOX, mask=drawn_mask(pixels)))) == 2
    pixels[:, 20:40] = 255
    assert len(values_of(shape, Detection("a", BOX, mask=drawn_mask(pixels)))) == 1


def test_a_drawn_mask_is_outlined() -> None:
    (value,) = values_of(Shape.POLYGON, Detection("a", BOX, mask=FULL))
    xs, ys = np.array(value["points"]).T
    edges = [xs.min(), ys.min(), xs.max(), ys.max()]
    assert edges == pytest.approx([20, 10, 60, 30], abs=0.2)


@pytest.mark.parametrize("shape", PAINTED)
@pytest.mark.parametrize("mask", [FULL, outlined([(200, 100), (600, 100), (600, 300), (200, 300)])])
def test_a_mask_is_painted_where_the_object_is(shape: Shape, mask: MaskPng | MaskPolygon) -> None:
    (value,) = values_of(shape, Detection("a", BOX, mask=mask))
    assert np.array_equal(mask_of(value), filled(BOX))


def test_the_edges_of_a_drawn_mask_are_smoothed_if_the_recipe_says_so() -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:, :32] = 255
    pixels[30, 40] = 255  # noise
    noisy = Detection("a", BOX, mask=drawn_mask(pixels))
    (smooth,) = values_of(Shape.BRUSH, noisy)
    (ragged,) = values_of(Shape.BRUSH, noisy, Drawing(smooth=False))
    assert mask_of(smooth).sum() < mask_of(ragged).sum()


def test_an_ellipse_is_fitted_to_the_mask() -> None:
    y, x = np.mgrid[:200, :200] + 0.5
    disc = (((x - 100) / 60) ** 2 + ((y - 100) / 30) ** 2 < 1).astype(np.uint8) * 255
    (value,) = values_of(Shape.ELLIPSE, Detection("a", BOX, mask=drawn_mask(disc)))
    expected = {"x": 40, "y": 20, "radiusX": 12, "radiusY": 3, "rotation": 0}
    assert value == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("mask", [None, BLANK, BROKEN])
@pytest.mark.parametrize("drawing", [Drawing(fallback=True), Drawing(fallback=False)])
def test_an_ellipse_without_a_mask_is_inscribed_in_the_box(
    mask: MaskPng | None, drawing: Drawing
) -> None:
    """That is no fallback, and is not turned off: an ellipse does not need a mask."""
    inscribed = {"x": 40, "y": 20, "radiusX": 20, "radiusY": 10, "rotation": 0}
    found = Detection("a", BOX, mask=mask)
    assert values_of(Shape.ELLIPSE, found, drawing) == [inscribed]


def test_an_ellipse_that_label_studio_would_refuse_is_inscribed() -> None:
    """Along the diagonal of the image its radius is more than half of the width."""
    pixels = np.eye(64, dtype=np.uint8) * 255
    mask = drawn_mask(pixels)
    everything = Detection("a", GeminiBox(0, 0, 1000, 1000), mask=mask)
    (value,) = values_of(Shape.ELLIPSE, everything, Drawing(smooth=False))
    assert value == {"x": 50, "y": 50, "radiusX": 50, "radiusY": 50, "rotation": 0}


@pytest.mark.parametrize("mask", [None, BLANK, BROKEN, LINE])
@pytest.mark.parametrize("shape", sorted(MASK_SHAPES - {Shape.ELLIPSE}))
def test_without_a_mask_the_box_is_drawn_if_the_recipe_says_so(
    shape: Shape, mask: MaskPng | MaskPolygon | None
) -> None:
    found = Detection("a", BOX, mask=mask)
    drawn = draw(found, shape, SIZE, Drawing(fallback=True))
    assert (drawn.fell_back, drawn.fault) == (True, None)
    value: dict[str, Any] = dict(drawn.values[0])
    if shape in PAINTED:
        assert np.array_equal(mask_of(value), filled(BOX))
    else:
        found_points = value.get("points") or [[p["x"], p["y"]] for p in value["vertices"]]
        assert found_points == [[20, 10], [60, 10], [60, 30], [20, 30]]
    assert draw(found, shape, SIZE, Drawing(fallback=False)) == Drawn(fault="no_mask")


@pytest.mark.parametrize("shape", Shape)
def test_what_has_no_place_is_not_drawn(shape: Shape) -> None:
    fault = "no_point" if shape is Shape.KEYPOINT else "no_box"
    assert draw(Detection("a"), shape, SIZE, Drawing()) == Drawn(fault=fault)


@pytest.mark.parametrize("shape", sorted(set(Shape) - {Shape.KEYPOINT}))
@pytest.mark.parametrize(
    ("box", "fault"),
    [
        (GeminiBox(-1, 0, 10, 10), "outside"),
        (GeminiBox(0, 0, 10, 1001), "outside"),
        (GeminiBox(0, 10, 10, 10), "empty"),
        (GeminiBox(10, 0, 5, 10), "empty"),
        (GeminiBox(float("nan"), 0, 10, 10), "not_a_number"),
        (GeminiBox(0, 0, float("inf"), 10), "not_a_number"),
    ],
)
def test_no_shape_is_made_of_a_bad_box(shape: Shape, box: GeminiBox, fault: str) -> None:
    found = Detection("a", box, mask=FULL)
    assert draw(found, shape, SIZE, Drawing()) == Drawn(fault=fault)


def test_numbers_are_short_and_still_exact_to_a_hundredth_of_a_pixel() -> None:
    """A third of the way is 33.3333 percent, in an image of 12 megapixels too."""
    size = ImageSize(4000, 3000)
    ring = [(1000 / 3, 100.0), (2000 / 3, 100.0), (500.0, 2000 / 3)]
    (value,) = draw(Detection("a", BOX, mask=outlined(ring)), Shape.POLYGON, size, Drawing()).values
    points = cast("PolygonValue", value)["points"]
    assert points == [[33.3333, 10], [66.6667, 10], [50, 66.6667]]
    off = np.abs(np.array(points) / 100 - np.array(ring) / 1000) * size
    assert off.max() < 0.01


# Whatever is drawn, label-studio-sdk takes it, and so does the stricter check.

grid = st.integers(0, 1000) | st.floats(0, 1000)
points = st.builds(GeminiPoint, grid, grid)
rings = st.lists(points, min_size=3, max_size=6).map(tuple)
masks = st.sampled_from([None, FULL, BLANK, BROKEN, TRIANGLE, LINE]) | st.builds(
    MaskPolygon, st.lists(rings, min_size=1, max_size=3).map(tuple)
)


@st.composite
def boxes(pick: st.DrawFn) -> GeminiBox:
    ymin, ymax = sorted(pick(st.tuples(grid, grid)))
    xmin, xmax = sorted(pick(st.tuples(grid, grid)))
    return GeminiBox(ymin, xmin, ymax, xmax)


def items_of(drawn: Drawn, target: RegionTarget, size: ImageSize) -> list[RegionJson]:
    """Return the items as they leave: two for a region whose labels are of another tag."""
    items: list[Any] = []
    for at, value in enumerate(drawn.values):
        common: Any = {
            "id": f"r{at}",
            "from_name": "c",
            "to_name": "img",
            "type": target.type,
            "original_width": size.width,
            "original_height": size.height,
            "image_rotation": 0,
            "value": value,
        }
        if target.labels_name is None:
            items.append({**common, "value": {**value, target.type: ["o"]}})
        else:
            labels = {"from_name": target.labels_name, "type": "labels"}
            items += [common, {**common, **labels, "value": {**value, "labels": ["o"]}}]
    return items


LABELS = (Label("Shape"), Label("Other", "o"))


detections = st.builds(Detection, st.just("a"), boxes(), st.none() | points, masks) | st.builds(
    Detection, st.just("a"), point=st.none() | points
)


@given(
    found=detections,
    target=st.builds(
        RegionTarget,
        st.just("c"),
        st.sampled_from(Shape),
        st.just(("img",)),
        st.just(LABELS),
        st.sampled_from([None, "lab"]),
    ),
    size=st.builds(ImageSize, st.integers(1, 50), st.integers(1, 50)),
    drawing=st.builds(Drawing, fallback=st.booleans(), smooth=st.booleans()),
)
def test_label_studios_own_validator_agrees(
    found: Detection, target: RegionTarget, size: ImageSize, drawing: Drawing
) -> None:
    """Nothing raises; what is drawn has no fault, and what is not drawn a reason."""
    drawn = draw(found, target.shape, size, drawing)
    assert bool(drawn.values) == (drawn.fault is None)
    items = items_of(drawn, target, size)
    faults = {check_item(item, target) for item in items}
    config = (SPLIT_CONFIG if target.labels_name else CONFIG).format(tag=TAGS[target.shape])
    if faults <= {None}:
        prediction = {"result": items}
        assert LabelInterface(config).validate_prediction(prediction, return_errors=True) == []
    else:
        assert faults == {"empty"}  # it has no size once it is rounded
        assert found.box is not None
        assert min(found.box.ymax - found.box.ymin, found.box.xmax - found.box.xmin) < 0.01
