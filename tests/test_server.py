"""What Label Studio sends is answered as it needs: one answer per task, whatever happens."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from label_studio_sdk.label_interface import LabelInterface

from backends import RunningBackend, run_backend
from label_studio_gemini.config import CacheConfig, Config, RecipeConfig
from label_studio_gemini.demo.photos import sample_label_config, sample_truth
from label_studio_gemini.demo.scores import LabelledBox, score_boxes
from label_studio_gemini.emulator import Fault, Stop
from label_studio_gemini.environment import Environment
from label_studio_gemini.geometry import PercentBox, pixel_from_percent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

PROJECT = "1.1795312593"
XML = sample_label_config()


@pytest.fixture
def environment(gemini: RunningEmulator, tmp_path: Path) -> Environment:
    return Environment(state_folder=tmp_path / "state", api_key="a-key", base_url=gemini.url)


@pytest.fixture(scope="module")
def _running_backend(
    running_emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBackend]:
    folder = tmp_path_factory.mktemp("state")
    environment = Environment(state_folder=folder, api_key="a-key", base_url=running_emulator.url)
    with run_backend(Config(cache=CacheConfig(enabled=False)), environment) as running:
        yield running


@pytest.fixture
def backend(_running_backend: RunningBackend, gemini: RunningEmulator) -> RunningBackend:
    """Return a backend that all tests here share: it keeps nothing between requests."""
    assert gemini.requests == ()
    return _running_backend


def task(photos: Path, name: str, number: int = 1) -> dict[str, Any]:
    data = base64.b64encode((photos / name).read_bytes()).decode()
    return {"id": number, "data": {"image": f"data:image/jpeg;base64,{data}"}}


def predict(backend: RunningBackend, *tasks: object, xml: str = XML) -> dict[str, Any]:
    response = backend.post(
        "/predict", {"tasks": tasks, "project": PROJECT, "label_config": xml, "params": {}}
    )
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    assert len(answer["results"]) == len(tasks)
    return answer


def test_health(backend: RunningBackend) -> None:
    assert backend.client.get("/health").json()["status"] == "UP"
    assert backend.client.get("/").status_code == 200


def test_setup_and_predict_agree_on_the_version(backend: RunningBackend, photos: Path) -> None:
    """Else each Retrieve Predictions would store one more duplicate."""
    told = backend.post("/setup", {"project": PROJECT, "schema": XML}).json()["model_version"]
    answer = predict(backend, task(photos, "coffee.jpg"))
    assert told == answer["results"][0]["model_version"] == answer["model_version"]
    assert told.startswith("gemini-3-flash-preview-")
    assert backend.client.get("/versions").json()["versions"][0] == told


def test_the_version_tells_what_could_change_a_prediction(environment: Environment) -> None:
    changed = XML.replace('value="spoon"', 'value="spoon" hint="of metal"')
    recipe = RecipeConfig.model_validate({"name": "r", "labels": {"mug": "cup"}})
    configs = [
        (Config(), XML),
        (Config(), changed),
        (Config(recipes=[recipe]), XML),
        (Config(api="generate_content"), XML),
        (Config(model="gemini-2.5-flash"), XML),
    ]
    versions = []
    for config, xml in configs:
        with run_backend(config, environment) as backend:
            answer = backend.post("/setup", {"project": PROJECT, "schema": xml}).json()
            versions.append(answer["model_version"])
    assert len(set(versions)) == len(configs)


def test_predictions_are_the_answer_key(backend: RunningBackend, photos: Path) -> None:
    """All photos in one request; boxes within the grid's rounding, and valid to the SDK."""
    names = list(sample_truth())
    answer = predict(backend, *(task(photos, name, i) for i, name in enumerate(names)))
    assert answer["errors"] == []
    for name, prediction in zip(names, answer["results"], strict=True):
        truth = sample_truth()[name]
        boxes = [_box(item["value"], truth.size) for item in prediction["result"]]
        score = score_boxes(boxes, truth.boxes)
        assert (score.missed, score.extra) == (0, 0)
        assert score.mean_iou is not None
        assert score.mean_iou > 0.97
        assert LabelInterface(XML).validate_prediction(prediction, return_errors=True) == []


