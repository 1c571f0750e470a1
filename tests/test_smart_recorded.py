"""The interactive requests that the real Label Studio sent are answered with regions.

Recorded with a drawing that is not kept: here its labels are those of a bundled photo, and the task
names that photo. Prompts, drafts, ids and the labelling config's tags are as they were sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini.config import Config
from label_studio_gemini.errors import TaskError
from label_studio_gemini.pipeline import Failure
from smart_kit import ask, items_of, sent_to, smart_tools

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator

COIN = (21.2, 13.0, 9.9, 11.2)
"""In percent, x, y, width and height: the coin of the photo that is inside the recorded box."""


@dataclass(frozen=True)
class Case:
    """A recorded request.

    Attributes:
        file: The file, without `predict_interactive_ui_`.
        words: What the recorded labels become: those of the photo.
        types: The `from_name` and `type` of the items that answer it.
        place: In percent, where the first of them is.
    """

    file: str
    words: tuple[tuple[str, str], ...]
    types: tuple[tuple[str, str], ...]
    place: tuple[float, ...]


BOXES = (('"Shape\\"', '"coin\\"'), ('["Shape"]', '["coin"]'))
POINTS = (('"KShape\\"', '"coin\\"'), ('["KShape"]', '["coin"]'))
SPLIT = (('"L1\\"', '"coin\\"'), ('["L1"]', '["coin"]'))
CASES = (
    Case("rectanglelabels", BOXES, (("rl", "rectanglelabels"),), COIN),
    Case("rectanglelabels_multi", BOXES, (("rl", "rectanglelabels"),), COIN),
    Case("keypointlabels", POINTS, (("kl", "keypointlabels"),), (26.6, 64.7)),
    Case("keypointlabels_multi", POINTS, (("kl", "keypointlabels"),), (71.3, 64.2)),
    Case("keypointlabels_negative", POINTS, (("kl", "keypointlabels"),) * 24, (87.2, 14.5)),
    # <Polygon smart="true"> shares its labels with <Rectangle>, and says more of an object.
    Case("labels_split", SPLIT, (("poly", "polygon"), ("lab", "labels")), ()),
    Case("rectangle", SPLIT, (("poly", "polygon"), ("lab", "labels")), ()),
    Case(
        "textarea",
        (('"Shape\\"', '"coin\\"'), ("find the red box", "find the coins")),
        (("c", "rectanglelabels"),) * 24,
        (79.6, 5.4),
    ),
)


def adapted(case: Case, shared: Path, photos: Path) -> tuple[str, Any, Any]:
    """Return the labelling config, the task and the context of a recorded request."""
    folder = shared / "label-studio" / "requests"
    text = (folder / f"predict_interactive_ui_{case.file}.json").read_text()
    body = json.loads(text)["body"]
    text = json.dumps(body)
    for before, after in case.words:
        text = text.replace(before, after)
    body = json.loads(text)
    (task,) = body["tasks"]
    task["data"]["image"] = str(photos / "coins.jpg")
    return body["label_config"], task, body["params"]["context"]


@pytest.fixture(params=["interactions", "generate_content"])
def config(request: pytest.FixtureRequest) -> Config:
    return Config(api=request.param)


@pytest.fixture(params=CASES, ids=lambda case: case.file)
def case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


@pytest.fixture
def recorded(case: Case, shared: Path, photos: Path) -> tuple[str, Any, Any]:
    return adapted(case, shared, photos)


async def test_it_is_answered_with_regions(
    case: Case,
    recorded: tuple[str, Any, Any],
    config: Config,
    gemini: RunningEmulator,
    tmp_path: Path,
) -> None:
    xml, task, context = recorded
    photos = Path(task["data"]["image"]).parent
    async with smart_tools(gemini, photos, tmp_path, config) as tools:
        outcome = await ask(tools, xml, task, context, config)
    items = items_of(outcome, xml, context)
    assert tuple((item["from_name"], item["type"]) for item in items) == case.types
    value = items[0]["value"]
    keys = ("x", "y", "width", "height")[: len(case.place)]
    assert [value[key] for key in keys] == pytest.approx(case.place, abs=0.4)
    labels = {label for item in items for label in item["value"].get(item["type"], [])}
    assert labels == {"coin"}
    (sent,) = sent_to(gemini)
    assert sent.photos == ("coins.jpg",)


async def test_a_box_sends_its_surroundings_alone(
    gemini: RunningEmulator, photos: Path, shared: Path, tmp_path: Path
) -> None:
    xml, task, context = adapted(CASES[0], shared, photos)
    async with smart_tools(gemini, photos, tmp_path) as tools:
        await ask(tools, xml, task, context)
    (sent,) = sent_to(gemini)
    assert "The image is a part of a larger one." in sent.prompt
    assert "around one object" in sent.prompt
    assert "at most 1 object." in sent.prompt
    assert "- coin\n" in sent.prompt
    assert "Other" not in sent.prompt


async def test_a_context_without_a_place_is_refused_before_anything_is_sent(
    gemini: RunningEmulator, photos: Path, shared: Path, tmp_path: Path
) -> None:
    """As the API of Label Studio lets anyone send it."""
    file = shared / "label-studio" / "requests" / "predict_interactive_api.json"
    body = json.loads(file.read_text())["body"]
    async with smart_tools(gemini, photos, tmp_path) as tools:
        outcome = await ask(
            tools, body["label_config"], body["tasks"][0], body["params"]["context"]
        )
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, TaskError)
    assert "smart tool" in outcome.error.message
    assert not sent_to(gemini)
