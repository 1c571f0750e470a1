"""The labelling config (XML) of a project -> what in it can be filled, and with which labels.

Source of the tags: https://labelstud.io/tags/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from label_studio_gemini.errors import LabelConfigError, TaskError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

_VARIABLE = re.compile(r"\$(\w+)")
_NOT_CONTROLS = frozenset({"Filter"})  # have a toName and yet annotate nothing


class TargetKind(StrEnum):
    """What a target's regions are; the value is their `type` in Label Studio's JSON."""

    RECTANGLE_LABELS = "rectanglelabels"
    RECTANGLE = "rectangle"


@dataclass(frozen=True, slots=True)
class Label:
    """One `<Label>` of a control tag.

    Attributes:
        value: The text that annotators see.
        alias: The text that is stored in its place, if the tag has one.
        hint: The tag's tooltip for annotators; it tells Gemini what is meant, too.
        predicted_values: What a model calls it (`predicted_values="car,truck"`), if that differs.
    """

    value: str
    alias: str | None = None
    hint: str | None = None
    predicted_values: tuple[str, ...] = ()

    @property
    def stored(self) -> str:
        """The text that Label Studio stores in a result and validates against."""
        return self.alias or self.value


@dataclass(frozen=True, slots=True)
class Target:
    """A control tag that predictions can fill.

    Attributes:
        name: The tag's name: the `from_name` of its regions.
        kind: What its regions are.
        image_names: The names of the Image tags that it annotates (its `toName`).
        labels: The labels to choose from, never empty.
        labels_name: For a geometry tag, the name of the `<Labels>` tag that holds its labels.
        prompt: The tag's `gemini_prompt`, if it has one.
    """

    name: str
    kind: TargetKind
    image_names: tuple[str, ...]
    labels: tuple[Label, ...]
    labels_name: str | None = None
    prompt: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a recipe may call it."""
        return (self.name,) if self.labels_name is None else (self.name, self.labels_name)


@dataclass(frozen=True, slots=True)
class ImageTag:
    """An `<Image>` tag: its name, and where a task keeps its address (`$image`)."""

    name: str
    value: str

    @property
    def key(self) -> str | None:
        """The key of a task's data that holds the whole address, where it is that of one alone."""
        match = _VARIABLE.fullmatch(self.value)
        return match[1] if match else None


@dataclass(frozen=True, slots=True)
class UnfilledTag:
    """A control tag that is left to people, and why."""

    tag: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"<{self.tag} name={self.name!r}>: {self.reason}"


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """All that a labelling config offers, in document order."""

    images: tuple[ImageTag, ...]
    targets: tuple[Target, ...]
    unfilled: tuple[UnfilledTag, ...] = ()

    def image(self, name: str) -> ImageTag:
        """Return the Image tag of that name, one of `images`."""
        return next(tag for tag in self.images if tag.name == name)


def read_label_config(xml: str) -> LabelConfig:
    """Read a project's labelling config.

    Raises:
        LabelConfigError: It is not XML, has entities or a DTD, or a tag lacks what it must have.
    """
    root = _parse(xml)
    controls = [tag for tag in root.iter() if _is_control(tag)]
    images = tuple(
        ImageTag(_required(tag, "name"), tag.get("value", ""))
        for tag in root.iter("Image")
        if tag.get("value")
    )
    image_names = {tag.name for tag in images}
    labels_tags = [tag for tag in controls if tag.tag == "Labels"]
    targets: list[Target] = []
    unfilled: list[UnfilledTag] = []
    for tag in controls:
        found = _target_from_tag(tag, labels_tags, image_names)
        if isinstance(found, Target):
            targets.append(found)
        else:
            unfilled.append(found)
    holders = {target.labels_name for target in targets}  # geometry tags speak for these
    left = tuple(tag for tag in unfilled if tag.tag != "Labels" or tag.name not in holders)
    return LabelConfig(images, tuple(targets), left)


def match_label(said: str, labels: Iterable[Label]) -> Label | None:
    """Return the label that Gemini's word means, or None; nothing is guessed by similarity.

    The order: exactly a value, a value but for its case, then the alias and the predicted values.
    """
    labels = tuple(labels)
    folded = said.strip().casefold()
    by_value = next((label for label in labels if label.value == said), None)
    by_case = next((label for label in labels if label.value.strip().casefold() == folded), None)
    return (
        by_value or by_case or next((label for label in labels if folded in _others(label)), None)
    )


