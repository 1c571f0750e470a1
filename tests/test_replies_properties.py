"""What holds for every reply: no crash, no invention, nothing lost to a neighbour, linear time."""

from __future__ import annotations

import ast
import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from label_studio_gemini.detections import Detection, Reading
from label_studio_gemini.errors import ReplyError
from label_studio_gemini.geometry import GeminiBox
from label_studio_gemini.replies import read_reply
from replies_checks import check_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ITEMS = [
    {"box_2d": [10 * n + 1, 20 + n, 500 + 3 * n, 600 + 7 * n], "label": f"a {n}"} for n in range(4)
]
MASK = {"mask": "data:image/png;base64,iVBORw0KGgo="}  # its beginning, and no more
DIALECTS = {
    "a list": json.dumps(ITEMS),
    "compact": json.dumps(ITEMS, separators=(",", ":")),
    "indented": json.dumps(ITEMS, indent=2),
    "one item a line": "[\n" + ",\n".join(json.dumps(item) for item in ITEMS) + "\n]",
    "no list": "\n".join(json.dumps(item) for item in ITEMS),
    "wrapped": json.dumps({"boxes": ITEMS}),
    "fenced": f'It\'s [the "list"] of {{x}}:\n```json\n{json.dumps(ITEMS)}\n```\nDone [1].',
    "Python": str(ITEMS),
    "label first, mask last": json.dumps(
        [{"label": item["label"], "box_2d": item["box_2d"], **MASK} for item in ITEMS]
    ),
    "box, mask, label": json.dumps(
        [{"box_2d": item["box_2d"], **MASK, "label": item["label"]} for item in ITEMS]
    ),
    "label first, polygon last": json.dumps(
        [{"label": i["label"], "box_2d": i["box_2d"], "mask": [[1, 2], [3, 4]]} for i in ITEMS]
    ),
    "and something behind it": json.dumps(
        [{"label": i["label"], "box_2d": i["box_2d"], **MASK, "score": 0.5} for i in ITEMS]
    ),
    "JSON in a string": json.dumps(json.dumps(ITEMS)),
    "a string under a key": json.dumps({"answer": json.dumps(ITEMS)}),
}
EXPECTED = tuple(
    Detection(f"a {n}", GeminiBox(10 * n + 1, 20 + n, 500 + 3 * n, 600 + 7 * n)) for n in range(4)
)


def fenced(reply: str) -> str:
    return f"Here [they] are, {{all}} of them:\n```json\n{reply}\n```\nIt's all [1]."


WRAPPINGS: list[Callable[[str], str]] = [json.dumps, fenced]
BOX_FORMS: list[Callable[[GeminiBox], object]] = [
    list,
    lambda box: [list(box)],
    lambda box: [str(edge) for edge in box],
    lambda box: ",".join(map(str, box)),
    lambda box: box._asdict(),
]

labels = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda label: label == label.strip()
)
numbers = st.one_of(st.integers(0, 1000), st.floats(0, 1000))
edges = st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def detections(draw: st.DrawFn) -> Detection:
    (ymin, ymax), (xmin, xmax) = draw(edges), draw(edges)
    return Detection(draw(labels), GeminiBox(ymin, xmin, ymax, xmax))


@st.composite
def replies(draw: st.DrawFn, found: list[Detection]) -> str:
    """Write `found` as a model might."""
    box_key = draw(st.sampled_from(["box_2d", "bbox", "boundingBox", "box"]))
    label_key = draw(st.sampled_from(["label", "name", "class", "className", "object"]))
    box = draw(st.sampled_from(BOX_FORMS))
    items = [
        {box_key: box(one.box), label_key: one.label, "score": None} for one in found if one.box
    ]
    value = draw(st.sampled_from([items, {"boxes": items}, [items]]))
    reply = json.dumps(
        value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 2]))
    )
    for wrap in draw(st.lists(st.sampled_from(WRAPPINGS), max_size=1)):
        reply = wrap(reply)
    return reply


def read_or_none(text: str) -> Reading | None:
    try:
        return read_reply(text)
    except ReplyError:
        return None


