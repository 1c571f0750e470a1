"""A real Label Studio, started without a person, and what its pages ask of it, typed.

`LABEL_STUDIO_VENV` names the virtual environment that holds label-studio 1.23.2 (it pins too much
to share ours). A first start takes a minute of migrations: `LABEL_STUDIO_TEMPLATE` may name a data
folder that has them behind it, which is copied.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx2
import pytest
from pydantic import BaseModel, Field, TypeAdapter

from answer_keys import Box
from services import Service, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

USER, PASSWORD = "admin@example.com", "password123"
LEGACY_TOKEN = "0123456789abcdef0123456789abcdef01234567"
FIRST_START = 300.0
"""Seconds that a start with all migrations may take on a slow machine with little to spare."""


class StoredValue(BaseModel):
    """The geometry of a region, in percent of the upright image, and its label."""

    x: float
    y: float
    width: float
    height: float
    rectanglelabels: list[str] = Field(default_factory=list)
    labels: list[str] = Field(default_factory=list)


class StoredRegion(BaseModel):
    id: str
    type: str
    from_name: str
    original_width: int
    original_height: int
    value: StoredValue


class StoredPrediction(BaseModel):
    id: int
    task: int
    model_version: str
    score: float | None
    result: list[StoredRegion]

    @property
    def boxes(self) -> list[Box]:
        """The labelled boxes; a label may stand in an item of its own, under the same id."""
        labels = {
            region.id: label
            for region in self.result
            for label in (*region.value.rectanglelabels, *region.value.labels)
        }
        values = {region.id: region.value for region in self.result}
        return [
            Box(labels[name], value.x, value.y, value.x + value.width, value.y + value.height)
            for name, value in values.items()
        ]


class StoredTask(BaseModel):
    id: int
    file_upload: str


class StoredBackend(BaseModel):
    id: int
    state: str
    model_version: str
    error_message: str | None


class _Id(BaseModel):
    id: int


class _TaskPage(BaseModel):
    tasks: list[StoredTask]


class _Token(BaseModel):
    token: str


class _Response(BaseModel):
    response: list[dict[str, object] | list[object]]


class LabelStudio:
    """The requests that Label Studio's own pages make, with the legacy token of its admin."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.url = service.url
        self._client = httpx2.Client(
            base_url=service.url,
            headers={"Authorization": f"Token {LEGACY_TOKEN}"},
            timeout=120,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def data(self) -> Path:
        """The folder of its data: nothing is written there while nobody asks anything of it."""
        return self.service.log.parent

    def _post(self, path: str, body: object, **params: str | int) -> bytes:
        return _checked(self._client.post(path, json=body, params=params))

    def _get(self, path: str, **params: str | int) -> bytes:
        return _checked(self._client.get(path, params=params))

    def create_project(self, label_config: str) -> int:
        body = {"title": "photos", "label_config": label_config}
        return _Id.model_validate_json(self._post("/api/projects/", body)).id

    def upload(self, project: int, photos: Mapping[str, bytes]) -> dict[str, int]:
        """Import photos as a person does who drops files; return the task of each name."""
        files = [(name, (name, photo, "image/jpeg")) for name, photo in photos.items()]
        _checked(self._client.post(f"/api/projects/{project}/import", files=files))
        return {name: self._task_named(project, name) for name in photos}

    def import_tasks(self, project: int, tasks: bytes) -> None:
        """Import a file of tasks, predictions included."""
        file = ("tasks.json", tasks, "application/json")
        _checked(self._client.post(f"/api/projects/{project}/import", files={"file": file}))

    def _task_named(self, project: int, name: str) -> int:
        page = self._get("/api/tasks", project=project, fields="all", page_size=200)
        # Label Studio puts a random prefix and a hyphen before the name of what is uploaded.
        (task,) = (
            task
            for task in _TaskPage.model_validate_json(page).tasks
            if task.file_upload.partition("-")[2] == name
        )
        return task.id

    def connect(self, project: int, backend: str) -> int:
        body = {"project": project, "url": backend, "title": "gemini"}
        return _Id.model_validate_json(self._post("/api/ml", body)).id

    def backend(self, backend: int) -> StoredBackend:
        return StoredBackend.model_validate_json(self._get(f"/api/ml/{backend}"))

    def retrieve_predictions(self, project: int, tasks: Sequence[int] = ()) -> None:
        """Data Manager → select (all, or some) → Actions → Retrieve Predictions."""
        chosen = {"all": False, "included": list(tasks)} if tasks else {"all": True, "excluded": []}
        self._post(
            "/api/dm/actions",
            {"selectedItems": chosen, "filters": {"conjunction": "and", "items": []}},
            id="retrieve_tasks_predictions",
            project=project,
        )

    def open_task(self, project: int, task: int) -> None:
        """Click a task in the Data Manager."""
        self._get(f"/api/tasks/{task}", project=project)

    def send_test_request(self, backend: int) -> list[dict[str, object] | list[object]]:
        """Settings → Model → Send Test Request: a random task, and no /setup before it."""
        answer = self._post(f"/api/ml/{backend}/predict/test", {}, random="true")
        return _Response.model_validate_json(answer).response

    def predictions(self, project: int) -> list[StoredPrediction]:
        stored = TypeAdapter(list[StoredPrediction])
        return stored.validate_json(self._get("/api/predictions/", project=project))

    def create_personal_token(self) -> str:
        """Make a personal access token, which Label Studio allows once its settings do."""
        both = {"legacy_api_tokens_enabled": True, "api_tokens_enabled": True}
        self._post("/api/jwt/settings", both)
        return _Token.model_validate_json(self._post("/api/token/", {})).token


def _checked(response: httpx2.Response) -> bytes:
    assert response.is_success, f"{response.request.url}: {response.status_code} {response.text}"
    return response.content


def label_studio_command() -> Path:
    """Return the command of the virtual environment; skip the test where there is none."""
    folder = os.environ.get("LABEL_STUDIO_VENV")
    if not folder:
        pytest.skip("needs a real Label Studio: LABEL_STUDIO_VENV names no virtual environment")
    command = Path(folder) / "bin" / "label-studio"
    if not command.is_file():
        pytest.skip(f"needs a real Label Studio: there is no {command}")
    return command


@contextmanager
def running_label_studio(
    command: Path, data: Path, *, like: Path | None = None, port: int = 0, **settings: str
) -> Iterator[LabelStudio]:
    """Start Label Studio with its data in a folder of its own, or again with what is there.

    Args:
        command: The command that starts it.
        data: The folder, made if need be.
        like: A data folder to begin with a copy of.
        port: Its port; any that is free by default.
        settings: Further environment variables.
    """
    template = like or os.environ.get("LABEL_STUDIO_TEMPLATE")
    if template and not list(data.glob("*.sqlite3")):
        shutil.copytree(template, data, dirs_exist_ok=True)
    files = data / "files"
    files.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("--no-browser", "--port", str(port), "--internal-host", "127.0.0.1")
    with (
        running(
            [command, "start", *arguments, "--data-dir", data],
            url=url,
            health="/health",
            log=data / "label-studio.log",
            environment={**os.environ, **_label_studio_settings(url, files), **settings},
            within=FIRST_START,
        ) as service,
        LabelStudio(service) as client,
    ):
        yield client


def _label_studio_settings(url: str, files: Path) -> dict[str, str]:
    return {
        # Read at the first start only, when the organization is made.
        "LABEL_STUDIO_USERNAME": USER,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": LEGACY_TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        # Both are needed for a backend on a private address, loopback included.
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_HOST": url,
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(files),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
