"""The keys of a reply's objects, in all the spellings that models give them."""

from __future__ import annotations

BOX_KEYS = ("box_2d", "bounding_box", "bbox", "box", "bbox_2d", "bounding_box_2d")
"""The spellings of the key of a box, the preferred one first."""

MAYBE_BOX_KEYS = ("coordinates",)
"""Likewise, where there is no other place; a question may have this name as well."""

POINT_KEYS = ("point", "points", "point_2d", "keypoint")
"""The spellings of the key of a point."""

MASK_KEYS = ("mask", "segmentation_mask", "segmentation", "polygon")
"""The spellings of the key of a mask."""

LABEL_KEYS = ("label", "name", "class", "category")
"""The spellings of the key of a label, the preferred one first."""

MAYBE_LABEL_KEYS = ("class_name", "category_name", "object_name", "labels", "object")
"""Likewise, where there is no other label; a question may have one of these names as well."""

IMAGE_KEYS = ("image", "image_index", "image_number")
"""The spellings of the key of the number of an item's image."""

MAYBE_IMAGE_KEYS = ("image_id", "page", "page_number")
"""Likewise, where there is no other; a question may have one of these names as well."""

ID_KEY = "id"

NUMBER_KEYS = (ID_KEY, "number", "index")
"""The spellings of the key of the number that relations call an item by."""

ANSWERS_KEY = "answers"
IMAGE_ANSWERS_KEY = "image_answers"

RELATIONS_KEYS = ("relations", "relationships")
"""The spellings of the key of the relations between items."""

SOURCE_KEYS = ("from", "from_id", "source", "source_id", "subject")
"""The spellings of the key of the item that a relation comes from."""

GOAL_KEYS = ("to", "to_id", "target", "target_id", "object")
"""The spellings of the key of the item that a relation goes to."""

KIND_KEYS = ("label", "labels", "relation", "predicate", "name", "type")
"""The spellings of the key of what a relation is, the preferred one first."""

ERROR_KEYS = frozenset({"error", "errors"})
"""What stands under these says why there is no answer, and is none."""

ITEM_KEYS = frozenset((*BOX_KEYS, *POINT_KEYS, *MASK_KEYS, *LABEL_KEYS))
"""The keys of what makes an object an item: where it is, and what."""

KNOWN_KEYS = ITEM_KEYS | {*IMAGE_KEYS, ID_KEY, ANSWERS_KEY, IMAGE_ANSWERS_KEY, *RELATIONS_KEYS}
"""The keys whose meaning is known; any other one of an item or a reply may be a question's name."""

_SPELLINGS = {
    name.replace("_", ""): name
    for name in (
        *(*KNOWN_KEYS, *MAYBE_BOX_KEYS, *MAYBE_LABEL_KEYS, *MAYBE_IMAGE_KEYS, *NUMBER_KEYS),
        *(*SOURCE_KEYS, *GOAL_KEYS, *KIND_KEYS),
    )
}
_MAX_KEY = 200  # characters; a longer one is none that is known


def spelled(key: str) -> str:
    r"""Return `key` as it is spelled here: also that of `Box 2D`, `boundingBox` and `box\_2d`."""
    if key in KNOWN_KEYS or len(key) > _MAX_KEY:
        return key
    name = key
    if not (key.islower() and key.isidentifier()):
        name = key.strip().lower().replace("\\", "").replace(" ", "_").replace("-", "_")
    return _SPELLINGS.get(name.replace("_", ""), name)
