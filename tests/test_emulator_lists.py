"""Several lists in one answer: in each dialect, cut, in a container, and without a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from emulator_asked import (
    INTEGER,
    INTEGERS,
    OUTLINE,
    PARK,
    POLYGON,
    by_generate_content,
    listing,
    structure,
    text,
    write_scripted_key,
)
from emulator_kit import DOG, PERSON, generate, generate_body, generated_text, serving_key, unfenced
from label_studio_gemini.emulator import (
    Container,
    Fault,
    MaskDialect,
    RunningEmulator,
)
from label_studio_gemini.emulator.masks import PLACEHOLDER

if TYPE_CHECKING:
    from google import genai


running_emulator = serving_key(write_scripted_key)


@dataclass(frozen=True)
class Masked:
    dialect: MaskDialect
    masks: tuple[Any, Any]


FLAT = [n for x, y in OUTLINE for n in (y, x)]
CORNERS = [[500, 0], [1000, 0], [1000, 500], [500, 500]]
TEXT_DIALECTS = [
    Masked(MaskDialect.POLYGON_XY, (OUTLINE, CORNERS)),
    Masked(MaskDialect.FLAT_YX, (FLAT, [n for x, y in CORNERS for n in (y, x)])),
    Masked(MaskDialect.PLACEHOLDER, (PLACEHOLDER, PLACEHOLDER)),
]
TWO_LISTS = structure(
    boxes=listing(box_2d=INTEGERS, label=text("person"), mask=text()),
    outlines=listing(mask=POLYGON, label=text("person")),
)


@pytest.mark.parametrize("case", TEXT_DIALECTS, ids=lambda case: case.dialect.value)
def test_a_mask_dialect_holds_for_every_list(
    case: Masked, gemini: RunningEmulator, client: genai.Client
) -> None:
    gemini.script(Fault(masks=case.dialect))
    answer = by_generate_content(client, TWO_LISTS, PARK)
    assert [item["mask"] for item in answer["boxes"]] == [*case.masks]
    assert [item["mask"] for item in answer["outlines"]] == [*case.masks]


def test_without_a_fault_each_list_has_its_own_dialect(client: genai.Client) -> None:
    answer = by_generate_content(client, TWO_LISTS, PARK)
    assert answer["boxes"][0]["mask"].startswith("data:image/png;base64,")
    assert answer["outlines"][0]["mask"] == OUTLINE


def test_the_first_masks_are_dropped_in_every_list(
    gemini: RunningEmulator, client: genai.Client
) -> None:
    gemini.script(Fault(drop_masks=1, masks=MaskDialect.POLYGON_XY))
    answer = by_generate_content(client, TWO_LISTS, PARK)
    assert [item["mask"] for item in answer["boxes"]] == ["", CORNERS]
    assert [item["mask"] for item in answer["outlines"]] == ["", CORNERS]
    assert answer["boxes"][0]["box_2d"] == PERSON["box_2d"]


def test_no_dropped_mask_is_no_fault(gemini: RunningEmulator, client: genai.Client) -> None:
    gemini.script(Fault(drop_masks=0))
    assert by_generate_content(client, TWO_LISTS, PARK)["outlines"][0]["mask"] == OUTLINE


def test_a_reply_can_be_cut_in_its_second_list(gemini: RunningEmulator) -> None:
    gemini.script(Fault(cut_items=3))
    body = generate_body(PARK, responseMimeType="application/json", responseJsonSchema=TWO_LISTS)
    cut = generated_text(generate(gemini.url, body))
    assert cut.count('"mask"') == 4
    assert cut.count("}") == 3


def test_a_container_holds_the_first_list_that_has_items(
    gemini: RunningEmulator, client: genai.Client
) -> None:
    schema = structure(
        boxes=listing(box_2d=INTEGERS, label=text("cup")),
        points=listing(point=INTEGERS, label=text("dog")),
        answers=structure(count=INTEGER),
    )
    dog = {"point": [750, 750], "label": "dog"}
    answers = []
    for container in Container:
        gemini.script(Fault(container=container))
        answers.append(by_generate_content(client, schema, PARK))
    assert answers == [[dog], {"boxes": [dog]}, dog]


@dataclass(frozen=True)
class Spoken:
    name: str
    prompt: str
    answer: Any


PEOPLE = [{"point": [350, 250], "label": "person"}, {"point": [250, 750], "label": "person"}]
SPOKEN = [
    Spoken("nothing", "Find dogs.", [DOG]),
    Spoken("boxes", "A list `boxes` with `box_2d` of each dog.", [DOG]),
    Spoken("points", "A list `points` with `point` of each person.", PEOPLE),
    Spoken(
        "both",
        "A list `boxes` and a list `points` of dogs.",
        {"boxes": [DOG], "points": [{"point": [750, 750], "label": "dog"}]},
    ),
    Spoken(
        "answers",
        "An object `answers` with `weather` (sunny or rainy) and `caption`.",
        {"answers": {"weather": "sunny"}},
    ),
    Spoken(
        "boxes and answers",
        "A list `boxes` of dogs, an object `answers` with `weather`.",
        {"boxes": [DOG], "answers": {"weather": "sunny"}},
    ),
    Spoken(
        "answers of an object",
        "A list `boxes` with `box_2d` and `answers` of people. In `answers` say `text`, `age`.",
        [{**PERSON, "answers": {"text": "STOP"}}, {**PERSON, "box_2d": [0, 500, 500, 1000]}],
    ),
    Spoken(
        "answers for each image",
        "A list `image_answers` with `image` and `weather`.",
        {"image_answers": [{"image": 1, "weather": "sunny"}]},
    ),
]


@pytest.mark.parametrize("case", SPOKEN, ids=lambda case: case.name)
def test_without_a_schema_the_question_says_the_form(case: Spoken, gemini: RunningEmulator) -> None:
    body = generate_body(PARK, prompt=case.prompt)
    assert unfenced(generated_text(generate(gemini.url, body))) == case.answer
