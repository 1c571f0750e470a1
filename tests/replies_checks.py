"""What holds for every reading, whatever the reply."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from label_studio_gemini.masks.pictures import mask_from_png
from label_studio_gemini.masks.types import MaskPng, MaskPolygon

if TYPE_CHECKING:
    from label_studio_gemini.detections import Answer, Detection, Reading


def check_reading(reading: Reading) -> None:
    """Assert that a reading keeps all that its types promise."""
    for found in reading.detections:
        _check_detection(found)
    assert 0 <= reading.clamped <= len(reading.detections)
    assert 0 <= reading.masks_unreadable <= len(reading.detections)
    assert all(len(reject.raw) <= 200 for reject in reading.rejects)
    assert all(1 <= image <= 9999 for image in reading.image_answers)
    of_items = [found.answers for found in reading.detections]
    for said in (reading.answers, *reading.image_answers.values(), *of_items):
        assert all(_is_answer(answer) for answer in said.values())
    _check_relations(reading)


def _check_relations(reading: Reading) -> None:
    numbers = {found.number for found in reading.detections}
    assert len(set(reading.relations)) == len(reading.relations)
    for relation in reading.relations:
        assert {relation.source, relation.goal} <= numbers
        assert relation.source != relation.goal
        assert relation.label.strip() == relation.label


def _check_detection(found: Detection) -> None:
    assert found.label.strip() == found.label != ""
    assert found.box is not None or found.point is not None
    assert found.image is None or 1 <= found.image <= 9999
    if found.box is not None:
        assert 0 <= found.box.ymin < found.box.ymax <= 1000
        assert 0 <= found.box.xmin < found.box.xmax <= 1000
    if found.point is not None:
        assert all(0 <= number <= 1000 for number in found.point)
    if isinstance(found.mask, MaskPng):
        assert mask_from_png(found.mask).ndim == 2
    if isinstance(found.mask, MaskPolygon):
        assert all(len(ring) >= 3 for ring in found.mask.rings)
        assert all(0 <= n <= 1000 for ring in found.mask.rings for point in ring for n in point)


def _is_answer(answer: Answer) -> bool:
    if isinstance(answer, tuple):
        return all(isinstance(one, str) for one in answer)
    return isinstance(answer, str) or math.isfinite(answer)
