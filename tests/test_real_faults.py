"""Faults, and backends that end in the middle of a batch: what a real Label Studio stores."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from fault_kit import XML
from fault_office import PLACES, Office, kill, stop
from gates import gate
from images_server import png
from label_studio_gemini.emulator import GARBAGE_TEXT, Breakage, Fault, Problem, Stop
from real_label_studio import LEGACY_TOKEN
from services import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RecordedRequest, RunningEmulator
    from real_label_studio import LabelStudio

pytestmark = pytest.mark.label_studio

BATCH = range(1, 201)


class _Data(BaseModel):
    image: str


class _Task(BaseModel):
    id: int
    data: _Data


class _Page(BaseModel):
    tasks: list[_Task]


@pytest.fixture
def office(gemini: RunningEmulator, label_studio: LabelStudio, tmp_path: Path) -> Office:
    return Office(gemini, label_studio.url, LEGACY_TOKEN, tmp_path, port=free_port())


def images_of(label_studio: LabelStudio, project: int) -> dict[int, str]:
    """Return the address of each task's image."""
    page = label_studio._get("/api/tasks", project=project, fields="all", page_size=500)
    return {one.id: one.data.image for one in _Page.model_validate_json(page).tasks}


def import_images(label_studio: LabelStudio, project: int, addresses: Iterable[str]) -> None:
    tasks = [{"data": {"image": address}} for address in addresses]
    label_studio.import_tasks(project, json.dumps(tasks).encode())


WHOLE = ("one", "two", "three", "four")
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"problem": Problem.BAD_REQUEST},
    "unknown": {"problem": Problem.NOT_FOUND},
    "overloaded": {"problem": Problem.OVERLOADED},
    "garbage": {"text": GARBAGE_TEXT},
    "blocked": {"stop": Stop.SAFETY},
    "reset": {"breakage": Breakage.RESET, "times": 1},
}
HEALED = {"refused", "unknown", "overloaded", "garbage"}
"""What is there when it is retrieved again, as "reset" was by a second attempt."""
NOT_THERE = ("/data/upload/1/gone.jpg", "http://10.0.0.1/private.jpg")


