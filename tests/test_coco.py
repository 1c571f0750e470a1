"""Real photos with many objects, through both commands: `emulate` and `predict`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from label_studio_sdk.label_interface import LabelInterface

from commands import run_here
from label_studio_gemini.demo.scores import LabelledBox, read_categories, read_truth, score_boxes
from label_studio_gemini.geometry import PercentBox, pixel_from_percent
from services import running_emulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from label_studio_gemini.demo.scores import Truth


def test_boxes_are_as_exact_as_the_grid_allows(
    shared: Path, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """0.983 is what whole coordinates of 0-1000 leave of the mean IoU over these objects."""
    coco = shared / "photos" / "coco"
    key = (coco / "instances.json").read_bytes()
    xml = _label_config(read_categories(key))
    out = tmp_path / "tasks.json"
    with running_emulator(coco / "instances.json", coco / "images", tmp_path / "log") as emulator:
        ended = run_here(
            *("predict", coco / "images", "--label-config", xml, "--out", out),
            GEMINI_API_KEY="k",
            GOOGLE_GEMINI_BASE_URL=emulator.url,
        )
    assert ended.returncode == 0, ended.stderr
    interface, truths, total, objects = LabelInterface(xml), read_truth(key), 0.0, 0
    for task in json.loads(out.read_text()):
        truth = truths[task["data"]["image"].rpartition("=")[2]]
        (prediction,) = task["predictions"]
        assert interface.validate_prediction(prediction, return_errors=True) == []
        boxes = [_box(item["value"], truth) for item in prediction["result"]]
        score = score_boxes(boxes, truth.boxes)
        assert (score.missed, score.extra) == (0, 0)
        total += (score.mean_iou or 0.0) * len(truth.boxes)
        objects += len(truth.boxes)
    measured(f"mean box IoU {total / objects:.4f} over {objects} objects")
    assert objects == 260
    assert total / objects >= 0.98


def _label_config(names: tuple[str, ...]) -> str:
    labels = "".join(f'<Label value="{name}"/>' for name in names)
    return (
        '<View><Image name="image" value="$image"/>'
        f'<RectangleLabels name="label" toName="image">{labels}</RectangleLabels></View>'
    )


def _box(value: dict[str, Any], truth: Truth) -> LabelledBox:
    place = PercentBox(value["x"], value["y"], value["width"], value["height"])
    return LabelledBox(value["rectanglelabels"][0], pixel_from_percent(place, truth.size))
