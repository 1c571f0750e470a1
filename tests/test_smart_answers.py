"""What becomes of an answer to a smart tool, and of requests that cannot be answered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.errors import BackendError, ImageError, ReplyError, TaskError
from label_studio_gemini.gemini import GeminiReply, GeminiRequest, Origin
from label_studio_gemini.images import ImageReader
from label_studio_gemini.pipeline import Failure, Prediction
from label_studio_gemini.plan import build_plan
from label_studio_gemini.smart import PromptMemory, SmartTools
from smart_kit import (
    ASK,
    BOX,
    BRUSH,
    SPLIT_SMART,
    ScriptedGemini,
    ask,
    context,
    items_of,
    project,
    rectangle,
    suggested,
    text,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


# The photo's cup is at 173-409, 17-307 of 600 x 400; these are drawn loosely around it.
LOOSE = (27, 2, 44, 78)


@pytest.fixture
def coffee(photos: Path) -> dict[str, Any]:
    return {"id": 7, "data": {"image": str(photos / "coffee.jpg")}, "drafts": [], "annotations": []}


@pytest.fixture
async def scripted(
    photos: Path,
) -> AsyncIterator[Callable[..., tuple[SmartTools, ScriptedGemini]]]:
    """Return what makes smart tools whose Gemini says one thing."""
    images = ImageReader(allowed_folders=(photos,))

    def make(said: object, config: Config | None = None) -> tuple[SmartTools, ScriptedGemini]:
        gemini = ScriptedGemini(said if isinstance(said, str) else json.dumps(said))
        return SmartTools(config or Config(), gemini, images, PromptMemory()), gemini

    yield make
    await images.aclose()


def at(label: str, *box: int) -> dict[str, object]:
    return {"box_2d": list(box), "label": label}


WHOLE = (5, 5, 90, 90)  # a box so large that the whole image is sent


async def test_the_request_is_urgent_and_says_whose_it_is(
    scripted: Any, coffee: dict[str, Any]
) -> None:
    tools, gemini = scripted([at("cup", 100, 100, 900, 900)])
    plan = build_plan(Config(), project(BOX))
    await tools.predict(coffee, context(rectangle(*WHOLE, "cup")), plan, None, "3.14")
    (request,) = gemini.requests
    assert request.urgency.is_waited_for
    assert request.origin == Origin("3.14", 7)


async def test_the_same_box_is_the_same_request_whatever_else_is_labelled(
    scripted: Any, coffee: dict[str, Any]
) -> None:
    """So it is paid for once."""
    tools, gemini = scripted([at("cup", 100, 100, 900, 900)])
    xml = project(BOX)
    await ask(tools, xml, coffee, context(rectangle(*LOOSE, "cup", id="a")))
    coffee["drafts"] = [{"result": [rectangle(1, 1, 5, 5, "cup", id="z")]}]
    await ask(tools, xml, coffee, context(rectangle(*LOOSE, "cup", id="b")))
    assert gemini.requests[0] == gemini.requests[1]


async def test_a_name_of_its_own_is_the_label_that_was_chosen(
    scripted: Any, coffee: dict[str, Any]
) -> None:
    """The annotator has said what it is; without a choice nothing is guessed."""
    tools, _ = scripted([at("mug of coffee", 100, 100, 900, 900)])
    (item,) = await suggested(tools, project(BOX), coffee, rectangle(*WHOLE, "cup"))
    assert item["value"]["rectanglelabels"] == ["cup"]
    outcome = await ask(tools, project(SPLIT_SMART), coffee, context(rectangle(*WHOLE)))
    assert isinstance(outcome, Prediction)
    assert outcome.regions == ()
    assert outcome.notes.unmatched == {"mug of coffee": 1}


async def test_a_text_with_one_label_takes_any_name(scripted: Any, coffee: dict[str, Any]) -> None:
    one = '<RectangleLabels name="rect" toName="img"><Label value="thing"/></RectangleLabels>'
    tools, gemini = scripted([at("red box", 1, 1, 9, 9), at("blue box", 20, 20, 90, 90)])
    items = await suggested(tools, project(one, ASK), coffee, text("find the red box"))
    assert [item["value"]["rectanglelabels"] for item in items] == [["thing"], ["thing"]]
    assert "in these words:\nfind the red box\n" in gemini.requests[0].prompt
    two = one.replace("/></Rect", '/><Label value="other"/></Rect')
    outcome = await ask(tools, project(two, ASK), coffee, context(text("find the red box")))
    assert isinstance(outcome, Prediction)
    assert outcome.notes.unmatched == {"red box": 1, "blue box": 1}


async def test_braces_in_a_text_are_text(scripted: Any, coffee: dict[str, Any]) -> None:
    tools, gemini = scripted("[]")
    said = "find {labels} of {{ task.data.nothing }}"
    assert await suggested(tools, project(BOX, ASK), coffee, text(said)) == []
    assert said in gemini.requests[0].prompt


async def test_a_recipe_says_what_is_asked_for(scripted: Any, coffee: dict[str, Any]) -> None:
    """Names, descriptions and prompt of the YAML; its other labels are not asked for."""
    config = Config(
        recipes=[
            RecipeConfig(
                name="table",
                target="brush",
                prompt="Find {labels} on {{ task.data.where }}.",
                labels=cast(
                    "Any",
                    {"mug": {"label": "cup", "description": "with a handle"}, "plate": "saucer"},
                ),
                temperature=0.5,
            )
        ]
    )
    tools, gemini = scripted([at("mug", 100, 100, 900, 900)], config)
    coffee["data"]["where"] = "a table"
    sent = context(rectangle(*WHOLE, "cup"))
    xml = project(BOX, BRUSH)
    (item,) = items_of(await ask(tools, xml, coffee, sent, config), xml, sent)
    assert (item["from_name"], item["value"]["brushlabels"]) == ("brush", ["cup"])
    (request,) = gemini.requests
    assert "- mug: with a handle" in request.prompt
    assert "Find mug on a table." in request.prompt
    assert "plate" not in request.prompt
    assert request.options.temperature == 0.5


async def test_what_is_asked_of_each_region_is_asked_of_this_one(
    scripted: Any, coffee: dict[str, Any]
) -> None:
    """A box around a line of text, and its transcription comes with it."""
    per_region = '<TextArea name="words" toName="img" perRegion="true"/>'
    tools, _ = scripted([{**at("cup", 100, 100, 900, 900), "answers": {"words": "LUNGO"}}])
    box, words = await suggested(tools, project(BOX, per_region), coffee, rectangle(*WHOLE, "cup"))
    assert words["id"] == box["id"]
    assert words["value"] == {"text": ["LUNGO"]}


async def test_an_alias_is_what_the_editor_sends(scripted: Any, coffee: dict[str, Any]) -> None:
    tag = '<%s name="%s" toName="img"><Label value="Cup" alias="c"/></%s>'
    xml = project(
        tag % (("RectangleLabels", "rect", "RectangleLabels")),
        tag % (("PolygonLabels", "poly", "PolygonLabels")),
    )
    ring = [[100, 100], [900, 100], [500, 900]]
    tools, gemini = scripted([{**at("Cup", 100, 100, 900, 900), "mask": ring}])
    (item,) = await suggested(tools, xml, coffee, rectangle(*WHOLE, "c"))
    assert item["value"]["polygonlabels"] == ["c"]
    assert "- Cup\n" in gemini.requests[0].prompt


async def test_pages_are_told_apart(scripted: Any, photos: Path) -> None:
    xml = """<View><Image name="img" valueList="$pages"/><RectangleLabels name="rect" toName="img">
    <Label value="cup"/></RectangleLabels></View>"""
    pages = [str(photos / name) for name in ("coins.jpg", "coffee.jpg")]
    tools, _ = scripted([at("cup", 100, 100, 900, 900)])
    prompt = rectangle(*WHOLE, "cup", item_index=1)
    (item,) = await suggested(tools, xml, {"data": {"pages": pages}}, prompt)
    assert item["item_index"] == 1
    assert (item["original_width"], item["original_height"]) == (600, 400)
    outcome = await ask(tools, xml, {"data": {"pages": pages[:1]}}, context(prompt))
    assert isinstance(outcome, Failure)
    assert "page 2" in outcome.error.message


@dataclass(frozen=True)
class Refused:
    id: str
    xml: str
    prompt: dict[str, Any]
    said: str
    error: type[BackendError]
    says: str


NO_REGIONS = project('<Choices name="c" toName="img"><Choice value="a"/></Choices>', ASK)


@pytest.mark.parametrize(
    "case",
    [
        Refused("garbage", project(BOX), {}, "[]", TaskError, "has no prompt"),
        Refused("a label of nobody", project(BOX), rectangle(*LOOSE, "x"), "[]", TaskError, "'x'"),
        Refused("nothing draws", NO_REGIONS, text("a"), "[]", TaskError, "No control tag draws"),
        Refused("a click", project(BOX), rectangle(5, 5, 0, 0, "cup"), "", TaskError, "no area"),
        Refused("no answer", project(BOX), rectangle(*LOOSE, "cup"), "Sorry.", ReplyError, "hold"),
        Refused(
            "another answer",
            project(BOX),
            rectangle(*LOOSE, "cup"),
            '{"message": "I cannot"}',
            ReplyError,
            "could be used",
        ),
        Refused(
            "a broken answer", project(BOX), rectangle(*LOOSE, "cup"), "[7]", ReplyError, "be used"
        ),
    ],
    ids=lambda case: case.id,
)
async def test_what_cannot_be_answered_says_why(
    case: Refused, scripted: Any, coffee: dict[str, Any]
) -> None:
    tools, _ = scripted(case.said)
    outcome = await ask(tools, case.xml, coffee, context(case.prompt))
    assert isinstance(outcome, Failure)
    assert type(outcome.error) is case.error
    assert case.says in outcome.error.message
    assert outcome.error.hint


@pytest.mark.parametrize("task", [None, 7, {}, {"data": 7}, {"data": {}}, {"data": {"image": 3}}])
async def test_a_task_that_is_none_is_a_failure(task: object, scripted: Any) -> None:
    tools, _ = scripted("[]")
    outcome = await ask(tools, project(BOX), task, context(rectangle(*LOOSE, "cup")))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, TaskError)


async def test_an_image_that_is_gone_is_a_failure(scripted: Any, photos: Path) -> None:
    tools, _ = scripted("[]")
    task = {"data": {"image": str(photos / "gone.jpg")}}
    outcome = await ask(tools, project(BOX), task, context(rectangle(*LOOSE, "cup")))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, ImageError)


@pytest.mark.parametrize(
    "saved",
    [
        None,
        7,
        [7, None],
        [{"result": 7}],
        [{"result": [7, {"id": 3, "type": "rectanglelabels", "value": None}]}],
        [{"result": [{"type": "brushlabels", "to_name": "img", "value": {"rle": [1] * 99}}]}],
        [{"updated_at": {}, "result": [rectangle(float("inf"), 1, 1, 1, "cup")]}],
    ],
)
async def test_whatever_is_saved_harms_nothing(
    saved: Any, scripted: Any, coffee: dict[str, Any]
) -> None:
    tools, _ = scripted([at("cup", 100, 100, 900, 900)])
    task = {**coffee, "drafts": saved, "annotations": saved}
    assert len(await suggested(tools, project(BOX, ASK), task, text("cups"))) == 1


async def test_a_bug_costs_this_request_alone(
    scripted: Any, coffee: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    tools, gemini = scripted("[]")

    async def fail(_: GeminiRequest) -> GeminiReply:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    gemini.generate = fail
    outcome = await ask(tools, project(BOX), coffee, context(rectangle(*LOOSE, "cup")))
    assert isinstance(outcome, Failure)
    assert "it is a bug" in outcome.error.message
    assert "ZeroDivisionError" in caplog.text


async def test_what_is_left_out_is_counted(scripted: Any, coffee: dict[str, Any]) -> None:
    found = [at("cup", 50, 50, 950, 950), at("cup", 400, 400, 600, 600), at("fork", 1, 1, 9, 9)]
    tools, _ = scripted(found)
    xml, sent = project(SPLIT_SMART), context(rectangle(*WHOLE))
    outcome = await ask(tools, xml, coffee, sent)
    assert len(items_of(outcome, xml, sent)) == 2
    assert isinstance(outcome, Prediction)
    assert str(outcome.notes) == "1 without a matching label, 1 dropped (not_meant)"
    assert outcome.notes.unmatched == {"fork": 1}
