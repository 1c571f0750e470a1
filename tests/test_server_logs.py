"""The log says what happened to whose request, and no secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from backends import run_backend
from gates import await_condition
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.environment import Environment
from label_studio_gemini.server.logs import JsonFormatter, TextFormatter, configure_logging
from loopback import NOBODY
from services import COMMAND, Backends, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from backends import RunningBackend
    from label_studio_gemini.emulator import RunningEmulator
    from services import Service

XML = sample_label_config()
KEY = "planted-key-4711"
TOKEN = "planted0token0123456789abcdef0123456789a"
PASSWORD = "planted-password"
SECRET = "planted-webhook-secret"
SIGNATURE = "planted-signature"
TITLE = "planted words about a patient"
PROMPT = "planted prompt"
AUTH = ("ann", PASSWORD)


@pytest.fixture
def backends(gemini: RunningEmulator, tmp_path: Path) -> Backends:
    return Backends(gemini=gemini.url, folder=tmp_path)


def data_uri(photos: Path) -> str:
    return (
        f"data:image/jpeg;base64,{base64.b64encode((photos / 'coffee.jpg').read_bytes()).decode()}"
    )


def predict(backend: Service | RunningBackend, tasks: list[Any], **headers: str) -> httpx2.Response:
    body = {"tasks": tasks, "project": "7.1", "label_config": XML, "params": {}}
    with client_of(backend) as client:
        return client.post("/predict", json=body, headers=headers).raise_for_status()


def client_of(backend: Service | RunningBackend) -> httpx2.Client:
    return httpx2.Client(base_url=backend.url, auth=AUTH, verify=NOBODY, timeout=60)


def do_everything(backend: Service, gemini: RunningEmulator, photos: Path) -> str:
    """Use each secret, in what goes well and in what fails; return the photo as it was sent."""
    image = data_uri(photos)
    setup = {"project": "7.1", "schema": XML, "hostname": "http://127.0.0.1:1"}
    with client_of(backend) as client:
        client.post("/setup", json={**setup, "access_token": TOKEN})
        event = {"action": "X", "title": TITLE}
        httpx2.post(f"{backend.url}/webhook/{SECRET}", json=event, verify=NOBODY)
        client.get(f"/nowhere?sig={SIGNATURE}")
        client.get("/versions", auth=("ann", f"{PASSWORD}-wrong"))
        client.post("/predict", content=f'{{"title": "{TITLE}"')
    addresses = [
        image,
        f"http://127.0.0.1:1/a.jpg?X-Amz-Signature={SIGNATURE}",
        f"/data/upload/1/a.jpg?token={SIGNATURE}",
        f"s3://bucket/a.jpg?versionId={SIGNATURE}",
        f"http://ann:{PASSWORD}@nowhere.invalid/a.jpg",
        "data:image/png;base64,cGxhbnRlZA==",
        {TITLE: TITLE},
    ]
    predict(
        backend, [{"id": i, "data": {"image": a, "title": TITLE}} for i, a in enumerate(addresses)]
    )
    # Gemini says what it was told: in words, as an answer to nothing, and as a label.
    for text in (
        f"I cannot tell anything about {TITLE}.",
        json.dumps({"message": TITLE}),
        json.dumps([{"box_2d": [1, 2, 300, 400], "label": TITLE}]),
    ):
        gemini.script(Fault(text=text))
        predict(backend, [{"id": 1, "data": {"image": image, "title": f"{TITLE} {text}"}}])
    for problem in (Problem.RATE_LIMIT, Problem.BAD_REQUEST, Problem.BAD_KEY):
        gemini.script(Fault(problem=problem, retry_seconds=0))
        predict(backend, [{"id": 1, "data": {"image": image, "title": f"{TITLE} {problem}"}}])
    return image


@pytest.mark.parametrize(
    ("level", "form"),
    [
        pytest.param("info", "text", marks=pytest.mark.slow),
        pytest.param("info", "json", marks=pytest.mark.slow),
        pytest.param("debug", "text", marks=pytest.mark.slow),
        ("debug", "json"),
    ],
)
def test_no_secret_is_in_the_log(
    level: str, form: str, backends: Backends, gemini: RunningEmulator, photos: Path
) -> None:
    """Keys and tokens never are; what tasks say may be at `debug`, in lines of that level."""
    config = backends.folder / "config.yaml"
    config.write_text(
        f"attempts: 2\nrecipes: [{{name: r, prompt: '{PROMPT}: {{{{ task.data.title }}}}'}}]\n"
    )
    port = free_port()
    with backends.run(
        [COMMAND, "serve", "--port", str(port), "--config", config],
        port,
        GEMINI_API_KEY=KEY,
        LABEL_STUDIO_URL="http://127.0.0.1:1",
        LABEL_STUDIO_API_KEY=TOKEN,
        BASIC_AUTH_USER=AUTH[0],
        BASIC_AUTH_PASS=PASSWORD,
        WEBHOOK_SECRET=SECRET,
        LOG_LEVEL=level,
        LOG_FORMAT=form,
    ) as backend:
        image = do_everything(backend, gemini, photos)
        output = backend.output()
    assert len(gemini.requests) >= 5
    assert TITLE in gemini.requests[0].prompt
    secrets = [KEY, TOKEN, PASSWORD, SECRET, SIGNATURE, image[100:140]]
    assert [secret for secret in secrets if secret in output] == []
    lines = output.splitlines()
    if form == "json":
        read = [json.loads(line) for line in lines]
        assert all({"time", "level", "logger", "message"} <= set(line) for line in read)
        lines = [line for line, one in zip(lines, read, strict=True) if one["level"] != "debug"]
    if level == "info" or form == "json":
        assert lines
        assert [words for words in (TITLE, PROMPT) if words in "\n".join(lines)] == []


@contextmanager
def json_log() -> Iterator[io.StringIO]:
    """Write what the package logs to a text, a line of JSON each."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter())
    package = logging.getLogger("label_studio_gemini")
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield text
    finally:
        package.setLevel(level)
        package.removeHandler(handler)


