"""The model class under the servers of label-studio-ml, old and new."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from label_studio_ml.model import LabelStudioMLBase

from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.model import GeminiModel

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

XML = sample_label_config()


@pytest.fixture
def _environment(
    gemini: RunningEmulator, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stock server's model knows: the environment alone."""
    config = tmp_path / "config.yaml"
    config.write_text(f"images: {{folders: ['{photos}']}}")
    monkeypatch.setenv("LABEL_STUDIO_GEMINI_CONFIG", str(config))
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gemini.url)
    for name in ("GOOGLE_API_KEY", "LABEL_STUDIO_URL", "LABEL_STUDIO_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_environment")
def test_threads_share_a_model(photos: Path) -> None:
    """The stock server has one model, and a thread for each request."""
    model = GeminiModel(label_config=XML, hostname="", access_token="", train_output=None)
    tasks = [{"id": 1, "data": {"image": str(photos / "coffee.jpg")}}, {"id": 2}]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: model.predict(tasks, context=None), range(8)))
    for coffee, failed in answers:
        assert isinstance(coffee, dict)
        assert len(coffee["result"]) == 3
        assert failed == []
        assert "model_version" not in coffee, "the stock server adds the one of its own /setup"


@pytest.mark.usefixtures("_environment")
def test_a_project_that_cannot_be_filled_has_an_answer_for_each_task() -> None:
    assert GeminiModel(label_config="<View>").predict([{}, {}]) == [[], []]


def test_a_base_with_its_own_label_config(monkeypatch: pytest.MonkeyPatch) -> None:
    """In label-studio-ml 2.x it is a property that cannot be set, and __init__ takes a project."""

    def init(self: LabelStudioMLBase, project_id: str | None = None) -> None:
        self.project_id = project_id

    monkeypatch.setattr(LabelStudioMLBase, "__init__", init)
    monkeypatch.setattr(LabelStudioMLBase, "label_config", property(lambda _: ""), raising=False)
    model = GeminiModel(project_id="7", label_config=XML)
    assert model.project_id == "7"


def test_fit_keeps_nothing() -> None:
    """The base answers events that would train; there is nothing to train here."""
    assert GeminiModel(label_config=XML).fit((), event="ANNOTATION_CREATED", data={}) == {}
