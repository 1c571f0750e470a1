"""A task's data → the addresses of its images, as the editor reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError
from label_studio_gemini.labels.types import PageAddress

if TYPE_CHECKING:
    from label_studio_gemini.labels.types import ImageTag

# `$image`, and a way into the data: `$photos[0].url`. Nine digits are more than any list needs.
_VARIABLE = re.compile(r"\$(\w+(?:\.\w+|\[[0-9]{1,9}\])*)")
_STEP = re.compile(r"\w+")
_INDEX = re.compile(r"[0-9]{1,9}")


def read_image_addresses(tag: ImageTag, data: Mapping[str, object]) -> tuple[PageAddress, ...]:
    """Return the addresses that a task's data holds for an Image tag, one at least.

    Pages that are no list are one page, as in the editor: `createImageEntities` of
    https://github.com/HumanSignal/label-studio (editor/src/tags/object/Image/Image.js)

    Raises:
        TaskError: The data has no such key, or no text under it; for pages, no list of texts.
    """
    if not tag.pages:
        return (PageAddress(_read_address(tag, data)),)
    match = _VARIABLE.fullmatch(tag.value.strip())
    value = _look_up(data, match[1]) if match else None
    if not isinstance(value, list):
        return (PageAddress(_read_address(tag, data), 0),)
    pages = [page.strip() for page in value if isinstance(page, str) and page.strip()]
    if pages and len(pages) == len(value):
        return tuple(PageAddress(page, number) for number, page in enumerate(pages))
    raise TaskError(
        f"`data.{tag.value.strip()[1:]}` of the task is no list of image addresses; "
        f"<Image name={tag.name!r}> takes its pages there.",
        hint=f"give the task a list of addresses there; its data has {sorted(data)}.",
    )


def _read_address(tag: ImageTag, data: Mapping[str, object]) -> str:
    """Return the image address that a task's data holds for an Image tag, as the editor reads it.

    Raises:
        TaskError: The data has no such key, or no text under it.
    """

    def value_of(match: re.Match[str]) -> str:
        way, rest = match[1], ""
        value = _look_up(data, way)
        if value is None and match[0] != tag.value:  # of `https://host/$name.jpg`, it has `name`
            way, dot, rest = way.partition(".")
            value, rest = _look_up(data, way), dot + rest
        if isinstance(value, str) and value.strip():
            return value.strip() + rest
        state = f"is {type(value).__name__}, not text" if value else "is missing or empty"
        raise TaskError(
            f"`data.{way}` of the task {state}; <Image name={tag.name!r}> takes its image there.",
            hint=f"give the task a `data.{way}` with the image's address; it has {sorted(data)}.",
        )

    return _VARIABLE.sub(value_of, tag.value)


def _look_up(data: Mapping[str, object], way: str) -> object:
    """Return what is at the end of a way such as `photos[0].url`, or None.

    A key that looks like a way counts first, as in the editor, which asks `lodash.get`.
    """
    if way in data:
        return data[way]
    value: object = data
    for step in _STEP.findall(way):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
