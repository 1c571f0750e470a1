"""What a suggestion is in Label Studio's editor: which region it replaces, and which it leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini.config import Config
from label_studio_gemini.images import ImageReader
from label_studio_gemini.pipeline import Prediction
from label_studio_gemini.smart import PromptMemory, SmartTools
from smart_kit import (
    ASK,
    BOX,
    BRUSH,
    DOT,
    SPLIT_SMART,
    ScriptedGemini,
    ask,
    context,
    point,
    project,
    rectangle,
    sent_to,
    smart_tools,
    suggested,
    text,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

ON_CUP, ON_SPOON, ON_SAUCER = (45, 30), (68.3, 25), (20, 57)
AROUND_CUP, AROUND_SPOON = (27, 2, 44, 78), (50, 14, 23, 70)
COINS = project(
    ASK, '<RectangleLabels name="rect" toName="img"><Label value="coin"/></RectangleLabels>'
)


@pytest.fixture
async def tools(gemini: RunningEmulator, photos: Path, tmp_path: Path) -> AsyncIterator[SmartTools]:
    async with smart_tools(gemini, photos, tmp_path) as tools:
        yield tools


@pytest.fixture
def coffee(photos: Path) -> dict[str, Any]:
    return {"id": 7, "data": {"image": str(photos / "coffee.jpg")}}


@pytest.fixture
def coins(photos: Path) -> dict[str, Any]:
    return {"id": 8, "data": {"image": str(photos / "coins.jpg")}}


def labels_of(items: list[dict[str, Any]]) -> list[str]:
    return [item["value"][item["type"]][0] for item in items]


@dataclass(frozen=True)
class Case:
    """Prompts, and the ids of what is suggested for them: None is a new one."""

    id: str
    xml: str
    prompts: tuple[dict[str, Any], ...]
    ids: tuple[str | None, ...]


@pytest.mark.parametrize(
    "case",
    [
        Case("a box", project(BOX), (rectangle(*AROUND_CUP, "cup", id="a"),), ("a",)),
        Case(
            "another shape: undo would break",
            project(BOX, BRUSH),
            (rectangle(*AROUND_CUP, "cup", id="a"),),
            (None,),
        ),
        Case(
            "two items of one region",
            project(SPLIT_SMART),
            (rectangle(*AROUND_CUP, id="a"),),
            ("a", "a"),
        ),
        Case(
            "two boxes",
            project(SPLIT_SMART),
            (rectangle(*AROUND_CUP, id="a"), rectangle(*AROUND_SPOON, id="b")),
            ("a", "a", "b", "b"),
        ),
        Case("a point", project(DOT), (point(*ON_CUP, "cup", id="a"),), ("a",)),
        Case("a mask for a point", project(DOT, BRUSH), (point(*ON_CUP, "cup", id="a"),), (None,)),
        Case(
            "two points: one region cannot take the place of both",
            project(DOT),
            (point(*ON_CUP, "cup", id="a"), point(44, 25, "cup", id="b")),
            (None,),
        ),
        Case(
            "a point that is not meant",
            project(DOT, BRUSH),
            (point(*ON_SPOON, "cup", positive=False, id="a"),),
            (None,),
        ),
        Case("words", project(BOX, ASK), (text("cups", id="a"),), (None,) * 3),
    ],
    ids=lambda case: case.id,
)
async def test_a_suggestion_takes_the_place_of_its_prompt(
    case: Case, tools: SmartTools, coffee: dict[str, Any]
) -> None:
    """Label Studio removes all prompts with the tick for all suggestions; with one's own, none."""
    items = await suggested(tools, case.xml, coffee, *case.prompts)
    prompts = {prompt["id"] for prompt in case.prompts}
    ids = [item["id"] if item["id"] in prompts else None for item in items]
    assert tuple(ids) == case.ids
    assert len({item["id"] for item in items}) == len(set(labels_of_regions(items)))


def labels_of_regions(items: list[dict[str, Any]]) -> list[str]:
    return [label for item in items for label in item["value"].get(item["type"], [])]


async def test_what_is_on_the_image_already_is_no_prompt(
    tools: SmartTools, coins: dict[str, Any], gemini: RunningEmulator
) -> None:
    """An annotation that begins with 23 predicted coins; a box is drawn around the missing one.

    Label Studio sends all 24 rectangles. The newest alone is asked for, from its surroundings.
    """
    found = await suggested(tools, COINS, coins, text("coins"))
    missing, there = found[0], found[1:]
    x, y, width, height = (missing["value"][key] for key in ("x", "y", "width", "height"))
    drawn = rectangle(x - 2, y - 2, width + 4, height + 4, "coin", id="drawn")
    (item,) = await suggested(tools, COINS, coins, *there, drawn)
    assert item["id"] == "drawn"
    assert item["value"]["x"] == pytest.approx(x, abs=0.5)
    assert "around one object" in sent_to(gemini)[-1].prompt


