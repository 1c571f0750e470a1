"""Images are read ahead of their turn; what is stopped meanwhile is asked about no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gates import gate
from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.environment import Environment
from label_studio_gemini.gemini import Priority, Urgency
from label_studio_gemini.pipeline import Prediction, open_pipeline
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

# Each task is a request of its own, though all have the same photo.
CONFIG = Config(
    recipes=[RecipeConfig(name="r", prompt="Photo {{ task.data.title }}: find everything.")],
    concurrency=1,
)
PLAN = build_plan(CONFIG, sample_label_config())


@pytest.fixture
def environment(gemini: RunningEmulator, tmp_path: Path) -> Environment:
    return Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)


def task_of(title: str) -> dict[str, object]:
    return {"data": {"image": "coffee.jpg", "title": title}}


async def test_what_was_only_made_ready_is_asked_about_no_more(
    gemini: RunningEmulator, environment: Environment, photos: Path
) -> None:
    """What was asked is answered; what a person waits for is asked all the same."""
    async with open_pipeline(CONFIG, environment, folders=(photos,)) as pipeline:
        with gate(gemini) as held:
            batch = [
                asyncio.create_task(pipeline.predict(task_of(title), PLAN, None))
                for title in ("one", "two", "three")
            ]
            await asyncio.to_thread(held.await_request)
            pipeline.stop()
            held.open()
            outcomes = await asyncio.gather(*batch, return_exceptions=True)
        late = await pipeline.predict(task_of("late"), PLAN, None, Urgency(Priority.INTERACTIVE))
    assert isinstance(late, Prediction)
    assert sorted(type(one).__name__ for one in outcomes) == [
        *["CancelledError"] * 2,
        "Prediction",
    ]
    assert len(gemini.requests) == 2


async def test_a_task_in_turn_is_not_late_for_what_it_waited(
    gemini: RunningEmulator, environment: Environment, photos: Path
) -> None:
    """Its time limit stands while it waits for its turn."""
    config = CONFIG.model_copy(update={"task_timeout": 1.0})
    async with open_pipeline(config, environment, folders=(photos,)) as pipeline:
        with gate(gemini) as held:
            first = asyncio.create_task(pipeline.predict(task_of("one"), PLAN, None))
            await asyncio.to_thread(held.await_request)
            second = asyncio.create_task(pipeline.predict(task_of("two"), PLAN, None))
            late = await first
            held.open()
            outcome = await second
    assert "not done within 1 s" in str(late.error)  # type: ignore[union-attr]
    assert isinstance(outcome, Prediction)
