"""The first thing that a newcomer runs: no key, no network, and pictures to look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image

from label_studio_gemini.cli import main
from label_studio_gemini.demo.photos import sample_truth

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "new" / "folder"
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--out", str(out)])
    assert ended.value.code == 0
    return out


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
            colours = overlay.convert("RGB").getcolors(1 << 24)
            assert colours is not None
            assert len(colours) > 200, "a photo, not a plain picture"
    with Image.open(demo / "contact_sheet.png") as sheet:
        assert sheet.width == 1400


def test_it_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "not how well Gemini sees" in said
    assert "24 of 24" in said
    assert "GEMINI_API_KEY=… label-studio-gemini predict" in said


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--out", str(tmp_path / "file" / "below")])
    assert ended.value.code == 2
    assert "Hint:" in capsys.readouterr().err