async def test_a_region_that_is_moved_does_not_pass_for_the_newest_prompt(
    tools: SmartTools, coins: dict[str, Any]
) -> None:
    """A prompt that is moved keeps its place in the list, before what was accepted since."""
    (first,) = await suggested(tools, COINS, coins, rectangle(20, 11, 13, 15, "coin", id="one"))
    accepted = {**first, "id": "accepted"}
    moved = rectangle(33, 8, 15, 18, "coin", id="one")
    (item,) = await suggested(tools, COINS, coins, moved, accepted)
    assert item["id"] == "one"
    assert round(item["value"]["x"]) == 35


async def test_an_open_prompt_is_answered_again_when_the_draft_has_it(
    tools: SmartTools, coins: dict[str, Any]
) -> None:
    """Its suggestion would vanish else, since the editor shows those of the last answer alone."""
    one = rectangle(20, 11, 13, 15, "coin", id="one")
    two = rectangle(33, 8, 15, 18, "coin", id="two")
    await suggested(tools, COINS, coins, one)
    coins["drafts"] = [{"result": [one]}]
    items = await suggested(tools, COINS, coins, one, two)
    assert [item["id"] for item in items] == ["one", "two"]


async def test_a_rectangle_that_somebody_drew_is_left_alone(
    tools: SmartTools, coins: dict[str, Any]
) -> None:
    """It is in the draft, and was never a prompt."""
    drawn = rectangle(20, 11, 13, 15, "coin", id="drawn")
    coins["drafts"] = [{"result": [drawn]}]
    prompt = rectangle(33, 8, 15, 18, "coin", id="prompt")
    items = await suggested(tools, COINS, coins, drawn, prompt)
    assert [item["id"] for item in items] == ["prompt"]


async def test_a_tight_prompt_is_answered_again_too(
    tools: SmartTools, coins: dict[str, Any]
) -> None:
    """It is as good as the region, but goes with the other prompts once all are accepted."""
    (tight,) = await suggested(tools, COINS, coins, rectangle(20, 11, 13, 15, "coin", id="one"))
    one = {**tight, "origin": "manual"}
    two = rectangle(33, 8, 15, 18, "coin", id="two")
    items = await suggested(tools, COINS, coins, one, two)
    assert [item["id"] for item in items] == ["one", "two"]


async def test_words_ask_for_what_no_prediction_has(
    tools: SmartTools, coins: dict[str, Any]
) -> None:
    """An annotation that is not saved yet begins with the newest prediction."""
    found = await suggested(tools, COINS, coins, text("coins"))
    coins["predictions"] = [
        {"updated_at": "2026-01-01T00:00:00Z", "result": found[:2]},
        {"updated_at": "2026-01-02T00:00:00Z", "result": found[:20]},
    ]
    assert len(await suggested(tools, COINS, coins, text("the rest"))) == 4
    coins["drafts"] = [{"updated_at": "2026-01-01T00:00:00Z", "result": found[:1]}]
    assert len(await suggested(tools, COINS, coins, text("the rest"))) == 23


async def test_where_nothing_is_asked_nothing_is_sent(
    tools: SmartTools, coffee: dict[str, Any], gemini: RunningEmulator
) -> None:
    outcome = await ask(tools, project(BOX), coffee, context())
    assert isinstance(outcome, Prediction)
    assert outcome.regions == ()
    assert not sent_to(gemini)


@dataclass(frozen=True)
class Pointed:
    """Points on objects that have a box alone: what Gemini says, and what is meant."""

    id: str
    said: tuple[str, ...]
    prompts: tuple[dict[str, Any], ...]
    labels: list[str]


BOXES = {"cup": [42, 288, 768, 682], "saucer": [175, 127, 972, 798], "spoon": [167, 543, 810, 707]}
ALL = tuple(BOXES)
SAUCER = point(*ON_SAUCER, id="a")
NOT_CUP = point(*ON_CUP, positive=False, id="b")


@pytest.mark.parametrize(
    "case",
    [
        Pointed("Gemini left the cup out, as told", ("saucer",), (SAUCER, NOT_CUP), ["saucer"]),
        Pointed("or did not", ("saucer", "cup"), (SAUCER, NOT_CUP), ["saucer"]),
        Pointed("both on both", ALL, (point(40, 40, id="a"), NOT_CUP), ["saucer"]),
        Pointed("all but the cup", ALL, (NOT_CUP,), ["saucer", "spoon"]),
        Pointed("another thing was found there", ("cup",), (SAUCER, NOT_CUP), []),
    ],
    ids=lambda case: case.id,
)
async def test_a_point_that_is_not_meant_is_on_the_smallest_box(
    case: Pointed, photos: Path, coffee: dict[str, Any]
) -> None:
    said = [{"box_2d": BOXES[label], "label": label} for label in case.said]
    xml = project(SPLIT_SMART, '<KeyPoint name="dot" toName="img" smart="true"/>')
    images = ImageReader(allowed_folders=(photos,))
    try:
        tools = SmartTools(Config(), ScriptedGemini(json.dumps(said)), images, PromptMemory())
        items = await suggested(tools, xml, coffee, *case.prompts)
    finally:
        await images.aclose()
    assert sorted(labels_of_regions(items)) == case.labels
