"""Files and task JSON become jobs, and jobs become what Label Studio imports."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini.bulk import (
    build_import,
    digest_of_data,
    image_folders,
    predict_jobs,
    prediction_of,
    read_jobs,
)
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault, Problem, Stop
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import AuthenticationError, QuotaError, UsageError
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.pipeline import Failure, Prediction, open_pipeline
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

XML = sample_label_config()
PROJECT = read_label_config(XML)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with images at two levels, of names that need quoting, and something else."""
    (tmp_path / "in" / "größer").mkdir(parents=True)
    for name in ("b.JPG", "a b#1.png", "größer/c.heic", "notes.txt", "größer/.DS_Store"):
        (tmp_path / "in" / name).write_bytes(b"x")
    return tmp_path / "in"


def test_a_folder_is_searched_through(folder: Path) -> None:
    jobs = read_jobs([folder], PROJECT)
    assert [job.name for job in jobs] == ["a b#1.png", "b.JPG", "größer/c.heic"]
    assert [job.exported["data"]["image"] for job in jobs] == [
        "/data/local-files/?d=a%20b%231.png",
        "/data/local-files/?d=b.JPG",
        "/data/local-files/?d=gr%C3%B6%C3%9Fer/c.heic",
    ]
    assert jobs[0].task["data"] == {"image": str(folder / "a b#1.png")}


def test_addresses_are_relative_to_the_document_root(folder: Path) -> None:
    (job,) = read_jobs([folder / "b.JPG"], PROJECT, document_root=folder.parent)
    assert job.exported["data"]["image"] == "/data/local-files/?d=in/b.JPG"
    with pytest.raises(UsageError, match="not below the document root"):
        read_jobs([folder / "b.JPG"], PROJECT, document_root=folder / "größer")


def test_task_json_is_kept_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    tasks: list[dict[str, Any]] = [
        {"id": 7, "data": {"image": "https://h/a.jpg", "note": "n"}, "annotations": []},
        {"image": "https://h/b.jpg"},
    ]
    file.write_text(json.dumps(tasks))
    first, second = read_jobs([file], PROJECT)
    assert first.exported == tasks[0]
    assert second.exported == {"data": {"image": "https://h/b.jpg"}}
    assert image_folders([first, second]) == ()


@dataclass(frozen=True)
class Wrong:
    id: str
    name: str
    content: str
    message: str


