"""Control tags that take a value → answer targets.

Sources: https://labelstud.io/tags/ and, where that is silent, the tags of the editor:
https://github.com/HumanSignal/label-studio/tree/develop/web/libs/editor/src/tags/control
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.labels.options import choices_from_tag, nodes_from_tag, why_no_options
from label_studio_gemini.labels.types import (
    AnswerKind,
    AnswerTarget,
    Label,
    NumberLimits,
    RegionTarget,
    Scope,
    UnfilledTag,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from label_studio_gemini.labels.objects import Objects
    from label_studio_gemini.labels.tags import Tag
    from label_studio_gemini.labels.types import ImageTag

_KINDS = {kind.value: kind for kind in AnswerKind}
_STARS = 5  # of a Rating that does not say
_DATE_PARTS = ("date", "time", "month", "year")
_DATE_BOUND = re.compile(r"\d{4}(-\d\d(-\d\d(T.*)?)?)?|\d\d:\d\d")


def answer_kind_of(tag: Tag) -> AnswerKind | None:
    """Return what value a control tag takes, or None for one that takes none."""
    return _KINDS.get(tag.kind)


def read_answer_target(
    tag: Tag, kind: AnswerKind, objects: Objects, regions: Sequence[RegionTarget]
) -> AnswerTarget | UnfilledTag:
    """Read a control tag that takes a value.

    Args:
        tag: The control tag.
        kind: What value it takes, as `answer_kind_of` says.
        objects: What it can be for.
        regions: The region targets of the config: what a `perRegion` tag can be about.

    Raises:
        LabelConfigError: It has no name.
    """
    images = objects.images_of(tag)
    if not images:
        return tag.unfilled(objects.why_no_image(tag))
    target = AnswerTarget(
        name=tag.required("name"),
        kind=kind,
        image_names=tuple(image.name for image in images),
        scope=_scope_of(tag, kind, images),
        per_item=tag.is_set("perItem") and not tag.is_set("perRegion"),
        prompt=tag.prompt,
    )
    found = _READERS[kind](tag, target) if kind in _READERS else target
    if isinstance(found, UnfilledTag) or found.scope is not Scope.REGION:
        return found
    return _about_regions(tag, found, regions)


def _scope_of(tag: Tag, kind: AnswerKind, images: Sequence[ImageTag]) -> Scope:
    """Return what the value is about; the editor keeps one value of a tag, of all its images."""
    if kind is AnswerKind.PAIRWISE:
        return Scope.TASK
    if tag.is_set("perRegion"):
        return Scope.REGION
    if tag.is_set("perItem"):
        return Scope.IMAGE
    return Scope.TASK if len(images) > 1 or images[0].pages else Scope.IMAGE


def _about_regions(
    tag: Tag, target: AnswerTarget, regions: Sequence[RegionTarget]
) -> AnswerTarget | UnfilledTag:
    """Narrow a `perRegion` tag to the regions that its and its parents' conditions let through.

    Source: `perRegionVisible` and `hasLabel` of the editor, and its `VisibilityMixin`.
    """
    about = [region for region in regions if set(region.image_names) & set(target.image_names)]
    if not about:
        return tag.unfilled("it is perRegion, and no region there can be filled")
    views = (up for up in tag.ancestors() if up.get("visibleWhen") == "region-selected")
    conditions = [condition for one in (tag, *views) if any(condition := _condition_of(one))]
    if not conditions:
        return target
    labels = frozenset(
        label.value
        for region in about
        for label in region.labels
        if all(condition.lets_through(region, label) for condition in conditions)
    )
    if labels:
        return replace(target, region_labels=labels)
    return tag.unfilled("its whenTagName or whenLabelValue fits no region")


class _Condition(NamedTuple):
    """Which regions a tag is shown for; an empty text lets all through."""

    tag_name: str
    label: str

    def lets_through(self, region: RegionTarget, label: Label) -> bool:
        if self.tag_name and self.tag_name not in (*region.names, *region.image_names):
            return False
        return not self.label or label.stored in (self.label, *self.label.split(","))


def _condition_of(tag: Tag) -> _Condition:
    about_choices = tag.get("visibleWhen").startswith("choice") or tag.get("whenChoiceValue")
    return _Condition("" if about_choices else tag.get("whenTagName"), tag.get("whenLabelValue"))


def _choices(tag: Tag, target: AnswerTarget) -> AnswerTarget | UnfilledTag:
    if tag.is_set("allowNested"):
        # It would store paths, and where Label Studio checks predictions, one refuses the batch:
        # `ChoicesValue` of label-studio-sdk takes texts alone.
        return tag.unfilled("with allowNested it is not filled, while <Taxonomy> is")
    labels = choices_from_tag(tag)
    if not labels:
        return tag.unfilled(why_no_options(tag, "Choice"))
    return replace(target, labels=labels, many=tag.get("choice") == "multiple")


def _taxonomy(tag: Tag, target: AnswerTarget) -> AnswerTarget | UnfilledTag:
    labels = nodes_from_tag(tag, leaves_only=tag.is_set("leafsOnly"))
    if not labels or tag.get("apiUrl"):
        return tag.unfilled(why_no_options(tag, "Choice"))
    most = _whole(tag.get("maxUsages"))
    return replace(target, labels=labels, many=most != 1, most=most)


def _rating(tag: Tag, target: AnswerTarget) -> AnswerTarget | UnfilledTag:
    """No star at all is no answer, in the editor."""
    stars = _whole(tag.get("maxRating")) or _STARS
    return replace(target, limits=NumberLimits(lowest=1, highest=stars, step=1))


def _number(tag: Tag, target: AnswerTarget) -> AnswerTarget | UnfilledTag:
    lowest, highest = _number_from(tag.get("min")), _number_from(tag.get("max"))
    if lowest is not None and highest is not None and lowest > highest:
        return tag.unfilled(f"no number is between min={lowest:g} and max={highest:g}")
    step = _number_from(tag.get("step"))
    step = step if step is not None and step > 0 else None
    return replace(target, limits=NumberLimits(lowest, highest, step))


def _datetime(tag: Tag, target: AnswerTarget) -> AnswerTarget | UnfilledTag:
    only = tuple(part for part in _DATE_PARTS if part in tag.get("only"))  # the editor's `includes`
    if "date" in only:
        only = tuple(part for part in only if part not in {"month", "year"})
    return replace(
        target,
        date_format=tag.get("format") or None,
        date_only=only,
        earliest=_date_bound(tag.get("min")),
        latest=_date_bound(tag.get("max")),
    )


def _pairwise(tag: Tag, target: AnswerTarget) -> AnswerTarget | UnfilledTag:
    if len(tag.to_names) != len(_SIDES) or len(target.image_names) != len(_SIDES):
        return tag.unfilled(f"toName={tag.get('toName')!r} is not two <Image> tags to compare")
    return replace(target, labels=_SIDES)


_SIDES = (Label("left"), Label("right"))

_READERS: dict[AnswerKind, Callable[[Tag, AnswerTarget], AnswerTarget | UnfilledTag]] = {
    AnswerKind.CHOICES: _choices,
    AnswerKind.TAXONOMY: _taxonomy,
    AnswerKind.RATING: _rating,
    AnswerKind.NUMBER: _number,
    AnswerKind.DATETIME: _datetime,
    AnswerKind.PAIRWISE: _pairwise,
}


def _number_from(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(text: str) -> int | None:
    """Return a number of things, one at least, or None where the text is no such number."""
    number = _number_from(text)
    return int(number) if number is not None and number >= 1 else None


def _date_bound(text: str) -> str | None:
    return text if _DATE_BOUND.fullmatch(text) else None
