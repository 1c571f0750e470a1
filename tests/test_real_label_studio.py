"""A real Label Studio with the backend and the emulator beside it, each started by its command."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import httpx2
import pytest

import label_studio_gemini.demo
from answer_keys import AnswerKey, read_answer_key, score
from label_studio_gemini.cli import main
from real_label_studio import LEGACY_TOKEN, LabelStudio, StoredPrediction
from real_tags_key import turned
from services import SCRIPTS, Backends, Service, faults, free_port, running_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = pytest.mark.label_studio

ROOT = Path(__file__).resolve().parents[1]
RECTANGLES = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="label" toName="image">{}</RectangleLabels></View>'
)
LABELS_AND_RECTANGLE = (
    '<View><Image name="image" value="$image"/>'
    '<Labels name="label" toName="image">{}</Labels><Rectangle name="box" toName="image"/></View>'
)


@pytest.fixture(scope="session")
def personal_token(label_studio: LabelStudio) -> str:
    return label_studio.create_personal_token()


@pytest.fixture(scope="session")
def sample() -> AnswerKey:
    folder = Path(label_studio_gemini.demo.__file__).parent / "photos"
    return read_answer_key(folder / "instances.json", folder)


@pytest.fixture(scope="session")
def coco(shared: Path) -> AnswerKey:
    folder = shared / "photos" / "coco"
    return read_answer_key(folder / "instances.json", folder / "images")


@pytest.fixture(scope="session")
def emulator(sample: AnswerKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("emulator") / "log"
    with running_emulator(sample.file, sample.folder, log) as service:
        yield service


@pytest.fixture
def backends(emulator: Service, tmp_path: Path) -> Backends:
    return Backends(emulator.url, tmp_path)


@pytest.fixture(scope="session")
def backend(
    emulator: Service, label_studio: LabelStudio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Run a backend that knows Label Studio from its environment, with a legacy token."""
    with Backends(emulator.url, tmp_path_factory.mktemp("backend")).start(
        LABEL_STUDIO_URL=label_studio.url, LABEL_STUDIO_API_KEY=LEGACY_TOKEN
    ) as service:
        yield service


def start_project(
    label_studio: LabelStudio, key: AnswerKey, *names: str, config: str = RECTANGLES
) -> tuple[int, dict[str, int]]:
    """Make a project that asks for all labels of the key, with these of its photos, or with all.

    Returns:
        The project, and the task of each photo.
    """
    project = label_studio.create_project(config.format(key.label_tags()))
    return project, label_studio.upload(project, key.photos(*names))


def scores(
    predictions: Sequence[StoredPrediction], key: AnswerKey, tasks: dict[str, int]
) -> list[float]:
    """Return the overlap of every box of the key; each task has one prediction, and no box more."""
    stored = {prediction.task: prediction.boxes for prediction in predictions}
    assert len(stored) == len(predictions)
    assert {name: len(stored[task]) for name, task in tasks.items()} == {
        name: len(key.boxes[name]) for name in tasks
    }
    return [
        overlap for name, task in tasks.items() for overlap in score(stored[task], key.boxes[name])
    ]


def said_of(overlaps: list[float]) -> str:
    return f"{len(overlaps)} boxes, mean IoU {fmean(overlaps):.4f}, least {min(overlaps):.4f}"


def test_retrieve_predictions_stores_the_answer_key_once(
    label_studio: LabelStudio, backend: Service, sample: AnswerKey, measured: Callable[[str], None]
) -> None:
    """Connect, upload, Retrieve Predictions; Retrieve again: nothing is stored twice."""
    project, tasks = start_project(label_studio, sample)
    connected = label_studio.backend(label_studio.connect(project, backend.url))
    assert (connected.state, connected.error_message) == ("CO", None)

    label_studio.retrieve_predictions(project)
    stored = label_studio.predictions(project)
    overlaps = scores(stored, sample, tasks)
    measured(f"stored in Label Studio: {said_of(overlaps)}")
    assert fmean(overlaps) >= 0.98
    assert min(overlaps) >= 0.95
    assert {prediction.model_version for prediction in stored} == {connected.model_version}
    assert {prediction.score for prediction in stored} == {None}

    label_studio.retrieve_predictions(project)
    assert label_studio.predictions(project) == stored