json_like = st.lists(
    st.sampled_from(
        [
            *"[]{}\"',:\\`\n 1e-#/*",
            '"box_2d"',
            '"label":',
            "true",
            "```json",
            "[1,2,3,4]",
            '"mask":',
            '"point":',
            *("(", ")", "\u201c", "\u2019", "null", '"object":', '"coordinates":', "},{"),
            *('"page":', '"image 1":'),
            '"answers":',
            '"image_answers":',
            '"image":',
            '"relations":',
            '{"from":1,"to":2}',
            '{"id":1,"box_2d":[1,2,3,4],"label":"a"}',
            '{"id":2,"box_2d":[1,2,3,5],"label":"a"}',
            "<start_of_mask>",
            "[1,2]",
        ]
    )
).map("".join)


@given(st.one_of(st.text(st.characters()), json_like))
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example("\ud800[\x00{\udfff")
def test_no_text_raises_anything_but_a_reply_error(text: str) -> None:
    """The only two outcomes are a `Reading` of valid detections, and `ReplyError`."""
    reading = read_or_none(text)

    if reading is not None:
        check_reading(reading)


@given(st.data())
def test_what_was_written_is_read(data: st.DataObject) -> None:
    """In whatever way detections are written, they come back exactly."""
    found = data.draw(st.lists(detections(), unique=True, max_size=8))

    reading = read_reply(data.draw(replies(found)))

    assert reading == Reading(tuple(found))


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS)
def test_a_cut_loses_only_what_is_behind_it(text: str) -> None:
    """Wherever a reply is cut: the first objects, never a half one, never one that is not there."""
    assert read_reply(text).detections == EXPECTED
    seen = -1
    for end in range(len(text)):
        reading = read_or_none(text[:end])
        if reading is None:
            assert seen <= 0, "an answer that was readable no longer is"
            continue
        count = len(reading.detections)
        assert reading.detections == EXPECTED[:count]
        assert reading.rejects == ()
        assert count >= seen
        assert reading.truncated or count == len(EXPECTED) or text == DIALECTS["no list"]
        seen = count
    assert seen in (len(EXPECTED), len(EXPECTED) - 1)


STRUCTURE = "{}[],:'\""
WITHOUT_STRUCTURE = str.maketrans(dict.fromkeys(STRUCTURE))


def with_one_character_less(text: str) -> Iterator[str]:
    return (text[:at] + text[at + 1 :] for at, char in enumerate(text) if char in STRUCTURE)


def with_one_character_more(text: str) -> Iterator[str]:
    """Put one character into each place: one after the other, so that each has many places."""
    return (text[:at] + STRUCTURE[at % 8] + text[at:] for at in range(len(text)))


def with_any_character_more(text: str) -> Iterator[str]:
    return (text[:at] + char + text[at:] for at in range(len(text)) for char in STRUCTURE)


