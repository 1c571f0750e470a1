"""Masks, points, images and answers in a reply: what each of them becomes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.detections import Detection, Reading, RejectReason
from label_studio_gemini.emulator import MaskDialect
from label_studio_gemini.emulator.geometry import Point as EmulatorPoint
from label_studio_gemini.emulator.masks import build_mask
from label_studio_gemini.geometry import GeminiBox, GeminiPoint
from label_studio_gemini.masks.pictures import mask_from_png
from label_studio_gemini.masks.types import MaskPng, MaskPolygon
from label_studio_gemini.replies import read_reply
from replies_cases import CUP, PNG, URI, XY, YX, flat, png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.detections import Answer

BOX = GeminiBox(*CUP[1])
RING = tuple(GeminiPoint(y=y, x=x) for x, y in XY)
SQUARE = [[100, 100], [300, 100], [300, 200], [200, 300], [100, 300]]


def reply(*items: Mapping[str, object]) -> Reading:
    return read_reply(json.dumps(items))


def one(mask: object, box: object = CUP[1], **others: object) -> Reading:
    return reply({"box_2d": box, "mask": mask, "label": "cup", **others})


def polygon_of(reading: Reading) -> tuple[tuple[GeminiPoint, ...], ...]:
    (found,) = reading.detections
    assert isinstance(found.mask, MaskPolygon)
    return found.mask.rings


@pytest.mark.parametrize("mask", [PNG, URI, URI.replace("/", "_").replace("+", "-"), f" {PNG}\n"])
def test_a_drawn_mask_is_its_file(mask: str) -> None:
    """Not decoded, but known to be whole."""
    (found,) = one(mask).detections

    assert found == Detection("cup", BOX, mask=MaskPng(base64.b64decode(PNG)))
    assert isinstance(found.mask, MaskPng)
    assert mask_from_png(found.mask).mean() == pytest.approx(np.pi / 4, abs=0.01)


@pytest.mark.parametrize(
    "mask",
    [
        *(XY, YX, flat(XY), flat(YX), [flat(XY)], [flat(YX)], [XY], str(XY), str(YX)),
        *(",".join(map(str, flat(YX))), " ".join(map(str, flat(XY))), [*XY, XY[0]]),
        *([{"x": x, "y": y} for x, y in XY], [{"Y": y, "X": x} for x, y in XY]),
        [[{"x": x, "y": y} for x, y in XY]],
    ],
)
def test_every_form_of_a_polygon_is_the_same_polygon(mask: object) -> None:
    """The order of its numbers is the one that fits the box; a repeated first point is left out."""
    assert polygon_of(one(mask)) == (RING,)


USABLE = {
    **dict.fromkeys((MaskDialect.PNG, MaskDialect.BASE64), MaskPng),
    **dict.fromkeys(
        (
            *(MaskDialect.POLYGON_XY, MaskDialect.POLYGON_YX, MaskDialect.FLAT_YX),
            *(MaskDialect.CHUNKED_YX, MaskDialect.STRING_YX),
        ),
        MaskPolygon,
    ),
}


@pytest.mark.parametrize("dialect", MaskDialect)
def test_every_dialect_of_the_emulator(dialect: MaskDialect) -> None:
    """Which shares no code with the reader: a mask that can be used is, and no box is lost."""
    octagon = tuple(EmulatorPoint(across=x / 1000, down=y / 1000) for x, y in XY)

    reading = one(build_mask([octagon], (376, 253, 539, 365), dialect))

    (found,) = reading.detections
    assert type(found.mask) is USABLE.get(dialect, type(None))
    assert reading.masks_unreadable == (found.mask is None)
    if isinstance(found.mask, MaskPolygon):
        (ring,) = found.mask.rings
        assert np.abs(np.array(ring) - np.array(RING)).max() <= 0.5


def test_several_rings_stay_several() -> None:
    inner: list[list[float]] = [[300, 450], [320, 450], [320, 480]]

    rings = polygon_of(one([flat(XY), flat(inner)]))

    assert rings == (RING, tuple(GeminiPoint(y=y, x=x) for x, y in inner))


def test_an_order_that_the_box_cannot_tell_is_x_first() -> None:
    """As in Google's documents: a square on the diagonal fits both ways."""
    (ring,) = polygon_of(one(SQUARE, [100, 100, 300, 300]))

    assert ring[1] == GeminiPoint(y=100, x=300)


