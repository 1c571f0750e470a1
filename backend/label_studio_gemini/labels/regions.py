"""Control tags that draw regions on images → region targets.

Source of the tags: https://labelstud.io/tags/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels.options import labels_from_tag, why_no_options
from label_studio_gemini.labels.types import RegionTarget, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.labels.objects import Objects
    from label_studio_gemini.labels.tags import Tag
    from label_studio_gemini.labels.types import UnfilledTag

_SHAPES = {shape.value: shape for shape in Shape}


def shape_of(tag: Tag) -> Shape | None:
    """Return what a control tag draws: a polygon for both `<PolygonLabels>` and `<Polygon>`."""
    return _SHAPES.get(tag.kind.removesuffix("labels"))


def read_region_target(
    tag: Tag, shape: Shape, objects: Objects, labels_tags: Sequence[Tag]
) -> RegionTarget | UnfilledTag:
    """Read a control tag that draws regions.

    Args:
        tag: The control tag.
        shape: What it draws, as `shape_of` says.
        objects: What it can be for.
        labels_tags: The `<Labels>` tags of the config, where a geometry tag finds its labels.

    Raises:
        LabelConfigError: It or its `<Labels>` has no name.
    """
    images = objects.images_of(tag)
    if not images:
        return tag.unfilled(objects.why_no_image(tag))
    holder = tag if tag.kind.endswith("labels") else _labels_holder(tag, objects, labels_tags)
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


def _labels_holder(tag: Tag, objects: Objects, labels_tags: Sequence[Tag]) -> Tag | None:
    """Return the first `<Labels>` for an image of a geometry tag, rather one that has labels."""
    images = set(objects.images_of(tag))
    shared = [other for other in labels_tags if images & set(objects.images_of(other))]
    return next((other for other in shared if labels_from_tag(other)), next(iter(shared), None))