@pytest.mark.parametrize(
    "case",
    [
        Wrong("json", "t.json", "[", "cannot be read"),
        Wrong("deep", "t.json", "[" * 100_000, "cannot be read"),
        Wrong("no task", "t.json", "[3]", "t.json #1 is int, not a task"),
        Wrong("nan", "t.json", '[{"data": {"x": NaN}}]', "t.json #1 has a number that is none"),
        Wrong("infinite", "t.json", '[{"data": {"x": 1e999}}]', "#1 has a number that is none"),
        Wrong("none", "t.json", "[]", "There is no image"),
        Wrong("missing", "other.json", "", "There is no file or folder"),
    ],
    ids=lambda case: case.id,
)
def test_a_source_that_cannot_be_used(case: Wrong, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(case.content)
    with pytest.raises(UsageError) as caught:
        read_jobs([tmp_path / case.name], PROJECT)
    assert case.message in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_named_twice_is_one(folder: Path) -> None:
    jobs = read_jobs([folder, folder / "b.JPG", folder], PROJECT)
    assert len(jobs) == 3


def test_two_files_never_share_an_address(folder: Path) -> None:
    (folder / "größer" / "b.JPG").write_bytes(b"y")
    with pytest.raises(UsageError, match=r"would have one address: 'b\.JPG'"):
        read_jobs([folder / "b.JPG", folder / "größer"], PROJECT)
    jobs = read_jobs([folder / "b.JPG", folder / "größer"], PROJECT, document_root=folder)
    assert [job.name for job in jobs] == ["b.JPG", "größer/b.JPG", "größer/c.heic"]


def test_links_keep_their_names_and_odd_names_do_no_harm(folder: Path, tmp_path: Path) -> None:
    """Data sets are often made of links; a file name need not be UTF-8."""
    links = tmp_path / "links"
    (links / "d.jpg").mkdir(parents=True)
    (links / "a.jpg").symlink_to(folder / "b.JPG")
    (links / "._b.jpg").write_bytes(b"x")
    (links / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    jobs = read_jobs([links], PROJECT)
    assert [job.name for job in jobs] == ["a.jpg", "\\udcff.png"]
    assert jobs[1].exported["data"]["image"] == "/data/local-files/?d=%FF.png"
    assert folder in image_folders(jobs)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no image in"):
        read_jobs([tmp_path], PROJECT)


def test_image_files_need_one_image_tag(folder: Path) -> None:
    two = read_label_config(
        '<View><Image name="a" value="$a"/><Image name="b" value="$b"/>'
        '<RectangleLabels name="l" toName="a"><Label value="X"/></RectangleLabels></View>'
    )
    with pytest.raises(UsageError, match="just one <Image> tag"):
        read_jobs([folder], two)


async def test_a_failed_task_is_exported_without_prediction(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(stop=Stop.SAFETY, images=frozenset({"coins.jpg"}), times=None))
    plan = build_plan(Config(), XML)
    jobs = read_jobs([photos / "coffee.jpg", photos / "coins.jpg"], plan.label_config)
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    async with open_pipeline(Config(), environment, folders=(photos,)) as pipeline:
        done = [one async for one in predict_jobs(jobs, pipeline, plan)]
    predictions = {
        digest_of_data(one.job.exported["data"]): found
        for one in done
        if (found := prediction_of(one, plan.model_version)) is not None
    }
    coffee, coins = build_import(jobs, predictions)
    assert coffee["predictions"][0]["model_version"] == plan.model_version
    assert len(coffee["predictions"][0]["result"]) == 3
    assert "predictions" not in coins
    assert sum(isinstance(one.outcome, Failure) for one in done) == 1


async def test_a_wrong_key_stops_at_once(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """5,000 tasks must not be tried with a key that is refused."""
    plan = build_plan(Config(), XML)
    (job,) = read_jobs([photos / "coffee.jpg"], plan.label_config)
    jobs = [job] * 200
    environment = Environment(state_folder=tmp_path, api_key="wrong-key", base_url=gemini.url)
    config = Config(concurrency=4)
    async with open_pipeline(config, environment, folders=(photos,)) as pipeline:
        with pytest.raises(AuthenticationError):
            async for _ in predict_jobs(jobs, pipeline, plan):
                pass
    assert len(gemini.requests) <= 2 * config.concurrency


async def test_what_is_under_way_when_a_fatal_error_comes_is_kept(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """It is paid for; only what was not begun is left."""
    gemini.script(Fault(problem=Problem.QUOTA, delay=0.3, images=frozenset({"coins.jpg"})))
    gemini.script(Fault(delay=0.5, images=frozenset({"coffee.jpg"}), times=None))
    plan = build_plan(Config(), XML)
    names = ("coffee.jpg", "coins.jpg", "camera.jpg")
    coffee, coins, camera = read_jobs([photos / name for name in names], plan.label_config)
    jobs = [*[coffee] * 3, coins, *[camera] * 2000]
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    done = []
    async with open_pipeline(Config(concurrency=4), environment, folders=(photos,)) as pipeline:
        # The key and the model are known to be good: nobody waits for the first answer.
        await pipeline.predict({"data": {"image": str(photos / "flower.jpg")}}, plan, None)
        with pytest.raises(QuotaError):  # noqa: PT012 - what comes before it is the point
            async for one in predict_jobs(jobs, pipeline, plan):
                done.append(one)  # noqa: PERF401 - all until the error
    predicted = [one.number for one in done if isinstance(one.outcome, Prediction)]
    assert {0, 1, 2} <= set(predicted)
    assert len(done) < len(jobs)
