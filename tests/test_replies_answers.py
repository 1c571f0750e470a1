"""Answers in a reply: what an item says, what is said of each image, what is said of all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.detections import Detection, RejectReason
from label_studio_gemini.geometry import GeminiBox, GeminiPoint
from label_studio_gemini.replies import read_reply
from label_studio_gemini.replies.scan import MAX_DEPTH
from replies_cases import PNG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.detections import Answer

Answers = dict[str, "Answer"]

BAD_ANSWER = RejectReason.BAD_ANSWER
BROKEN = RejectReason.BROKEN
NO_BOX = RejectReason.NO_BOX

SIGN = '"box_2d": [10, 20, 30, 40], "label": "sign"'
STOP: Answers = {"text": "STOP"}


@dataclass(frozen=True)
class ItemCase:
    """What stands in an item beside its box and label, and what it answers."""

    id: str
    text: str
    answers: Answers
    rejects: tuple[RejectReason, ...] = ()


OF_ITEMS = [
    ItemCase("a text", '"answers": {"text": "STOP"}', STOP),
    ItemCase(
        "all kinds",
        '"answers": {"text": "STOP", "lit": true, "n": 2.5, "tags": ["a", "b"], "no": null}',
        {"text": "STOP", "lit": "true", "n": 2.5, "tags": ("a", "b")},
    ),
    ItemCase("another spelling", '"Answers": {"text": "STOP"}', STOP),
    ItemCase("a bad value", '"answers": {"a": {"b": 1}, "text": "STOP"}', STOP, (BAD_ANSWER,)),
    ItemCase("bad values", '"answers": {"a": , "b": [[1]]}', {}, (BAD_ANSWER, BAD_ANSWER)),
    ItemCase("broken", '"answers": {"a": 1 : 2}, "text": "STOP"', STOP, (BROKEN,)),
    ItemCase("a list of one", '"answers": [{"text": "STOP"}]', STOP),
    ItemCase("a list of each", '"answers": [{"text": "STOP"}, {"n": 1}]', {**STOP, "n": 1}),
    ItemCase("a text of JSON", r'"answers": "{\"text\": \"STOP\"}"', STOP),
    ItemCase("no object", '"answers": "STOP"', {}, (BAD_ANSWER,)),
    ItemCase("no objects", '"answers": [{"text": "STOP"}, "x"]', STOP, (BAD_ANSWER,)),
    *(ItemCase(f"none: {none}", f'"answers": {none}', {}) for none in ("null", "{}", "[]", '""')),
    ItemCase("beside the label", '"text": "STOP", "lit": false', {**STOP, "lit": "false"}),
    ItemCase("beside the label, texts", '"tags": ["a", "b"]', {"tags": ("a", "b")}),
    ItemCase("beside, both", '"text": "?", "n": 1, "answers": {"text": "STOP"}', {**STOP, "n": 1}),
    ItemCase("a known key", '"image": 1, "id": 3, "name": "x", "mask": "x", "point": [1, 2]', {}),
    ItemCase("a known spelling", '"Bounding Box": [1, 2, 3, 4], "Image-Index": 1', {}),
    ItemCase("a drawn mask", f'"mask": "{PNG}", "text": "STOP"', STOP),
    ItemCase("no answer", '"rgb": [1, 2], "at": {"x": 1}, "no": null, "none": [], "": "x"', {}),
    ItemCase("too long", f'"text": "STOP", "long": "{"x" * 10_001}"', STOP),
    ItemCase("as long as may be", f'"long": "{"x" * 10_000}"', {"long": "x" * 10_000}),
    ItemCase("too long in all", f'"text": "STOP", "l": ["{"x" * 9_999}", "xx"]', STOP),
    ItemCase("escapes", r'"t\u00e9xt": "a \"b\""', {"téxt": 'a "b"'}),
    ItemCase(
        "more than anybody asks",
        ", ".join(f'"k{n}": {n}' for n in range(60)),
        {f"k{n}": n for n in range(50)},
    ),
]


@pytest.mark.parametrize("case", OF_ITEMS, ids=lambda case: case.id)
def test_answers_of_an_item(case: ItemCase) -> None:
    """They are its own and never the reply's; a bad one costs itself."""
    for text in (
        f"[{{{SIGN}, {case.text}}}]",
        f'{{"boxes": [{{{case.text}, {SIGN}}}], "answers": {{"weather": "sunny"}}}}',
    ):
        reading = read_reply(text)
        (found,) = reading.detections
        assert (found.label, found.box and found.box.ymin) == ("sign", 10)
        assert found.answers == case.answers
        assert tuple(reject.reason for reject in reading.rejects) == case.rejects
        assert reading.answers == ({"weather": "sunny"} if "weather" in text else {})
        assert not reading.image_answers


def test_answers_make_no_detection_another() -> None:
    """The same label at the same place is a repetition, whatever it answers and is called."""
    item = {"box_2d": [10, 20, 30, 40], "label": "sign"}

    reading = read_reply(json.dumps([{**item, "id": 1, "n": 1}, {**item, "id": 2, "n": 2}]))

    assert [found.answers for found in reading.detections] == [{"n": 1}]
    assert [reject.reason for reject in reading.rejects] == [RejectReason.REPEATED]
    assert reading.detections == (Detection("sign", GeminiBox(10, 20, 30, 40)),)
    assert len({*reading.detections, Detection("sign", GeminiBox(10, 20, 30, 40))}) == 1