def lines_of(log: io.StringIO) -> list[dict[str, Any]]:
    """Return what was logged so far, in whole lines."""
    whole = [line for line in log.getvalue().splitlines(keepends=True) if line.endswith("\n")]
    return [json.loads(line) for line in whole]


def test_each_request_has_a_line_and_each_line_a_request(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """Also what is logged while a task is worked on, which is another asyncio task."""
    gemini.script(Fault(problem=Problem.RATE_LIMIT, retry_seconds=0))
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    with json_log() as log, run_backend(Config(), environment) as backend:
        backend.client.get("/health").raise_for_status()
        tasks = [{"id": 41, "data": {"image": data_uri(photos)}}, {"id": 42, "data": {}}]
        given = predict(backend, tasks, **{"x-request-id": "from-a.proxy_1"})
        made = predict(backend, tasks[:1], **{"x-request-id": "bad id\tof someone"})
        own = made.headers["x-request-id"]

        def requests() -> list[object]:
            return [line["request"] for line in lines_of(log) if line["message"] == "request"]

        # It is written when the answer is on its way.
        await_condition(lambda: own in requests(), "there is a line for each")
        lines = lines_of(log)
    assert given.headers["x-request-id"] == "from-a.proxy_1"
    assert re.fullmatch(r"[0-9a-f]{12}", own)

    ours = [line for line in lines if line.get("request") == "from-a.proxy_1"]
    (request,) = (line for line in ours if line["message"] == "request")
    seconds = request["seconds"]
    assert 0 < seconds < 60
    expected = {"method": "POST", "path": "/predict", "status": 200, "project": "7.1"}
    assert expected | {"tasks": 2, "failed": 1} == {
        name: request[name] for name in (*expected, "tasks", "failed")
    }
    assert {line["task"] for line in ours if "Attempt 1 of" in line["message"]} == {41}
    assert {line["task"] for line in ours if "failed:" in line["message"]} == {42}
    (request,) = (
        line for line in lines if line.get("request") == own and line["message"] == "request"
    )
    assert request["tasks"] == 1
    assert not [line for line in lines if line.get("path") == "/health"], "told at debug only"


def record_of(message: str, fields: dict[str, Any] | None = None) -> logging.LogRecord:
    record = logging.LogRecord("a.b", logging.WARNING, "file", 1, message, None, None)
    if fields:
        record.fields = fields
    return record


def test_a_line_of_text_stays_one_line() -> None:
    fields = {"path": "/a\nb c", "status": 200, "project": "5.1"}
    line = TextFormatter().format(record_of("request", fields))
    assert line.endswith(
        r"WARNING "
        + str(record_of("").process)
        + r' a.b: request path="/a\nb c" status=200 project=5.1'
    )
    assert "\n" not in line


def test_a_traceback_is_a_field_of_json() -> None:
    record = record_of("it failed")
    record.exc_info = (ValueError, ValueError("why"), None)
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "it failed"
    assert "ValueError: why" in line["traceback"]


def test_logging_that_somebody_set_up_is_left_alone(tmp_path: Path) -> None:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    assert handlers, "pytest has its own"
    try:
        configure_logging(Environment(state_folder=tmp_path, log_level="warning"))
        assert root.handlers == handlers
        assert root.level == logging.WARNING
    finally:
        root.setLevel(level)
