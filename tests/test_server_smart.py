"""A smart tool is answered over HTTP: with a region for its prompt, and unpaid the second time."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from backends import RunningBackend, run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_truth
from label_studio_gemini.emulator import Fault
from label_studio_gemini.environment import Environment
from label_studio_gemini.geometry import ImageSize, PercentBox, PixelBox, iou, pixel_from_percent

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

PHOTO = "coffee.jpg"
XML = """<View><Image name="img" value="$image"/>
<RectangleLabels name="box" toName="img" smart="true"><Label value="cup"/><Label value="spoon"/>
</RectangleLabels></View>"""


TRUTH = sample_truth()[PHOTO]
(CUP,) = (one.box for one in TRUTH.boxes if one.label == "cup")


def test_a_rectangle_drawn_by_hand_becomes_a_tight_one(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    body = body_of(photos)
    with run_backend(Config(), environment_of(gemini, tmp_path)) as backend:
        answers = [predict(backend, body) for _ in range(2)]
    (region,) = answers[0]["result"]
    found = PercentBox(*(region["value"][key] for key in ("x", "y", "width", "height")))
    assert iou(pixel_from_percent(found, TRUTH.size), CUP) > 0.95
    assert region["value"]["rectanglelabels"] == ["cup"]
    assert region["id"] == "by-hand", "it takes the place of what was drawn"
    assert answers[1] == answers[0]
    assert len(gemini.requests) == 1, "the same again is remembered"


def test_what_was_of_no_use_is_not_all_that_a_person_ever_gets(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """It is remembered, as all that is paid for; the next click asks anew."""
    gemini.script(Fault(text="I cannot say."))
    with run_backend(Config(), environment_of(gemini, tmp_path)) as backend:
        assert predict(backend, body_of(photos)) == []
        assert len(predict(backend, body_of(photos))["result"]) == 1
    assert len(gemini.requests) == 2


def environment_of(gemini: RunningEmulator, folder: Path) -> Environment:
    return Environment(state_folder=folder, api_key="k", base_url=gemini.url)


def predict(backend: RunningBackend, body: dict[str, Any]) -> Any:
    return backend.post("/predict", body).json()["results"][0]


def body_of(photos: Path) -> dict[str, Any]:
    """Return the request of a smart tool: a rectangle around the cup, with room around it."""
    data = base64.b64encode((photos / PHOTO).read_bytes()).decode()
    prompt = {
        "id": "by-hand",
        "from_name": "box",
        "to_name": "img",
        "type": "rectanglelabels",
        "original_width": TRUTH.size.width,
        "original_height": TRUTH.size.height,
        "value": {**_loose(CUP, TRUTH.size)._asdict(), "rotation": 0, "rectanglelabels": ["cup"]},
    }
    return {
        "tasks": [{"id": 1, "data": {"image": f"data:image/jpeg;base64,{data}"}}],
        "project": "1.2",
        "label_config": XML,
        "params": {"context": {"result": [prompt]}},
    }


def _loose(box: PixelBox, size: ImageSize) -> PercentBox:
    """Return a box with room around it, as a person draws one."""
    left, top = max(box.left - 15, 0), max(box.top - 15, 0)
    right, bottom = min(box.right + 15, size.width), min(box.bottom + 15, size.height)
    across, down = 100 / size.width, 100 / size.height
    return PercentBox(left * across, top * down, (right - left) * across, (bottom - top) * down)
