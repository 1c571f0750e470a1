"""A task gives a prediction or a failure of its own; what is left out is counted."""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest
from PIL import Image

from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.errors import GeminiError, ReplyError, ServiceError, TaskError
from label_studio_gemini.gemini import GeminiReply, GeminiRequest, Priority, Urgency, Usage
from label_studio_gemini.images import ImageReader
from label_studio_gemini.pipeline import (
    Asker,
    Failure,
    Notes,
    Outcome,
    Pipeline,
    Prediction,
    total_notes,
)
from label_studio_gemini.plan import build_plan
from pipelines import predict_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from label_studio_gemini.regions import RegionJson

XML = """<View><Image name="a" value="$a"/><Image name="b" value="$b"/>
<RectangleLabels name="one" toName="a"><Label value="Car"/></RectangleLabels>
<RectangleLabels name="two" toName="b"><Label value="Dog"/></RectangleLabels></View>"""
JOINED = XML.replace('toName="b"', 'toName="a,b"')
APART = Config(
    recipes=[
        RecipeConfig(name="one", target="one"),
        RecipeConfig(name="two", target="two", thinking="low"),
    ]
)
"""Answered in different ways, so that they are two requests."""

BOX = '{"box_2d": [100, 200, 300, 400], "label": "%s"}'


@dataclass
class ScriptedGemini:
    """Answers each request by what it asks for; a label without a text is a failure."""

    texts: dict[str, str | Exception] = field(default_factory=dict)
    requests: list[GeminiRequest] = field(default_factory=list)

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        self.requests.append(request)
        text = next(text for label, text in self.texts.items() if f"- {label}" in request.prompt)
        if isinstance(text, Exception):
            raise text
        return GeminiReply(text, Usage(input_tokens=10, output_tokens=2, thought_tokens=1))

    async def aclose(self) -> None:
        pass


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    """Two images of different sizes, so that a mix-up shows."""
    for name, size in (("a", (640, 480)), ("b", (300, 500))):
        picture = io.BytesIO()
        Image.new("RGB", size, "red").save(picture, "PNG")
        (tmp_path / f"{name}.png").write_bytes(picture.getvalue())
    return {name: str(tmp_path / f"{name}.png") for name in "ab"}


@pytest.fixture
async def images(tmp_path: Path) -> AsyncIterator[ImageReader]:
    reader = ImageReader(allowed_folders=(tmp_path,))
    yield reader
    await reader.aclose()


def pipeline_of(config: Config, gemini: ScriptedGemini, images: ImageReader) -> Pipeline:
    return Pipeline(config, gemini, Asker(config, images, images))


async def outcome_of(
    gemini: ScriptedGemini,
    images: ImageReader,
    task: object,
    xml: str = XML,
    config: Config = APART,
) -> Outcome:
    pipeline = pipeline_of(config, gemini, images)
    return await pipeline.predict(task, build_plan(config, xml), None)


def places_of(outcome: Outcome) -> list[tuple[str, str, int, int]]:
    assert isinstance(outcome, Prediction)
    items = cast("tuple[RegionJson, ...]", outcome.regions)
    return [
        (item["from_name"], item["to_name"], item["original_width"], item["original_height"])
        for item in items
    ]


async def test_recipes_that_are_answered_in_different_ways_are_requests_of_their_own(
    images: ImageReader, data: dict[str, str]
) -> None:
    gemini = ScriptedGemini({"Car": f"[{BOX % 'Car'}]", "Dog": f"[{BOX % 'Dog'}]"})
    outcome = await outcome_of(gemini, images, {"id": 1, "data": data})
    assert places_of(outcome) == [("one", "a", 640, 480), ("two", "b", 300, 500)]
    assert isinstance(outcome, Prediction)
    assert outcome.usage == Usage(20, 4, 2, 0)
    assert outcome.usage.total == 26
    assert [len(request.images) for request in gemini.requests] == [1, 1]


async def test_all_images_of_a_task_are_one_request(
    images: ImageReader, data: dict[str, str]
) -> None:
    """Each object names its image; one that names none, or the other recipe's, is counted."""
    numbered = [
        (BOX % label).replace("}", f', "image": {number}}}')
        for label, number in (("Car", 1), ("Dog", 1), ("Dog", 2), ("Car", 2), ("Dog", 3))
    ]
    text = f"[{', '.join(numbered)}]"
    gemini = ScriptedGemini({"Car": text})
    outcome = await outcome_of(gemini, images, {"id": 1, "data": data}, JOINED, Config())
    assert places_of(outcome) == [
        ("one", "a", 640, 480),
        ("two", "a", 640, 480),
        ("two", "b", 300, 500),
    ]
    assert isinstance(outcome, Prediction)
    assert outcome.notes.dropped == {"label_of_another_image": 1, "no_image": 1}
    (request,) = gemini.requests
    assert len(request.images) == 2


