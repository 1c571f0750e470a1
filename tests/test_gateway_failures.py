"""What goes wrong beyond one request, through the whole stack: by what was sent and what came."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini import gateway
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Api, Fault, Problem
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    OutOfTokensError,
    QuotaError,
)
from label_studio_gemini.pipeline import Failure, Outcome, Prediction, open_pipeline
from label_studio_gemini.plan import build_plan
from pipelines import predict_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.emulator.recorder import RecordedRequest

XML = sample_label_config()
APIS = ["interactions", "generate_content"]


def tasks_of(photo: Path, folder: Path, number: int, **data: object) -> list[object]:
    """Return tasks with files of their own of one photo: the same one would be one request."""
    files = [folder / f"{one}.jpg" for one in range(number)]
    for one, file in enumerate(files):
        file.write_bytes(photo.read_bytes() + str(one).encode())
    return [{"data": {"image": str(file), **data}} for file in files]


async def predict(
    config: Config, gemini: RunningEmulator, tasks: Sequence[object], folder: Path, key: str = "k"
) -> list[Outcome]:
    environment = Environment(state_folder=folder, api_key=key, base_url=gemini.url)
    async with open_pipeline(config, environment, folders=(folder,)) as pipeline:
        return await predict_all(pipeline, tasks, build_plan(config, XML))


def errors_of(outcomes: Sequence[Outcome]) -> set[type]:
    return {type(one.error) for one in outcomes if isinstance(one, Failure)}


def questions(gemini: RunningEmulator) -> list[RecordedRequest]:
    return [one for one in gemini.requests if one.api in {Api.INTERACTIONS, Api.GENERATE_CONTENT}]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the first request of a new key for long, however slow the machine is."""
    monkeypatch.setattr(gateway, "_KEY_PATIENCE", 30)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("transport", ["auto", "files"])
async def test_a_wrong_key_costs_a_request_or_two(
    transport: str, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    config = Config.model_validate({"image_transport": transport})
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 200)
    outcomes = await predict(config, gemini, tasks, tmp_path, key="wrong-key")
    assert len(outcomes) == 200
    assert errors_of(outcomes) == {AuthenticationError}
    assert len(gemini.requests) == 1


@pytest.mark.usefixtures("patient")
async def test_a_used_up_day_stops_the_rest(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(problem=Problem.QUOTA, times=None))
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 200)
    outcomes = await predict(Config(), gemini, tasks, tmp_path)
    assert errors_of(outcomes) == {QuotaError}
    assert len(outcomes) == 200
    assert len(gemini.requests) == 1


async def test_a_good_key_is_hardly_waited_for(
    gemini: RunningEmulator, photos: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """32 tasks of a second each take little longer than one."""
    gemini.script(Fault(delay=1.0, times=None))
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 32)
    start = time.perf_counter()
    outcomes = await predict(Config(), gemini, tasks, tmp_path)
    measured(f"32 new tasks of 1.0 s each, key and model new: {time.perf_counter() - start:.2f} s")
    assert all(isinstance(one, Prediction) for one in outcomes)
    first, *others = sorted(questions(gemini), key=lambda one: one.arrived)
    assert len(others) == 31
    assert first.finished is not None
    assert others[0].arrived < first.finished


async def test_one_failed_upload_fails_no_task(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(problem=Problem.OVERLOADED, on=frozenset({Api.FILES})))
    config = Config.model_validate({"image_transport": "files"})
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 8)
    outcomes = await predict(config, gemini, tasks, tmp_path)
    assert [type(one) for one in outcomes] == [Prediction] * 8


async def test_a_slow_limit_of_ours_fails_no_task(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """24 tasks at 4 a second: the last waits for 6 s, and each has 5 s."""
    config = Config(requests_per_minute=240, task_timeout=5.0, concurrency=32)
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 24)
    outcomes = await predict(config, gemini, tasks, tmp_path)
    assert [type(one) for one in outcomes] == [Prediction] * 24
    times = sorted(one.arrived for one in questions(gemini))
    assert times[-1] - times[0] > 5.0


def thinking_of(body: Any) -> str:
    config = body.get("generationConfig", body.get("generation_config", {}))
    return str(config.get("thinkingConfig", config)["thinking_level"]).lower()


@pytest.mark.parametrize("api", APIS)
async def test_a_reply_that_is_cut_too_soon_is_asked_for_again_with_less_thinking(
    api: Any, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(cut_characters=12))
    config = Config(api=api, thinking="high", max_output_tokens=5000)
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 1)
    (outcome,) = await predict(config, gemini, tasks, tmp_path)
    assert isinstance(outcome, Prediction)
    assert [thinking_of(one.body) for one in questions(gemini)] == ["high", "minimal"]
    gemini.clear_requests()
    (alone,) = await predict(Config(api=api), gemini, tasks, tmp_path)
    assert isinstance(alone, Prediction)
    assert outcome.usage.input_tokens == 2 * alone.usage.input_tokens


@pytest.mark.parametrize("api", APIS)
async def test_if_it_stays_so_the_error_names_the_limit_and_both_are_billed(
    api: Any, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(cut_characters=12, times=None))
    config = Config(api=api, thinking="high", max_output_tokens=50)
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 1)
    (outcome,) = await predict(config, gemini, tasks, tmp_path)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, OutOfTokensError)
    assert "limit of output tokens" in outcome.error.message
    assert "`max_output_tokens`" in outcome.error.hint
    assert len(questions(gemini)) == 2
    assert isinstance(outcome.error, GeminiError)
    assert outcome.error.bill is not None
    assert outcome.error.bill.input_tokens > 2_000


@pytest.mark.parametrize("api", APIS)
async def test_half_an_emoji_in_a_task_is_no_reason_to_fail(
    api: Any, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    recipe = {"name": "r", "prompt": "Find {labels} in {{ task.data.title }}."}
    config = Config.model_validate({"api": api, "recipes": [recipe]})
    title = json.loads('"a cut \\ud83d emoji"')
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, 1, title=title)
    (outcome,) = await predict(config, gemini, tasks, tmp_path)
    assert isinstance(outcome, Prediction)
    (question,) = questions(gemini)
    assert "in a cut \ufffd emoji." in question.prompt