def _box(value: dict[str, Any], size: Any) -> LabelledBox:
    place = PercentBox(value["x"], value["y"], value["width"], value["height"])
    return LabelledBox(value["rectanglelabels"][0], pixel_from_percent(place, size))


@pytest.mark.parametrize("api", ["interactions", "generate_content"])
def test_what_goes_out(
    api: Any, environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    """The photo's own bytes, untouched, and the recipe's labels as an enum, over either API."""
    recipe = RecipeConfig(name="r", prompt="Find the crockery.", labels={"mug": "cup"})
    with run_backend(Config(api=api, recipes=[recipe]), environment) as backend:
        predict(backend, task(photos, "coffee.jpg"))
    (request,) = gemini.requests
    assert request.images == ((photos / "coffee.jpg").read_bytes(),)
    assert request.prompt.startswith("Find the crockery.")
    assert '"enum": ["mug"]' in json.dumps(request.body)
    assert request.headers["x-goog-api-key"] == "a-key"


def test_nothing_found_is_a_prediction_and_a_failure_is_none(
    backend: RunningBackend, gemini: RunningEmulator, photos: Path
) -> None:
    """`{"result": []}` is stored; `[]` is asked for again."""
    gemini.script(Fault(text='{"boxes": []}', images=frozenset({"flower.jpg"})))
    gemini.script(Fault(stop=Stop.SAFETY, images=frozenset({"rocket.jpg"})))
    names = ("coffee.jpg", "flower.jpg", "rocket.jpg", "camera.jpg")
    answer = predict(backend, *(task(photos, name, i) for i, name in enumerate(names)))
    coffee, flower, rocket, camera = answer["results"]
    assert len(coffee["result"]) == 3
    assert flower["result"] == []
    assert rocket == []
    assert len(camera["result"]) == 2
    (error,) = answer["errors"]
    assert error["task"] == 2
    assert error["hint"]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "task",
        [],
        {},
        {"data": None},
        {"data": {}},
        {"data": {"image": 7}},
        {"id": "\ud800", "data": {}},
        {"id": 10**400, "data": {}},
        {"id": {"a": [1.5]}, "data": {}},
        {"id": True, "data": {"image": "\ud800"}},
        {"data": {"image": "not an address"}},
        {"data": {"image": "/etc/passwd"}},
        {"data": {"image": "file:///etc/passwd"}},
        {"data": {"image": "http://169.254.169.254/latest/meta-data"}},
        {"data": {"image": "data:image/png;base64,AAAA"}},
        {"data": {"image": "/data/upload/1/a.jpg"}},
    ],
)
def test_a_bad_task_is_alone_in_it(bad: object, backend: RunningBackend, photos: Path) -> None:
    good = task(photos, "coffee.jpg")
    answer = predict(backend, good, bad, good)
    assert [len(one) > 0 for one in answer["results"]] == [True, False, True]
    assert answer["results"][1] == []
    assert answer["errors"][0]["hint"]


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity"])
def test_an_id_that_is_no_json_does_not_cost_its_neighbours(
    number: str, backend: RunningBackend, photos: Path
) -> None:
    tasks = f'{{"id": {number}, "data": {{}}}}, {json.dumps(task(photos, "coffee.jpg"))}'
    body = f'{{"tasks": [{tasks}], "label_config": {json.dumps(XML)}}}'
    answer = backend.post_text("/predict", body).json()
    assert [len(one) > 0 for one in answer["results"]] == [False, True]


@pytest.mark.parametrize("project", [None, 5, "", "x" * 10_000, "../../etc"])
def test_any_name_of_a_project_will_do(
    project: object, backend: RunningBackend, photos: Path
) -> None:
    setup = {"project": project, "schema": XML, "hostname": "http://127.0.0.1:9"}
    assert backend.post("/setup", setup).status_code == 200
    body = {"tasks": [task(photos, "coffee.jpg")], "project": project, "label_config": XML}
    assert backend.post("/predict", body).json()["results"][0]


