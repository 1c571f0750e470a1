"""The Image tags of a labelling config, and which of them a control tag is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.labels.types import ImageTag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from label_studio_gemini.labels.tags import Tag

REPEATED = "tags in a <Repeater> are not filled"


@dataclass(frozen=True, slots=True)
class Objects:
    """What control tags can be for.

    Attributes:
        images: The Image tags whose images are known, in document order.
        by_name: Every tag that has a name, by its name.
    """

    images: tuple[ImageTag, ...]
    by_name: Mapping[str, Tag]

    def images_of(self, tag: Tag) -> tuple[ImageTag, ...]:
        """Return the Image tags that a control tag is for, in the order of its `toName`."""
        spaced = {image.name.strip(): image for image in self.images}
        spaced |= {image.name: image for image in self.images}
        found = (spaced.get(name, spaced.get(name.strip())) for name in tag.to_names)
        return tuple(dict.fromkeys(image for image in found if image is not None))

    def why_no_image(self, tag: Tag) -> str:
        """Return the reason why a control tag is for no image."""
        if not tag.get("toName").strip():
            return "it has no toName"
        other = next((self.by_name[name] for name in tag.to_names if name in self.by_name), None)
        if other is None:
            return f"toName={tag.get('toName')!r} is the name of no tag"
        shown = f"<{other.written} name={other.get('name')!r}>"
        if other.kind == "image":
            return f"{shown} has no value=… of its own"
        return f"it annotates {shown}, not an image"


def read_objects(tags: Sequence[Tag]) -> Objects:
    """Find what control tags can be for.

    Raises:
        LabelConfigError: An Image tag has no name.
    """
    by_name: dict[str, Tag] = {}
    for tag in tags:
        if name := tag.get("name"):
            by_name.setdefault(name, tag)
    found = (_image_from_tag(tag) for tag in tags if tag.kind == "image" and not is_repeated(tag))
    return Objects(tuple(image for image in found if image is not None), by_name)


def _image_from_tag(tag: Tag) -> ImageTag | None:
    """Read an Image tag; with both attributes the editor takes `valueList`."""
    if pages := tag.get("valueList"):
        return ImageTag(tag.required("name"), pages, pages=True)
    if value := tag.get("value"):
        return ImageTag(tag.required("name"), value)
    return None


def is_repeated(tag: Tag) -> bool:
    """Tell whether a tag is repeated for each item of a task, so that its real names are not known.

    Source: https://github.com/HumanSignal/label-studio (editor/src/tags/visual/Repeater.js)
    """
    return any(above.kind == "repeater" for above in tag.ancestors())
