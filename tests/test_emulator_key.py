"""The answer key: what is read, and what is said about one that cannot be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from emulator_kit import coco, picture_file, write_key
from label_studio_gemini.emulator import EmulatorError, read_answer_key
from label_studio_gemini.emulator.geometry import Point

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_objects_are_read_without_the_crowds(tmp_path: Path) -> None:
    key = read_answer_key(*write_key(tmp_path))
    park = key.photos[0]
    assert [thing.label for thing in park.objects] == ["person", "dog"]
    assert park.objects[0].frame == pytest.approx((0.1, 0.1, 0.4, 0.6))
    assert park.objects[0].rings[0][0] == Point(0.1, 0.1)
    assert len(park.objects[1].rings) == 2
    assert key.labels == ("person", "dog", "cup")


def test_an_object_without_outline_has_its_box_as_outline(tmp_path: Path) -> None:
    cup = read_answer_key(*write_key(tmp_path)).photos[1].objects[0]
    assert cup.rings == ((Point(0, 0), Point(0.1, 0), Point(0.1, 0.25), Point(0, 0.25)),)


def test_an_rle_outside_a_crowd_keeps_its_box(tmp_path: Path) -> None:
    path, images = write_key(tmp_path)
    known = coco()
    known["annotations"][0]["segmentation"] = {"counts": "abc", "size": [200, 320]}
    path.write_text(json.dumps(known), encoding="utf-8")
    person = read_answer_key(path, images).photos[0].objects[0]
    assert person.rings == ((Point(0.1, 0.1), Point(0.4, 0.1), Point(0.4, 0.6), Point(0.1, 0.6)),)


@dataclass(frozen=True)
class Case:
    name: str
    spoil: Callable[[dict[str, Any]], object]
    says: str


CASES = [
    Case("no list", lambda c: c.pop("annotations"), "annotations: Field required"),
    Case("a short box", lambda c: c["annotations"][0]["bbox"].pop(), "annotations.0.bbox"),
    Case("no size", lambda c: c["images"][0].update(width=0), "images.0.width"),
    Case("an unknown image", lambda c: c["annotations"][2].update(image_id=9), "image_id 9"),
    Case(
        "an unknown category", lambda c: c["annotations"][0].update(category_id=7), "category_id 7"
    ),
    Case("a missing photo", lambda c: c["images"][2].update(file_name="no.png"), "no.png"),
    Case("another size", lambda c: c["images"][0].update(width=319), "320 x 200 pixels"),
    Case("a size as stored", lambda c: c["images"][1].update(width=200, height=320), "upright"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_key_is_told(case: Case, tmp_path: Path) -> None:
    path, images = write_key(tmp_path)
    known = coco()
    case.spoil(known)
    path.write_text(json.dumps(known), encoding="utf-8")
    with pytest.raises(EmulatorError) as caught:
        read_answer_key(path, images)
    assert case.says in caught.value.message
    assert f"Hint: {caught.value.hint}" in str(caught.value)


def test_a_missing_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match=r"no\.json.*No such file"):
        read_answer_key(tmp_path / "no.json", tmp_path)


def test_a_file_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("{", encoding="utf-8")
    with pytest.raises(EmulatorError, match="the file: Invalid JSON"):
        read_answer_key(tmp_path / "key.json", tmp_path)


def test_a_photo_that_is_none_is_told(tmp_path: Path) -> None:
    path, images = write_key(tmp_path)
    (images / "park.png").write_bytes(picture_file(1)[:500])
    with pytest.raises(EmulatorError, match=r"park\.png` is not usable"):
        read_answer_key(path, images)
