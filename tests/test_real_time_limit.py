"""A real Label Studio whose time limit is shorter than the work, which is stored all the same."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

import label_studio_gemini.demo
from answer_keys import AnswerKey, read_answer_key
from gates import PATIENCE, await_condition
from loopback import NOBODY
from real_label_studio import LEGACY_TOKEN, LabelStudio, label_studio_command, running_label_studio
from services import COMMAND, Backends, Service, faults, free_port, running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.label_studio

LIMIT = 3  # seconds, of Label Studio
WORK = 9.0
PHOTOS = ("coffee.jpg", "coins.jpg", "flower.jpg", "rocket.jpg", "camera.jpg")
SLOW = {"coins.jpg", "rocket.jpg"}
CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="label" toName="image">{}</RectangleLabels></View>'
)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    """Run a Label Studio that waits no longer than `LIMIT`."""
    data = tmp_path_factory.mktemp("label-studio")
    command = label_studio_command()
    with running_label_studio(command, data, ML_TIMEOUT_PREDICT=str(LIMIT)) as client:
        yield client


@pytest.fixture(scope="module")
def sample() -> AnswerKey:
    folder = Path(label_studio_gemini.demo.__file__).parent / "photos"
    return read_answer_key(folder / "instances.json", folder)


@pytest.fixture(scope="module")
def emulator(sample: AnswerKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("emulator") / "log"
    with running_emulator(sample.file, sample.folder, log) as service:
        yield service


def start_project(
    label_studio: LabelStudio, sample: AnswerKey, backend: Service
) -> tuple[int, dict[str, int]]:
    """Return a project that asks the backend, and the task of each photo."""
    project = label_studio.create_project(CONFIG.format(sample.label_tags()))
    tasks = label_studio.upload(project, sample.photos(*PHOTOS))
    label_studio.connect(project, backend.url)
    return project, tasks


def boxes_in(label_studio: LabelStudio, project: int) -> dict[int, int]:
    """Return how many boxes the prediction of each task has."""
    stored = label_studio.predictions(project)
    assert len({one.task for one in stored}) == len(stored), "none is there twice"
    return {one.task: len(one.boxes) for one in stored}


def test_tasks_that_take_longer_than_the_time_limit_are_all_stored(
    impatient: LabelStudio, emulator: Service, sample: AnswerKey, tmp_path: Path
) -> None:
    with Backends(emulator.url, tmp_path).start(
        LABEL_STUDIO_URL=impatient.url, LABEL_STUDIO_API_KEY=LEGACY_TOKEN
    ) as backend:
        project, tasks = start_project(impatient, sample, backend)
        with faults(emulator, {"delay": WORK, "times": None}):
            impatient.retrieve_predictions(project)
    expected = {task: len(sample.boxes[name]) for name, task in tasks.items()}
    assert boxes_in(impatient, project) == expected


def test_a_label_studio_that_dies_in_the_middle_finds_everything_later(
    emulator: Service, sample: AnswerKey, tmp_path: Path
) -> None:
    """It hangs up without a word; what was asked is answered, kept, and asked no second time."""
    command, data, port = label_studio_command(), tmp_path / "label-studio", free_port()
    with Backends(emulator.url, tmp_path).start(
        LABEL_STUDIO_URL=f"http://127.0.0.1:{port}", LABEL_STUDIO_API_KEY=LEGACY_TOKEN
    ) as backend:
        before = asked_of(emulator)
        with running_label_studio(command, data, port=port) as first:
            project, tasks = start_project(first, sample, backend)
            with faults(emulator, {"delay": WORK, "times": None}):
                batch = threading.Thread(target=retrieve_in_vain, args=(first, project))
                batch.start()
                await_condition(
                    lambda: asked_of(emulator) == before + len(tasks), "all photos are asked about"
                )
                os.killpg(first.service.process.pid, signal.SIGKILL)
                batch.join(PATIENCE)
            assert not batch.is_alive()
        with running_label_studio(command, data, port=port) as again:
            assert boxes_in(again, project) == {}
            again.retrieve_predictions(project)
            expected = {task: len(sample.boxes[name]) for name, task in tasks.items()}
            assert boxes_in(again, project) == expected
        assert asked_of(emulator) == before + len(tasks)
        assert "Traceback" not in backend.output()


def asked_of(emulator: Service) -> int:
    """Return how many requests it has had."""
    page = httpx2.get(f"{emulator.url}/emulator/requests", verify=NOBODY).raise_for_status()
    return len(page.json()["requests"])


def retrieve_in_vain(label_studio: LabelStudio, project: int) -> None:
    with pytest.raises(httpx2.TransportError):
        label_studio.retrieve_predictions(project)


def test_what_the_deadline_leaves_is_stored_by_the_next_click(
    impatient: LabelStudio, emulator: Service, sample: AnswerKey, tmp_path: Path
) -> None:
    """Two photos take longer than the backend lets Label Studio wait; the others are stored."""
    config = tmp_path / "config.yaml"
    config.write_text("predict_deadline: 5.0\n")
    port = free_port()
    with Backends(emulator.url, tmp_path).run(
        [COMMAND, "serve", "--port", str(port), "--config", config],
        port,
        LABEL_STUDIO_URL=impatient.url,
        LABEL_STUDIO_API_KEY=LEGACY_TOKEN,
    ) as backend:
        project, tasks = start_project(impatient, sample, backend)
        expected = {task: len(sample.boxes[name]) for name, task in tasks.items()}
        slow = {tasks[name] for name in SLOW}
        with faults(emulator, {"delay": 8.0, "images": sorted(SLOW), "times": None}):
            impatient.retrieve_predictions(project)
            stored = boxes_in(impatient, project)
            assert stored == {task: n for task, n in expected.items() if task not in slow}
            impatient.retrieve_predictions(project)
        assert boxes_in(impatient, project) == expected
        await_condition(lambda: "failed=2" in backend.output(), "the log tells of both")