@pytest.mark.parametrize(("other", "y_first"), [(XY, False), (YX, True)])
def test_an_order_that_the_box_cannot_tell_is_that_of_the_others(
    other: object, *, y_first: bool
) -> None:
    """A model keeps to one order within a reply."""
    reading = reply(
        {"box_2d": [100, 100, 300, 300], "mask": SQUARE, "label": "tile"},
        {"box_2d": CUP[1], "mask": other, "label": "cup"},
    )

    mask = reading.detections[0].mask

    assert isinstance(mask, MaskPolygon)
    assert mask.rings[0][1] == (GeminiPoint(300, 100) if y_first else GeminiPoint(100, 300))


def test_named_numbers_have_their_order_whatever_the_others_have() -> None:
    named = [{"x": x, "y": y} for x, y in SQUARE]
    reading = reply(
        {"box_2d": CUP[1], "mask": YX, "label": "cup"},
        {"box_2d": [100, 100, 300, 300], "mask": named, "label": "tile"},
    )

    mask = reading.detections[1].mask

    assert isinstance(mask, MaskPolygon)
    assert mask.rings[0][1] == GeminiPoint(y=100, x=300)


def test_a_polygon_alone_brings_its_own_box() -> None:
    """Nothing is guessed: a polygon has one bounding box."""
    reading = reply({"mask": XY, "label": "cup"}, {"mask": [[1, 2]], "label": "cup"})

    assert reading.detections == (Detection("cup", BOX, mask=MaskPolygon((RING,))),)
    assert [reject.reason for reject in reading.rejects] == [RejectReason.NO_BOX]


def test_a_polygon_outside_the_grid_is_cut_back_and_counted() -> None:
    reading = one([[900, 10], [1100, 10], [1100, 50]], [10, 900, 50, 1000])

    assert polygon_of(reading) == (
        (GeminiPoint(10, 900), GeminiPoint(10, 1000), GeminiPoint(50, 1000)),
    )
    assert reading.clamped == 1


def test_a_drawn_mask_without_its_box_is_none() -> None:
    """Where it lies is not known."""
    (alone,) = reply({"mask": PNG, "label": "cup"}).rejects
    reading = reply({"mask": PNG, "point": [5, 6], "label": "cup"})

    assert alone.reason == RejectReason.NO_BOX
    assert reading.detections == (Detection("cup", point=GeminiPoint(5, 6)),)
    assert reading.masks_unreadable == 1


def test_a_mask_of_two_boxes_is_none() -> None:
    """Whose it is, is not said."""
    reading = one(XY, [CUP[1], [1, 2, 3, 4]])

    assert [found.mask for found in reading.detections] == [None, None]
    assert reading.masks_unreadable == 1


def test_masks_do_not_make_a_detection_another() -> None:
    """The same label at the same place is a repetition, whatever its mask."""
    reading = reply(*({"box_2d": CUP[1], "mask": mask, "label": "cup"} for mask in (XY, PNG)))

    assert len(reading.detections) == 1
    assert [reject.reason for reject in reading.rejects] == [RejectReason.REPEATED]


def test_pixels_are_limited_for_a_reply_as_a_whole() -> None:
    """Small files can be huge pictures: when there have been enough, boxes are kept."""
    large = png("1", 3000)

    reading = reply(
        *({"box_2d": [n, 2, 300, 400], "mask": large, "label": f"{n:x}"} for n in (1, 2))
    )

    assert [found.mask is None for found in reading.detections] == [False, True]
    assert reading.masks_unreadable == 1


def test_a_point_belongs_to_its_box() -> None:
    reading = reply({"box_2d": [1, 2, 3, 4], "point": [2, 3], "label": "cup"})

    assert reading.detections == (Detection("cup", GeminiBox(1, 2, 3, 4), GeminiPoint(2, 3)),)


@pytest.mark.parametrize(
    "point", [[1], [1, 2, 3], "here", {"x": 1}, [True, 2], [None, 1], [[1], [2]]]
)
def test_a_bad_point_costs_the_point(point: object) -> None:
    """The box beside it is kept, and the reason is told."""
    alone = reply({"point": point, "label": "cup"})
    beside = reply({"box_2d": [1, 2, 3, 4], "point": point, "label": "cup"})

    assert not alone.detections
    assert beside.detections == (Detection("cup", GeminiBox(1, 2, 3, 4)),)
    for reading in (alone, beside):
        assert {reject.reason for reject in reading.rejects} == {RejectReason.BAD_POINT}


def test_a_point_outside_the_grid_is_cut_back_and_counted() -> None:
    reading = reply({"point": [-3, 1001.5], "label": "cup"})

    assert reading.detections[0].point == GeminiPoint(0, 1000)
    assert reading.clamped == 1