def test_each_place_of_an_item_has_its_answers_and_its_number() -> None:
    reading = read_reply(f'[{{{SIGN}, "points": [[1, 2], [3, 4]], "id": 7, "n": 1}}]')

    assert [found.point for found in reading.detections] == [
        *(None, GeminiPoint(1, 2), GeminiPoint(3, 4))
    ]
    assert [(found.number, found.answers) for found in reading.detections] == [(7, {"n": 1})] * 3


@pytest.mark.parametrize(
    "first",
    [
        '"text": "STOP", {}, "text": "GO", {}',
        '{}, "text": "STOP", {}, "text": "GO"',
        '"answers": {{"text": "STOP"}}, {}, "answers": {{"text": "GO"}}, {}',
        '"id": 1, {}, "text": "STOP", "id": 2, {}, "text": "GO"',
    ],
)
def test_answers_stay_with_their_item_where_braces_are_forgotten(first: str) -> None:
    reading = read_reply(f"[{{{first.format(SIGN, SIGN.replace('10', '11'))}}}]")

    assert [(found.box and found.box.ymin, found.answers) for found in reading.detections] == [
        *((10, {"text": "STOP"}), (11, {"text": "GO"}))
    ]


def test_an_item_without_its_place_has_no_answers_for_the_image() -> None:
    """What a sign says is not what the image says."""
    reading = read_reply(
        '{"boxes": [{"label": "sign", "answers": {"text": "STOP"}}], "answers": {"n": 1}}'
    )

    assert (reading.answers, reading.image_answers) == ({"n": 1}, {})
    assert [reject.reason for reject in reading.rejects] == [NO_BOX]


def test_the_parts_of_an_item_answer_for_themselves() -> None:
    part = '{"box_2d": [1, 2, 3, 4], "label": "letter", "answers": {"text": "S"}}'
    text = f'[{{{SIGN}, "parts": [{part}, {{"answers": {{"text": "?"}}}}], "answers": [{part}]}}]'

    reading = read_reply(text)

    assert [(found.label, found.answers) for found in reading.detections] == [
        *(("sign", {}), ("letter", {"text": "S"}))
    ]
    assert not reading.answers


@dataclass(frozen=True)
class SaidCase:
    """A reply without objects, and what it says of all images and of each."""

    id: str
    text: str
    answers: Answers = field(default_factory=dict)
    images: Mapping[int, Answers] = field(default_factory=dict)
    rejects: tuple[RejectReason, ...] = ()
    truncated: bool = False


SUNNY: Answers = {"weather": "sunny"}
RAINY: Answers = {"weather": "rainy"}
EACH = {1: SUNNY, 2: RAINY}