def bad_photos(photo: bytes) -> dict[str, bytes]:
    return {
        "truncated": photo[: len(photo) // 2],
        "nothing": b"this is no photo",
        "bomb": png(2000, 2000),
    }


def script(gemini: RunningEmulator) -> None:
    def about(name: str) -> Callable[[RecordedRequest], bool]:
        return lambda request: f"-{name}.jpg" in request.prompt

    faults = [
        Fault.model_validate({"times": None, "where": about(name)} | effects)
        for name, effects in FAULTS.items()
    ]
    gemini.script(*faults)


def predicted(label_studio: LabelStudio, project: int) -> dict[int, int]:
    """Return how many regions each task with a prediction has; none has two predictions."""
    stored = label_studio.predictions(project)
    assert len({one.task for one in stored}) == len(stored), "a task has two predictions"
    return {one.task: len(one.result) for one in stored}


def test_a_batch_with_many_faults(office: Office, label_studio: LabelStudio, photos: Path) -> None:
    """Of fifteen tasks, those are stored that can be had; others when they can be; none twice."""
    project = label_studio.create_project(XML)
    photo = (photos / "coffee.jpg").read_bytes()
    uploads = dict.fromkeys((*WHOLE, *FAULTS), photo) | bad_photos(photo)
    tasks = label_studio.upload(project, {f"{name}.jpg": data for name, data in uploads.items()})
    import_images(label_studio, project, NOT_THERE)

    def with_three(*names: str) -> dict[int, int]:
        return {tasks[f"{name}.jpg"]: 3 for name in names}

    with office.backend("attempts: 2\nimages: {max_megapixels: 1.0}") as backend:
        label_studio.connect(project, backend.url)
        script(office.gemini)
        label_studio.retrieve_predictions(project)
        assert predicted(label_studio, project) == with_three(*WHOLE, "reset")
        assert len(office.gemini.requests) == 4 + 2 + 1 + 2 + 1 + 1 + 2

        office.gemini.clear_faults()
        office.gemini.clear_requests()
        label_studio.retrieve_predictions(project)
        assert predicted(label_studio, project) == with_three(*WHOLE, "reset", *HEALED)
        assert len(office.gemini.requests) == len(HEALED)

        stored = label_studio.predictions(project)
        label_studio.retrieve_predictions(project)
        assert label_studio.predictions(project) == stored
        assert len(office.gemini.requests) == len(HEALED)
    # The text that was garbage is remembered, of no use, and so asked for anew.
    assert office.ledger == {
        "call ok": len(WHOLE) + 2 + len(HEALED),
        "call RequestError": 2,
        "call ModelError": 1,
        "call ServiceError": 2,
        "call SafetyError": 1,
        "call TransportError": 1,
        "hit ok": 1,
        "hit SafetyError": 2,
    }


@pytest.fixture
def project(label_studio: LabelStudio, photos: Path) -> int:
    """Make a project of 200 tasks, each with an address of its own for the same photo."""
    shelf = label_studio.create_project(XML)
    label_studio.upload(shelf, {"coffee.jpg": (photos / "coffee.jpg").read_bytes()})
    (address,) = images_of(label_studio, shelf).values()
    made = label_studio.create_project(XML)
    import_images(label_studio, made, [f"{address}?as=/{number}-coffee.jpg" for number in BATCH])
    return made


@contextmanager
def retrieving(label_studio: LabelStudio, project: int) -> Iterator[None]:
    """Retrieve Predictions while the block runs, and wait for its end; it never fails."""
    failed: list[Exception] = []

    def retrieve() -> None:
        try:
            label_studio.retrieve_predictions(project)
        except Exception as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=retrieve)
    thread.start()
    try:
        yield
    finally:
        thread.join(300)
    assert not thread.is_alive()
    assert failed == []


def check_second_click(label_studio: LabelStudio, project: int, office: Office) -> None:
    """Retrieve again from a backend that was started anew: every task has one prediction."""
    office.gemini.clear_faults()
    with office.backend():
        label_studio.retrieve_predictions(project)
        stored = predicted(label_studio, project)
        assert stored == dict.fromkeys(images_of(label_studio, project), 3)
        assert len(stored) == len(BATCH)
        label_studio.retrieve_predictions(project)
        assert predicted(label_studio, project) == stored


def test_a_backend_that_is_killed(office: Office, label_studio: LabelStudio, project: int) -> None:
    """Label Studio has nothing of the batch; sixty replies had come, eight were on their way."""
    hold = office.hold_after(60)
    with office.backend() as backend:
        label_studio.connect(project, backend.url)
        with retrieving(label_studio, project):
            office.await_held(hold, 60)
            kill(backend)
    assert predicted(label_studio, project) == {}

    check_second_click(label_studio, project, office)
    assert office.asked == Counter(BATCH) + Counter(hold.tasks)
    assert office.answered == len(BATCH)
    assert office.ledger == {"call ok": len(BATCH), "hit ok": 60}


def test_a_backend_that_is_stopped(office: Office, label_studio: LabelStudio, project: int) -> None:
    """Label Studio has what was done or on its way, and asks for the others alone."""
    with office.backend("stop_grace: 50") as backend, gate(office.gemini, 60) as held:
        label_studio.connect(project, backend.url)
        with retrieving(label_studio, project):
            stop(backend, held)
        backend.process.wait(30)
    stored = predicted(label_studio, project)
    assert 60 < len(stored) == office.answered == office.asked.total() <= 60 + PLACES

    check_second_click(label_studio, project, office)
    assert office.asked == Counter(BATCH)
    assert office.ledger == {"call ok": len(BATCH)}
