"""Control tags that draw regions on images → region targets.

Source of the tags: https://labelstud.io/tags/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels.options import labels_from_tag, why_no_options
from label_studio_gemini.labels.types import RegionTarget, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from label_studio_gemini.labels.objects import Objects
    from label_studio_gemini.labels.tags import Tag
    from label_studio_gemini.labels.types import ImageTag, UnfilledTag

_SHAPES = {shape.value: shape for shape in Shape}


def shape_of(tag: Tag) -> Shape | None:
    """Return what a control tag draws: a polygon for both `<PolygonLabels>` and `<Polygon>`."""
    return _SHAPES.get(tag.kind.removesuffix("labels"))


def find_holders(
    labels_tags: Iterable[Tag], objects: Objects
) -> Mapping[ImageTag, tuple[int, Tag]]:
    """Return where a geometry tag for an image finds its labels, with the rank of that tag.

    That is the first `<Labels>` for the image, rather one that has labels.
    """
    found: dict[ImageTag, tuple[int, Tag]] = {}
    best_first = sorted(labels_tags, key=lambda tag: not labels_from_tag(tag))
    for rank, tag in enumerate(best_first):
        for image in objects.images_of(tag):
            found.setdefault(image, (rank, tag))
    return found


def read_region_target(
    tag: Tag, shape: Shape, objects: Objects, holders: Mapping[ImageTag, tuple[int, Tag]]
) -> RegionTarget | UnfilledTag:
    """Read a control tag that draws regions.

    Args:
        tag: The control tag.
        shape: What it draws, as `shape_of` says.
        objects: What it can be for.
        holders: Where a geometry tag finds its labels, as `find_holders` says.

    Raises:
        LabelConfigError: It or its `<Labels>` has no name.
    """
    images = objects.images_of(tag)
    if not images:
        return tag.unfilled(objects.why_no_image(tag))
    holder = tag if tag.kind.endswith("labels") else _holder_for(images, holders)
    if holder is None:
        return tag.unfilled("there is no <Labels> tag with the same toName")
    labels = labels_from_tag(holder)
    if not labels:
        return tag.unfilled(why_no_options(holder, "Label"))
    on_both = objects.images_of(holder)  # a label can be given there, and nowhere else
    return RegionTarget(
        name=tag.required("name"),
        shape=shape,
        image_names=tuple(image.name for image in images if image in on_both),
        labels=labels,
        labels_name=None if holder is tag else holder.required("name"),
        smart=tag.is_set("smart") or tag.is_set("smartOnly"),
        closable=tag.is_set("closable"),
        prompt=tag.prompt or holder.prompt,
    )


def _holder_for(
    images: Iterable[ImageTag], holders: Mapping[ImageTag, tuple[int, Tag]]
) -> Tag | None:
    ranked = [holders[image] for image in images if image in holders]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None