def test_a_batch_of_dense_photos_is_stored_whole(
    label_studio: LabelStudio, coco: AnswerKey, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """31 photos with 260 objects come in one request; the grid of 0 to 1000 costs 0.017."""
    project, tasks = start_project(label_studio, coco)
    with (
        running_emulator(coco.file, coco.folder, tmp_path / "emulator.log") as gemini,
        Backends(gemini.url, tmp_path).start(
            LABEL_STUDIO_URL=label_studio.url, LABEL_STUDIO_API_KEY=LEGACY_TOKEN
        ) as backend,
    ):
        label_studio.connect(project, backend.url)
        label_studio.retrieve_predictions(project)
        overlaps = scores(label_studio.predictions(project), coco, tasks)
    measured(f"stored in Label Studio: {said_of(overlaps)}")
    assert len(overlaps) == 260
    assert fmean(overlaps) >= 0.98
    assert min(overlaps) >= 0.88


def test_opening_a_task_predicts_it_and_no_other(
    label_studio: LabelStudio, backend: Service, sample: AnswerKey
) -> None:
    project, tasks = start_project(label_studio, sample, "coffee.jpg", "coins.jpg")
    label_studio.connect(project, backend.url)

    label_studio.open_task(project, tasks["coffee.jpg"])
    stored = label_studio.predictions(project)
    assert min(scores(stored, sample, {"coffee.jpg": tasks["coffee.jpg"]})) >= 0.95
    label_studio.open_task(project, tasks["coffee.jpg"])
    assert label_studio.predictions(project) == stored


def test_a_task_that_gemini_fails_is_predicted_on_the_next_try(
    label_studio: LabelStudio, backends: Backends, emulator: Service, sample: AnswerKey
) -> None:
    """The others are stored at once; the failed one is left without any prediction until then."""
    project, tasks = start_project(label_studio, sample, "coffee.jpg", "coins.jpg", "flower.jpg")
    others = {name: task for name, task in tasks.items() if name != "coins.jpg"}
    with backends.start(
        LABEL_STUDIO_URL=label_studio.url, LABEL_STUDIO_API_KEY=LEGACY_TOKEN
    ) as backend:
        label_studio.connect(project, backend.url)
        with faults(emulator, {"text": "I cannot.", "images": ["coins.jpg"], "times": None}):
            label_studio.retrieve_predictions(project)
            stored = label_studio.predictions(project)
        assert {prediction.task for prediction in stored} == set(others.values())
        assert min(scores(stored, sample, others)) >= 0.95

        label_studio.retrieve_predictions(project)
        assert min(scores(label_studio.predictions(project), sample, tasks)) >= 0.95


def test_a_broken_photo_leaves_the_others_intact(
    label_studio: LabelStudio, backend: Service, sample: AnswerKey
) -> None:
    photos = sample.photos("coffee.jpg", "coins.jpg")
    broken = {"cut.jpg": photos["coffee.jpg"][:3000], "text.jpg": b"this is no photo"}
    project = label_studio.create_project(RECTANGLES.format(sample.label_tags()))
    tasks = label_studio.upload(project, broken | photos)
    label_studio.connect(project, backend.url)

    label_studio.retrieve_predictions(project)
    stored = label_studio.predictions(project)
    good = {name: tasks[name] for name in photos}
    assert {prediction.task for prediction in stored} == set(good.values())
    assert min(scores(stored, sample, good)) >= 0.95


def test_a_personal_access_token_opens_the_images(
    label_studio: LabelStudio,
    backends: Backends,
    personal_token: str,
    sample: AnswerKey,
) -> None:
    project, tasks = start_project(label_studio, sample, "coffee.jpg", "coins.jpg")
    with backends.start(
        LABEL_STUDIO_URL=label_studio.url, LABEL_STUDIO_API_KEY=personal_token
    ) as backend:
        label_studio.connect(project, backend.url)
        label_studio.retrieve_predictions(project)
        assert personal_token not in backend.output()
    assert min(scores(label_studio.predictions(project), sample, tasks)) >= 0.95


def test_the_login_of_setup_opens_the_images_after_a_restart_too(
    label_studio: LabelStudio, backends: Backends, sample: AnswerKey
) -> None:
    """Nothing in the environment: Label Studio says in /setup where it is. A test request has no
    /setup before it, so a restarted backend has only what it kept on disk.
    """
    project, tasks = start_project(label_studio, sample, "coffee.jpg")
    port = free_port()
    with backends.start(port=port) as backend:
        connected = label_studio.connect(project, backend.url)
        label_studio.retrieve_predictions(project)
        assert LEGACY_TOKEN not in backend.output()
    assert min(scores(label_studio.predictions(project), sample, tasks)) >= 0.95

    with backends.start(port=port):
        (answer,) = label_studio.send_test_request(connected)
    assert isinstance(answer, dict), "the task failed"
    again = StoredPrediction.model_validate({"id": 0, "task": 0, "score": None} | answer)
    assert min(score(again.boxes, sample.boxes["coffee.jpg"])) >= 0.95


def test_labels_and_rectangle_are_two_items_under_one_id(
    label_studio: LabelStudio, backend: Service, sample: AnswerKey
) -> None:
    project, tasks = start_project(label_studio, sample, "coffee.jpg", config=LABELS_AND_RECTANGLE)
    label_studio.connect(project, backend.url)
    label_studio.retrieve_predictions(project)

    (prediction,) = label_studio.predictions(project)
    assert min(scores([prediction], sample, tasks)) >= 0.95
    kinds = {(region.id, region.type, region.from_name) for region in prediction.result}
    assert len(kinds) == len(prediction.result)
    assert {kind[1:] for kind in kinds} == {("rectangle", "box"), ("labels", "label")}
    assert len({kind[0] for kind in kinds}) * 2 == len(kinds)


def test_boxes_on_a_turned_photo_are_those_that_a_person_sees(
    label_studio: LabelStudio, backend: Service, sample: AnswerKey
) -> None:
    """A phone stores a photo as the sensor saw it, and says how to turn it (EXIF orientation 6)."""
    project = label_studio.create_project(RECTANGLES.format(sample.label_tags()))
    lying = {name: turned(photo) for name, photo in sample.photos("coffee.jpg").items()}
    tasks = label_studio.upload(project, lying)
    label_studio.connect(project, backend.url)
    label_studio.open_task(project, tasks["coffee.jpg"])

    (prediction,) = label_studio.predictions(project)
    assert min(scores([prediction], sample, tasks)) >= 0.95
    assert {(region.original_width, region.original_height) for region in prediction.result} == {
        (600, 400)
    }


def test_label_studio_ml_start_runs_this_same_server(
    label_studio: LabelStudio, backends: Backends, sample: AnswerKey
) -> None:
    project, tasks = start_project(label_studio, sample, "coffee.jpg")
    with backends.start(
        SCRIPTS / "label-studio-ml",
        "start",
        ROOT / "backend",
        LABEL_STUDIO_URL=label_studio.url,
        LABEL_STUDIO_API_KEY=LEGACY_TOKEN,
    ) as backend:
        label_studio.connect(project, backend.url)
        label_studio.open_task(project, tasks["coffee.jpg"])
        # The stock server answers this with 405.
        versions = httpx2.get(f"{backend.url}/versions").raise_for_status().json()["versions"]
    (prediction,) = label_studio.predictions(project)
    assert min(scores([prediction], sample, tasks)) >= 0.95
    assert prediction.model_version in versions


def test_what_the_labelling_config_tells_gemini_is_allowed_in_it(
    label_studio: LabelStudio, backend: Service, sample: AnswerKey
) -> None:
    """Label Studio takes a config with our attribute, and stores the alias of a label."""
    project = label_studio.create_project(
        '<View><Image name="image" value="$image"/>'
        '<RectangleLabels name="label" toName="image" gemini_prompt="Find the crockery.">'
        '<Label value="Becher" alias="mug" hint="with a handle" predicted_values="cup"/>'
        "</RectangleLabels></View>"
    )
    tasks = label_studio.upload(project, sample.photos("coffee.jpg"))
    label_studio.connect(project, backend.url)
    label_studio.open_task(project, tasks["coffee.jpg"])

    (prediction,) = label_studio.predictions(project)
    assert [box.label for box in prediction.boxes] == ["mug"]


def test_the_file_of_the_demo_can_be_imported(label_studio: LabelStudio, tmp_path: Path) -> None:
    """Photos and predictions come in one file, into a project with the config beside it."""
    with pytest.raises(SystemExit):
        main(["demo", "--out", str(tmp_path)])
    project = label_studio.create_project((tmp_path / "label_config.xml").read_text())
    label_studio.import_tasks(project, (tmp_path / "predictions.json").read_bytes())
    assert sum(len(stored.boxes) for stored in label_studio.predictions(project)) == 39
