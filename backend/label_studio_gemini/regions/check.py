"""What is wrong with a finished result item. Pure.

Label Studio stores nearly anything, and what is malformed breaks the labelling page of its task or
is drawn as garbage; with its validation on, one bad item costs the whole batch. So this is stricter
than label-studio-sdk, which lets pass what lies left of the image, has no size or is no mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.geometry import ImageSize
from label_studio_gemini.labels import RegionTarget
from label_studio_gemini.regions.check_answers import fault_of_answer
from label_studio_gemini.regions.check_shapes import fault_of_shape

if TYPE_CHECKING:
    from label_studio_gemini.labels import Target
    from label_studio_gemini.regions.json import RegionJson

_LABELS = "labels"  # the type, and the key, of the item that holds the labels of another one


def check_item(item: RegionJson, target: Target) -> str | None:
    """Return what is wrong with a result item of `target`, or None where it is right.

    Args:
        item: One result item; of a region in two items, either of them.
        target: The control tag that it is for.

    Returns:
        A short name, for counting: `outside`, `unknown_label`, `wrong_size`, …
    """
    fault = _fault_of_names(item, target)
    if fault is not None:
        return fault
    if not isinstance(target, RegionTarget):
        return fault_of_answer(item["value"], target)
    size = _size_of(item)
    if size is None:
        return "no_size"
    return _fault_of_labels(item, target) or fault_of_shape(item["value"], target.shape, size)


def _fault_of_names(item: RegionJson, target: Target) -> str | None:
    if item["from_name"] not in target.names or item["to_name"] not in target.image_names:
        return "unknown_name"
    if item["type"] != _type_of(item, target):
        return "wrong_type"
    if not _is_id(item["id"]):
        return "no_id"
    return None if _is_count(item.get("item_index", 0)) else "no_such_page"


def _type_of(item: RegionJson, target: Target) -> str:
    if not isinstance(target, RegionTarget):
        return target.kind.value
    return _LABELS if item["from_name"] == target.labels_name else target.type


def _size_of(item: RegionJson) -> ImageSize | None:
    width, height = item.get("original_width", 0), item.get("original_height", 0)
    is_size = _is_count(width) and _is_count(height) and width * height > 0
    return ImageSize(width, height) if is_size else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _fault_of_labels(item: RegionJson, target: RegionTarget) -> str | None:
    if item["type"] == target.shape.value:  # its labels are in the other item of the region
        return None
    labels = dict(item["value"]).get(item["type"])
    if not isinstance(labels, list) or not labels:
        return "no_label"
    known = {label.stored for label in target.labels}
    return None if all(label in known for label in labels) else "unknown_label"
