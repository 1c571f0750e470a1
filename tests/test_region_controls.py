"""Every control tag gets what the real editor was seen to take, and nothing that it was seen to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from label_studio_sdk.converter.brush import decode_rle
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image

from label_studio_gemini.detections import Detection
from label_studio_gemini.geometry import GeminiBox, GeminiPoint, ImageSize
from label_studio_gemini.labels import AnswerTarget, RegionTarget, Shape, read_label_config
from label_studio_gemini.masks.bitmaps import mask_from_bitmap
from label_studio_gemini.masks.types import MaskPng, MaskPolygon
from label_studio_gemini.recipes import Drawing, Recipe, Wanted
from label_studio_gemini.regions import check_item
from label_studio_gemini.regions.answers import value_from_answer
from label_studio_gemini.regions.shapes import draw

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from label_studio_gemini.detections import Answer
    from label_studio_gemini.regions import RegionJson
    from label_studio_gemini.regions.json import BitmaskValue, BrushValue

SIZE = ImageSize(640, 480)
EVERYTHING = GeminiBox(0, 0, 1000, 1000)
# What the editor drew as garbage, not at all, or outside of the image; and the sizes left out.
FAULTS = {
    "bitmasklabels L": ["no_transparency"],
    "bitmasklabels 1bit": ["no_transparency"],
    "keypointlabels": [None, "not_a_number"],
    "rect minimal fields": ["no_size"],
    "rect out of bounds": ["outside", "empty"],
    "rect unknown label": ["unknown_label"],
    "rect unknown from_name": ["unknown_name", None],
    "choices unknown": ["unknown_label"],
    "brush size mismatch": ["wrong_size"],
    "pairwise to=both": ["unknown_name"],
}


@pytest.fixture(scope="module")
def controls(shared: Path) -> dict[str, dict[str, Any]]:
    """Return what was sent to the real editor, by what was tried."""
    found: dict[str, dict[str, Any]] = json.loads(
        (shared / "label-studio" / "controls.json").read_bytes()
    )
    return found


def test_the_check_agrees_with_what_the_editor_made_of_it(
    controls: dict[str, dict[str, Any]],
) -> None:
    """Nothing that was drawn right has a fault, and everything that was not has one."""
    assert len(controls) > 40
    for name, control in controls.items():
        targets = read_label_config(control["label_config"]).targets
        if not targets:
            assert name == "rectangle only"
            continue
        by_name = {own: target for target in targets for own in target.names}
        faults = [
            check_item(
                cast("RegionJson", {"id": "r", **item}), by_name.get(item["from_name"], targets[0])
            )
            for item in control["prediction_result_sent"]
            if item["type"] != "relation"
        ]
        assert faults == FAULTS.get(name, [None] * len(faults)), name


def region_target(control: dict[str, Any]) -> RegionTarget:
    (target,) = read_label_config(control["label_config"]).targets
    assert isinstance(target, RegionTarget)
    return target


def without_labels(item: dict[str, Any]) -> dict[str, Any]:
    """Return the value of an item, its geometry alone."""
    return {key: value for key, value in item["value"].items() if key != item["type"]}


def outline(*points: tuple[float, float]) -> MaskPolygon:
    return MaskPolygon((tuple(GeminiPoint(y * 10, x * 10) for x, y in points),))


def drawn_mask(mask: npt.NDArray[np.bool_]) -> MaskPng:
    content = BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(content, "PNG")
    return MaskPng(content.getvalue())


SHAPES = {
    "rectanglelabels": Detection("Shape", GeminiBox(100, 100, 300, 300)),
    "rectangle+labels": Detection("Shape", GeminiBox(100, 100, 300, 300)),
    "polygonlabels": Detection("Shape", EVERYTHING, mask=outline((50, 10), (40, 40), (60, 40))),
    "polygon+labels": Detection("Shape", EVERYTHING, mask=outline((50, 10), (40, 40), (60, 40))),
    "keypointlabels": Detection("Shape", point=GeminiPoint(770.83, 281.25)),
    "keypoint+labels": Detection("Shape", point=GeminiPoint(770.83, 281.25)),
    "ellipselabels": Detection("Shape", GeminiBox(500, 650, 800, 950)),
    "ellipse+labels": Detection("Shape", GeminiBox(500, 650, 800, 950)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_geometry_is_that_which_the_editor_drew(
    controls: dict[str, dict[str, Any]], name: str
) -> None:
    target = region_target(controls[name])
    sent = controls[name]["prediction_result_sent"][0]
    (value,) = draw(SHAPES[name], target.shape, SIZE, Drawing()).values
    assert value == without_labels(sent)
    assert (sent["from_name"], sent["type"]) == (target.name, target.type)


def test_the_path_is_that_which_the_editor_drew(controls: dict[str, dict[str, Any]]) -> None:
    """But for the names of its vertices, which are free."""
    control = controls["vectorlabels"]
    (value,) = draw(SHAPES["polygonlabels"], Shape.VECTOR, SIZE, Drawing()).values
    text = json.dumps(value)
    for ours, theirs in (("v0", "a"), ("v1", "b"), ("v2", "c")):
        text = text.replace(f'"{ours}"', f'"{theirs}"')
    assert json.loads(text) == without_labels(control["prediction_result_sent"][0])


@pytest.mark.parametrize("name", ["brushlabels", "brush+labels", "exif6 brush"])
def test_the_brush_mask_is_that_which_the_editor_drew(
    controls: dict[str, dict[str, Any]], name: str
) -> None:
    """To the pixel; the runs are written with other sizes, in fewer bytes."""
    item = controls[name]["prediction_result_sent"][0]
    size = ImageSize(item["original_width"], item["original_height"])
    pixels = np.array(decode_rle(item["value"]["rle"])).reshape(size.height, size.width, 4)
    found = Detection("Shape", EVERYTHING, mask=drawn_mask(pixels[..., 3] > 0))
    shape = region_target(controls[name]).shape
    (value,) = draw(found, shape, size, Drawing(smooth=False)).values
    rle = cast("BrushValue", value)["rle"]
    assert np.array_equal(decode_rle(rle), decode_rle(item["value"]["rle"]))
    assert len(rle) < len(item["value"]["rle"])


@pytest.mark.parametrize("name", ["bitmasklabels rgba-black", "bitmask+labels", "exif6 bitmask"])
def test_the_bitmask_is_that_which_the_editor_drew(
    controls: dict[str, dict[str, Any]], name: str
) -> None:
    """To the pixel: it may be written in other bytes."""
    item = controls[name]["prediction_result_sent"][0]
    size = ImageSize(item["original_width"], item["original_height"])
    mask = mask_from_bitmap(item["value"]["imageDataURL"], size)
    found = Detection("Shape", EVERYTHING, mask=drawn_mask(mask))
    shape = region_target(controls[name]).shape
    (value,) = draw(found, shape, size, Drawing(smooth=False)).values
    url = cast("BitmaskValue", value)["imageDataURL"]
    assert np.array_equal(mask_from_bitmap(url, size), mask)


@dataclass
class Case:
    """A labelling config of `<Image name="img">` and one tag; an answer, and what is stored."""

    tag: str
    answer: Answer
    value: dict[str, object]


CHOICES = '<Choice value="a"/><Choice value="b"/><Choice value="C long" alias="cc"/>'
TREE = (
    '<Choice value="Animal"><Choice value="Cat"/><Choice value="Dog" alias="canine"/></Choice>'
    '<Choice value="Plant"/>'
)
CASES = [
    Case(f"<Choices {{}}>{CHOICES}</Choices>", "c long", {"choices": ["cc"]}),
    Case(
        f'<Choices {{}} choice="multiple">{CHOICES}</Choices>', ("a", "b"), {"choices": ["a", "b"]}
    ),
    Case(
        f"<Taxonomy {{}}>{TREE}</Taxonomy>",
        ("Dog", "Plant"),
        {"taxonomy": [["Animal", "canine"], ["Plant"]]},
    ),
    Case("<TextArea {}/>", ("line one", "line two"), {"text": ["line one", "line two"]}),
    Case('<Rating {} maxRating="5"/>', "4", {"rating": 4}),
    Case('<Number {} min="0" max="100"/>', 42.5, {"number": 42.5}),
    Case('<Number {} min="0" max="100" step="5"/>', "42.5", {"number": 40}),
    Case('<DateTime {} only="date" format="%Y-%m-%d"/>', "2026-01-31", {"datetime": "2026-01-31"}),
    Case("<DateTime {}/>", "2026-01-31", {"datetime": "2026-01-31T00:00"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tag)
@pytest.mark.parametrize("per_region", ["", ' perRegion="true"'])
def test_label_studios_own_validator_takes_every_answer(case: Case, per_region: str) -> None:
    config = (
        '<View><Image name="img" value="$image"/><RectangleLabels name="box" toName="img">'
        '<Label value="Shape"/></RectangleLabels>'
        + case.tag.format(f'name="c" toName="img"{per_region}')
        + "</View>"
    )
    assert stored(config, case.answer) == case.value


def test_label_studios_own_validator_takes_a_comparison() -> None:
    config = (
        '<View><Pairwise name="c" toName="img,img2"/><Image name="img" value="$image"/>'
        '<Image name="img2" value="$image2"/></View>'
    )
    assert stored(config, "Right") == {"selected": "right"}


def stored(config: str, answer: Answer) -> object:
    """Return the value of an answer in the tag `c`, which both validators let pass."""
    (target,) = (one for one in read_label_config(config).targets if one.name == "c")
    assert isinstance(target, AnswerTarget)
    wanted = tuple(Wanted(label.spoken, label) for label in target.labels)
    answered = value_from_answer(answer, Recipe("c", target, wanted))
    assert answered.value is not None
    item: RegionJson = {
        "id": "r1",
        "from_name": "c",
        "to_name": "img",
        "type": target.kind.value,
        "value": answered.value,
    }
    assert check_item(item, target) is None
    assert LabelInterface(config).validate_prediction({"result": [item]}, return_errors=True) == []
    return answered.value