async def test_pages_are_read_and_named(images: ImageReader, data: dict[str, str]) -> None:
    xml = """<View><Image name="scan" valueList="$pages"/>
    <RectangleLabels name="box" toName="scan"><Label value="Car"/></RectangleLabels></View>"""
    text = f"[{BOX % 'Car'}]".replace("}", ', "image": 2}')
    task = {"data": {"pages": [data["a"], data["b"]]}}
    outcome = await outcome_of(ScriptedGemini({"Car": text}), images, task, xml, Config())
    assert places_of(outcome) == [("box", "scan", 300, 500)]
    assert isinstance(outcome, Prediction)
    assert [item.get("item_index") for item in outcome.regions] == [1]


async def test_a_person_does_not_wait_behind_a_batch(
    images: ImageReader, data: dict[str, str]
) -> None:
    """The only place is taken by a task of a batch that never ends."""
    begun, never = asyncio.Event(), asyncio.Event()

    class Stuck(ScriptedGemini):
        async def generate(self, request: GeminiRequest) -> GeminiReply:
            if not request.urgency.is_waited_for:
                begun.set()
                await never.wait()
            return await super().generate(request)

    pipeline = pipeline_of(Config(concurrency=1), Stuck({"Car": "[]", "Dog": "[]"}), images)
    plan = build_plan(Config(), XML)
    batch = asyncio.create_task(predict_all(pipeline, [{"data": data}] * 3, plan))
    await begun.wait()
    async with asyncio.timeout(10):
        outcome = await pipeline.predict({"data": data}, plan, None, Urgency(Priority.INTERACTIVE))
    assert isinstance(outcome, Prediction)
    never.set()
    await batch


@dataclass
class MeetingGemini(ScriptedGemini):
    """Answers none before all that it waits for have asked."""

    all_here: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(32))

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        await self.all_here.wait()
        return await super().generate(request)


async def test_tasks_of_a_request_run_at_once(images: ImageReader, data: dict[str, str]) -> None:
    """32 tasks whose calls wait for one another: one less at a time, and it would never end."""
    xml = XML.replace('<Label value="Car"/>', "")
    pipeline = pipeline_of(Config(concurrency=32), MeetingGemini({"Dog": "[]"}), images)
    async with asyncio.timeout(30):
        outcomes = await predict_all(pipeline, [{"data": data}] * 32, build_plan(Config(), xml))
    assert all(isinstance(outcome, Prediction) for outcome in outcomes)


async def test_a_failed_task_leaves_nothing_running(
    images: ImageReader, data: dict[str, str]
) -> None:
    """What it asked besides is paid for: it is awaited, not left to run after the task is gone."""
    late = asyncio.Event()

    class Slow(ScriptedGemini):
        async def generate(self, request: GeminiRequest) -> GeminiReply:
            if "- Dog" in request.prompt:
                await asyncio.sleep(0.05)
                late.set()
            return await super().generate(request)

    error = ServiceError("Gemini answered 503.", hint="try again.")
    outcome = await outcome_of(Slow({"Car": error, "Dog": "[]"}), images, {"data": data})
    assert isinstance(outcome, Failure)
    assert outcome.error == error
    assert late.is_set()


async def test_two_recipes_of_one_control_tag_keep_their_regions_apart(
    images: ImageReader, data: dict[str, str]
) -> None:
    """The same box from both: two regions, and an id of its own for each."""
    config = Config(
        recipes=[
            RecipeConfig(name="near", target="one", prompt="Near ones."),
            RecipeConfig(name="far", target="one", prompt="Far ones."),
        ]
    )
    pipeline = pipeline_of(config, ScriptedGemini({"Car": f"[{BOX % 'Car'}]"}), images)
    outcome = await pipeline.predict({"data": data}, build_plan(config, XML), None)
    assert isinstance(outcome, Prediction)
    items = cast("tuple[RegionJson, ...]", outcome.regions)
    assert len({item["id"] for item in items}) == len(items) == 2


