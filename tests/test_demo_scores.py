from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.demo.scores import (
    LabelledBox,
    Score,
    Truth,
    read_categories,
    read_truth,
    score_boxes,
)
from label_studio_gemini.errors import UsageError
from label_studio_gemini.geometry import ImageSize, PixelBox


def box(label: str, left: float, top: float, right: float, bottom: float) -> LabelledBox:
    return LabelledBox(label, PixelBox(left, top, right, bottom))


@dataclass(frozen=True)
class Case:
    name: str
    predicted: list[LabelledBox]
    truth: list[LabelledBox]
    score: Score


SQUARE = box("cup", 0, 0, 100, 100)
CASES = [
    Case("nothing in the photo, nothing predicted", [], [], Score(0, 0, 0, None)),
    Case("nothing in the photo, something predicted", [SQUARE], [], Score(0, 0, 1, None)),
    Case("nothing predicted", [], [SQUARE], Score(0, 1, 0, 0.0)),
    Case("exact", [SQUARE], [SQUARE], Score(1, 0, 0, 1.0)),
    Case("another case of the label", [box("CUP", 0, 0, 100, 100)], [SQUARE], Score(1, 0, 0, 1.0)),
    Case("another label", [box("mug", 0, 0, 100, 100)], [SQUARE], Score(0, 1, 1, 0.0)),
    Case("an IoU of 0.8", [box("cup", 0, 0, 100, 80)], [SQUARE], Score(1, 0, 0, 0.8)),
    Case("an IoU of 0.5 is found", [box("cup", 0, 0, 100, 50)], [SQUARE], Score(1, 0, 0, 0.5)),
    Case("an IoU of 0.49 is not", [box("cup", 0, 0, 100, 49)], [SQUARE], Score(0, 1, 1, 0.0)),
    Case("one object found twice", [SQUARE, SQUARE], [SQUARE], Score(1, 0, 1, 1.0)),
    Case("one box for two objects", [SQUARE], [SQUARE, SQUARE], Score(1, 1, 0, 0.5)),
    Case(
        "the better of two boxes is the match, though it comes last",
        [box("cup", 0, 0, 100, 60), box("cup", 0, 0, 100, 90)],
        [SQUARE],
        Score(1, 0, 1, 0.9),
    ),
    Case(
        "a missed object counts 0 in the mean",
        [box("cup", 0, 0, 100, 80)],
        [SQUARE, box("spoon", 200, 0, 220, 90)],
        Score(1, 1, 0, 0.4),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_boxes_are_scored(case: Case) -> None:
    score = score_boxes(case.predicted, case.truth)
    assert score[:3] == case.score[:3]
    assert score.mean_iou == pytest.approx(case.score.mean_iou)


def test_the_least_iou_of_a_match_can_be_given() -> None:
    predicted = [box("cup", 0, 0, 100, 80)]
    assert score_boxes(predicted, [SQUARE], found_iou=0.81).matched == 0
    assert score_boxes(predicted, [SQUARE], found_iou=0.79).matched == 1


@st.composite
def labelled_boxes(draw: st.DrawFn) -> list[LabelledBox]:
    side, place = st.integers(1, 60), st.integers(0, 40)
    corners = st.tuples(st.sampled_from(["a", "A", "b"]), place, place, side, side)
    return [box(name, x, y, x + w, y + h) for name, x, y, w, h in draw(st.lists(corners))]


@given(predicted=labelled_boxes(), truth=labelled_boxes())
def test_every_box_is_counted_exactly_once(
    predicted: list[LabelledBox], truth: list[LabelledBox]
) -> None:
    score = score_boxes(predicted, truth)
    assert score.matched + score.missed == len(truth)
    assert score.matched + score.extra == len(predicted)
    if score.mean_iou is None:
        assert not truth
    else:
        assert score.matched * 0.5 <= score.mean_iou * len(truth) + 1e-9
        assert score.mean_iou <= score.matched / len(truth) + 1e-9


@given(truth=labelled_boxes(), random=st.randoms(use_true_random=False))
def test_the_key_itself_scores_full_in_any_order(truth: list[LabelledBox], random: object) -> None:
    shuffled = sorted(truth, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert score_boxes(shuffled, truth) == Score(len(truth), 0, 0, 1.0 if truth else None)


KEY = {
    "info": {"description": "what is not read here may be anything"},
    "images": [
        {"id": 7, "file_name": "b.jpg", "width": 640, "height": 480},
        {"id": 3, "file_name": "a.jpg", "width": 30, "height": 20, "licence": "CC0"},
    ],
    "categories": [{"id": 9, "name": "spoon"}, {"id": 2, "name": "cup"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 2, "iscrowd": 0, "bbox": [10.5, 20, 30, 40]},
        {"id": 2, "image_id": 7, "category_id": 9, "iscrowd": 1, "bbox": [0, 0, 9, 9]},
        {"id": 3, "image_id": 7, "category_id": 9, "bbox": [1, 2, 3, 4]},
    ],
}


def test_a_key_is_read_without_its_crowds() -> None:
    truth = read_truth(json.dumps(KEY))
    assert truth == {
        "b.jpg": Truth(
            ImageSize(640, 480), (box("cup", 10.5, 20, 40.5, 60), box("spoon", 1, 2, 4, 6))
        ),
        "a.jpg": Truth(ImageSize(30, 20), ()),
    }
    assert list(truth) == ["b.jpg", "a.jpg"]
    assert read_categories(json.dumps(KEY).encode()) == ("spoon", "cup")


def test_all_objects_of_the_shared_photos_are_read(shared: object) -> None:
    path = shared / "photos" / "coco" / "instances.json"  # type: ignore[operator]
    truth = read_truth(path.read_bytes())
    assert len(truth) == 31
    assert sum(len(photo.boxes) for photo in truth.values()) == 260


@dataclass(frozen=True)
class Bad:
    name: str
    key: bytes
    says: str


BAD = [
    Bad("no JSON", b"\xff not JSON", "the file: "),
    Bad("another JSON", b"[]", "the file: "),
    Bad("a part is missing", b'{"images": [], "categories": []}', "annotations: Field required"),
    Bad(
        "a box of three numbers",
        b'{"images": [], "categories": [], '
        b'"annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3]}]}',
        "annotations.0.bbox.3: ",
    ),
    Bad(
        "an image that is not listed",
        json.dumps({**KEY, "images": KEY["images"][1:]}).encode(),  # type: ignore[index]
        "image 7, category 2",
    ),
    Bad(
        "a category that is not listed",
        json.dumps({**KEY, "categories": KEY["categories"][:1]}).encode(),  # type: ignore[index]
        "image 7, category 2",
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_key_is_an_error_that_says_where(bad: Bad) -> None:
    with pytest.raises(UsageError) as caught:
        read_truth(bad.key)
    assert bad.says in caught.value.message
    assert caught.value.hint
