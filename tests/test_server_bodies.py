"""What a request may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from backends import run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.environment import Environment
from label_studio_gemini.server.bodies import MOST_TASKS, PredictBody

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("project", "name"),
    [
        (None, None),
        ("1.1691", "1.1691"),
        (7, "7"),
        ("p" * 200, "p" * 200),
        ("p" * 5_000_000, "p" * 200),
        (10**3000, "1" + "0" * 199),
    ],
    ids=["none", "usual", "a number", "just short enough", "too long", "a long number"],
)
def test_the_name_of_a_project_is_cut(project: str | int | None, name: str | None) -> None:
    body = PredictBody(tasks=[], project=project)
    assert body.project_name == name
    assert len(str(body.project)) <= 200


def test_too_many_tasks_are_refused_with_what_helps(tmp_path: Path) -> None:
    environment = Environment(state_folder=tmp_path, api_key="k")
    with run_backend(Config(), environment) as backend:
        answer = backend.post_text("/predict", f'{{"tasks": [{"0," * MOST_TASKS}0]}}')
    assert answer.status_code == 422
    assert answer.json()["hint"] == "select fewer tasks at once: 100,000 at most."
