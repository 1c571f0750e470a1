"""Servers as processes: ready soon, and stopped in an orderly way, whichever runs the app."""

from __future__ import annotations

import base64
import signal
import time
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from commands import run_here
from gates import Call, await_condition, gate
from label_studio_gemini.demo.photos import sample_label_config
from loopback import NOBODY
from services import COMMAND, SCRIPTS, Backends, clean_environment, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from services import Service

XML = sample_label_config()
# Each task is a request of its own, though all have the same photo.
RECIPE = "recipes: [{name: r, prompt: 'Photo {{ task.data.title }}: find everything.'}]\n"
TASKS = 40
PLACES = 8

GUNICORN: list[str | Path] = [
    SCRIPTS / "gunicorn",
    *("--worker-class", "label_studio_gemini.server.gunicorn.Worker", "--workers", "2"),
    "label_studio_gemini.server:create_app()",
]
COMMANDS: dict[str, list[str | Path]] = {
    "serve": [COMMAND, "serve"],
    "workers": [COMMAND, "serve", "--workers", "2"],
    "gunicorn": GUNICORN,
}


@pytest.fixture
def backends(gemini: RunningEmulator, tmp_path: Path) -> Backends:
    return Backends(gemini=gemini.url, folder=tmp_path)


@pytest.fixture(
    params=[
        "serve",
        pytest.param("workers", marks=pytest.mark.slow),
        pytest.param("gunicorn", marks=pytest.mark.slow),
    ]
)
def command(request: pytest.FixtureRequest) -> list[str | Path]:
    return command_of(request.param)


def command_of(name: str) -> list[str | Path]:
    if name == "gunicorn" and find_spec("uvicorn_worker") is None:
        pytest.skip("needs gunicorn and uvicorn-worker")
    return [*COMMANDS[name]]


def at_port(command: list[str | Path], port: int) -> list[str | Path]:
    if command == GUNICORN:
        return [*command, "--bind", f"127.0.0.1:{port}"]
    return [*command, "--port", str(port)]


@contextmanager
def serving(backends: Backends, command: list[str | Path], settings: str) -> Iterator[Service]:
    """Serve with these lines of YAML, and the recipe."""
    config = backends.folder / "config.yaml"
    config.write_text(settings + RECIPE)
    port = free_port()
    whole = at_port(command, port)
    with backends.run(whole, port, LABEL_STUDIO_GEMINI_CONFIG=str(config)) as backend:
        yield backend


def body_of(photos: Path, count: int) -> dict[str, Any]:
    image = base64.b64encode((photos / "coffee.jpg").read_bytes()).decode()
    uri = f"data:image/jpeg;base64,{image}"
    tasks = [{"id": number, "data": {"image": uri, "title": number}} for number in range(count)]
    return {"tasks": tasks, "project": "1.1", "label_config": XML, "params": {}}


def stop(backend: Service) -> None:
    """Tell it to stop, as Docker and systemd do: its first process alone."""
    backend.process.send_signal(signal.SIGTERM)


def await_log(backend: Service, text: str) -> None:
    await_condition(lambda: text in backend.output(), f"the log says {text!r}")


def test_a_stop_in_the_middle_of_a_batch_loses_nothing_that_was_asked(
    command: list[str | Path],
    backends: Backends,
    gemini: RunningEmulator,
    photos: Path,
) -> None:
    """What is under way is answered, what is not begun is `[]`; then the server is gone."""
    with (
        serving(backends, command, f"concurrency: {PLACES}\nstop_grace: 50\n") as backend,
        gate(gemini, passes=2 * PLACES) as held,
    ):
        call = Call(backend.url, "/predict", body_of(photos, TASKS))
        held.await_request()
        stop(backend)
        await_log(backend, "stopping: ")
        held.open()
        answer = call.read()
        backend.process.wait(30)

    results = answer["results"]
    assert len(results) == TASKS
    found = [len(one["result"]) for one in results if one]
    assert set(found) == {3}
    assert len(found) == len(gemini.requests), "each that was paid for is answered"
    assert 2 * PLACES < len(found) < TASKS
    stopped = [error for error in answer["errors"] if "told to stop" in error["error"]]
    assert len(stopped) == len(answer["errors"]) == TASKS - len(found)
    assert all("retrieve it again" in error["hint"] for error in stopped)


@pytest.mark.slow  # test_server_jobs.py shows it of jobs, without a server
def test_a_stop_takes_no_longer_than_its_grace(
    command: list[str | Path],
    backends: Backends,
    gemini: RunningEmulator,
    photos: Path,
) -> None:
    """Gemini does not answer: those who wait are answered all the same, and work that nobody waits
    for any more does not hold up the end either.
    """
    with serving(backends, command, "stop_grace: 1.0\n") as backend, gate(gemini) as held:
        left = Call(backend.url, "/predict", body_of(photos, 1))
        held.await_request()
        left.await_space()
        left.hang_up()
        call = Call(backend.url, "/predict", {**body_of(photos, 3), "project": "2.2"})
        call.await_space()
        stop(backend)
        answer = call.read()
        backend.process.wait(30)
    assert answer["results"] == [[], [], []]
    assert len(answer["errors"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["workers", "gunicorn"])
def test_every_worker_answers(name: str, backends: Backends, photos: Path) -> None:
    port = free_port()
    with backends.run(at_port(command_of(name), port), port, LOG_FORMAT="json") as backend:
        body = body_of(photos, 2)
        for _ in range(6):
            answer = httpx2.post(
                f"{backend.url}/predict", json=body, verify=NOBODY, timeout=60
            ).json()
            assert [len(one["result"]) for one in answer["results"]] == [3, 3]


@pytest.mark.slow  # test_imports.py shows what makes it so
def test_the_server_is_ready_soon(tmp_path: Path, measured: Callable[[str], None]) -> None:
    """1.5 s is what it may take on a machine that does nothing else."""
    port = free_port()
    begun = time.perf_counter()
    with running(
        [COMMAND, "serve", "--port", str(port)],
        url=f"http://127.0.0.1:{port}",
        health="/health",
        log=tmp_path / "log",
        environment=clean_environment(GEMINI_API_KEY="k", MODEL_DIR=str(tmp_path)),
    ) as backend:
        ready = time.perf_counter() - begun
        httpx2.get(f"{backend.url}/versions", verify=NOBODY, timeout=60).raise_for_status()
        loaded = time.perf_counter() - begun
        said = backend.output()
    measured(f"/health answers after {ready:.2f} s, everything after {loaded:.2f} s")
    assert ready < loaded
    assert "is for this machine alone" in said, "who may ask"


@pytest.mark.parametrize(
    ("options", "settings", "level", "said"),
    [
        ((), {}, "INFO", "is for this machine alone"),
        (("--host", "localhost"), {}, "INFO", "is for this machine alone"),
        (("--host", "0.0.0.0"), {}, "WARNING", "whoever reaches 0.0.0.0 can spend"),
        (
            ("--host", "0.0.0.0"),
            {"BASIC_AUTH_USER": "a", "BASIC_AUTH_PASS": "b"},
            "INFO",
            "needs the login",
        ),
    ],
)
def test_who_may_ask_is_said_at_the_start(
    options: tuple[str, ...],
    settings: dict[str, str],
    level: str,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = str(free_port())
    ended = run_here("serve", "--port", port, *options, GEMINI_API_KEY="k", **settings)
    assert ended.served is not None
    assert ended.served["host"] == ([*options, "127.0.0.1"][1] if options else "127.0.0.1")
    ((at, message),) = ((one.levelname, one.getMessage()) for one in caplog.records)
    assert at == level
    assert said in message
