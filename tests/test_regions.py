"""No region leaves that Label Studio would refuse, clip or choke on."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from label_studio_gemini.config import Config
from label_studio_gemini.detections import Detection
from label_studio_gemini.geometry import GeminiBox, ImageSize
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.recipes import build_recipes
from label_studio_gemini.regions import RegionJson, Regions, build_regions, check_region

JOINED = """<View><Image name="img" value="$image"/><RectangleLabels name="box" toName="img">
<Label value="Car"/><Label value="Person" alias="ped"/></RectangleLabels></View>"""
SPLIT = """<View><Image name="img" value="$image"/><Labels name="lab" toName="img">
<Label value="Car"/><Label value="Person" alias="ped"/></Labels>
<Rectangle name="rect" toName="img"/></View>"""
SIZE = ImageSize(640, 480)
CAR = Detection("car", GeminiBox(100, 200, 300, 600))


def regions_of(xml: str, *detections: Detection) -> Regions:
    (recipe,) = build_recipes(Config(), read_label_config(xml))
    return build_regions(detections, recipe, image_name="img", size=SIZE)


def test_rectangle_labels() -> None:
    """The JSON is that of a region which the real editor drew and gave back."""
    (item,) = regions_of(JOINED, CAR).items
    assert item == {
        "id": item["id"],
        "from_name": "box",
        "to_name": "img",
        "type": "rectanglelabels",
        "original_width": 640,
        "original_height": 480,
        "image_rotation": 0,
        "value": {
            "x": 20,
            "y": 10,
            "width": 40,
            "height": 20,
            "rotation": 0,
            "rectanglelabels": ["Car"],
        },
    }


def test_labels_and_rectangle_are_two_items_of_one_region() -> None:
    geometry, label = regions_of(SPLIT, CAR).items
    assert geometry["id"] == label["id"]
    assert (geometry["from_name"], geometry["type"]) == ("rect", "rectangle")
    assert (label["from_name"], label["type"]) == ("lab", "labels")
    assert "labels" not in geometry["value"]
    assert label["value"] == {**geometry["value"], "labels": ["Car"]}


def test_an_alias_is_what_is_stored() -> None:
    (item,) = regions_of(JOINED, Detection("Person", CAR.box)).items
    assert item["value"]["rectanglelabels"] == ["ped"]


def test_unmatched_labels_are_counted_not_guessed() -> None:
    regions = regions_of(JOINED, CAR, Detection("cart", CAR.box), Detection("cart", CAR.box))
    assert len(regions.items) == 1
    assert regions.unmatched == {"cart": 2}


def test_ids_are_stable_and_unique() -> None:
    """The same answer converts to the same ids; two equal boxes still are two regions."""
    ids = [item["id"] for item in regions_of(JOINED, CAR, CAR).items]
    assert len(set(ids)) == 2
    assert ids == [item["id"] for item in regions_of(JOINED, CAR, CAR).items]


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        (GeminiBox(-1, 0, 10, 10), "outside"),
        (GeminiBox(0, 0, 10, 1001), "outside"),
        (GeminiBox(0, 10, 10, 10), "empty"),
        (GeminiBox(10, 0, 5, 10), "empty"),
        (GeminiBox(math.nan, 0, 10, 10), "not_a_number"),
        (GeminiBox(0, 0, math.inf, 10), "not_a_number"),
    ],
)
def test_a_bad_region_is_dropped_and_its_neighbours_stay(box: GeminiBox, reason: str) -> None:
    regions = regions_of(SPLIT, CAR, Detection("car", box), CAR)
    assert len(regions.items) == 4
    assert regions.dropped == {reason: 1}


def test_the_check_knows_names_and_labels() -> None:
    (recipe,) = build_recipes(Config(), read_label_config(JOINED))
    (item,) = regions_of(JOINED, CAR).items
    other: RegionJson = {**item, "from_name": "nobody"}
    assert check_region(other, recipe.target) == "unknown_name"
    assert check_region(item, replace(recipe.target, image_names=("other",))) == "unknown_name"
    bad: RegionJson = {**item, "value": {**item["value"], "rectanglelabels": ["Boat"]}}
    assert check_region(bad, recipe.target) == "unknown_label"


grid = st.integers(0, 1000) | st.floats(0, 1000)


@given(
    corners=st.tuples(grid, grid, grid, grid),
    label=st.sampled_from(["car", "Person", "ped"]),
    xml=st.sampled_from([JOINED, SPLIT]),
)
def test_label_studios_own_validator_agrees(
    corners: tuple[float, float, float, float], label: str, xml: str
) -> None:
    """Whatever leaves passes label-studio-sdk, and is within the image, which it doesn't check."""
    ymin, ymax = sorted(corners[:2])
    xmin, xmax = sorted(corners[2:])
    items = regions_of(xml, Detection(label, GeminiBox(ymin, xmin, ymax, xmax))).items
    prediction = {"model_version": "m", "result": list(items)}
    assert LabelInterface(xml).validate_prediction(prediction, return_errors=True) == []
    for item in items:
        value = item["value"]
        assert value["x"] >= 0
        assert value["x"] + value["width"] <= 100
        assert value["y"] >= 0
        assert value["y"] + value["height"] <= 100
