"""Boxes, points, relations and answers in one request: each part is filled on its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import types

from emulator_asked import (
    EMPTY,
    INTEGER,
    INTEGERS,
    OUTLINE,
    PARK,
    POLYGON,
    TURNED,
    by_generate_content,
    by_interactions,
    listing,
    structure,
    text,
    write_scripted_key,
)
from emulator_kit import MODEL, PERSON, coco, serving_key, write_key
from label_studio_gemini.emulator import (
    EmulatorError,
    read_answer_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from google import genai

ANSWERS: dict[str, Any] = {
    "weather": text("rainy", "sunny"),
    "subject": text("dog", "person", "cup"),
    "tags": {"type": "array", "items": text("cup", "dog", "person")},
    "caption": text(),
    "count": {"type": "number", "minimum": 0, "maximum": 100},
    "quality": {"type": "integer", "minimum": 1, "maximum": 2},
    "when": {"type": "string", "format": "date"},
}
PARK_ANSWERS = {
    "weather": "sunny",
    "subject": "person",
    "tags": ["person", "dog"],
    "caption": "2 person, 1 dog",
    "count": 3,
    "quality": 2,
    "when": "2026-01-31",
}
ABOUT_A_BOX = structure(
    text=text(), occluded=text("yes", "no"), age={"type": "integer", "minimum": 1, "maximum": 5}
)
EVERYTHING = structure(
    relations=listing(**{"from": INTEGER, "to": INTEGER, "label": text("beside", "on")}),
    boxes=listing(
        id=INTEGER,
        box_2d={**INTEGERS, "minItems": 4, "maxItems": 4},
        label=text("Person", "cup"),
        mask=POLYGON,
        answers=ABOUT_A_BOX,
    ),
    points=listing(image=INTEGER, point=INTEGERS, label=text("my dog")),
    answers=structure(**ANSWERS),
)


running_emulator = serving_key(write_scripted_key)


BOTH = pytest.mark.parametrize(
    "ask", [by_generate_content, by_interactions], ids=["generate_content", "interactions"]
)


@BOTH
def test_all_that_is_asked_is_answered(client: genai.Client, ask: Callable[..., Any]) -> None:
    answer = ask(client, EVERYTHING, PARK)
    person, child = answer["boxes"]
    assert person == {
        "id": 1,
        "box_2d": PERSON["box_2d"],
        "label": "Person",
        "mask": OUTLINE,
        "answers": {"text": "STOP", "occluded": "yes", "age": 2},
    }
    assert (child["id"], child["box_2d"]) == (2, [0, 500, 500, 1000])
    assert child["answers"] == {"text": "Person", "occluded": "yes", "age": 2}
    assert answer["points"] == [{"image": 1, "point": [750, 750], "label": "my dog"}]
    assert answer["relations"] == [{"from": 1, "to": 2, "label": "beside"}]
    assert answer["answers"] == PARK_ANSWERS
    assert [*answer] == ["relations", "boxes", "points", "answers"]


@BOTH
def test_each_picture_has_its_answers(client: genai.Client, ask: Callable[..., Any]) -> None:
    schema = structure(
        points=listing(image=INTEGER, point=INTEGERS, label=text("cup")),
        image_answers=listing(image=INTEGER, **ANSWERS),
        answers=structure(caption=text(), count=INTEGER),
    )
    answer = ask(client, schema, EMPTY, PARK, TURNED)
    nothing, park, cup = answer["image_answers"]
    assert nothing == {
        "image": 1,
        "weather": "rainy",
        "subject": "dog",
        "tags": [],
        "caption": "nothing",
        "count": 0,
        "quality": 1,
        "when": "2026-01-31",
    }
    assert park == {"image": 2, **PARK_ANSWERS}
    assert (cup["image"], cup["caption"], cup["tags"], cup["count"]) == (3, "1 cup", ["cup"], 1)
    assert answer["points"] == [{"image": 3, "point": [125, 50], "label": "cup"}]
    assert answer["answers"] == {"caption": "2 person, 1 dog, 1 cup", "count": 4}


def test_a_google_schema_is_answered_too(client: genai.Client) -> None:
    """`response_schema` goes out in capitals, its limits as texts."""
    contents: list[Any] = [types.Part.from_bytes(data=PARK, mime_type="image/png"), "Answer."]
    response = client.models.generate_content(
        model=MODEL,
        contents=contents,
        config=types.GenerateContentConfig(
            response_mime_type="application/json",
            response_schema=structure(answers=structure(**ANSWERS)),
        ),
    )
    assert json.loads(response.text or "") == {"answers": PARK_ANSWERS}


def test_at_most_five_relations(client: genai.Client) -> None:
    """They join the items of the list that has ids; where labels are a list, it holds one."""
    schema = structure(
        points=listing(point=INTEGERS, label=text("dog")),
        boxes=listing(id=INTEGER, box_2d=INTEGERS, label=text("person", "dog", "cup")),
        links=listing(
            **{"from": INTEGER, "to": INTEGER},
            label={"type": "array", "items": text("by", "on")},
            sure={"type": "boolean"},
        ),
    )
    links = by_generate_content(client, schema, PARK, TURNED, PARK)["links"]
    assert [(link["from"], link["to"]) for link in links] == [
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 6),
    ]
    assert links[0] == {"from": 1, "to": 2, "label": ["by"], "sure": False}
    assert len(by_generate_content(client, schema, PARK)["links"]) == 2
    assert by_generate_content(client, schema, EMPTY)["links"] == []


@pytest.mark.parametrize(
    ("property_schema", "answer"),
    [
        ({"answers": text("a", "b")}, "a"),
        ({"answers": INTEGERS}, []),
        ({"image_answers": text()}, ""),
        ({"id": text(), "box": INTEGERS, "label": text("dog")}, ""),
    ],
)
def test_a_known_name_of_another_type_is_answered_by_type(
    property_schema: dict[str, Any], answer: object, client: genai.Client
) -> None:
    value = by_generate_content(client, structure(**property_schema), PARK)
    assert value[next(iter(property_schema))] == answer


def test_scripted_answers_that_are_no_object_are_told(tmp_path: Path) -> None:
    path, images = write_key(tmp_path)
    known = coco()
    known["images"][1]["answers"] = ["sunny"]
    path.write_text(json.dumps(known), encoding="utf-8")
    with pytest.raises(EmulatorError, match=r"images\.1\.answers"):
        read_answer_key(path, images)
