"""What the YAML says reaches Gemini: through the whole stack, by the bytes that were sent."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini.config import Config, OptionsConfig, PricesConfig, read_config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Api, Fault, Problem
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import AuthenticationError, ConfigError, TransportError
from label_studio_gemini.gateway import given_price, open_gemini, options_from_config
from label_studio_gemini.gemini import LeastThinking, Options, ThinkingLevel
from label_studio_gemini.pipeline import Failure, Outcome, Prediction, open_pipeline
from label_studio_gemini.plan import build_plan
from pipelines import predict_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

XML = sample_label_config()
ASKING = (Api.INTERACTIONS, Api.GENERATE_CONTENT)

OPTIONS = """
system: Be exact.
thinking: low
temperature: 0.5
top_p: 0.9
seed: 7
max_output_tokens: 9000
media_resolution: high
service_tier: priority
safety: {harassment: block_none}
"""


async def predict(
    config: Config, gemini: RunningEmulator, photos: Path, tmp_path: Path, *names: str
) -> list[Outcome]:
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    tasks = [{"data": {"image": str(photos / name)}} for name in names]
    async with open_pipeline(config, environment, folders=(photos,)) as pipeline:
        return await predict_all(pipeline, tasks, build_plan(config, XML))


def tasks_of(photo: Path, folder: Path, numbers: range) -> list[dict[str, object]]:
    """Return tasks with files of their own of one photo: the same one would be one request."""
    files = [folder / f"{number}.jpg" for number in numbers]
    for number, file in zip(numbers, files, strict=True):
        file.write_bytes(photo.read_bytes() + str(number).encode())
    return [{"data": {"image": str(file)}} for file in files]


def bodies(gemini: RunningEmulator) -> list[dict[str, Any]]:
    """Return what was asked, uploads aside."""
    return [one.body for one in gemini.requests if one.api in ASKING]  # type: ignore[misc]


async def test_every_option_of_the_file_is_sent(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(OPTIONS)
    config = read_config(tmp_path / "c.yaml")
    (outcome,) = await predict(config, gemini, photos, tmp_path, "coffee.jpg")
    assert isinstance(outcome, Prediction)
    (body,) = bodies(gemini)
    assert body["system_instruction"] == "Be exact."
    assert body["service_tier"] == "priority"
    assert body["safety_settings"] == [{"type": "harassment", "threshold": "block_none"}]
    assert body["generation_config"] == {
        "thinking_level": "low",
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "max_output_tokens": 9000,
    }


async def test_without_options_nothing_is_sent_but_the_least_thinking(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    await predict(Config(), gemini, photos, tmp_path, "coffee.jpg")
    (body,) = bodies(gemini)
    assert body["generation_config"] == {"thinking_level": "minimal"}
    assert set(body) == {"model", "input", "response_format", "generation_config", "store"}


async def test_a_recipe_may_do_without_a_schema_and_with_code(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """The answer is then free text, behind code and its results: it is read all the same."""
    config = Config.model_validate(
        {"recipes": [{"name": "r", "structured": False, "agentic": True}]}
    )
    (outcome,) = await predict(config, gemini, photos, tmp_path, "coffee.jpg")
    assert isinstance(outcome, Prediction)
    assert len(outcome.regions) == 3
    (body,) = bodies(gemini)
    assert "response_format" not in body
    assert body["tools"] == [{"type": "code_execution"}]


@pytest.mark.parametrize("api", ["interactions", "generate_content"])
async def test_what_a_model_refuses_is_learnt_once(
    api: Any, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """gemini-3.8-flash knows no minimal thinking; 16 tasks need not find that out twice."""
    config = Config(model="gemini-3.8-flash", api=api)
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, range(32))
    plan = build_plan(config, XML)
    async with open_pipeline(config, environment, folders=(tmp_path,)) as pipeline:
        outcomes = await predict_all(pipeline, tasks[:16], plan)
        assert all(isinstance(outcome, Prediction) for outcome in outcomes)
        first = len(bodies(gemini))
        assert first <= 2 * 16
        await predict_all(pipeline, tasks[16:], plan)
        assert len(bodies(gemini)) == first + 16


async def test_images_travel_as_files_where_that_is_asked_for(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """One upload for each photo, remembered by the next process."""
    config = Config.model_validate({"image_transport": "files", "cache": {"enabled": False}})
    for _ in range(2):
        (outcome,) = await predict(config, gemini, photos, tmp_path, "coffee.jpg")
        assert isinstance(outcome, Prediction)
        assert len(outcome.regions) == 3
    uploads = [one for one in gemini.requests if one.path.startswith("/upload")]
    assert len({one.query.get("upload_id") for one in uploads if one.query}) == 1
    assert all("uri" in body["input"][0]["content"][1] for body in bodies(gemini))


async def test_an_image_without_a_public_address_travels_inline(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    config = Config.model_validate({"image_transport": "url"})
    await predict(config, gemini, photos, tmp_path, "coffee.jpg")
    (body,) = bodies(gemini)
    data = base64.b64decode(body["input"][0]["content"][1]["data"])
    assert data == (photos / "coffee.jpg").read_bytes()


async def test_too_many_requests_at_once_all_finish(
    gemini: RunningEmulator, photos: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """64 tasks at once, the first 20 requests are told to come again in 2 s: none comes sooner."""
    gemini.script(Fault(problem=Problem.RATE_LIMIT, retry_seconds=2, times=20))
    config = Config(concurrency=64)
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    tasks = tasks_of(photos / "coffee.jpg", tmp_path, range(64))
    async with open_pipeline(config, environment, folders=(tmp_path,)) as pipeline:
        outcomes = await predict_all(pipeline, tasks, build_plan(config, XML))
    assert all(isinstance(outcome, Prediction) for outcome in outcomes)
    refused = [one for one in gemini.requests if one.status == 429]
    # What was on its way when the first was refused may come at any time.
    waits = [
        min(
            other.arrived - one.finished
            for other in gemini.requests
            if one.finished is not None
            and other.arrived > one.finished
            and other.images == one.images
        )
        for one in refused
    ]
    measured(f"after a 429 with RetryInfo 2 s the same came again {min(waits):.2f} s later")
    assert min(waits) >= 1.9
    assert len({one.images for one in refused}) == 20
    assert len(refused) == 20


async def test_a_wrong_key_is_tried_once(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    environment = Environment(state_folder=tmp_path, api_key="wrong-key", base_url=gemini.url)
    task = {"data": {"image": str(photos / "coffee.jpg")}}
    async with open_pipeline(Config(), environment, folders=(photos,)) as pipeline:
        outcome = await pipeline.predict(task, build_plan(Config(), XML), None)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, AuthenticationError)
    assert len(gemini.requests) == 1


async def test_a_task_ends_in_time(gemini: RunningEmulator, photos: Path, tmp_path: Path) -> None:
    # What was sent is waited for in the end: it was paid for.
    gemini.script(Fault(delay=2, times=None))
    config = Config(task_timeout=0.5)
    (outcome,) = await predict(config, gemini, photos, tmp_path, "coffee.jpg")
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, TransportError)
    assert "0.5 s" in outcome.error.message


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [("off", 0), (128, 128), ("high", ThinkingLevel.HIGH)],
)
def test_thinking(thinking: Any, expected: object) -> None:
    assert options_from_config(OptionsConfig(thinking=thinking)).thinking == expected


@pytest.mark.parametrize("thinking", [None, "auto"])
def test_thinking_is_as_little_as_can_be(thinking: Any) -> None:
    options = options_from_config(OptionsConfig(thinking=thinking))
    assert isinstance(options.thinking, LeastThinking)
    assert options == Options(thinking=options.thinking)


def test_a_given_price_is_exact() -> None:
    given = given_price(PricesConfig(input=0.1, output=2.5))
    assert given is not None
    assert (given.input, given.output, given.cached) == (Decimal("0.1"), Decimal("2.5"), None)
    assert given_price(None) is None


async def test_vertex_needs_no_key_and_has_no_files(tmp_path: Path) -> None:
    environment = Environment(state_folder=tmp_path)
    config = Config.model_validate({"vertex": {"project": "p"}})
    await open_gemini(config, environment).aclose()
    with pytest.raises(AuthenticationError):
        open_gemini(Config(), environment)
    files = Config.model_validate({"vertex": {"project": "p"}, "image_transport": "files"})
    with pytest.raises(ConfigError, match="Files API"):
        open_gemini(files, environment)