@pytest.mark.parametrize("empty", [None, [], "", [[]]])
def test_null_beside_another_place_is_no_place(empty: object) -> None:
    """As a schema makes a model write it."""
    reading = reply(
        {"box_2d": [1, 2, 3, 4], "point": empty, "mask": empty, "label": "cup"},
        {"box_2d": empty, "point": [5, 6], "mask": empty, "label": "cup"},
    )

    assert reading == Reading(
        (Detection("cup", GeminiBox(1, 2, 3, 4)), Detection("cup", point=GeminiPoint(5, 6)))
    )


@dataclass(frozen=True)
class ImageCase:
    """How a reply names an image, and the number that it is."""

    written: object
    number: int | None


IMAGES = [
    *(ImageCase(2, 2), ImageCase("2", 2), ImageCase("Image 2", 2), ImageCase("image_2", 2)),
    *(ImageCase(2.0, 2), ImageCase("Image #2", 2), ImageCase(3600, 3600)),
    *(ImageCase(0, None), ImageCase(-1, None), ImageCase(1.5, None), ImageCase("a.jpg", None)),
    *(ImageCase(None, None), ImageCase([1], None), ImageCase("", None), ImageCase(10**9, None)),
]


@pytest.mark.parametrize("case", IMAGES, ids=lambda case: repr(case.written))
@pytest.mark.parametrize("key", ["image", "image_index"])
def test_an_item_names_its_image(case: ImageCase, key: str) -> None:
    """By its number in the request, from 1; anything else names none."""
    (found,) = one(None, **{key: case.written}).detections

    assert found.image == case.number


def test_an_image_around_items_is_theirs() -> None:
    boxes = [{"box_2d": [1, 2, 3, 4], "label": "cup"}]
    text = json.dumps([{"image": 1, "boxes": boxes}, {"image": 2, "boxes": boxes}])

    assert [found.image for found in read_reply(text).detections] == [1, 2]


@dataclass(frozen=True)
class AnswerCase:
    """What stands under `answers`, and what it says."""

    id: str
    text: str
    answers: Mapping[str, Answer]
    rejects: tuple[RejectReason, ...] = ()
    truncated: bool = False


BAD = (RejectReason.BAD_ANSWER,)
ANSWERS = [
    AnswerCase("a text", '{"caption": "Two cups"}', {"caption": "Two cups"}),
    AnswerCase(
        "numbers", '{"n": 3, "share": 0.25, "x": -1e3}', {"n": 3, "share": 0.25, "x": -1000}
    ),
    AnswerCase("texts", '{"tags": ["a", "b", 3]}', {"tags": ("a", "b", "3")}),
    AnswerCase("no texts", '{"tags": []}', {"tags": ()}),
    AnswerCase("true and false", '{"a": true, "b": False}', {"a": "true", "b": "false"}),
    AnswerCase("null", '{"a": null, "b": None, "c": ""}', {"c": ""}),
    AnswerCase("a number in quotes", '{"n": "3"}', {"n": "3"}),
    AnswerCase("escapes", r'{"\u00e9": "c\nd \"e\" \u00e9"}', {"é": 'c\nd "e" é'}),
    AnswerCase("JSON in a text", r'{"code": "{\"x\": [1, 2]}"}', {"code": '{"x": [1, 2]}'}),
    AnswerCase(
        "single quotes", "{'caption': 'the cat's', 'n': 1}", {"caption": "the cat's", "n": 1}
    ),
    AnswerCase("a string", r'"{\"caption\": \"Two cups\"}"', {"caption": "Two cups"}),
    AnswerCase("a list of one", '[{"caption": "Two cups"}]', {"caption": "Two cups"}),
    AnswerCase("the last one holds", '{"n": 1, "n": 2}', {"n": 2}),
    AnswerCase(
        "a name that is one of ours",
        '{"image": "a cat", "name": "x"}',
        {"image": "a cat", "name": "x"},
    ),
    AnswerCase("none", "{}", {}),
    AnswerCase("an object", '{"a": {"b": 1}, "c": 1}', {"c": 1}, BAD),
    AnswerCase("objects", '{"a": [{"b": 1}], "c": 1}', {"c": 1}, BAD),
    AnswerCase("no value", '{"a": , "c": 1}', {"c": 1}, BAD),
    AnswerCase("broken", '{"a": 1 : 2, "c": 1}', {}, (RejectReason.BROKEN,)),
]
CUT_ANSWERS = [
    AnswerCase("in a text", '{"n": 3, "caption": "Two cu', {"n": 3}, truncated=True),
    AnswerCase(
        "behind a text", '{"n": 3, "caption": "Two"', {"n": 3, "caption": "Two"}, truncated=True
    ),
    AnswerCase("in a number", '{"caption": "x", "n": 3', {"caption": "x"}, truncated=True),
    AnswerCase("in a list", '{"n": 3, "tags": ["a", "b"', {"n": 3}, truncated=True),
    AnswerCase("in a key", '{"n": 3, "ta', {"n": 3}, truncated=True),
    AnswerCase("at the start", "{", {}, truncated=True),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.id)
