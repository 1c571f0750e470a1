"""A photo with scripted answers, schemas that ask for several things, and the SDK to ask them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from google.genai import types
from google.genai.interactions import Interaction

from emulator_kit import MODEL, coco, picture_file, write_key

if TYPE_CHECKING:
    from pathlib import Path

    from google import genai

PARK, TURNED, EMPTY = (picture_file(seed) for seed in (1, 2, 3))
INTEGER = {"type": "integer"}
INTEGERS = {"type": "array", "items": INTEGER}
POLYGON = {"type": "array", "items": INTEGERS}
OUTLINE = [[100, 100], [400, 100], [400, 300], [200, 300], [200, 600], [100, 600]]


def structure(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


def listing(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": structure(**properties)}


def text(*options: str) -> dict[str, Any]:
    return {"type": "string", "enum": [*options]} if options else {"type": "string"}


def write_scripted_key(folder: Path) -> tuple[Path, Path]:
    """Write the usual key, with a second person in the park and with scripted answers."""
    path, images = write_key(folder)
    known = coco()
    known["images"][0]["answers"] = {"weather": "sunny", "quality": 9, "count": "many"}
    known["annotations"][0]["answers"] = {"text": "STOP"}
    child = {"image_id": 1, "category_id": 1, "bbox": [160, 0, 160, 100], "segmentation": []}
    known["annotations"].append(child)
    path.write_text(json.dumps(known), encoding="utf-8")
    return path, images


def _announced(pictures: tuple[bytes, ...]) -> list[tuple[str, bytes]]:
    return [(f"Image {number}:", data) for number, data in enumerate(pictures, 1)]


def by_generate_content(client: genai.Client, schema: Any, *pictures: bytes) -> Any:
    parts: list[Any] = []
    for name, data in _announced(pictures):
        parts += [name, types.Part.from_bytes(data=data, mime_type="image/png")]
    response = client.models.generate_content(
        model=MODEL,
        contents=[*parts, "Answer."],
        config=types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=schema
        ),
    )
    return json.loads(response.text or "")


def by_interactions(client: genai.Client, schema: Any, *pictures: bytes) -> Any:
    content: list[Any] = [{"type": "text", "text": "Answer."}]
    for name, data in _announced(pictures):
        image = base64.b64encode(data).decode()
        content += [
            {"type": "text", "text": name},
            {"type": "image", "data": image, "mime_type": "image/png"},
        ]
    interaction = client.interactions.create(
        model=MODEL,
        input=content,
        store=False,
        response_format={"type": "text", "mime_type": "application/json", "schema": schema},
    )
    assert isinstance(interaction, Interaction)
    return json.loads(interaction.output_text or "")
