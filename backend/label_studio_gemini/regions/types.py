"""What regions are made on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from label_studio_gemini.geometry import ImageSize


class ShownImage(NamedTuple):
    """An image of a task as the editor shows it.

    Attributes:
        name: The name of its Image tag: the `to_name` of its regions.
        size: Its natural size in pixels, upright.
        page: Its number among the pages of the tag, from 0: the `item_index`; None where the tag
            shows one image only.
    """

    name: str
    size: ImageSize
    page: int | None = None