def test_answers_about_the_image(case: AnswerCase) -> None:
    """With boxes, without any, and in a fence."""
    boxes = '"boxes": [{"box_2d": [1, 2, 3, 4], "label": "cup"}]'
    for text in (
        f'{{"answers": {case.text}}}',
        f'{{"boxes": [], "answers": {case.text}}}',
        f'{{{boxes}, "answers": {case.text}}}',
        f'```json\n[{{"Answers": {case.text}, {boxes}}}]\n```',
    ):
        reading = read_reply(text)
        assert reading.answers == case.answers
        assert tuple(reject.reason for reject in reading.rejects) == case.rejects
        assert len(reading.detections) == ("cup" in text.replace("Two cups", ""))
        assert not reading.image_answers


@pytest.mark.parametrize("case", CUT_ANSWERS, ids=lambda case: case.id)
def test_answers_that_are_cut(case: AnswerCase) -> None:
    """What is whole is kept; a number at the end may go on."""
    reading = read_reply(f'{{"boxes": [], "answers": {case.text}')

    assert (reading.answers, reading.truncated) == (case.answers, case.truncated)
    assert not reading.rejects


def test_answers_of_several_images() -> None:
    """As a list of objects that name their image, or beside the boxes of each."""
    listed = '{"answers": [{"image": 1, "n": 1}, {"image": 2, "n": 2}, {"all": "x", "n": 0}]}'
    beside = '[{"image": 1, "boxes": [], "answers": {"n": 1}}, {"image": "2", "answers": {"n": 2}}]'

    reading = read_reply(listed)

    assert reading.image_answers == read_reply(beside).image_answers == {1: {"n": 1}, 2: {"n": 2}}
    assert reading.answers_for(2) == {"all": "x", "n": 2}
    assert reading.answers_for(3) == {"all": "x", "n": 0}


def test_a_dozen_alike_may_be_real_and_more_are_a_loop() -> None:
    """Of a loop the first round is kept, of each kind of item that it goes round."""
    few = [{"box_2d": [100 + n, 100, 300 + n, 300], "label": "cup"} for n in range(12)]
    many = [
        {"box_2d": [100 + n, 400 * kind, 300 + n, 400 * kind + 50], "label": "cup"}
        for n in range(80)
        for kind in range(3)
    ]
    grid = [
        {"box_2d": [y, x, y + 9, x + 9], "label": "key"}
        for y in range(0, 990, 30)
        for x in range(0, 990, 30)
    ]

    assert len(reply(*few).detections) == 12
    looped = reply(*many)
    assert [found.box.xmin for found in looped.detections if found.box] == [0, 400, 800]
    assert len(looped.rejects) == 237
    assert {reject.reason for reject in looped.rejects} == {RejectReason.REPEATED}
    assert len(reply(*grid).detections) == len(grid)


def test_points_in_circles() -> None:
    drifting = [{"point": [100 + n, 100], "label": f"screw {n}"} for n in range(80)]
    apart = [{"point": [100 + 3 * n, 100], "label": f"screw {n}"} for n in range(80)]

    assert len(reply(*drifting).detections) == 1
    assert len(reply(*apart).detections) == 80


coordinates = st.integers(0, 1000)


@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=30, unique=True),
    st.booleans(),
)
def test_a_polygon_is_read_in_its_own_order(points: list[tuple[int, int]], y_first: bool) -> None:  # noqa: FBT001
    """Wherever the box can tell the order, what was written comes back exactly."""
    ys, xs = [y for y, _ in points], [x for _, x in points]
    box = GeminiBox(min(ys), min(xs), max(ys), max(xs))
    written = [[y, x] if y_first else [x, y] for y, x in points]
    if len(set(ys)) == 1 or len(set(xs)) == 1:
        assert not one(written, box).detections or one(written, box).masks_unreadable
    elif not y_first or abs(box.ymin - box.xmin) + abs(box.ymax - box.xmax) > 50:
        (ring,) = polygon_of(one(written, box))
        assert ring == tuple(GeminiPoint(y, x) for y, x in points)
