"""/predict outlives every time limit, and loses no work to one."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from backends import RunningBackend, run_backend
from gates import Call, await_condition, gate
from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault
from label_studio_gemini.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

XML = sample_label_config()
# Each task is a request of its own, though all have the same photo.
RECIPE = RecipeConfig(name="r", prompt="Photo {{ task.data.title }}: find everything.")


@pytest.fixture
def environment(gemini: RunningEmulator, tmp_path: Path) -> Environment:
    return Environment(state_folder=tmp_path / "state", api_key="a-key", base_url=gemini.url)


@pytest.fixture
def backend(environment: Environment) -> Iterator[RunningBackend]:
    with run_backend(config_of(concurrency=4), environment) as running:
        yield running


def config_of(**settings: Any) -> Config:
    return Config(recipes=[RECIPE], stop_grace=1, **settings)


def predict_body(photos: Path, *numbers: int, **more: object) -> dict[str, Any]:
    image = base64.b64encode((photos / "coffee.jpg").read_bytes()).decode()
    tasks = [
        {"id": number, "data": {"image": f"data:image/jpeg;base64,{image}", "title": number}}
        for number in numbers
    ]
    return {"tasks": tasks, "project": "1.1", "label_config": XML, "params": {}, **more}


def boxes_of(answer: Any) -> list[int | None]:
    """Return how many boxes each task has; None for one without a prediction."""
    return [len(one["result"]) if one else None for one in answer["results"]]


def test_a_quick_answer_is_a_plain_one(backend: RunningBackend, photos: Path) -> None:
    call = Call(backend.url, "/predict", predict_body(photos))
    assert call.response.getheader("Transfer-Encoding") is None
    assert int(call.response.getheader("Content-Length", "0")) > 0
    assert call.response.read(1) == b"{"
    call.hang_up()


def test_a_space_a_second_goes_ahead_of_a_slow_answer(
    backend: RunningBackend, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(Fault(delay=2.5, times=None))
    response = backend.post("/predict", predict_body(photos, 1, 2))
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.headers["content-type"] == "application/json"
    spaces = len(response.text) - len(response.text.lstrip(" "))
    assert 2 <= spaces <= 6
    assert boxes_of(response.json()) == [3, 3]


def test_what_is_unfinished_at_the_deadline_is_told_goes_on_and_is_joined(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    """One task is quick, the other is held up; asked for once more, Gemini is not asked again."""
    config = config_of(predict_deadline=4.0, concurrency=1)
    with run_backend(config, environment) as backend, gate(gemini, passes=1) as held:
        call = Call(backend.url, "/predict", predict_body(photos, 1, 2))
        held.await_request()
        first = call.read()
        boxes = boxes_of(first)
        assert boxes in ([3, None], [None, 3])
        held_up = 1 + boxes.index(None)
        (error,) = first["errors"]
        assert error["task"] == held_up
        assert "still being worked on" in error["error"]
        assert "retrieve it again" in error["hint"]

        again = Call(backend.url, "/predict", predict_body(photos, held_up))
        again.await_space()
        held.open()
        assert boxes_of(again.read()) == [3]
    assert len(gemini.requests) == 2


def test_what_was_finished_while_nobody_waited_is_there_at_the_next_click(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    config = config_of(predict_deadline=0.2)
    with run_backend(config, environment) as backend, gate(gemini) as held:
        assert boxes_of(backend.post("/predict", predict_body(photos, 1, 2)).json()) == [None, None]
        held.open()
        await_condition(lambda: all_finished(gemini, 2), "both are answered")
        body = predict_body(photos, 1, 2)
        await_condition(
            lambda: boxes_of(backend.post("/predict", body).json()) == [3, 3], "both are predicted"
        )
    assert len(gemini.requests) == 2


def all_finished(gemini: RunningEmulator, count: int) -> bool:
    return sum(request.finished is not None for request in gemini.requests) == count


@pytest.mark.parametrize("streams", [False, True])
def test_a_client_that_hangs_up_loses_nothing(
    backend: RunningBackend,
    gemini: RunningEmulator,
    photos: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    streams: bool,
) -> None:
    caplog.set_level(logging.INFO)
    with gate(gemini) as held:
        call = Call(backend.url, "/predict", predict_body(photos, 1))
        held.await_request()
        if streams:
            call.await_space()
        call.hang_up()
        await_condition(
            lambda: any(line_of(one).get("hung_up") for one in caplog.records), "it is noticed"
        )
        again = Call(backend.url, "/predict", predict_body(photos, 1))
        again.await_space()
        held.open()
        assert boxes_of(again.read()) == [3]
    assert len(gemini.requests) == 1


def line_of(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields


@pytest.mark.parametrize("opened", [("begun", "queued"), ("queued", "begun"), ("new", "begun")])
def test_a_task_that_is_opened_does_not_wait_for_the_batch_that_it_is_in(
    environment: Environment, gemini: RunningEmulator, photos: Path, opened: tuple[str, str]
) -> None:
    """The first goes beyond the only place; the second, when that is taken, is the next."""

    def asked() -> list[int]:
        return [int(one.prompt.removeprefix("Photo ").split(":")[0]) for one in gemini.requests]

    with (
        run_backend(config_of(concurrency=1), environment) as backend,
        gate(gemini) as held,
    ):
        batch = Call(backend.url, "/predict", predict_body(photos, 1, 2, 3, 4, 5, 6))
        held.await_request()
        (first,) = asked()
        numbers = {"begun": {1: 2, 2: 1}[first], "queued": 5, "new": 9}
        expected = [first, *(numbers[which] for which in opened)]
        calls = [Call(backend.url, "/predict", predict_body(photos, expected[1]))]
        await_condition(lambda: len(gemini.requests) == 2, "it is asked about at once")
        calls.append(Call(backend.url, "/predict", predict_body(photos, expected[2])))
        for call in calls:
            call.await_space()
        held.open()
        assert [boxes_of(call.read()) for call in calls] == [[3], [3]]
        assert boxes_of(batch.read()) == [3] * 6
    assert asked()[:3] == expected
    assert sorted(asked()) == sorted({1, 2, 3, 4, 5, 6, *expected})


@pytest.mark.parametrize("address", ["nowhere", "http://127.0.0.1:99999"])
def test_a_server_that_cannot_predict_says_so_and_answers_each_task(
    environment: Environment, photos: Path, address: str
) -> None:
    """The address of the API is none: /health is up, and everything else has the reason."""
    with run_backend(Config(base_url=address), environment) as backend:
        assert backend.client.get("/health").status_code == 200
        answer = backend.post("/predict", predict_body(photos, 1, 2)).json()
        assert answer["results"] == [[], []]
        assert "address of the Gemini API" in json.dumps(answer["errors"])
        setup = backend.post("/setup", {"project": "1.1", "schema": XML})
        assert setup.status_code == 400
        assert "GOOGLE_GEMINI_BASE_URL" in setup.json()["hint"]
