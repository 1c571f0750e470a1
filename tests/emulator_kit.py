"""Photos with an answer key that a test makes for itself, and requests by hand."""

from __future__ import annotations

import base64
import json
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from label_studio_gemini.emulator import read_answer_key, run_emulator
from loopback import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import EmulatorSettings, RunningEmulator

MODEL = "gemini-3-flash-preview"
KEY = {"x-goog-api-key": "any"}
ASKED = "Detect every thing."
BOX_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "box_2d": {"type": "array", "items": {"type": "integer"}},
            "label": {"type": "string"},
        },
        "required": ["box_2d", "label"],
    },
}


def picture(seed: int, size: tuple[int, int] = (320, 200)) -> Image.Image:
    """Return a picture unlike any of another seed, and unlike itself turned or mirrored."""
    spots = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache
def picture_file(seed: int) -> bytes:
    """Return that picture as PNG, encoded once for all modules."""
    return encoded(picture(seed))


def write_key(folder: Path) -> tuple[Path, Path]:
    """Write three photos and their key.

    `park.png` has a person (an L in the upper left), a dog in two parts and a crowd; `turned.jpg`
    is stored lying on its side and has a cup in the upper left corner of the upright photo;
    `empty.png` has nothing.
    """
    images = folder / "images"
    images.mkdir()
    picture(1).save(images / "park.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = picture(2).transpose(Image.Transpose.ROTATE_90)
    lying.save(images / "turned.jpg", exif=exif, quality=95)
    picture(3).save(images / "empty.png")
    key = folder / "instances.json"
    key.write_text(json.dumps(coco()), encoding="utf-8")
    return key, images


def serving_key(write: Callable[[Path], tuple[Path, Path]], *settings: EmulatorSettings) -> Any:
    """Return a fixture for a module: an emulator of the key that `write` writes into a folder.

    Under the name `running_emulator`, it is what `gemini` hands out there.
    """

    @pytest.fixture(scope="module")
    def running_emulator(
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Iterator[RunningEmulator]:
        key = read_answer_key(*write(tmp_path_factory.mktemp("key")))
        with run_emulator(key, *settings) as running:
            yield running

    return running_emulator


def coco() -> dict[str, Any]:
    corners = [32, 20, 128, 20, 128, 60, 64, 60, 64, 120, 32, 120]
    return {
        "info": {"description": "made by a test"},
        "images": [
            {"id": 1, "file_name": "park.png", "width": 320, "height": 200},
            {"id": 2, "file_name": "turned.jpg", "width": 320, "height": 200},
            {"id": 3, "file_name": "empty.png", "width": 320, "height": 200},
        ],
        "categories": [
            {"id": 1, "name": "person"},
            {"id": 2, "name": "dog"},
            {"id": 3, "name": "cup"},
        ],
        "annotations": [
            _annotation(1, 1, [32, 20, 96, 100], [corners]),
            _annotation(
                1,
                2,
                [160, 100, 160, 100],
                [
                    [160, 100, 200, 100, 200, 200, 160, 200],
                    [280, 100, 320, 100, 320, 200, 280, 200],
                ],
            ),
            _annotation(1, 1, [0, 0, 320, 200], {"counts": [0, 10], "size": [200, 320]}, crowd=1),
            _annotation(2, 3, [0, 0, 32, 50], []),
        ],
    }


def _annotation(
    image: int, category: int, bbox: list[int], segmentation: Any, crowd: int = 0
) -> dict[str, Any]:
    return {
        "image_id": image,
        "category_id": category,
        "bbox": bbox,
        "segmentation": segmentation,
        "iscrowd": crowd,
    }


PERSON = {"box_2d": [100, 100, 600, 400], "label": "person"}
DOG = {"box_2d": [500, 500, 1000, 1000], "label": "dog"}


def generate_body(data: bytes, *, prompt: str = ASKED, **config: Any) -> dict[str, Any]:
    """Return a generateContent request as the SDK writes it."""
    text = base64.urlsafe_b64encode(data).decode()
    parts = [{"inlineData": {"data": text, "mime_type": "image/png"}}, {"text": prompt}]
    body: dict[str, Any] = {"contents": [{"parts": parts, "role": "user"}]}
    if config:
        body["generationConfig"] = config
    return body


def interaction_body(data: bytes, *, prompt: str = ASKED, **fields: Any) -> dict[str, Any]:
    """Return an interactions request as the SDK writes it."""
    content = [
        {"type": "text", "text": prompt},
        {"type": "image", "data": base64.b64encode(data).decode(), "mime_type": "image/png"},
    ]
    return {"model": MODEL, "input": [{"type": "user_input", "content": content}], **fields}


def schema_config(schema: dict[str, Any]) -> dict[str, Any]:
    return {"responseMimeType": "application/json", "responseJsonSchema": schema}


def schema_format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "text", "mime_type": "application/json", "schema": schema}}


def generate(url: str, body: Any, *, model: str = MODEL) -> httpx2.Response:
    return post(f"{url}/v1/models/{model}:generateContent", json=body)


def interact(url: str, body: Any) -> httpx2.Response:
    return post(f"{url}/v1/interactions", json=body)


def post(url: str, *, headers: dict[str, str] = KEY, **options: Any) -> httpx2.Response:
    return httpx2.post(url, headers=headers, verify=NOBODY, timeout=30, **options)


def get(url: str, **options: Any) -> httpx2.Response:
    return httpx2.get(url, headers=KEY, verify=NOBODY, **options)


def delete(url: str) -> httpx2.Response:
    return httpx2.delete(url, headers=KEY, verify=NOBODY)


def generated_text(response: httpx2.Response) -> str:
    assert response.status_code == 200, response.text
    parts = response.json()["candidates"][0]["content"]["parts"]
    return str(parts[-1]["text"])


def interaction_text(response: httpx2.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["steps"][-1]["content"][0]["text"])


def unfenced(text: str) -> Any:
    return json.loads(text.removeprefix("```json\n").removesuffix("\n```"))