@pytest.mark.parametrize(
    "change",
    [
        with_one_character_less,
        with_one_character_more,
        pytest.param(with_any_character_more, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("text", [text for name, text in DIALECTS.items() if "string" not in name])
def test_a_slip_costs_its_own_item(text: str, change: Callable[[str], Iterator[str]]) -> None:
    """One structural character too few or too many breaks an item, and mixes none with another."""
    boxes = {found.box: found.label for found in EXPECTED}
    for changed in change(text):
        reading = read_reply(changed)
        for found in reading.detections:
            assert found.label.translate(WITHOUT_STRUCTURE) == boxes[found.box]
        assert len(reading.detections) >= len(EXPECTED) - 1


SIZE = 100_000
PATHOLOGICAL = {
    "[": "[" * SIZE,
    "{": "{" * SIZE,
    "quotes": '"' * SIZE,
    "quotes in a list": '["' * (SIZE // 2),
    "single quotes": "[" + "'" * SIZE,
    "single quotes and words": "[" + "'a'a," * (SIZE // 5),
    "inner quotes": '["a"' + 'a"' * (SIZE // 2),
    "inner quotes and commas": "[" + '"a"a,' * (SIZE // 5),
    "backslashes": "[" + "\\" * SIZE,
    "backslashes in a string": '["' + "\\" * SIZE,
    "bad escapes": '{"label": "' + "\\_" * (SIZE // 2) + '"}',
    "bad escapes in a string of JSON": '{"answer": "[' + "\\_" * (SIZE // 2) + '"}',
    "fences": "```" * (SIZE // 3),
    "fenced lists": "```json\n[]\n```\n" * (SIZE // 16),
    "boxes that open": '{"box_2d":[' * (SIZE // 11),
    "keys": '{"a":' * (SIZE // 5),
    "a number": '[{"box_2d":[' + "7" * SIZE,
    "a closed number": '[{"box_2d":[1,2,3,' + "7" * SIZE + '],"label":"a"}]',
    "decimals": '[{"box_2d":[1,2,3,0.' + "0" * SIZE + '],"label":"a"}]',
    "an exponent": '[{"box_2d":[1,2,3,1e' + "9" * SIZE + '],"label":"a"}]',
    "prose": "see [below] the {ymin}, it's " * (SIZE // 29),
    "blanks": "[1" + " " * SIZE + ",",
    "line ends in a string": '["' + "\n" * SIZE,
    "comments": "[" + "/*" * (SIZE // 2),
    "booleans": '[{"mask":[' + "true, " * (SIZE // 6),
    "strings of JSON": "[" + '{"x":"[[[[[[["},' * (SIZE // 16) + "]",
    "escaped JSON": '"[' + '{\\"a\\":' * (SIZE // 7),
    "items that answer": '[{"box_2d":[1,2,3,4],"label":"a",' + '"a":"b",' * (SIZE // 8),
    "keys that repeat": '[{"box_2d":[1,2,3,4],"label":"a",' + '"a":1,' * (SIZE // 6) + '"b":2}]',
    "relations": '{"relations":[' + '{"from":1,"to":2},' * (SIZE // 18) + "]}",
    "relations of one number": "["
    + '{"id":1,"box_2d":[1,2,300,400],"label":"a"},' * (SIZE // 88)
    + '{"from":1,"to":2},' * (SIZE // 36)
    + "]",
    "answers in answers": '{"answers":' * (SIZE // 11),
    "answers of images": '{"image_answers":[' + '{"a":1},' * (SIZE // 8) + "]}",
    "answers in strings": "[" + r'{"a":"{\"answers\":{}}"},' * (SIZE // 26) + "]",
    "half surrogates": '["' + "\ud800" * SIZE + '"]',
}


@pytest.mark.parametrize("text", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_time_is_linear(text: str) -> None:
    """Each takes a tenth of a second; were the time quadratic, it would take half a minute."""
    start = time.thread_time()
    read_or_none(text)

    assert time.thread_time() - start < 4


def whole_objects(text: str) -> int:
    """Count the JSON objects with box and label in `text`, by the standard library's own reader."""
    decoder = json.JSONDecoder()
    count, at = 0, text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            value, end = None, at + 1
        count += isinstance(value, dict) and {"box_2d", "label"} <= set(value)
        at = text.find("{", end)
    return count


def test_every_public_reply_gives_all_that_it_holds(
    shared: Path, measured: Callable[[str], None]
) -> None:
    """Real outputs and described quirks: each object that stands whole in the text is recovered."""
    folder = shared / "replies"
    recorded = json.loads((folder / "public_outputs.json").read_text("utf-8"))
    recorded += json.loads((folder / "quirks.json").read_text("utf-8"))
    texts = [entry["text"] for entry in recorded if entry["text"]]
    texts = [ast.literal_eval(text) if text.startswith("'") else text for text in texts]

    readings = [read_or_none(text) for text in texts]

    recovered = [len(reading.detections) if reading else 0 for reading in readings]
    recoverable = [whole_objects(text) for text in texts]
    measured(f"public replies: {sum(recovered)} of {sum(recoverable)} objects, {len(texts)} texts")
    assert recovered == recoverable
    assert sum(recoverable) > 60