def read_image_address(tag: ImageTag, data: Mapping[str, object]) -> str:
    """Return the image address that a task's data holds for an Image tag, as the editor reads it.

    Raises:
        TaskError: The data has no such key, or no text under it.
    """

    def value_of(match: re.Match[str]) -> str:
        key = match[1]
        value = data.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        state = f"is {type(value).__name__}, not text" if value else "is missing or empty"
        raise TaskError(
            f"`data.{key}` of the task {state}; <Image name={tag.name!r}> takes its image there.",
            hint=f"give the task a `data.{key}` with the image's address; it has {sorted(data)}.",
        )

    return _VARIABLE.sub(value_of, tag.value)


def _parse(xml: str) -> Element:
    try:
        return fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise LabelConfigError(
            "The labelling config has a DTD or entities, which are refused.",
            hint="remove the <!DOCTYPE …> from the labelling config.",
        ) from error
    except (ParseError, ValueError) as error:
        raise LabelConfigError(
            f"The labelling config is not valid XML: {error}.",
            hint="copy it from the project's Settings → Labeling Interface → Code.",
        ) from error


def _is_control(tag: Element) -> bool:
    return tag.get("toName") is not None and tag.tag not in _NOT_CONTROLS


def _required(tag: Element, attribute: str) -> str:
    value = tag.get(attribute, "")  # white space around it is a part of it, as in Label Studio
    if not value.strip():
        raise LabelConfigError(
            f"A <{tag.tag}> tag of the labelling config has no `{attribute}`.",
            hint=f'add {attribute}="…" to it.',
        )
    return value


def _target_from_tag(
    tag: Element, labels_tags: list[Element], image_names: set[str]
) -> Target | UnfilledTag:
    name = _required(tag, "name")
    on_images = _images_of(tag, image_names)
    holder = _labels_holder(tag, labels_tags)
    if tag.tag == "Labels":
        return UnfilledTag(tag.tag, name, "no <Rectangle> tag takes its labels from it")
    if tag.tag not in {"RectangleLabels", "Rectangle"}:
        return UnfilledTag(tag.tag, name, "this kind of control tag is not filled yet")
    if not on_images:
        return UnfilledTag(tag.tag, name, f"toName={tag.get('toName')!r} is no <Image value=…> tag")
    if holder is None:
        return UnfilledTag(tag.tag, name, "there is no <Labels> tag with the same toName")
    if holder is not tag:  # a label can be given where both tags are for the image, and not else
        on_images = tuple(name for name in on_images if name in _images_of(holder, image_names))
    labels = _labels_from_tag(holder)
    if not labels:
        return UnfilledTag(tag.tag, name, "it has no <Label value=…> of its own")
    split = holder is not tag
    return Target(
        name=name,
        kind=TargetKind.RECTANGLE if split else TargetKind.RECTANGLE_LABELS,
        image_names=on_images,
        labels=labels,
        labels_name=_required(holder, "name") if split else None,
        prompt=tag.get("gemini_prompt") or holder.get("gemini_prompt") or None,
    )


def _to_names(tag: Element) -> tuple[str, ...]:
    return tuple(tag.get("toName", "").split(","))


def _images_of(tag: Element, image_names: set[str]) -> tuple[str, ...]:
    """Return the Image tags that a control tag is for, named as they are."""
    spaced = {name: name for name in image_names} | {name.strip(): name for name in image_names}
    found = (spaced.get(name, spaced.get(name.strip())) for name in _to_names(tag))
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _labels_holder(tag: Element, labels_tags: list[Element]) -> Element | None:
    if tag.tag != "Rectangle":
        return tag
    wanted = set(_to_names(tag))
    return next((other for other in labels_tags if wanted & set(_to_names(other))), None)


def _labels_from_tag(tag: Element) -> tuple[Label, ...]:
    """Read the `<Label>` tags below a control tag; of two alike the first counts."""
    labels: dict[str, Label] = {}
    for child in tag.iter("Label"):
        value = child.get("value", "")
        if not value.strip() or value.startswith("$"):
            continue
        label = Label(
            value=value,
            alias=child.get("alias") or None,
            hint=child.get("hint", "").strip() or None,
            predicted_values=tuple(
                word
                for part in child.get("predicted_values", "").split(",")
                if (word := part.strip())
            ),
        )
        labels.setdefault(label.value, label)
    return tuple(labels.values())


def _others(label: Label) -> set[str]:
    words = (label.alias or label.value, *label.predicted_values)
    return {word.strip().casefold() for word in words}
