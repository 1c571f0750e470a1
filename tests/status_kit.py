"""What the tests of what is seen of the backend share: requests, and what it says of them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from label_studio_gemini.config import RecipeConfig
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.server.status_body import Status

if TYPE_CHECKING:
    from pathlib import Path

    from backends import RunningBackend

PROJECT = "17.1795312593"
XML = sample_label_config()
# Each task is a request of its own, though all have the same photo.
RECIPE = RecipeConfig(name="r", prompt="Photo {{ task.data.title }}: find everything.")
KEY, TOKEN = "a-secret-key", "a-secret-token"


def tasks_of(photos: Path, count: int) -> list[dict[str, Any]]:
    data = base64.b64encode((photos / "coffee.jpg").read_bytes()).decode()
    image = f"data:image/jpeg;base64,{data}"
    return [{"id": one, "data": {"image": image, "title": one}} for one in range(1, count + 1)]


def body_of(tasks: list[dict[str, Any]], project: object = PROJECT, **more: Any) -> dict[str, Any]:
    return {"tasks": tasks, "project": project, "label_config": XML, "params": {}, **more}


def status_of(backend: RunningBackend) -> dict[str, Any]:
    response = backend.client.get("/api/status")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    status: dict[str, Any] = response.json()
    Status.model_validate(status, strict=True)
    return status
