"""Relations in a reply, and a reply to all that one request may ask."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.detections import Detection, RejectReason, Relation
from label_studio_gemini.geometry import GeminiBox
from label_studio_gemini.replies import read_reply

BAD_RELATION = RejectReason.BAD_RELATION
BROKEN = RejectReason.BROKEN
NO_BOX = RejectReason.NO_BOX


@dataclass(frozen=True)
class RelationCase:
    """Objects a, b, c…, what stands beside them, what relates them, and which of them are found."""

    id: str
    text: str
    relations: tuple[Relation, ...] = ()
    rejects: tuple[RejectReason, ...] = ()
    truncated: bool = False
    found: str = "abc"


def items(*ids: int | str | None, images: tuple[int, ...] = (), key: str = "id") -> str:
    """Return items a, b, c… that say they have these numbers, and stand in these images."""
    written = [
        {
            **({} if number is None else {key: number}),
            **({"image": images[at]} if images else {}),
            "box_2d": [at, 20, 30, 40],
            "label": "abcdef"[at],
        }
        for at, number in enumerate(ids)
    ]
    return json.dumps(written)


def related(boxes: str, relations: str) -> str:
    return f'{{"boxes": {boxes}, "relations": {relations}}}'


ON = Relation(1, 2, "on")
NUMBERED = items(1, 2, 3)
UNNUMBERED = items(None, None, None)
WRITTEN_ON = '[{"from": 1, "to": 2, "label": "on"}]'
BOTH_IMAGES = items(1, 2, 1, 2, images=(1, 1, 2, 2))

RELATIONS = [
    RelationCase("by number", related(NUMBERED, WRITTEN_ON), (ON,)),
    *(
        RelationCase(f"numbers under {key}", related(items(5, 1, 2, key=key), WRITTEN_ON), (ON,))
        for key in ("id", "number", "index", "ID")
    ),
    RelationCase("numbers as texts", related(items("1", "#2"), WRITTEN_ON), (ON,), found="ab"),
    RelationCase(
        "numbers from 0",
        related(items(0, 1), '[{"from": 0, "to": 1, "label": "on"}]'),
        (Relation(0, 1, "on"),),
        found="ab",
    ),
    RelationCase("by place", related(UNNUMBERED, WRITTEN_ON), (ON,)),
    RelationCase(
        "by place, a refused one between",
        related(
            UNNUMBERED.replace("[1, 20, 30, 40]", "[1]"), '[{"from": 3, "to": 1, "label": "on"}]'
        ),
        (Relation(3, 1, "on"),),
        (RejectReason.BAD_BOX,),
        found="ac",
    ),
    RelationCase(
        "by place, a broken one between",
        related(UNNUMBERED.replace('"b"', '"b" : 1'), '[{"from": 3, "to": 1, "label": "on"}]'),
        (Relation(3, 1, "on"),),
        (BROKEN,),
        found="ac",
    ),
    RelationCase(
        "by place, one that may be several between",
        related(
            UNNUMBERED.replace('"b"', '"b", "box_2d": [1, 2, 3, 4] : 1'),
            '[{"from": 3, "to": 1, "label": "on"}]',
        ),
        (),
        (BROKEN, BAD_RELATION),
        found="ac",
    ),
    RelationCase(
        "by place, something else between",
        related(UNNUMBERED.replace("}, {", "}, 5, {", 1), WRITTEN_ON),
        (),
        (RejectReason.NOT_AN_OBJECT, BAD_RELATION),
    ),
    RelationCase(
        "by place, what is no item before",
        f'{{"meta": {{"n": 1}}, "boxes": {UNNUMBERED}, "relations": {WRITTEN_ON}}}',
        (ON,),
        (NO_BOX,),
    ),
    RelationCase(
        "every spelling of the ends",
        related(
            NUMBERED,
            '[{"from_id": 1, "to_id": 2}, {"source": 2, "target": 3}, {"From": "1", "To": 3.0}, '
            '{"subject": 3, "object": 1}]',
        ),
        (Relation(1, 2, ""), Relation(2, 3, ""), Relation(1, 3, ""), Relation(3, 1, "")),
    ),
    RelationCase(
        "every spelling of the label",
        related(
            NUMBERED,
            '[{"from": 1, "to": 2, "labels": ["on", " by "]}, {"from": 1, "to": 3, "type": "on"}, '
            '{"from": 2, "to": 3, "relation": "on", "type": "relation"}, '
            '{"from": 3, "to": 2, "label": null, "predicate": "on"}]',
        ),
        (*(ON, Relation(1, 2, "by")), *(Relation(a, b, "on") for a, b in ((1, 3), (2, 3), (3, 2)))),
    ),
    RelationCase("one object", related(NUMBERED, WRITTEN_ON[1:-1]), (ON,)),
    RelationCase("a text of JSON", related(NUMBERED, json.dumps(WRITTEN_ON)), (ON,)),
    RelationCase("another key", f'{{"boxes": {NUMBERED}, "links": {WRITTEN_ON}}}', (ON,)),
    RelationCase("among the items", f"{NUMBERED[:-1]}, {WRITTEN_ON[1:]}", (ON,)),
    RelationCase("before the items", f'{{"relations": {WRITTEN_ON}, "boxes": {NUMBERED}}}', (ON,)),
    RelationCase("in a fence", f"```json\n{related(NUMBERED, WRITTEN_ON)}\n```", (ON,)),
    RelationCase(
        "beside points without number",
        f'{{"points": [{{"point": [1, 2], "label": "x"}}], {related(NUMBERED, WRITTEN_ON)[1:]}',
        (ON,),
    ),
    RelationCase("none", related(NUMBERED, "[]")),
    RelationCase("null", related(NUMBERED, "null")),
    RelationCase(
        "repeated",
        related(NUMBERED, f"{WRITTEN_ON[:-1]}, {WRITTEN_ON[1:]}"),
        (ON,),
        (BAD_RELATION,),
    ),
    *(
        RelationCase(what, related(NUMBERED, f"[{one}, {WRITTEN_ON[1:]}"), (ON,), (BAD_RELATION,))
        for what, one in {
            "to itself": '{"from": 1, "to": 1}',
            "to nobody": '{"from": 1, "to": 4}',
            "from nobody": '{"from": -1, "to": 1}',
            "one end": '{"from": 1, "label": "on"}',
            "by label": '{"from": "a", "to": "b"}',
            "half a number": '{"from": 1.5, "to": 2}',
            "truth": '{"from": true, "to": 2}',
            "a number as label": '{"from": 1, "to": 2, "label": 7}',
            "no texts as labels": '{"from": 1, "to": 2, "labels": ["on", {}]}',
            "an endless label": f'{{"from": 1, "to": 2, "label": "{"on " * 200}"}}',
            "no object": '"a on b"',
            "numbers alone": "[1, 2]",
        }.items()
    ),
    RelationCase(
        "broken", related(NUMBERED, f'[{{"from": 1 : 2}}, {WRITTEN_ON[1:]}'), (ON,), (BROKEN,)
    ),
    RelationCase(
        "to one of two of a number",
        related(items(1, 2, 2, 3), f'{WRITTEN_ON[:-1]}, {{"from": 1, "to": 3}}]'),
        (Relation(1, 3, ""),),
        (BAD_RELATION,),
        found="abcd",
    ),
    RelationCase(
        "to a refused one",
        related(NUMBERED.replace("[1, 20, 30, 40]", "[1]"), WRITTEN_ON),
        (),
        (RejectReason.BAD_BOX, BAD_RELATION),
        found="ac",
    ),
    RelationCase(
        "to one without number", related(items(1, None, 3), WRITTEN_ON), (), (BAD_RELATION,)
    ),
    RelationCase(
        "numbers anew in each image",
        related(
            BOTH_IMAGES, '[{"image": 2, "from": 1, "to": 2}, {"image": 1, "from": 2, "to": 1}]'
        ),
        (Relation(3, 4, ""), Relation(2, 1, "")),
        found="abcd",
    ),
    RelationCase(
        "numbers anew in each image, which is not said",
        related(BOTH_IMAGES, WRITTEN_ON),
        (),
        (BAD_RELATION,),
        found="abcd",
    ),
    RelationCase(
        "numbers across images", related(items(1, 2, images=(1, 2)), WRITTEN_ON), (ON,), found="ab"
    ),
    RelationCase(
        "places in one of several images",
        related(items(None, None, None, images=(1, 2, 2)), '[{"image": 2, "from": 1, "to": 2}]'),
        (),
        (BAD_RELATION,),
    ),
    RelationCase(
        "under their image",
        f'[{{"image": 2, {related(items(1, 2), WRITTEN_ON)[1:]}]',
        (ON,),
        found="ab",
    ),
    RelationCase(
        "cut",
        related(NUMBERED, f'{WRITTEN_ON[:-1]}, {{"from": 2, "to": 3')[:-1],
        (ON,),
        truncated=True,
    ),
    RelationCase(
        "cut in a number",
        f'{{"boxes": {NUMBERED}, "relations": [{{"from": 2, "to": 1',
        (),
        truncated=True,
    ),
    RelationCase(
        "cut in a label",
        f'{{"boxes": {NUMBERED}, "relations": [{{"from": 2, "to": 1, "label": "o',
        (),
        truncated=True,
    ),
    RelationCase("cut before one", f'{{"boxes": {NUMBERED}, "relations": [', (), truncated=True),
]


@pytest.mark.parametrize("case", RELATIONS, ids=lambda case: case.id)
def test_relations(case: RelationCase) -> None:
    """Each goes from one detection to another, or is refused; the items are never touched."""
    reading = read_reply(case.text)

    assert reading.relations == case.relations
    assert tuple(reject.reason for reject in reading.rejects) == case.rejects
    assert reading.truncated == case.truncated
    assert "".join(one.label for one in reading.detections if one.box) == case.found


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.strip)
names = st.from_regex(r"q[a-z]{1,8}", fullmatch=True)
answers = st.dictionaries(
    names,
    st.one_of(
        texts,
        st.integers(-(10**6), 10**6).map(float),
        st.lists(texts, min_size=1, max_size=4).map(tuple),
    ),
    max_size=5,
)


@given(st.data())
def test_all_that_was_asked_in_one_request_comes_back(data: st.DataObject) -> None:
    """Boxes with answers, relations, and answers of all images and of each."""
    count = data.draw(st.integers(2, 8))
    numbers = data.draw(st.permutations(range(count)))
    found = [
        Detection(f"a {n}", GeminiBox(n, 2, 300, 400), image=data.draw(st.sampled_from((1, 2))))
        for n in range(count)
    ]
    of_items = [data.draw(answers) for _ in found]
    beside = data.draw(st.booleans())
    ends = st.lists(st.sampled_from(numbers), min_size=2, max_size=2, unique=True)
    relations = data.draw(
        st.lists(
            st.tuples(ends, texts).map(lambda one: Relation(one[0][0], one[0][1], one[1])),
            unique=True,
            max_size=5,
        )
    )
    of_all, of_images = data.draw(answers), {n: data.draw(answers) for n in (1, 2)}
    written = {
        "boxes": [
            {
                "image": one.image,
                "id": number,
                "box_2d": one.box,
                "label": one.label,
                **(said if beside else {"answers": said}),
            }
            for one, number, said in zip(found, numbers, of_items, strict=True)
        ],
        "points": [],
        "relations": [{"from": r.source, "to": r.goal, "label": r.label} for r in relations],
        "answers": of_all,
        "image_answers": [{"image": n, **said} for n, said in of_images.items()],
    }

    reading = read_reply(json.dumps(written, ensure_ascii=data.draw(st.booleans())))

    assert reading.detections == tuple(found)
    assert [one.number for one in reading.detections] == numbers
    assert [one.answers for one in reading.detections] == of_items
    assert reading.relations == tuple(relations)
    assert reading.answers == of_all
    assert reading.image_answers == {n: said for n, said in of_images.items() if said}
    assert not reading.rejects