OF_IMAGES = [
    SaidCase(
        "numbered",
        '{"image_answers": [{"image": 1, "weather": "sunny"}, {"image": 2, "weather": "rainy"}]}',
        images=EACH,
    ),
    SaidCase(
        "numbered, in another order and spelling",
        '{"Image Answers": [{"weather": "rainy", "image": "2"}, {"Image": 1, "weather": "sunny"}]}',
        images=EACH,
    ),
    SaidCase(
        "beside those of all",
        '{"answers": {"same": "no"}, "image_answers": [{"image": 2, "weather": "rainy"}]}',
        {"same": "no"},
        {2: RAINY},
    ),
    SaidCase(
        "in order", '{"image_answers": [{"weather": "sunny"}, {"weather": "rainy"}]}', images=EACH
    ),
    SaidCase("of one", '{"image_answers": {"weather": "sunny"}}', images={1: SUNNY}),
    SaidCase("a gap", '{"image_answers": [null, {"weather": "rainy"}]}', images={2: RAINY}),
    SaidCase(
        "one without number",
        '{"image_answers": [{"image": 2, "weather": "rainy"}, {"weather": "sunny"}]}',
        images={2: RAINY},
        rejects=(BAD_ANSWER,),
    ),
    SaidCase(
        "no object",
        '{"image_answers": [{"weather": "sunny"}, "rainy"]}',
        images={1: SUNNY},
        rejects=(BAD_ANSWER,),
    ),
    SaidCase(
        "a bad value",
        '{"image_answers": [{"image": 1, "weather": "sunny", "x": {"y": 1}}]}',
        images={1: SUNNY},
        rejects=(BAD_ANSWER,),
    ),
    SaidCase(
        "by number",
        '{"image_answers": {"1": {"weather": "sunny"}, "image_2": {"weather": "rainy"}}}',
        images=EACH,
    ),
    SaidCase(
        "one deeper",
        '{"image_answers": [{"image": 2, "answers": {"weather": "rainy"}}]}',
        images={2: RAINY},
    ),
    SaidCase(
        "a text of JSON",
        json.dumps({"image_answers": '[{"image": 2, "weather": "rainy"}]'}),
        images={2: RAINY},
    ),
    SaidCase(
        "under their image",
        '[{"image": 2, "boxes": [], "image_answers": {"weather": "rainy"}}]',
        images={2: RAINY},
    ),
    SaidCase(
        "beside the lists of an image",
        '[{"image": 1, "boxes": [], "weather": "sunny"}, {"image": 2, "boxes": [], '
        '"weather": "rainy"}]',
        images=EACH,
    ),
    SaidCase(
        "cut",
        '{"image_answers": [{"image": 1, "weather": "sunny"}, {"image": 2, "weather": "rai',
        images={1: SUNNY},
        truncated=True,
    ),
    SaidCase(
        "cut behind a text",
        '{"image_answers": [{"image": 1, "weather": "sunny"}, {"image": 2, "answers": {"weather": '
        '"rainy", "n": 1',
        images=EACH,
        truncated=True,
    ),
    SaidCase("cut before its number", '{"image_answers": [{"weather": "sunny"', truncated=True),
    SaidCase(
        "cut in its number", '{"image_answers": [{"weather": "sunny", "image": 1', truncated=True
    ),
    *(
        SaidCase(f"none: {none}", f'{{"boxes": [], "image_answers": {none}}}')
        for none in ("[]", "null", "{}")
    ),
]
ALONE = [
    SaidCase("alone", '{"weather": "sunny", "count": 3}', {**SUNNY, "count": 3}),
    SaidCase("in a fence", '```json\n{"weather": "sunny"}\n```', SUNNY),
    SaidCase("in prose", 'It is [as asked]: {"weather": "sunny"}', SUNNY),
    SaidCase("texts", '{"tags": ["a", "b"], "none": null}', {"tags": ("a", "b")}),
    SaidCase("in a text of JSON", json.dumps({"answer": '{"weather": "sunny"}'}), SUNNY),
    SaidCase("beside no boxes", '{"boxes": [], "weather": "sunny"}', SUNNY),
    SaidCase("beside answers", '{"weather": "?", "answers": {"weather": "sunny"}}', SUNNY),
    SaidCase(
        "all lists empty",
        '{"boxes": [], "points": [], "relations": [], "answers": {"weather": "sunny"}}',
        SUNNY,
    ),
    SaidCase("no points alone", '{"points": []}'),
    SaidCase("of an image", '{"image": 2, "weather": "rainy"}', images={2: RAINY}),
    SaidCase("with an object", '{"weather": "sunny", "at": {"x": 1}}', SUNNY, rejects=(NO_BOX,)),
    SaidCase("with numbers", '{"weather": "sunny", "cat": [1, 2, 3, 4]}', SUNNY, rejects=(NO_BOX,)),
    SaidCase("cut", '{"weather": "sunny", "count": 3', SUNNY, truncated=True),
    SaidCase("cut in a key", '{"weather": "sunny", "cou', SUNNY, truncated=True),
    SaidCase("cut in the first", '{"weather": "sun', truncated=True),
    SaidCase(
        "cut in points", '{"answers": {"weather": "sunny"}, "points": [', SUNNY, truncated=True
    ),
    SaidCase("in a list", '[{"weather": "sunny"}]', rejects=(NO_BOX,)),
    SaidCase("an item without its place", '{"label": "cat", "n": 1}', rejects=(NO_BOX,)),
    SaidCase("an error", '{"error": "I see nothing"}', rejects=(NO_BOX,)),
    SaidCase("an error's parts", '{"error": {"code": 7}}', rejects=(NO_BOX,)),
    SaidCase("broken", '{"weather": "sunny" : 1}', rejects=(BROKEN,)),
]


@pytest.mark.parametrize("case", [*OF_IMAGES, *ALONE], ids=lambda case: case.id)
def test_what_is_said_of_images(case: SaidCase) -> None:
    """Each answer is given to the image that it names, or to all; none to a guessed one."""
    reading = read_reply(case.text)

    assert (reading.answers, reading.image_answers) == (case.answers, case.images)
    assert tuple(reject.reason for reject in reading.rejects) == case.rejects
    assert reading.truncated == case.truncated
    assert not reading.detections


def test_answers_beside_items_are_read_with_them() -> None:
    reading = read_reply(f'{{"n": 1, "boxes": [{{{SIGN}}}], "name": "x", "points": null}}')

    assert (reading.answers, len(reading.detections), reading.rejects) == ({"n": 1}, 1, ())


def test_flat_answers_may_be_called_from_and_to() -> None:
    """Only two numbers are a relation."""
    reading = read_reply('{"from": "Paris", "to": "Rome"}')

    assert reading.answers == {"from": "Paris", "to": "Rome"}
    assert not reading.relations


def test_as_deep_as_brackets_may_nest() -> None:
    """Through every string within a string, with Python's own limit far away."""
    text = '{"weather": "sunny"}'
    for _ in range(3):
        text = json.dumps({"a": text})[:-1].join(
            ['{"a": ' * (MAX_DEPTH - 3), "}" * (MAX_DEPTH - 2)]
        )

    assert read_reply(text).rejects
