"""GET /metrics: numbers that any worker tells alike, that survive restarts and never go down."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from activity_kit import activity_of
from backends import RunningBackend, run_backend
from cache_kit import USAGE, asked, ledger_of
from gates import await_condition
from label_studio_gemini.activity import Result
from label_studio_gemini.cache import Kind
from label_studio_gemini.config import BudgetConfig, Config
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.environment import Environment
from status_kit import PROJECT, RECIPE, XML, body_of, tasks_of

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

MODEL = Config().model
NAME = "label_studio_gemini_"


@pytest.fixture
def environment(gemini: RunningEmulator, tmp_path: Path) -> Environment:
    return Environment(state_folder=tmp_path, api_key="a-key", base_url=gemini.url)


def metrics_of(backend: RunningBackend) -> dict[tuple[str, ...], float]:
    """Return all numbers by their name and the values of their labels, in the labels' order."""
    response = backend.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(response.text):
        assert family.name.startswith(NAME)
        assert family.documentation.endswith((".", ")."))
        assert family.type in {"counter", "gauge"}
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")
            labels = [value for _, value in sorted(sample.labels.items())]
            key = (sample.name.removeprefix(NAME), *labels)
            assert key not in found, "a number is told once"
            assert math.isfinite(sample.value)
            found[key] = sample.value
    return found


def counters(found: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {key: value for key, value in found.items() if key[0].endswith("_total")}


def test_what_was_done_is_counted_exactly(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(
        Fault(problem=Problem.INTERNAL, where=lambda request: "Photo 3:" in request.prompt)
    )
    config = Config(recipes=[RECIPE], attempts=1, budget=BudgetConfig(per_day=5.0))
    body = body_of(tasks_of(photos, 5))
    with run_backend(config, environment) as backend:
        backend.post("/predict", body)
        backend.post("/predict", body)
        key = ("predictions_total", PROJECT, "predicted")
        await_condition(lambda: metrics_of(backend).get(key) == 9, "all is written")
        found = metrics_of(backend)
        status = backend.client.get("/api/status").json()
    today = status["spend"]["days"][-1]
    assert found["predictions_total", PROJECT, "failed"] == 1
    assert found["calls_total", MODEL, "ok", PROJECT] == 5
    assert found["calls_total", MODEL, "failed", PROJECT] == 1
    assert found["cache_hits_total", PROJECT] == 4
    assert found["refused_total", PROJECT] == 0
    assert found["tokens_total", "input", MODEL] == today["input_tokens"] > 0
    assert found["tokens_total", "output", MODEL] == today["output_tokens"] > 0
    assert found["dollars_total", MODEL] == pytest.approx(float(Decimal(today["dollars"])))
    assert found["spent_today_dollars",] == pytest.approx(float(Decimal(today["dollars"])))
    assert found["budget_dollars",] == 5
    assert found["tasks_in_flight",] == found["failures",] == 0
    assert found["cached_replies",] == 5
    assert found["ready",] == found["file_usable", "ledger"] == 1
    assert found["build_info", "interactions", MODEL, "0.1.0"] == 1
    with run_backend(config, environment) as backend:
        assert counters(metrics_of(backend)) == counters(found), "it survives a restart"


def test_all_workers_tell_the_same(environment: Environment, photos: Path) -> None:
    config = Config(recipes=[RECIPE])
    with run_backend(config, environment) as one, run_backend(config, environment) as two:
        one.post("/predict", body_of(tasks_of(photos, 3)))
        two.post("/predict", body_of(tasks_of(photos, 2)))
        key = ("predictions_total", PROJECT, "predicted")
        await_condition(lambda: metrics_of(two).get(key) == 5, "all is written")
        await_condition(lambda: metrics_of(one) == metrics_of(two), "they tell the same")


async def test_strangers_cannot_make_more_than_so_many_numbers(environment: Environment) -> None:
    """Each name of a project would be one for good; and a name may be anything."""
    names = [
        *(f"{number}.1" for number in range(300)),
        "x" * 5000,
        'a"b\\c\nd\re\u2028f',
        "",
        "(others)",
    ]
    async with activity_of(environment.state_folder) as activity:
        async with ledger_of(environment.state_folder) as ledger:
            for name in names:
                activity.finish(name, 1, Result.EMPTY)
                ledger.add(asked(project=name), Kind.CALL, "ok", seconds=1, usage=USAGE)
                ledger.add(asked(project=name), Kind.HIT, "ok", seconds=0)
        await activity.show()
    with run_backend(Config(), environment) as backend:
        found = metrics_of(backend)
        text = backend.client.get("/metrics").text
    for name in ("predictions_total", "calls_total", "cache_hits_total"):
        numbers = [value for key, value in found.items() if key[0] == name]
        assert sum(numbers) == len(names), "none is lost"
        assert 200 <= len([one for one in numbers if one]) <= 201
    assert not re.search("[\r\u2028]", text)
    assert len(text) < 200_000


def test_projects_with_odd_names_keep_them(environment: Environment) -> None:
    with run_backend(Config(), environment) as backend:
        for project in ('a"b\\c', "two\nlines", None):
            body = {"tasks": [{"id": 1, "data": {}}], "project": project}
            backend.post("/predict", {**body, "label_config": XML})

        def projects() -> set[str]:
            return {key[1] for key in metrics_of(backend) if key[0] == "predictions_total"}

        expected = {'a"b\\c', "two\N{REPLACEMENT CHARACTER}lines", ""}
        await_condition(lambda: projects() == expected, "all are there")


def test_without_a_key_there_are_numbers_all_the_same(environment: Environment) -> None:
    keyless = Environment(state_folder=environment.state_folder)
    with run_backend(Config(), keyless) as backend:
        found = metrics_of(backend)
    assert found["ready",] == 0
    assert found["file_usable", "activity"] == 1


async def test_what_cannot_be_read_is_left_out_rather_than_nought(environment: Environment) -> None:
    """A number that falls to 0 would be taken for a restart, and what follows be counted twice."""
    async with ledger_of(environment.state_folder) as ledger:
        ledger.add(asked(), Kind.CALL, "ok", seconds=1, usage=USAGE)
    (environment.state_folder / "ledger.sqlite").rename(environment.state_folder / "away")
    (environment.state_folder / "ledger.sqlite").mkdir()
    with run_backend(Config(), environment) as backend:
        found = metrics_of(backend)
    assert not [key for key in found if key[0] == "calls_total"]
    assert found["file_usable", "ledger"] == 0
