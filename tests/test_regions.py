"""No region leaves that Label Studio would refuse, clip or choke on."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.detections import Detection, Reading, Relation
from label_studio_gemini.geometry import GeminiBox, GeminiPoint, ImageSize
from label_studio_gemini.masks.types import MaskPolygon
from label_studio_gemini.plan import build_plan
from label_studio_gemini.regions import Regions, ShownImage, build_regions

if TYPE_CHECKING:
    from label_studio_gemini.questions import Question

JOINED = """<View><Image name="img" value="$image"/><RectangleLabels name="box" toName="img">
<Label value="Car"/><Label value="Person" alias="ped"/></RectangleLabels></View>"""
SPLIT = """<View><Image name="img" value="$image"/><Labels name="lab" toName="img">
<Label value="Car"/><Label value="Person" alias="ped"/></Labels>
<Rectangle name="rect" toName="img"/></View>"""
SIZE = ImageSize(640, 480)
CAR = Detection("car", GeminiBox(100, 200, 300, 600))
TRIANGLE = (GeminiPoint(100, 400), GeminiPoint(300, 200), GeminiPoint(300, 600))


def question_of(xml: str, config: Config | None = None) -> Question:
    (question,) = build_plan(config or Config(), xml).questions
    return question


def regions_of(xml: str, *detections: Detection) -> Regions:
    return build_regions(Reading(detections), question_of(xml), [ShownImage("img", SIZE)])


def items_of(regions: Regions) -> list[dict[str, Any]]:
    """Return the items, to look into whatever they have."""
    return cast("list[dict[str, Any]]", list(regions.items))


def test_rectangle_labels() -> None:
    """The JSON is that of a region which the real editor drew and gave back."""
    (item,) = items_of(regions_of(JOINED, CAR))
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
    geometry, label = items_of(regions_of(SPLIT, CAR))
    assert geometry["id"] == label["id"]
    assert (geometry["from_name"], geometry["type"]) == ("rect", "rectangle")
    assert (label["from_name"], label["type"]) == ("lab", "labels")
    assert "labels" not in geometry["value"]
    assert label["value"] == {**geometry["value"], "labels": ["Car"]}


def test_an_alias_is_what_is_stored() -> None:
    (item,) = items_of(regions_of(JOINED, Detection("Person", CAR.box)))
    assert item["value"]["rectanglelabels"] == ["ped"]


def test_unmatched_labels_are_counted_not_guessed() -> None:
    regions = regions_of(JOINED, CAR, Detection("cart", CAR.box), Detection("cart", CAR.box))
    assert len(items_of(regions)) == 1
    assert regions.unmatched == {"cart": 2}


def test_ids_are_stable_and_unique() -> None:
    """The same answer converts to the same ids; two equal boxes still are two regions."""
    ids = [item["id"] for item in items_of(regions_of(JOINED, CAR, CAR))]
    assert len(set(ids)) == 2
    assert ids == [item["id"] for item in items_of(regions_of(JOINED, CAR, CAR))]


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
    assert len(items_of(regions)) == 4
    assert regions.dropped == {reason: 1}


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
    items = items_of(regions_of(xml, Detection(label, GeminiBox(ymin, xmin, ymax, xmax))))
    prediction = {"model_version": "m", "result": list(items)}
    assert LabelInterface(xml).validate_prediction(prediction, return_errors=True) == []
    for item in items:
        value = item["value"]
        assert value["x"] >= 0
        assert value["x"] + value["width"] <= 100
        assert value["y"] >= 0
        assert value["y"] + value["height"] <= 100


TAGS = """<View><Image name="img" value="$image"/>
<RectangleLabels name="box" toName="img"><Label value="Car"/><Label value="Sign"/></RectangleLabels>
<PolygonLabels name="outline" toName="img"><Label value="Car"/></PolygonLabels>
<KeyPointLabels name="dot" toName="img"><Label value="Car"/><Label value="Nose"/></KeyPointLabels>
<TextArea name="text" toName="img" perRegion="true" whenLabelValue="Sign"/>
<Choices name="side" toName="img" perRegion="true"><Choice value="left"/><Choice value="right"/>
</Choices>
<Choices name="weather" toName="img"><Choice value="sunny"/><Choice value="rain"/></Choices>
<Relations><Relation value="near"/></Relations></View>"""


def fields_of(regions: Regions) -> list[tuple[str, str]]:
    return [(item["from_name"], item["type"]) for item in items_of(regions)]


def build(reading: Reading, config: Config | None = None) -> Regions:
    return build_regions(reading, question_of(TAGS, config), [ShownImage("img", SIZE)])


def test_an_object_becomes_a_region_of_each_target_that_has_its_label() -> None:
    """Where only boxes come, their centre is the point."""
    regions = build(Reading((replace(CAR, mask=MaskPolygon((TRIANGLE,))),)))
    assert fields_of(regions) == [
        ("box", "rectanglelabels"),
        ("outline", "polygonlabels"),
        ("dot", "keypointlabels"),
    ]
    dot = items_of(regions)[2]
    assert dot["value"] == {"x": 40, "y": 20, "width": 0.5, "keypointlabels": ["Car"]}


def test_where_points_come_boxes_are_no_points() -> None:
    regions = build(Reading((CAR, Detection("Car", point=GeminiPoint(500, 250)))))
    assert fields_of(regions) == [
        ("box", "rectanglelabels"),
        ("outline", "polygonlabels"),
        ("dot", "keypointlabels"),
    ]
    assert regions.fallbacks == 1, "the outline is that of its box"
    assert regions.dropped == {}


def test_a_point_is_no_box() -> None:
    regions = build(Reading((Detection("Sign", point=GeminiPoint(500, 250)),)))
    assert items_of(regions) == []
    assert regions.dropped == {"no_box": 1}


def test_a_missing_mask_can_drop_the_region() -> None:
    config = Config(recipes=[RecipeConfig(name="r", target="outline", fallback="drop")])
    regions = build(Reading((CAR,)), config)
    assert items_of(regions) == []
    assert regions.dropped == {"no_mask": 1}


def test_attributes_go_with_their_region() -> None:
    """Each with its region's id; what is asked of signs alone is not taken of a car."""
    said = {"text": "STOP", "side": "left"}
    regions = build(Reading((replace(CAR, answers=said), Detection("Sign", CAR.box, answers=said))))
    by_id: dict[str, list[str]] = {}
    for item in items_of(regions):
        by_id.setdefault(item["id"], []).append(item["from_name"])
    assert sorted(by_id.values()) == [
        ["box", "side"],
        ["box", "text", "side"],
        ["dot", "side"],
        ["outline", "side"],
    ]