async def test_what_gemini_says_of_its_end_counts(
    images: ImageReader, data: dict[str, str]
) -> None:
    """A reply may be whole JSON and yet cut: out of tokens before it could say more."""

    class Cut(ScriptedGemini):
        async def generate(self, request: GeminiRequest) -> GeminiReply:
            return replace(await super().generate(request), truncated=True)

    empty = await outcome_of(Cut({"Car": "[]", "Dog": "[]"}), images, {"data": data})
    assert isinstance(empty, Failure)
    cars = await outcome_of(
        Cut({"Car": f"[{BOX % 'Car'}]", "Dog": f"[{BOX % 'Dog'}]"}), images, {"data": data}
    )
    assert isinstance(cars, Prediction)
    assert cars.notes.truncated == 2


async def test_one_failed_question_fails_the_task(
    images: ImageReader, data: dict[str, str]
) -> None:
    """Half a prediction would be stored, and the other half never asked for again."""
    error = ServiceError("Gemini answered 503.", hint="try again.")
    gemini = ScriptedGemini({"Car": f"[{BOX % 'Car'}]", "Dog": error})
    outcome = await outcome_of(gemini, images, {"data": data})
    assert isinstance(outcome, Failure)
    assert outcome.error == error
    assert sum(one.usage.total for one in outcome.spent) == 13, "what the other took is told"


@dataclass(frozen=True)
class Left:
    id: str
    text: str
    regions: int
    notes: str


@pytest.mark.parametrize(
    "case",
    [
        Left("nothing there", "[]", 0, ""),
        Left(
            "unknown label",
            f"[{BOX % 'Car'}, {BOX % 'Cat'}]",
            1,
            "1 without a matching label",
        ),
        Left("bad item", f"[{BOX % 'Car'}, 7]", 1, "1 rejected (not_an_object)"),
        Left("cut", f"[{BOX % 'Car'}, {{", 1, "1 replies cut short"),
        Left(
            "outside",
            '[{"box_2d": [0, 0, 1200, 500], "label": "Car"}]',
            1,
            "1 cut back to the image",
        ),
    ],
    ids=lambda case: case.id,
)
async def test_what_is_left_out_is_counted(
    case: Left, images: ImageReader, data: dict[str, str]
) -> None:
    gemini = ScriptedGemini({"Car": case.text, "Dog": "[]"})
    outcome = await outcome_of(gemini, images, {"data": data})
    assert isinstance(outcome, Prediction)
    assert len(outcome.regions) == case.regions
    assert str(outcome.notes) == case.notes
    assert outcome.notes.unmatched == ({"Cat": 1} if "Cat" in case.text else {})


@pytest.mark.parametrize(
    "text", ["", "I see a car.", '[{"box_2d": [1', "[7]", '{"message": "I cannot see it"}']
)
async def test_an_unusable_reply_is_a_failure_not_an_empty_image(
    text: str, images: ImageReader, data: dict[str, str]
) -> None:
    outcome = await outcome_of(ScriptedGemini({"Car": text, "Dog": "[]"}), images, {"data": data})
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, ReplyError)


async def test_a_missing_image_is_named(images: ImageReader, data: dict[str, str]) -> None:
    outcome = await outcome_of(ScriptedGemini(), images, {"data": {"a": data["a"]}})
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, TaskError)
    assert "`data.b`" in outcome.error.message


async def test_a_bug_costs_its_task_alone_and_is_logged(
    images: ImageReader, data: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    gemini = ScriptedGemini({"Car": ZeroDivisionError("secret"), "Dog": "[]"})
    outcome = await outcome_of(gemini, images, {"id": 4, "data": data})
    assert isinstance(outcome, Failure)
    assert "secret" not in str(outcome.error)
    assert "task 4 failed in a way that is a bug" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_failure_is_one_line_with_a_hint_in_the_log(
    images: ImageReader, data: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    error = GeminiError("It went wrong.", hint="do this.")
    with caplog.at_level(logging.INFO, logger="label_studio_gemini"):
        await outcome_of(ScriptedGemini({"Car": error, "Dog": "[]"}), images, {"data": data})
    (record,) = [
        one for one in caplog.records if one.name.startswith("label_studio_gemini.pipeline")
    ]
    assert record.getMessage() == "a task without id failed: It went wrong. Hint: do this."


def test_notes_add_up() -> None:
    one = Notes(rejects={"no_box": 1}, unmatched={"x": 2}, clamped=1)
    two = Notes(rejects={"no_box": 2, "no_label": 1}, dropped={"empty": 1}, truncated=1)
    assert total_notes([one, two]) == Notes(
        rejects={"no_box": 3, "no_label": 1},
        unmatched={"x": 2},
        dropped={"empty": 1},
        clamped=1,
        truncated=1,
    )
