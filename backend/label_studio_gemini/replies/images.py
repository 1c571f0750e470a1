"""What stands around and in an object → the image that it says it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.replies.keys import IMAGE_KEYS, MAYBE_IMAGE_KEYS, spelled
from label_studio_gemini.replies.nodes import JsonList, JsonObject
from label_studio_gemini.replies.numbers import counted_image, image_number

if TYPE_CHECKING:
    from label_studio_gemini.replies.nodes import Value

_ALL_KEYS = (*IMAGE_KEYS, *MAYBE_IMAGE_KEYS)
_MIN_IMAGES = 2


def image_of(node: JsonObject, *, surely: bool = False) -> int | None:
    """Return the number of the image that an object names, where that is whole.

    Args:
        node: The object.
        surely: Leave out the keys that may as well be the names of questions.
    """
    members = node.members[:-1] if node.cut_in_value else node.members
    keys = IMAGE_KEYS if surely else _ALL_KEYS
    said: dict[str, int] = {}
    for key, value in members:
        if (name := spelled(key)) in keys and (number := image_number(value)) is not None:
            said.setdefault(name, number)
    return next((said[key] for key in keys if key in said), None)


def images_by_key(node: JsonObject) -> dict[str, int]:
    """Return the numbers of the images whose objects stand under keys: `image 1`, `page_2`.

    A bare `2` is an image above a list; above an object it may number that. Where one of them is 0,
    they are counted from 0.
    """
    named = {
        key: number
        for key, value in node.members
        if key[-1:].isdecimal()
        and (number := counted_image(key)) is not None
        and (isinstance(value, JsonList) or not key.strip().isdigit())
    }
    if not named:
        return {}
    first = 0 in named.values()
    numbers = {key: image_number(str(number + first)) for key, number in named.items()}
    return {key: number for key, number in numbers.items() if number is not None}


def is_list_of_images(node: JsonList) -> bool:
    """Say whether a list has a list of objects for each image, in their order."""
    return (
        len(node.items) >= _MIN_IMAGES
        and all(_is_list_of_objects(element) for element in node.items)
        and any(isinstance(element, JsonList) and element.items for element in node.items)
    )


def _is_list_of_objects(value: Value) -> bool:
    return isinstance(value, JsonList) and (value.holds_object or not value.items)
