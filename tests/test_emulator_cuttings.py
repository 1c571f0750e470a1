"""The emulator knows a part of a photo, and what of the objects is in it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from emulator_kit import (
    BOX_SCHEMA,
    encoded,
    generate,
    generate_body,
    generated_text,
    picture,
    schema_config,
)
from label_studio_gemini.demo.photos import answer_key_path
from label_studio_gemini.emulator import AnswerKey, read_answer_key
from label_studio_gemini.emulator.geometry import Frame, Point

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator


@pytest.fixture(scope="module")
def key(photos: Path) -> AnswerKey:
    return read_answer_key(answer_key_path(photos), photos)


def part_of(photo: Path, box: tuple[int, int, int, int]) -> Image.Image:
    """Return a part as a client sends it: a JPEG anew."""
    part = Image.open(photo).convert("RGB").crop(box)
    return Image.open(io.BytesIO(encoded(part, "JPEG", quality=90))).convert("RGB")


@pytest.mark.parametrize(
    ("name", "box"),
    [
        ("coffee.jpg", (141, 0, 480, 340)),
        ("coins.jpg", (6, 5, 157, 123)),
        ("astronaut.jpg", (300, 0, 512, 300)),
        ("camera.jpg", (200, 100, 380, 240)),
    ],
)
def test_where_it_was_cut_out(
    key: AnswerKey, photos: Path, name: str, box: tuple[int, int, int, int]
) -> None:
    found = key.cuttings.find(part_of(photos / name, box))
    assert found is not None
    photo = key.photos[found.number]
    assert photo.file_name == name
    left, top, right, bottom = found.frame
    size = photo.width, photo.height
    assert [left * size[0], top * size[1], right * size[0], bottom * size[1]] == pytest.approx(box)


def test_what_is_of_no_photo_is_not_found(key: AnswerKey, photos: Path) -> None:
    turned = part_of(photos / "coins.jpg", (6, 5, 157, 123)).transpose(Image.Transpose.ROTATE_90)
    assert key.cuttings.find(turned) is None
    assert key.cuttings.find(picture(5, (200, 150))) is None
    assert key.cuttings.find(Image.new("RGB", (100, 100), "red")) is None
    assert key.cuttings.find(Image.open(photos / "coins.jpg").crop((0, 0, 8, 8))) is None


def test_an_answer_is_about_the_part(gemini: RunningEmulator, photos: Path) -> None:
    """A coin as it lies in the part, its neighbour as far as it is there, and none of the rest."""
    data = encoded(Image.open(photos / "coins.jpg").crop((41, 0, 141, 110)))
    body = generate_body(data, **schema_config(BOX_SCHEMA))
    text = generated_text(generate(gemini.url, body))
    assert json.loads(text) == [
        {"box_2d": [323, 0, 668, 255], "label": "coin"},
        {"box_2d": [359, 405, 668, 785], "label": "coin"},
    ]
    assert gemini.requests[-1].photos == ("coins.jpg",)


def test_an_outline_is_cut_at_the_edges() -> None:
    square = (Point(0, 0), Point(0.5, 0), Point(0.5, 0.5), Point(0, 0.5))
    part = Frame(0.25, 0.25, 0.75, 0.75)
    assert set(part.seen_ring(square)) == {
        Point(0, 0),
        Point(0.5, 0),
        Point(0.5, 0.5),
        Point(0, 0.5),
    }
    assert part.seen_ring(tuple(Point(p.across / 5, p.down / 5) for p in square)) == ()
    assert part.seen(Frame(0, 0, 0.5, 0.5)) == Frame(0, 0, 0.5, 0.5)
    assert part.seen(Frame(0, 0, 0.25, 1)) is None