def test_a_missing_label_config_still_has_an_answer_for_each_task(backend: RunningBackend) -> None:
    bodies: list[dict[str, Any]] = [
        {"tasks": [{}, {}]},
        {"tasks": [{}, {}], "label_config": None},
    ]
    for body in bodies:
        answer = backend.post("/predict", body).json()
        assert answer["results"] == [[], []]
        assert answer["model_version"]


def test_no_tasks_no_answers(backend: RunningBackend) -> None:
    assert predict(backend)["results"] == []


@pytest.mark.parametrize("xml", ["", "<View>", "<View><Text name='t' value='$t'/></View>"])
def test_a_project_that_cannot_be_filled(backend: RunningBackend, photos: Path, xml: str) -> None:
    """/setup says so; /predict still has one answer per task."""
    answer = backend.post("/setup", {"project": PROJECT, "schema": xml})
    assert answer.status_code == 400
    assert answer.json()["hint"]
    assert predict(backend, task(photos, "coffee.jpg"), {}, xml=xml)["results"] == [[], []]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", b""),
        ("/predict", b"{"),
        ("/predict", b"[]"),
        ("/predict", b'{"tasks": 1}'),
        ("/predict", b'{"tasks": [], "label_config": 7}'),
        ("/predict", b'{"tasks": null}'),
        ("/predict", b'{"tasks": [{"id": ' + b"9" * 5000 + b"}]}"),
        ("/nowhere", b"{}"),
        ("/setup", b"null"),
        ("/setup", b'{"project": {}}'),
        ("/setup", b"\xff\xfe"),
    ],
)
def test_a_malformed_request_is_a_clear_4xx(
    backend: RunningBackend, path: str, body: bytes
) -> None:
    response = backend.client.post(path, content=body, headers={"content-type": "application/json"})
    assert 400 <= response.status_code < 500
    assert set(response.json()) == {"error", "hint"}


def test_recorded_requests_of_label_studio(backend: RunningBackend, shared: Path) -> None:
    """Every request that the real server was seen to send gets an answer of the right form."""
    seen = 0
    for file in sorted((shared / "label-studio" / "requests").glob("*.json")):
        recorded = json.loads(file.read_text())
        answer = backend.client.request(recorded["method"], recorded["path"], json=recorded["body"])
        assert answer.status_code == 200, file.name
        if recorded["path"] == "/predict":
            assert len(answer.json()["results"]) == len(recorded["body"]["tasks"])
        seen += 1
    assert seen > 15


def test_projects_do_not_mix(backend: RunningBackend, photos: Path) -> None:
    """The labelling config of the request counts, whatever another project's /setup said."""
    other = XML.replace('name="label"', 'name="other"')
    backend.post("/setup", {"project": PROJECT, "schema": other})
    (prediction,) = predict(backend, task(photos, "coffee.jpg"))["results"]
    assert {item["from_name"] for item in prediction["result"]} == {"label"}


def test_concurrency_is_a_limit(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(Fault(delay=0.05, times=None))
    recipe = RecipeConfig(name="r", prompt="Photo {{ task.data.title }}")  # each is its own call
    with run_backend(Config(concurrency=2, recipes=[recipe]), environment) as backend:
        tasks = [task(photos, "coffee.jpg", i) for i in range(8)]
        for one in tasks:
            one["data"]["title"] = one["id"]
        predict(backend, *tasks)
    spans = [(request.arrived, request.finished or 0.0) for request in gemini.requests]
    assert len(spans) == 8
    most = max(sum(a <= start < b for a, b in spans) for start, _ in spans)
    assert most <= 2


def test_no_key_reaches_an_answer(environment: Environment, gemini: RunningEmulator) -> None:
    """A wrong key is named as the reason, and not repeated."""
    wrong = Environment(
        state_folder=environment.state_folder, api_key="wrong-key", base_url=gemini.url
    )
    with run_backend(Config(), wrong) as backend:
        image = base64.b64encode(b"x").decode()
        answer = predict(backend, {"data": {"image": f"data:image/png;base64,{image}"}})
        assert answer["results"] == [[]]
        assert "wrong-key" not in json.dumps(answer)
