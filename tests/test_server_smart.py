"""A smart tool is answered over HTTP: with a region for its prompt, and unpaid the second time."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from backends import run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_truth
from label_studio_gemini.environment import Environment
from label_studio_gemini.geometry import ImageSize, PercentBox, PixelBox, iou, pixel_from_percent

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

PHOTO = "coffee.jpg"
XML = """<View><Image name="img" value="$image"/>
<RectangleLabels name="box" toName="img" smart="true"><Label value="cup"/><Label value="spoon"/>
</RectangleLabels></View>"""


def test_a_rectangle_drawn_by_hand_becomes_a_tight_one(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    truth = sample_truth()[PHOTO]
    cup = next(one for one in truth.boxes if one.label == "cup")
    prompt = _loose(cup.box, truth.size)
    data = base64.b64encode((photos / PHOTO).read_bytes()).decode()
    context = {
        "result": [
            {
                "id": "by-hand",
                "from_name": "box",
                "to_name": "img",
                "type": "rectanglelabels",
                "original_width": truth.size.width,
                "original_height": truth.size.height,
                "value": {**prompt._asdict(), "rotation": 0, "rectanglelabels": ["cup"]},
            }
        ]
    }
    body = {
        "tasks": [{"id": 1, "data": {"image": f"data:image/jpeg;base64,{data}"}}],
        "project": "1.2",
        "label_config": XML,
        "params": {"context": context},
    }
    environment = Environment(state_folder=tmp_path, api_key="k", base_url=gemini.url)
    with run_backend(Config(), environment) as backend:
        answers: list[dict[str, Any]] = [
            backend.post("/predict", body).json()["results"][0] for _ in range(2)
        ]
    (region,) = answers[0]["result"]
    found = PercentBox(*(region["value"][key] for key in ("x", "y", "width", "height")))
    assert iou(pixel_from_percent(found, truth.size), cup.box) > 0.95
    assert region["value"]["rectanglelabels"] == ["cup"]
    assert region["id"] != "by-hand"
    assert answers[1] == answers[0]
    assert len(gemini.requests) == 1, "the same again is remembered"


def _loose(box: PixelBox, size: ImageSize) -> PercentBox:
    """Return a box with room around it, as a person draws one."""
    left, top = max(box.left - 15, 0), max(box.top - 15, 0)
    right, bottom = min(box.right + 15, size.width), min(box.bottom + 15, size.height)
    across, down = 100 / size.width, 100 / size.height
    return PercentBox(left * across, top * down, (right - left) * across, (bottom - top) * down)
