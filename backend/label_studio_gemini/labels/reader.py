"""The labelling config (XML) of a project → what in it can be filled, and with which labels.

Source of the tags: https://labelstud.io/tags/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.labels.answers import answer_kind_of, read_answer_target
from label_studio_gemini.labels.objects import REPEATED, is_repeated, read_objects
from label_studio_gemini.labels.regions import find_holders, read_region_target, shape_of
from label_studio_gemini.labels.tags import read_tags
from label_studio_gemini.labels.types import LabelConfig, RegionTarget, Target, UnfilledTag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from label_studio_gemini.labels.objects import Objects
    from label_studio_gemini.labels.tags import Tag

_Found: TypeAlias = Target | UnfilledTag

_NO_RESULTS = frozenset({"filter", "magicwand"})  # a search field, and a tool of BrushLabels


def read_label_config(xml: str) -> LabelConfig:
    """Read a project's labelling config.

    Raises:
        LabelConfigError: It is not XML, has entities or a DTD, or a tag lacks what it must have.
    """
    tags = tuple(read_tags(xml).walk())
    objects = read_objects(tags)
    found = _read_controls([tag for tag in tags if _is_control(tag)], objects)
    return LabelConfig(
        images=objects.images,
        targets=tuple(one for one in found if not isinstance(one, UnfilledTag)),
        unfilled=tuple(one for one in found if isinstance(one, UnfilledTag)),
        relations=_relations(tags),
    )


def _is_control(tag: Tag) -> bool:
    """Tell whether a tag annotates something: it says what, or could be told."""
    if tag.kind in _NO_RESULTS or _is_prompt_box(tag):
        return False
    return "toname" in tag.attributes or (_is_known(tag) and bool(tag.get("name")))


def _is_known(tag: Tag) -> bool:
    known = shape_of(tag) or answer_kind_of(tag)
    return known is not None or tag.kind == "labels"


def _is_prompt_box(tag: Tag) -> bool:
    """Tell whether annotators write there what a smart tool shall do: it is no answer."""
    return tag.kind == "textarea" and tag.is_set("smart")


def _read_controls(controls: Sequence[Tag], objects: Objects) -> list[_Found]:
    """Read the control tags in document order; those about regions need the regions first."""
    labels_tags = (tag for tag in controls if tag.kind == "labels" and not is_repeated(tag))
    holders = find_holders(labels_tags, objects)
    drawn = {
        tag: read_region_target(tag, shape, objects, holders)
        for tag in controls
        if (shape := shape_of(tag)) is not None and not is_repeated(tag)
    }
    regions = [one for one in drawn.values() if isinstance(one, RegionTarget)]
    spoken_for = {region.labels_name for region in regions}
    found = (drawn.get(tag) or _read_other(tag, objects, regions, spoken_for) for tag in controls)
    return [one for one in found if one is not None]


def _read_other(
    tag: Tag, objects: Objects, regions: Sequence[RegionTarget], spoken_for: AbstractSet[str | None]
) -> _Found | None:
    """Read a tag that draws nothing; None is a `<Labels>` that a geometry tag speaks for."""
    if is_repeated(tag):
        return tag.unfilled(REPEATED)
    kind = answer_kind_of(tag)
    if kind is not None:
        return read_answer_target(tag, kind, objects, regions)
    if tag.required("name") in spoken_for:
        return None
    if not objects.images_of(tag):
        return tag.unfilled(objects.why_no_image(tag))
    if tag.kind == "labels":
        return tag.unfilled("no <Rectangle> or other such tag takes its labels from it")
    return tag.unfilled("tags of this kind are not filled")


def _relations(tags: Sequence[Tag]) -> tuple[str, ...]:
    values = (tag.get("value") for tag in tags if tag.kind == "relation")
    return tuple(dict.fromkeys(value for value in values if value.strip()))
