"""Each form that a reply takes, and what is read in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.detections import RejectReason
from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies import read_reply
from label_studio_gemini.replies.scan import MAX_DEPTH, MAX_TOKENS

if TYPE_CHECKING:
    from label_studio_gemini.detections import Reading

Object = tuple[str, tuple[float, float, float, float]]

CAT: Object = ("cat", (10, 20, 30, 40))
DOG: Object = ("dog", (50, 60, 70, 80))
JSON_CAT = '{"box_2d": [10, 20, 30, 40], "label": "cat"}'
JSON_DOG = '{"box_2d": [50, 60, 70, 80], "label": "dog"}'
BOTH = f"[{JSON_CAT}, {JSON_DOG}]"

NOT_AN_OBJECT = RejectReason.NOT_AN_OBJECT
NO_BOX = RejectReason.NO_BOX
NO_LABEL = RejectReason.NO_LABEL
BAD_BOX = RejectReason.BAD_BOX
EMPTY_BOX = RejectReason.EMPTY_BOX
BROKEN = RejectReason.BROKEN
REPEATED = RejectReason.REPEATED


@dataclass(frozen=True)
class Case:
    """A text, and what a person finds in it."""

    id: str
    text: str
    detections: tuple[Object, ...] = ()
    rejects: tuple[RejectReason, ...] = ()
    truncated: bool = False
    clamped: int = 0


def cat_with(box: str) -> str:
    """Return a reply with one object whose box is written as `box`."""
    return f'[{{"box_2d": {box}, "label": "cat"}}]'


def objects(reading: Reading) -> tuple[Object, ...]:
    return tuple((found.label, found.box) for found in reading.detections if found.box)


WRAPPINGS = [
    Case("a list", BOTH, (CAT, DOG)),
    Case("one bare object", JSON_CAT, (CAT,)),
    Case("under boxes", f'{{"boxes": {BOTH}}}', (CAT, DOG)),
    Case("under any key, with company", f'{{"n": 2, "found": {BOTH}, "ok": true}}', (CAT, DOG)),
    Case("under two keys", f'{{"cats": [{JSON_CAT}], "dogs": [{JSON_DOG}]}}', (CAT, DOG)),
    Case("under the key of a box", f'{{"box": {BOTH}}}', (CAT, DOG)),
    Case("a list in a list", f"[{BOTH}]", (CAT, DOG)),
    Case("one object a line", f"{JSON_CAT}\n{JSON_DOG}", (CAT, DOG)),
    Case("parts inside an object", f'{JSON_CAT[:-1]}, "parts": [{JSON_DOG}]}}', (CAT, DOG)),
    Case("three backticks", f"```json\n{BOTH}\n```", (CAT, DOG)),
    Case("four backticks", f"````json\n{BOTH}\n````", (CAT, DOG)),
    Case("a fence without a name", f"```\n{BOTH}\n```", (CAT, DOG)),
    Case("a fence in one line", f"```json {BOTH} ```", (CAT, DOG)),
    Case("a fence that never closes", f"```json\n{BOTH}\n", (CAT, DOG)),
    Case("two fences", f"```json\n[{JSON_CAT}]\n```\nand\n```json\n[{JSON_DOG}]\n```", (CAT, DOG)),
    Case("prose around", f"Here you are:\n{BOTH}\nAnything else?", (CAT, DOG)),
    Case("brackets in the prose", f"The {{ymin}} of [2] (see [the key]): {BOTH} [1]", (CAT, DOG)),
    Case("quotes in the prose", f"It's [the \"box_2d\" field's] list: {BOTH}", (CAT, DOG)),
    Case("an open bracket in the prose", f"From [0 to 1000:\n```\n{BOTH}\n```", (CAT, DOG)),
    Case("an open quote in the prose", f'The ["box_2d key:\n```\n{BOTH}\n```', (CAT, DOG)),
    Case("a template before the fence", f"{cat_with('[ymin]')}\n```\n{BOTH}\n```", (CAT, DOG)),
    Case("a fence of something else", f"```\nno JSON\n```\n{BOTH}", (CAT, DOG)),
    Case("JSON in a JSON string", json.dumps(BOTH), (CAT, DOG)),
    Case("twice in a string", json.dumps(json.dumps(BOTH)), (CAT, DOG)),
    Case("in a fenced string", f"```json\n{json.dumps(BOTH)}\n```", (CAT, DOG)),
    Case("escaped without its quotes", json.dumps(BOTH)[1:-1], (CAT, DOG)),
    Case("a string under a key", json.dumps({"answer": BOTH}), (CAT, DOG)),
    Case("a fenced string", json.dumps({"answer": f"```json\n{BOTH}\n```"}), (CAT, DOG)),
    Case("strings in a list", json.dumps([JSON_CAT, JSON_DOG]), (CAT, DOG)),
    Case("an empty list", "[]"),
    Case("an empty list in a fence", "```json\n[\n]\n```"),
    Case("an empty list in prose", "There are no cats here: []"),
    Case("an empty wrapper", '{"boxes": []}'),
    Case("an empty object", "{}"),
]

BOXES = [
    Case("floats", cat_with("[10.0, 2e1, 30.00, 4.0E+1]"), (CAT,)),
    Case("between the grid", cat_with("[0.5, 1, 2.25, 3]"), (("cat", (0.5, 1, 2.25, 3)),)),
    Case("small numbers are no fractions", cat_with("[0, 0, 1, 1]"), (("cat", (0, 0, 1, 1)),)),
    Case("numbers as strings", cat_with('["10", " 20", "30.0", "40"]'), (CAT,)),
    Case("one string", cat_with('"10, 20, 30, 40"'), (CAT,)),
    Case("one string with brackets", cat_with('"[10,20,30,40]"'), (CAT,)),
    Case("one string with blanks", cat_with('"10 20 30 40"'), (CAT,)),
    Case("nested", cat_with("[[10, 20, 30, 40]]"), (CAT,)),
    Case("two nested", cat_with("[[10, 20, 30, 40], [50, 60, 70, 80]]"), (CAT, ("cat", DOG[1]))),
    Case("an object", cat_with('{"xmin": 20, "ymin": 10, "xmax": 40, "ymax": 30}'), (CAT,)),
    Case("an object x1", cat_with('{"x1": "20", "y1": "10", "x2": 40, "y2": 30}'), (CAT,)),
    Case("no commas", cat_with("[10 20 30 40]"), (CAT,)),
    Case("swapped corners", cat_with("[30, 40, 10, 20]"), (CAT,)),
    Case("swapped in x", cat_with("[10, 40, 30, 20]"), (CAT,)),
    Case(
        "over the edge", cat_with("[-5, 0, 1001, 9e9]"), (("cat", (0, 0, 1000, 1000)),), clamped=1
    ),
    Case("at the edge", cat_with("[0, 0, 1000, 1000]"), (("cat", (0, 0, 1000, 1000)),)),
    Case("outside", cat_with("[1100, 0, 1200, 10]"), rejects=(EMPTY_BOX,)),
    Case("a line", cat_with("[10, 20, 10, 40]"), rejects=(EMPTY_BOX,)),
    Case("a point", cat_with("[0, 0, 0, 0]"), rejects=(EMPTY_BOX,)),
    Case("three numbers", cat_with("[10, 20, 30]"), rejects=(BAD_BOX,)),
    Case("five numbers", cat_with("[10, 20, 30, 40, 50]"), rejects=(BAD_BOX,)),
    Case("a gap", cat_with("[10, 20,, 40]"), rejects=(BAD_BOX,)),
    Case("no number", cat_with('[10, 20, 30, "x"]'), rejects=(BAD_BOX,)),
    Case("a template", cat_with("[ymin, xmin, ymax, xmax]"), rejects=(BAD_BOX,)),
    Case("booleans", cat_with("[false, 20, true, 40]"), rejects=(BAD_BOX,)),
    Case("null", cat_with("null"), rejects=(BAD_BOX,)),
    Case("no value", cat_with(""), rejects=(BAD_BOX,)),
    Case("NaN", cat_with("[10, 20, 30, NaN]"), rejects=(BAD_BOX,)),
    Case("infinite", cat_with("[10, 20, 30, -Infinity]"), rejects=(BAD_BOX,)),
    Case("beyond a float", cat_with("[10, 20, 30, 1e999]"), rejects=(BAD_BOX,)),
    Case("digits without end", cat_with(f"[10, 20, 30, {'4' * 9999}]"), rejects=(BAD_BOX,)),
    Case("decimals without end", cat_with(f"[10, 20, 30, 40.{'0' * 9999}]"), (CAT,)),
    Case("Python's underscore", cat_with("[10, 20, 30, 4_0]"), rejects=(BAD_BOX,)),
    Case("other digits", cat_with('[10, 20, 30, "٤٠"]'), rejects=(BAD_BOX,)),
    Case("edges are missing", cat_with('{"ymin": 10, "xmin": 20}'), rejects=(BAD_BOX,)),
    Case("the wrong bracket", cat_with("[10, 20, 30, 40}"), rejects=(NO_LABEL, NOT_AN_OBJECT)),
]

ITEMS = [
    Case("other keys", '{"class": "cat", "bounding_box": [10, 20, 30, 40]}', (CAT,)),
    Case("other spelling", '{"Name": "cat", "Bounding Box": [10, 20, 30, 40]}', (CAT,)),
    Case("an escaped key", r'{"box\_2d": [10, 20, 30, 40], "label": "cat"}', (CAT,)),
    Case("label before name", '{"name": "Tom", "bbox": [10, 20, 30, 40], "label": "cat"}', (CAT,)),
    Case("white space at the label", cat_with("[10,20,30,40]").replace("cat", r" cat\n"), (CAT,)),
    Case("no box", '[{"label": "cat"}]', rejects=(NO_BOX,)),
    Case("neither", '{"error": "nothing found"}', rejects=(NO_BOX,)),
    Case("boxes by label", '{"cat": [10, 20, 30, 40]}', rejects=(NO_BOX,)),
    Case("no label", '[{"box_2d": [10, 20, 30, 40]}]', rejects=(NO_LABEL,)),
    Case("an empty label", '{"box_2d": [10, 20, 30, 40], "label": " "}', rejects=(NO_LABEL,)),
    Case("a number as label", '{"box_2d": [10, 20, 30, 40], "label": 7}', rejects=(NO_LABEL,)),
    Case("a label in a list", '{"box_2d": [10, 20, 30, 40], "label": ["cat"]}', (CAT,)),
    Case("two labels", '{"box_2d": [10, 20, 30, 40], "label": ["a", "b"]}', rejects=(NO_LABEL,)),
    Case("a list of a number", '{"box_2d": [1, 2, 3, 4], "label": [7]}', rejects=(NO_LABEL,)),
    Case("endless label", cat_with("[1,2,3,4]").replace("cat", "red " * 99), rejects=(NO_LABEL,)),
    Case("others among objects", f'[{JSON_CAT}, 5, "x", [1, 2]]', (CAT,), (NOT_AN_OBJECT,) * 3),
    Case("an ellipsis", f"[{JSON_CAT}, ...]", (CAT,), (NOT_AN_OBJECT,)),
    Case("only numbers", "```json\n[10, 20, 30, 40]\n```", rejects=(NOT_AN_OBJECT,)),
    Case("a loop", f"[{JSON_CAT}, {JSON_DOG}, {JSON_DOG}]", (CAT, DOG), (REPEATED,)),
    Case("a bad one in the middle", f"[{JSON_CAT}, {{}}, {JSON_DOG}]", (CAT, DOG)),
    Case(
        "a key twice: the last one holds",
        '{"box_2d": [1, 2, 3, 4], "label": "cat", "box_2d": [10, 20, 30, 40]}',
        (CAT,),
    ),
    Case("a forgotten brace pair", f"[{JSON_CAT[:-1]}, {JSON_DOG[1:]}]", (CAT, DOG)),
    Case("a forgotten closing brace", f"[{JSON_CAT[:-1]}, {JSON_DOG}]", (DOG,), (BROKEN,)),
    Case("a forgotten quote", '[{"label": "ca}\n' + f",{JSON_DOG}]", (DOG,), (BROKEN,)),
    Case("a bracket too many", f"[{JSON_CAT.replace(']', ']]')}, {JSON_DOG}]", (DOG,), (BROKEN,)),
    Case("a brace too many", f"[{JSON_CAT}}}, {JSON_DOG}]", (CAT, DOG)),
    Case("a colon too many", f"[{JSON_CAT.replace(':', '::')}, {JSON_DOG}]", (DOG,), (BROKEN,)),
    Case("a value too many", f"[{JSON_CAT[:-1]} [1]}}, {JSON_DOG}]", (DOG,), (BROKEN,)),
    Case(
        "two members that merged",
        '[{"label": "dog", "box_2d": [1, 2, 3, 4], "score: 1}, {"label": "cat", '
        '"box_2d": [10, 20, 30, 40]}]',
        (CAT,),
        (BROKEN,),
    ),
    Case("tokens as mask", JSON_CAT[:-1] + ', "mask": <start_of_mask><seg_3><seg_9>}', (CAT,)),
    Case("polygon as mask", JSON_CAT[:-1] + ', "mask": [[1, 2], [3, 4], [5, 6]]}', (CAT,)),
    Case("points as mask", JSON_CAT[:-1] + ', "mask": [{"x": 1, "y": 2}]}', (CAT,)),
    Case("nothing as mask", JSON_CAT[:-1] + ', "mask": }', (CAT,)),
]

DIALECTS = [
    Case("single quotes", "[{'box_2d': [10, 20, 30, 40], 'label': 'cat'}]", (CAT,)),
    Case(
        "apostrophes",
        r"[{'label': 'the cat's', 'box': [1, 2, 3, 4]}, {'label': 'dog\'s', 'box': [1, 2, 3, 4]}]",
        (("the cat's", (1, 2, 3, 4)), ("dog's", (1, 2, 3, 4))),
    ),
    Case("a stray apostrophe", f"[' {BOTH[1:]}", (CAT, DOG), (NOT_AN_OBJECT,)),
    Case("keys without quotes", '[{box_2d: [10, 20, 30, 40], label: "cat"}]', (CAT,)),
    Case("comments", f"[ // cats\n{JSON_CAT}, /* and\ndogs */ {JSON_DOG}, # all\n]", (CAT, DOG)),
    Case("trailing commas", "[{'box_2d': [10, 20, 30, 40,], 'label': 'cat',},]", (CAT,)),
    Case(
        "the wrong bracket of a tuple",
        f"{cat_with('(10, 20, 30, 40]')[:-1]}, {JSON_DOG}]",
        (DOG,),
        (BROKEN,),
    ),
    Case("a tuple's bracket too many", f"[{JSON_CAT[:-1]})}}, {JSON_DOG}]", (DOG,), (BROKEN,)),
    Case("brackets in a bare label", "{box: [10, 20, 30, 40], label: (cat)}", (), (NO_LABEL,)),
    Case(
        "a typographic apostrophe and quotes in a label",
        "[{\u201cbox\u201d: [10, 20, 30, 40], "
        "\u201clabel\u201d: \u201ca \u201cc\u201d it\u2019s\u201d}]",
        (("a \u201cc\u201d it\u2019s", CAT[1]),),
    ),
    Case(
        "typographic quotes in straight ones",
        cat_with("[10, 20, 30, 40]").replace("cat", "\u201ccat\u201d,"),
        (("\u201ccat\u201d,", CAT[1]),),
    ),
    Case("commas in a row", '{"box_2d": [10, 20, 30, 40],, "label": "cat"}', (CAT,)),
    Case("missing commas", f"[{JSON_CAT.replace('],', ']')} {JSON_DOG}]", (CAT, DOG)),
    Case("Python's names", "{'box_2d': [10, 20, 30, 40], 'label': 'cat', 'x': None}", (CAT,)),
    Case("escaped line ends", rf"\n[\n{JSON_CAT},\n{JSON_DOG}\n]\n", (CAT, DOG)),
    Case(
        "bad escapes",
        cat_with("[1, 2, 3, 4]").replace("cat", r"a\_b\'s \\ \u00"),
        ((r"a_b's \ u00", (1, 2, 3, 4)),),
    ),
    Case(
        "bad escapes in single quotes",
        r"""{'box_2d': [1, 2, 3, 4], 'label': 'a "b" c\_d \"e\"'}""",
        (('a "b" c_d "e"', (1, 2, 3, 4)),),
    ),
    Case(
        "good escapes",
        cat_with("[1, 2, 3, 4]").replace("cat", r"\ud83d\ude00 \"\u00e9\""),
        (('😀 "é"', (1, 2, 3, 4)),),
    ),
    Case(
        "half a surrogate pair",
        cat_with("[1, 2, 3, 4]").replace("cat", "\\ud83d\ud800x"),
        (("??x", (1, 2, 3, 4)),),
    ),
    Case(
        "a raw line end in a string",
        cat_with("[1, 2, 3, 4]").replace("cat", "a\nb"),
        (("a\nb", (1, 2, 3, 4)),),
    ),
    Case(
        "quotes in a string",
        f"[{cat_with('[1, 2, 3, 4]')[1:-1]}, {JSON_DOG}]".replace("cat", 'a 17" screen "on"'),
        (('a 17" screen "on"', (1, 2, 3, 4)), DOG),
    ),
]

CUTS = [
    Case("behind an item", f"[{JSON_CAT}", (CAT,), truncated=True),
    Case("behind the list", f'{{"boxes": {BOTH}', (CAT, DOG), truncated=True),
    Case("at the first bracket", "```json\n[", truncated=True),
    Case("in the first key", '{"bo', truncated=True),
    Case(
        "in a number",
        f'[{JSON_CAT}, {{"label": "dog", "box_2d": [50, 60, 7',
        (CAT,),
        truncated=True,
    ),
    Case("in a string", f"[{JSON_CAT}, {JSON_DOG[:-4]}", (CAT,), truncated=True),
    Case("before the brace", f"[{JSON_CAT}, {JSON_DOG[:-1]}", (CAT,), truncated=True),
    Case("before a fence", f"```json\n[{JSON_CAT}, {JSON_DOG[:-4]}\n```", (CAT,), truncated=True),
    Case("in an escape", f'[{JSON_CAT}, {{"label": "\\u00', (CAT,), truncated=True),
    Case(
        "in typographic quotes",
        f"[{JSON_CAT}, {{\u201cbox_2d\u201d: [1, 2, 3, 4], \u201clabel\u201d: \u201cdo",
        (CAT,),
        truncated=True,
    ),
    Case(
        "in a tuple", f"[{JSON_CAT}, {{'label': 'dog', 'box_2d': (50, 60, 7", (CAT,), truncated=True
    ),
    Case("in a comment", f"[{JSON_CAT} /* that", (CAT,), truncated=True),
    Case(
        "in a mask", f'[{JSON_CAT}, {JSON_DOG[:-1]}, "mask": "data:im', (CAT, DOG), truncated=True
    ),
    Case(
        "in a number that loops", f'[{JSON_CAT}, {{"box_2d": [{"0" * 9999}', (CAT,), truncated=True
    ),
    Case("in a line", f'{JSON_CAT}\n{{"box_2d": [50', (CAT,), truncated=True),
    Case("in a string of JSON", json.dumps(BOTH)[:-9], (CAT,), truncated=True),
    Case("in a string under a key", json.dumps({"a": BOTH})[:-9], (CAT,), truncated=True),
    Case("inside a whole string", json.dumps({"a": BOTH[:-9]}), (CAT,), truncated=True),
    Case("prose after it ends in a bracket", f"{BOTH} as asked [see", (CAT, DOG)),
]


@pytest.mark.parametrize(
    "case", [*WRAPPINGS, *BOXES, *ITEMS, *DIALECTS, *CUTS], ids=lambda case: case.id
)
def test_reads_what_is_there(case: Case) -> None:
    """All that is whole is found, all that is refused is named, nothing is added."""
    reading = read_reply(case.text)

    assert objects(reading) == case.detections
    assert tuple(reject.reason for reject in reading.rejects) == case.rejects
    assert (reading.truncated, reading.clamped) == (case.truncated, case.clamped)


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "There are no cats.", "true", "42", '"a cat"', "}]", "\ud800"),
        *("I looked [see below] for {ymin}.", "[see below]", "See [0, 1000] there."),
        *("```\n```", "```python\nprint(x)\n```"),
    ],
)
def test_text_without_an_answer_is_an_error(text: str) -> None:
    """Prose is told apart from an answer that finds nothing."""
    with pytest.raises(ReplyError, match="no list and no object") as caught:
        read_reply(text)

    assert "JSON list" in caught.value.hint


def test_a_reject_carries_its_text() -> None:
    """The raw text is the item's own, cut to a readable length."""
    long = f'{{"label": "{"x" * 500}"}}'

    rejects = read_reply(f'[{JSON_CAT}, {{"label": "dog"}}, {long}, "text"]').rejects

    assert [reject.raw for reject in rejects] == ['{"label": "dog"}', long[:200], "text"]


def test_the_raw_text_of_an_item_inside_a_string_is_without_escapes() -> None:
    (reject,) = read_reply(json.dumps({"answer": '[{"label": "dog"}]'})).rejects

    assert reject.raw == '{"label": "dog"}'


def test_reads_far_more_than_a_model_can_write_then_says_that_it_stopped() -> None:
    """A text beyond any model's limit is read up to ours, and counts as cut."""
    items = [
        f'{{"box_2d": [{n // 100}, {n % 100}, 950, {n % 100 + 9}], "label": "cat {n:x}"}}'
        for n in range(MAX_TOKENS // 10)
    ]

    reading = read_reply(f"[{', '.join(items)}]")

    assert len(reading.detections) == MAX_TOKENS // 11
    assert reading.detections[-1].label == f"cat {MAX_TOKENS // 11 - 1:x}"
    assert reading.truncated


@pytest.mark.parametrize("opened", ["[", '{"a": ', '[{"a": '])
def test_nesting_without_end_costs_nothing_else(opened: str) -> None:
    """What follows a nonsense of brackets is still read."""
    nonsense = opened * (MAX_DEPTH * 3)

    assert objects(read_reply(f"{nonsense}\n```\n{BOTH}\n```")) == (CAT, DOG)
