"""A result item that Label Studio would refuse, clip, choke on or draw as garbage has a fault."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from label_studio_gemini.labels import (
    AnswerKind,
    AnswerTarget,
    Label,
    NumberLimits,
    RegionTarget,
    Shape,
)
from label_studio_gemini.masks.rle import rle_from_mask
from label_studio_gemini.regions import PredictionJson, check_item

if TYPE_CHECKING:
    from label_studio_gemini.regions import RegionJson

LABELS = (Label("Shape"), Label("Other", "o"))
WIDTH, HEIGHT = 64, 48
MASK = np.zeros((HEIGHT, WIDTH), np.bool_)
MASK[10:20, 10:30] = True


def png_of(mode: str, size: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> str:
    content = BytesIO()
    Image.new(mode, size).save(content, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


PATH = [
    {"id": "a", "x": 50, "y": 10, "prevPointId": None, "isBezier": False},
    {"id": "b", "x": 40, "y": 40, "prevPointId": "a", "isBezier": False},
    {"id": "c", "x": 60, "y": 40, "prevPointId": "b", "isBezier": False},
]
VALUES: dict[Shape, dict[str, object]] = {
    Shape.RECTANGLE: {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0},
    Shape.POLYGON: {"points": [[50, 10], [40, 40], [60, 40]], "closed": True},
    Shape.ELLIPSE: {"x": 80, "y": 65, "radiusX": 15, "radiusY": 15, "rotation": 0},
    Shape.KEYPOINT: {"x": 28.125, "y": 77.083, "width": 0.5},
    Shape.BRUSH: {"format": "rle", "rle": rle_from_mask(MASK)},
    Shape.BITMASK: {"imageDataURL": png_of("RGBA")},
    Shape.VECTOR: {"vertices": PATH, "closed": True},
}
_ANSWERS: list[tuple[AnswerTarget, dict[str, object]]] = [
    (
        AnswerTarget("c", AnswerKind.CHOICES, ("img",), labels=LABELS, many=True),
        {"choices": ["Shape", "o"]},
    ),
    (
        AnswerTarget(
            "c",
            AnswerKind.TAXONOMY,
            ("img",),
            labels=(Label("Animal", path=("Animal",)), Label("Cat", path=("Animal", "Cat"))),
        ),
        {"taxonomy": [["Animal", "Cat"]]},
    ),
    (AnswerTarget("c", AnswerKind.TEXTAREA, ("img",)), {"text": ["one", "two"]}),
    (
        AnswerTarget("c", AnswerKind.RATING, ("img",), limits=NumberLimits(1, 5, 1)),
        {"rating": 4},
    ),
    (
        AnswerTarget("c", AnswerKind.NUMBER, ("img",), limits=NumberLimits(0, 100)),
        {"number": 42.5},
    ),
    (AnswerTarget("c", AnswerKind.DATETIME, ("img",)), {"datetime": "2026-01-31T00:00"}),
    (
        AnswerTarget(
            "c", AnswerKind.PAIRWISE, ("img", "img2"), labels=(Label("left"), Label("right"))
        ),
        {"selected": "left"},
    ),
]
ANSWERS = {target.kind: (target, value) for target, value in _ANSWERS}


def shape_item(shape: Shape, **changes: object) -> RegionJson:
    """Return an item of a tag that has its own labels, its value changed."""
    kind = f"{shape}labels"
    item = {
        "id": "r1",
        "from_name": "c",
        "to_name": "img",
        "type": kind,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {**VALUES[shape], kind: ["Shape"], **changes},
    }
    return cast("RegionJson", item)


def shape_target(shape: Shape, labels_name: str | None = None) -> RegionTarget:
    return RegionTarget("c", shape, ("img",), LABELS, labels_name)


def answer_item(kind: AnswerKind, **changes: object) -> RegionJson:
    item = {
        "id": "r1",
        "from_name": "c",
        "to_name": "img",
        "type": str(kind),
        "value": {**ANSWERS[kind][1], **changes},
    }
    return cast("RegionJson", item)


@pytest.mark.parametrize("shape", Shape)
def test_a_right_shape_has_no_fault(shape: Shape) -> None:
    assert check_item(shape_item(shape), shape_target(shape)) is None


@pytest.mark.parametrize("shape", Shape)
def test_the_two_items_of_a_split_region_have_no_fault(shape: Shape) -> None:
    item, target = shape_item(shape), shape_target(shape, "lab")
    geometry = {**item, "type": str(shape), "value": VALUES[shape]}
    assert check_item(cast("RegionJson", geometry), target) is None
    value = {**VALUES[shape], "labels": ["o"]}
    labels = {**item, "from_name": "lab", "type": "labels", "value": value}
    assert check_item(cast("RegionJson", labels), target) is None
    unlabelled = {**labels, "value": VALUES[shape]}
    assert check_item(cast("RegionJson", unlabelled), target) == "no_label"


@pytest.mark.parametrize("kind", AnswerKind)
def test_a_right_answer_has_no_fault(kind: AnswerKind) -> None:
    assert check_item(answer_item(kind), ANSWERS[kind][0]) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"from_name": "zzz"}, "unknown_name"),
        ({"to_name": "img2"}, "unknown_name"),
        ({"type": "RectangleLabels"}, "wrong_type"),
        ({"type": "rectangle"}, "wrong_type"),
        ({"type": "labels"}, "wrong_type"),
        ({"id": ""}, "no_id"),
        ({"id": 7}, "no_id"),
        ({"item_index": -1}, "no_such_page"),
        ({"item_index": "0"}, "no_such_page"),
        ({"item_index": 0}, None),
        ({"original_width": 0}, "no_size"),
        ({"original_height": 1.5}, "no_size"),
    ],
)
def test_what_is_around_a_value(changes: dict[str, object], fault: str | None) -> None:
    item = cast("RegionJson", {**shape_item(Shape.RECTANGLE), **changes})
    assert check_item(item, shape_target(Shape.RECTANGLE)) == fault


def test_a_region_without_the_size_of_its_image() -> None:
    item = shape_item(Shape.RECTANGLE)
    del item["original_width"]
    assert check_item(item, shape_target(Shape.RECTANGLE)) == "no_size"


@dataclass
class Bad:
    shape: Shape
    changes: dict[str, object]
    fault: str


BADS = [
    *(
        Bad(shape, {f"{shape}labels": labels}, fault)
        for shape in Shape
        for labels, fault in [
            ([], "no_label"),
            ("Shape", "no_label"),
            (["Nope"], "unknown_label"),
            (["Other"], "unknown_label"),  # its alias is what is stored
        ]
    ),
    Bad(Shape.RECTANGLE, {"x": "10"}, "not_a_number"),
    Bad(Shape.RECTANGLE, {"x": True}, "not_a_number"),
    Bad(Shape.RECTANGLE, {"y": math.nan}, "not_a_number"),
    Bad(Shape.RECTANGLE, {"width": math.inf}, "not_a_number"),
    Bad(Shape.RECTANGLE, {"x": np.float32(1)}, "not_a_number"),  # json cannot write it
    Bad(Shape.RECTANGLE, {"rotation": None}, "not_a_number"),
    Bad(Shape.RECTANGLE, {"width": 0}, "empty"),
    Bad(Shape.RECTANGLE, {"height": -1}, "empty"),
    Bad(Shape.RECTANGLE, {"x": -0.001}, "outside"),
    Bad(Shape.RECTANGLE, {"x": 80.001}, "outside"),
    Bad(Shape.RECTANGLE, {"y": 90}, "outside"),
    Bad(Shape.POLYGON, {"points": None}, "too_few_points"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2]]}, "too_few_points"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], [1, 1]]}, "too_few_points"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], [3, 3], [0.1, 0.1]]}, "empty"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], [1, 101]]}, "outside"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], [1, -1]]}, "outside"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], [1, math.nan]]}, "not_a_number"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], [1, 3, 4]]}, "not_a_number"),
    Bad(Shape.POLYGON, {"points": [[1, 1], [2, 2], ["1", "3"]]}, "not_a_number"),
    Bad(Shape.ELLIPSE, {"radiusX": 0}, "empty"),
    Bad(Shape.ELLIPSE, {"radiusY": -1}, "empty"),
    Bad(Shape.ELLIPSE, {"radiusX": 50.1}, "outside"),
    Bad(Shape.ELLIPSE, {"x": 100.1}, "outside"),
    Bad(Shape.ELLIPSE, {"rotation": math.nan}, "not_a_number"),
    Bad(Shape.KEYPOINT, {"width": 0}, "empty"),
    Bad(Shape.KEYPOINT, {"width": None}, "not_a_number"),
    Bad(Shape.KEYPOINT, {"x": -1}, "outside"),
    Bad(Shape.KEYPOINT, {"y": 101}, "outside"),
    Bad(Shape.BRUSH, {"format": "png"}, "bad_rle"),
    Bad(Shape.BRUSH, {"rle": []}, "bad_rle"),
    Bad(Shape.BRUSH, {"rle": "AAAA"}, "bad_rle"),
    Bad(Shape.BRUSH, {"rle": [0, 0, 48, 0, 57, 300]}, "bad_rle"),
    Bad(Shape.BRUSH, {"rle": [0, 0, 48, 0, 57, 1.5]}, "bad_rle"),
    Bad(Shape.BRUSH, {"rle": [0, 0, 48, 0, 1, 27]}, "bad_rle"),  # words of one bit
    Bad(Shape.BRUSH, {"rle": rle_from_mask(MASK.T[:-1])}, "wrong_size"),
    Bad(Shape.BITMASK, {"imageDataURL": None}, "bad_png"),
    Bad(Shape.BITMASK, {"imageDataURL": "data:image/jpeg;base64,AAAA"}, "bad_png"),
    Bad(Shape.BITMASK, {"imageDataURL": "data:image/png;base64,AAAA"}, "bad_png"),
    Bad(Shape.BITMASK, {"imageDataURL": "data:image/png;base64,A"}, "bad_png"),
    Bad(Shape.BITMASK, {"imageDataURL": "data:image/png;base64,ä"}, "bad_png"),
    Bad(Shape.BITMASK, {"imageDataURL": png_of("RGBA", (HEIGHT, WIDTH))}, "wrong_size"),
    Bad(Shape.BITMASK, {"imageDataURL": png_of("L")}, "no_transparency"),
    Bad(Shape.BITMASK, {"imageDataURL": png_of("1")}, "no_transparency"),
    Bad(Shape.BITMASK, {"imageDataURL": png_of("RGB")}, "no_transparency"),
    Bad(Shape.BITMASK, {"imageDataURL": png_of("P")}, "no_transparency"),
    Bad(Shape.VECTOR, {"vertices": PATH[:2]}, "too_few_points"),
    Bad(Shape.VECTOR, {"vertices": "abc"}, "too_few_points"),
    Bad(Shape.VECTOR, {"vertices": [*PATH[:2], {**PATH[2], "x": 101}]}, "outside"),
    Bad(Shape.VECTOR, {"vertices": [*PATH[:2], {**PATH[2], "x": None}]}, "not_a_number"),
    Bad(Shape.VECTOR, {"vertices": [*PATH[:2], {**PATH[2], "id": "a"}]}, "broken_path"),
    Bad(Shape.VECTOR, {"vertices": [*PATH[:2], {**PATH[2], "id": 3}]}, "broken_path"),
    Bad(Shape.VECTOR, {"vertices": [*PATH[:2], {**PATH[2], "prevPointId": "a"}]}, "broken_path"),
    Bad(Shape.VECTOR, {"vertices": [*PATH[::-1]]}, "broken_path"),
]


@pytest.mark.parametrize("bad", BADS, ids=lambda bad: f"{bad.shape}-{bad.fault}")
def test_a_bad_shape_has_a_fault(bad: Bad) -> None:
    assert check_item(shape_item(bad.shape, **bad.changes), shape_target(bad.shape)) == bad.fault


@pytest.mark.parametrize("transparency", [0, b"\0\xff"])
def test_a_palette_may_have_the_transparency(transparency: int | bytes) -> None:
    item = shape_item(Shape.BITMASK, imageDataURL=png_of("P", transparency=transparency))
    assert check_item(item, shape_target(Shape.BITMASK)) is None


@dataclass
class BadAnswer:
    kind: AnswerKind
    changes: dict[str, object]
    fault: str


@pytest.mark.parametrize(
    "bad",
    [
        BadAnswer(AnswerKind.CHOICES, {"choices": []}, "no_label"),
        BadAnswer(AnswerKind.CHOICES, {"choices": "Shape"}, "no_label"),
        BadAnswer(AnswerKind.CHOICES, {"choices": ["zzz"]}, "unknown_label"),
        BadAnswer(AnswerKind.CHOICES, {"choices": ["Shape", "Shape"]}, "too_many"),
        BadAnswer(AnswerKind.TAXONOMY, {"taxonomy": ["Animal"]}, "unknown_label"),
        BadAnswer(AnswerKind.TAXONOMY, {"taxonomy": [["Cat"]]}, "unknown_label"),
        BadAnswer(AnswerKind.TAXONOMY, {"taxonomy": [["Animal"], ["Animal", "Cat"]]}, "too_many"),
        BadAnswer(AnswerKind.TEXTAREA, {"text": "one"}, "bad_text"),
        BadAnswer(AnswerKind.TEXTAREA, {"text": []}, "bad_text"),
        BadAnswer(AnswerKind.TEXTAREA, {"text": ["one", " "]}, "bad_text"),
        BadAnswer(AnswerKind.TEXTAREA, {"text": ["one", 2]}, "bad_text"),
        BadAnswer(AnswerKind.TEXTAREA, {"text": ["a\0"]}, "bad_text"),
        BadAnswer(AnswerKind.TEXTAREA, {"text": ["a\ud800"]}, "bad_text"),
        BadAnswer(AnswerKind.RATING, {"rating": "4"}, "not_a_number"),
        BadAnswer(AnswerKind.RATING, {"rating": 4.0}, "not_whole"),
        BadAnswer(AnswerKind.RATING, {"rating": 0}, "out_of_limits"),
        BadAnswer(AnswerKind.RATING, {"rating": 6}, "out_of_limits"),
        BadAnswer(AnswerKind.NUMBER, {"number": "42"}, "not_a_number"),
        BadAnswer(AnswerKind.NUMBER, {"number": math.nan}, "not_a_number"),
        BadAnswer(AnswerKind.NUMBER, {"number": 101}, "out_of_limits"),
        BadAnswer(AnswerKind.DATETIME, {"datetime": ""}, "not_a_date"),
        BadAnswer(AnswerKind.DATETIME, {"datetime": 2026}, "not_a_date"),
        BadAnswer(AnswerKind.PAIRWISE, {"selected": "both"}, "unknown_label"),
        BadAnswer(AnswerKind.PAIRWISE, {"selected": ["left"]}, "unknown_label"),
    ],
    ids=lambda bad: f"{bad.kind}-{bad.changes}",
)
def test_a_bad_answer_has_a_fault(bad: BadAnswer) -> None:
    target, _ = ANSWERS[bad.kind]
    assert check_item(answer_item(bad.kind, **bad.changes), target) == bad.fault


def test_a_file_of_results_is_read_back_whole() -> None:
    """Of many kinds of value pydantic chooses the one that loses no key."""
    relation = {
        "type": "relation",
        "from_id": "a",
        "to_id": "b",
        "direction": "right",
        "labels": ["near"],
    }
    result = [
        *(shape_item(shape) for shape in Shape),
        *({**shape_item(shape), "value": VALUES[shape], "type": str(shape)} for shape in Shape),
        *({**shape_item(shape), "value": {**VALUES[shape], "labels": ["o"]}} for shape in Shape),
        *({**answer_item(kind), "item_index": 1} for kind in AnswerKind),
        relation,
    ]
    prediction = {"model_version": "m", "result": result}
    assert TypeAdapter(PredictionJson).validate_python(prediction) == prediction
