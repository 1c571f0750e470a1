"""GET /api/status says what became of every task."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from backends import RunningBackend, run_backend
from gates import Call, await_condition, gate
from label_studio_gemini.config import Config
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.environment import Environment
from status_kit import KEY, PROJECT, RECIPE, XML, body_of, status_of, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator


@pytest.fixture
def environment(gemini: RunningEmulator, tmp_path: Path) -> Environment:
    return Environment(state_folder=tmp_path / "state", api_key=KEY, base_url=gemini.url)


def test_before_anything_was_done(environment: Environment) -> None:
    with run_backend(Config(), environment) as backend:
        status = status_of(backend)
    assert (status["ready"], status["trouble"], status["model"]) == (True, [], Config().model)
    lists = ("projects", "batches", "failures", "left_out")
    assert [status[name] for name in lists] == [[], [], [], []]
    assert status["failures_total"] == status["left_out_total"] == 0
    assert len(status["spend"]["days"]) == 30
    assert status["spend"]["per_day"] is None
    assert status["cache"] == {"enabled": True, "replies": 0, "megabytes": 0, "hits": 0, "calls": 0}


def test_a_task_that_failed_is_there_until_it_succeeds(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    """Five tasks, one fails; the next click asks for that one alone, and puts it right."""
    config = Config(recipes=[RECIPE], attempts=1)
    gemini.script(
        Fault(problem=Problem.INTERNAL, where=lambda request: "Photo 3:" in request.prompt)
    )
    with run_backend(config, environment) as backend:
        backend.post("/predict", body_of(tasks_of(photos, 5)))
        status = status_of(backend)
        (project,) = status["projects"]
        assert (project["project"], project["number"]) == (PROJECT, 17)
        assert (project["predicted"], project["empty"], project["failed"]) == (4, 0, 1)
        assert (project["calls"], project["hits"]) == (5, 0)
        assert Decimal(project["dollars"]) > 0
        assert project["dollars"] == status["spend"]["today"]
        (batch,) = status["batches"]
        assert (batch["tasks"], batch["done"], batch["failed"]) == (5, 5, 1)
        assert (batch["state"], batch["smart"]) == ("done", False)
        assert batch["begun"] <= batch["ended"] <= status["now"]
        (failure,) = status["failures"]
        assert (failure["task"], failure["times"]) == (3, 1)
        assert failure["kind"]
        assert failure["error"]
        assert failure["hint"]
        assert status["spend"]["days"][-1]["calls"] == 5

        backend.post("/predict", body_of(tasks_of(photos, 5)))
        status = status_of(backend)
        (project,) = status["projects"]
        assert (project["predicted"], project["failed"]) == (5, 0)
        assert (project["calls"], project["hits"]) == (6, 4)
        assert (status["failures"], status["failures_total"]) == ([], 0)
        assert [one["failed"] for one in status["batches"]] == [0, 1]
        assert (status["cache"]["replies"], status["cache"]["hits"]) == (5, 4)
    with run_backend(config, environment) as backend:
        again = status_of(backend)
    for name in ("projects", "batches", "failures", "spend"):
        assert again[name] == status[name], "it survives a restart"


def test_a_project_that_cannot_be_predicted_is_a_failure_without_a_task(
    environment: Environment, photos: Path
) -> None:
    with run_backend(Config(), environment) as backend:
        backend.post("/setup", {"project": PROJECT, "schema": "<View>"})
        answer = backend.post(
            "/predict", body_of(tasks_of(photos, 2), label_config="<View>")
        ).json()
        status = status_of(backend)
        failure, *others = sorted(status["failures"], key=lambda one: one["task"] or 0)
        assert (failure["project"], failure["task"], failure["times"]) == (PROJECT, None, 1)
        assert failure["kind"] == "LabelConfigError"
        assert [one["task"] for one in others] == [1, 2]
        (reason,) = status["reasons"]
        assert (reason["requests"], reason["tasks"]) == (1, 2)
        assert status["projects"][0]["failed"] == status["failures_total"] == 2
        assert {name: failure[name] for name in ("error", "hint")} == answer["errors"][0]
        (batch,) = status["batches"]
        assert (batch["tasks"], batch["done"], batch["failed"]) == (2, 2, 2)
        assert status["projects"][0]["model_version"] is None

        backend.post("/setup", {"project": PROJECT, "schema": XML})
        status = status_of(backend)
    assert status["refused_total"] == 0
    assert status["projects"][0]["model_version"].startswith(Config().model)


def test_progress_is_live_and_outlives_its_client(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    config = Config(recipes=[RECIPE], concurrency=1)

    def batch() -> dict[str, Any]:
        (only,) = status_of(backend)["batches"]
        assert isinstance(only, dict)
        return only

    with run_backend(config, environment) as backend, gate(gemini, passes=3) as held:
        call = Call(backend.url, "/predict", body_of(tasks_of(photos, 8)))
        held.await_request()
        await_condition(lambda: batch()["done"] == 3, "three are done")
        assert (batch()["state"], batch()["tasks"], batch()["ended"]) == ("running", 8, None)
        call.await_space()
        call.hang_up()
        await_condition(lambda: batch()["state"] == "goes_on", "nobody waits")
        held.open()
        await_condition(lambda: batch()["state"] == "done", "all is done")
        assert batch()["done"] == 8
        assert status_of(backend)["projects"][0]["predicted"] == 8
    assert len(gemini.requests) == 8


def test_what_is_not_done_by_the_deadline_goes_on(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    config = Config(recipes=[RECIPE], predict_deadline=0.05)
    with run_backend(config, environment) as backend, gate(gemini) as held:
        answer = backend.post("/predict", body_of(tasks_of(photos, 2))).json()
        assert answer["results"] == [[], []]
        status = status_of(backend)
        assert status["batches"][0]["state"] == "goes_on"
        assert status["failures"] == [], "they have not failed"
        held.open()
        await_condition(lambda: status_of(backend)["projects"][0]["predicted"] == 2, "it is done")
        assert status_of(backend)["batches"][0]["state"] == "done"


def test_a_stop_in_the_middle_is_an_interruption(
    environment: Environment,
    gemini: RunningEmulator,
    photos: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = Config(recipes=[RECIPE], concurrency=1, stop_grace=0.0)
    caplog.set_level(logging.INFO)

    def open_when_it_stops() -> None:
        await_condition(lambda: "stopping: " in caplog.text, "it stops")
        held.open()

    with gate(gemini, passes=2) as held:
        opener = threading.Thread(target=open_when_it_stops)
        with run_backend(config, environment) as backend:
            call = Call(backend.url, "/predict", body_of(tasks_of(photos, 5)))
            held.await_request()
            call.await_space()
            call.hang_up()
            await_condition(lambda: status_of(backend)["batches"][0]["done"] == 2, "two are done")
            opener.start()
        opener.join()
    with run_backend(config, environment) as backend:
        (batch,) = status_of(backend)["batches"]
    assert batch["ended"] is not None
    assert (batch["state"], batch["tasks"], batch["done"]) == ("interrupted", 5, 2)


def test_labels_that_do_not_match_are_listed(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    found = '{"boxes": [{"box_2d": [1, 2, 30, 40], "label": "%s"}]}'
    hostile = "<img src=x onerror=alert(1)>"
    gemini.script(Fault(text=found % "lorry", times=2))
    gemini.script(Fault(text=found % hostile))
    with run_backend(Config(recipes=[RECIPE]), environment) as backend:
        backend.post("/predict", body_of(tasks_of(photos, 3)))
        status = status_of(backend)
    assert [
        (one["project"], one["kind"], one["what"], one["count"]) for one in status["left_out"]
    ] == [(PROJECT, "unmatched", "lorry", 2), (PROJECT, "unmatched", hostile, 1)]
    assert status["left_out_total"] == 2
    assert status["projects"][0]["unmatched"] == 3


def test_a_smart_tool_is_a_batch_of_its_own_kind(environment: Environment, photos: Path) -> None:
    context = {"result": [{"type": "nothing that there is"}]}
    body = body_of(tasks_of(photos, 1), params={"context": context})
    with run_backend(Config(), environment) as backend:
        backend.post("/predict", body)
        status = status_of(backend)
    assert (status["batches"], status["failures_total"]) == ([], 0)
    assert status["singles"] | {"last": None} == {"tasks": 0, "smart": 1, "failed": 1, "last": None}
    assert [(one["task"], one["scope"]) for one in status["failures"]] == [(1, "smart tool")]
    assert status["projects"][0]["failed"] == 0, "the task itself was not asked for"


@contextmanager
def two_backends(environment: Environment) -> Iterator[tuple[RunningBackend, RunningBackend]]:
    config = Config(recipes=[RECIPE])
    with run_backend(config, environment) as one, run_backend(config, environment) as two:
        yield one, two


def test_all_workers_say_the_same(environment: Environment, photos: Path) -> None:
    with two_backends(environment) as (one, two):
        one.post("/predict", body_of(tasks_of(photos, 3)))
        two.post("/predict", body_of([*tasks_of(photos, 2), {"id": 9, "data": {}}]))

        def agree() -> bool:
            found = [status_of(backend) for backend in (one, two)]
            names = ("projects", "batches", "failures", "spend")
            return all(found[0][name] == found[1][name] for name in names)

        await_condition(agree, "both say the same")
        status = status_of(one)
    (project,) = status["projects"]
    assert (project["predicted"], project["failed"]) == (3, 1)
    assert (project["calls"], project["hits"]) == (3, 2)
    assert len(status["batches"]) == 2
