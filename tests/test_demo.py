"""The first thing that a newcomer runs: no key, no network, and pictures to look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image

from commands import run_here
from label_studio_gemini.demo.photos import sample_truth

if TYPE_CHECKING:
    from pathlib import Path


class Demo(NamedTuple):
    out: Path
    said: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    out = tmp_path_factory.mktemp("demo") / "new" / "folder"
    ended = run_here("demo", "--out", out)
    assert ended.returncode == 0, ended.stderr
    return Demo(out, ended.stdout)


@pytest.fixture
def demo(ran: Demo) -> Path:
    return ran.out


def test_predictions_can_be_imported_as_they_are(demo: Path) -> None:
    """The photos are inside, and what label-studio-sdk validates is valid."""
    interface = LabelInterface((demo / "label_config.xml").read_text())
    tasks = json.loads((demo / "predictions.json").read_text())
    assert len(tasks) == 7
    for task in tasks:
        assert task["data"]["image"].startswith("data:image/jpeg;base64,")
        (prediction,) = task["predictions"]
        assert prediction["result"]
        assert interface.validate_prediction(prediction, return_errors=True) == []


def test_each_photo_has_an_overlay_of_its_size(demo: Path) -> None:
    for name, truth in sample_truth().items():
        with Image.open(demo / name.replace(".jpg", ".overlay.png")) as overlay:
            assert overlay.size == truth.size
            colours = overlay.convert("RGB").getcolors(1 << 19)
            assert colours is not None
            assert len(colours) > 200, "a photo, not a plain picture"
    with Image.open(demo / "contact_sheet.png") as sheet:
        assert sheet.width == 1400


def test_it_says_what_it_is(ran: Demo) -> None:
    assert "not how well Gemini sees" in ran.said
    assert "24 of 24" in ran.said
    assert "GEMINI_API_KEY=… label-studio-gemini predict" in ran.said


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run_here("demo", "--out", tmp_path / "file" / "below")
    assert ended.returncode == 2
    assert "Hint:" in ended.stderr
