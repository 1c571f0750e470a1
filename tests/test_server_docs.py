"""What the API says of itself is what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from backends import RunningBackend, run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.environment import Environment
from label_studio_gemini.server.docs import (
    AcceptedBody,
    ErrorBody,
    HealthBody,
    PredictAnswer,
    SetupAnswer,
    VersionsBody,
)
from label_studio_gemini.server.status_body import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

XML = sample_label_config()


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    folder = tmp_path_factory.mktemp("state")
    environment = Environment(state_folder=folder, api_key="k", webhook_secret="s")
    with run_backend(Config(max_request_megabytes=0.01), environment) as running:
        yield running


def documented(backend: RunningBackend) -> dict[str, Any]:
    paths: dict[str, Any] = backend.client.get("/openapi.json").json()["paths"]
    return paths


def test_every_route_is_described(backend: RunningBackend) -> None:
    paths = documented(backend)
    assert set(paths) == {
        *("/", "/api/status", "/metrics", "/health", "/versions", "/setup", "/predict"),
        *("/webhook", "/webhook/{secret}"),
    }
    for path, methods in paths.items():
        for method, described in methods.items():
            assert described["description"], path
            assert described["responses"]["200"]["content"], path
            assert ("requestBody" in described) == (method == "post"), path
            for status, response in described["responses"].items():
                schema = next(iter(response["content"].values()))["schema"]
                if status != "200":
                    assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (path, status)


GOOD = {"tasks": [{"id": 1, "data": {}}], "project": "1.1", "label_config": XML}
LARGE = {"tasks": [], "label_config": " " * 20_000}


EVENT = {"action": "ANNOTATION_CREATED"}


@dataclass(frozen=True)
class Case:
    method: str
    path: str
    body: Any
    status: int
    model: type[BaseModel]
    described_as: str = ""


CASES = [
    Case("GET", "/health", None, 200, HealthBody),
    Case("GET", "/versions", None, 200, VersionsBody),
    Case("GET", "/api/status", None, 200, Status),
    Case("POST", "/setup", {"project": "1.1", "schema": XML}, 200, SetupAnswer),
    Case("POST", "/setup", {"project": "1.1", "schema": "<"}, 400, ErrorBody),
    Case("POST", "/setup", {"project": []}, 422, ErrorBody),
    Case("POST", "/setup", LARGE, 413, ErrorBody),
    Case("POST", "/predict", GOOD, 200, PredictAnswer),
    Case("POST", "/predict", {**GOOD, "label_config": "<"}, 200, PredictAnswer),
    Case("POST", "/predict", {}, 422, ErrorBody),
    Case("POST", "/predict", LARGE, 413, ErrorBody),
    Case("POST", "/webhook", EVENT, 401, ErrorBody),
    Case("POST", "/webhook/s", EVENT, 200, AcceptedBody, "/webhook/{secret}"),
    Case("POST", "/webhook/t", EVENT, 404, ErrorBody, "/webhook/{secret}"),
    Case("POST", "/webhook/s", LARGE, 413, ErrorBody, "/webhook/{secret}"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path} {case.status}")
def test_answers_are_as_described(case: Case, backend: RunningBackend) -> None:
    response = backend.client.request(case.method, case.path, json=case.body)
    assert response.status_code == case.status
    assert response.headers["content-type"] == "application/json"
    case.model.model_validate(response.json(), strict=True, extra="forbid")
    described = documented(backend)[case.described_as or case.path][case.method.lower()]
    assert str(case.status) in described["responses"]


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html; charset=utf-8"), ("/metrics", "text/plain")]
)
def test_texts_are_as_described(path: str, kind: str, backend: RunningBackend) -> None:
    response = backend.client.get(path)
    assert response.headers["content-type"].startswith(kind)
    (described,) = documented(backend)[path]["get"]["responses"]["200"]["content"]
    assert kind.startswith(described)