def test_answers_about_the_image_are_items_of_their_own() -> None:
    regions = build(Reading(answers={"weather": "RAIN", "not asked": "x"}))
    (item,) = items_of(regions)
    assert item == {
        "id": item["id"],
        "from_name": "weather",
        "to_name": "img",
        "type": "choices",
        "value": {"choices": ["rain"]},
    }
    wrong = build(Reading(answers={"weather": "snow"}))
    assert (wrong.items, wrong.unmatched) == ((), {"snow": 1})


def test_relations_join_the_regions_of_two_objects() -> None:
    config = Config(recipes=[RecipeConfig(name="r", target="box", relations=["near"])])
    sign = Detection("Sign", GeminiBox(0, 0, 50, 50), number=2)
    regions = build(
        Reading(
            (replace(CAR, number=1), sign),
            relations=(Relation(1, 2, "near"), Relation(2, 7, "near"), Relation(2, 1, "under")),
        ),
        config,
    )
    first, second, relation = items_of(regions)
    assert relation == {
        "type": "relation",
        "from_id": first["id"],
        "to_id": second["id"],
        "direction": "right",
        "labels": ["near"],
    }
    assert (regions.dropped, regions.unmatched) == ({"relation_to_nothing": 1}, {"under": 1})


def test_a_word_that_only_another_recipe_asks_for_is_not_unknown() -> None:
    """`unknown_as` takes what nobody asked for, and nothing else."""
    config = Config(
        recipes=[
            RecipeConfig(name="cars", target="box", labels=["Car"], unknown_as="Sign"),
            RecipeConfig(name="noses", target="dot", labels=["Nose"]),
        ]
    )
    nose = Detection("Nose", point=GeminiPoint(1, 1))
    regions = build(Reading((nose, Detection("boat", CAR.box))), config)
    assert fields_of(regions) == [("dot", "keypointlabels"), ("box", "rectanglelabels")]
    assert regions.unmatched == {}


@pytest.mark.parametrize("closable", [True, False])
def test_a_path_that_cannot_be_closed_ends_where_it_begins(*, closable: bool) -> None:
    """The editor drops the last edge of a closed path, unless its tag is `closable`."""
    xml = f"""<View><Image name="img" value="$image"/>
    <VectorLabels name="path" toName="img" closable="{str(closable).lower()}"><Label value="Car"/>
    </VectorLabels></View>"""
    (item,) = items_of(regions_of(xml, replace(CAR, mask=MaskPolygon((TRIANGLE,)))))
    ends = [(one["x"], one["y"]) for one in item["value"]["vertices"]]
    assert item["value"]["closed"] is closable
    assert ends == [(40, 10), (20, 30), (60, 30), *([] if closable else [(40, 10)])]
