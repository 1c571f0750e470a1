"""What a labelling config offers, in the package's own words.

A *target* is a control tag that predictions can fill. There are two kinds: a `RegionTarget` takes
shapes (boxes, masks, points), an `AnswerTarget` a value: of the image, of all images of the task
together, or of each region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

_VARIABLE = re.compile(r"\$(\w+)")

PATH_SEPARATOR = " > "
"""Between the nodes of a Taxonomy, in what Gemini is asked to call one."""


class Shape(StrEnum):
    """What the regions of a target are; the value is the `type` of one that has no label itself."""

    RECTANGLE = "rectangle"
    POLYGON = "polygon"
    BRUSH = "brush"
    BITMASK = "bitmask"
    VECTOR = "vector"
    ELLIPSE = "ellipse"
    KEYPOINT = "keypoint"


MASK_SHAPES = frozenset({Shape.POLYGON, Shape.BRUSH, Shape.BITMASK, Shape.VECTOR, Shape.ELLIPSE})
"""The shapes that are made of a mask, where there is one."""


class AnswerKind(StrEnum):
    """What the value of an answer target is; the value is its `type` in Label Studio's JSON."""

    CHOICES = "choices"
    TAXONOMY = "taxonomy"
    TEXTAREA = "textarea"
    RATING = "rating"
    NUMBER = "number"
    DATETIME = "datetime"
    PAIRWISE = "pairwise"


class Scope(StrEnum):
    """What an answer is about."""

    REGION = "region"
    """Each region: the tag is `perRegion`."""
    IMAGE = "image"
    """Each image: of each Image tag, and of each page where the tag is `perItem`."""
    TASK = "task"
    """All images of its Image tags together: `Pairwise`, and tags over several images or pages."""


@dataclass(frozen=True, slots=True)
class Label:
    """One `<Label>` or `<Choice>` of a control tag.

    Attributes:
        value: The text that annotators see; of a nested choice, its own without its parents'.
        alias: The text that is stored in its place, if the tag has one.
        hint: The tag's tooltip for annotators; it tells Gemini what is meant, too.
        predicted_values: What a model calls it (`predicted_values="car,truck"`), if that differs.
        parents: Of a node of a Taxonomy, the values of the nodes that it is in, from the root.
        path: Of a node of a Taxonomy, what is stored: what of each of `parents`, and of itself.
    """

    value: str
    alias: str | None = None
    hint: str | None = None
    predicted_values: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    @property
    def stored(self) -> str:
        """The text that Label Studio stores in a result and validates against."""
        return self.alias or self.value

    @property
    def spoken(self) -> str:
        """What Gemini is asked to call it: its value, of a Taxonomy with its parents'."""
        return PATH_SEPARATOR.join((*self.parents, self.value))

    @property
    def stored_spoken(self) -> str:
        """The same of what is stored."""
        return PATH_SEPARATOR.join(self.path) or self.stored


@dataclass(frozen=True, slots=True)
class RegionTarget:
    """A control tag whose regions predictions can draw.

    Attributes:
        name: The tag's name: the `from_name` of its regions.
        shape: What its regions are.
        image_names: The names of the Image tags that it annotates (its `toName`).
        labels: The labels to choose from, never empty.
        labels_name: For a geometry tag, the name of the `<Labels>` tag that holds its labels.
        smart: Whether annotators draw with it what a smart tool shall look at (`smart="true"`).
        closable: Whether the paths of a Vector tag can be closed (`closable="true"`).
        prompt: The tag's `gemini_prompt`, if it has one.
    """

    name: str
    shape: Shape
    image_names: tuple[str, ...]
    labels: tuple[Label, ...]
    labels_name: str | None = None
    smart: bool = False
    closable: bool = False
    prompt: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a recipe may call it."""
        return (self.name,) if self.labels_name is None else (self.name, self.labels_name)

    @property
    def type(self) -> str:
        """The `type` of its regions in Label Studio's JSON: `rectanglelabels`, or `rectangle`."""
        return self.shape.value if self.labels_name is not None else f"{self.shape.value}labels"


@dataclass(frozen=True, slots=True)
class NumberLimits:
    """The least and the greatest number that a tag takes, and the step between them."""

    lowest: float | None = None
    highest: float | None = None
    step: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerTarget:
    """A control tag that takes a value.

    Attributes:
        name: The tag's name: the `from_name` of its results.
        kind: What its value is.
        image_names: The names of the Image tags that it is for (its `toName`).
        scope: What the value is about.
        per_item: Whether the tag is `perItem`: the editor looks for its value at the image's
            `item_index`, which is 0 for one that has no pages.
        labels: What there is to choose from: the choices, every node of a Taxonomy that may be
            chosen, `left` and `right` of Pairwise; empty where the value is free.
        many: Whether several may be chosen (`choice="multiple"`, a Taxonomy without maxUsages=1).
        most: Of a Taxonomy, how many nodes may be chosen (`maxUsages`); None for any number.
        limits: Of a Number or Rating, what it takes.
        date_format: Of a DateTime, the strftime format that is stored; None is ISO.
        date_only: Of a DateTime, the parts that it takes (`only="date"`), empty for all.
        earliest: Of a DateTime, the first that it takes: an ISO day, month or year, to be compared
            as text; where it takes the time alone, a time of the day.
        latest: Likewise, the last.
        region_labels: Of a `perRegion` tag, the labels of the regions that it is for
            (`whenLabelValue`, `whenTagName`), by their values; None for all.
        prompt: The tag's `gemini_prompt`, if it has one.
    """

    name: str
    kind: AnswerKind
    image_names: tuple[str, ...]
    scope: Scope = Scope.IMAGE
    per_item: bool = False
    labels: tuple[Label, ...] = ()
    many: bool = False
    most: int | None = None
    limits: NumberLimits = NumberLimits()
    date_format: str | None = None
    date_only: tuple[str, ...] = ()
    earliest: str | None = None
    latest: str | None = None
    region_labels: frozenset[str] | None = None
    prompt: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a recipe may call it."""
        return (self.name,)


Target: TypeAlias = RegionTarget | AnswerTarget


@dataclass(frozen=True, slots=True)
class ImageTag:
    """An `<Image>` tag: its name, and where a task keeps its address (`$image`).

    Attributes:
        name: Its name: the `to_name` of results.
        value: Where the address is, or each address of `pages`.
        pages: Whether it shows several images, one a page (`valueList="$images"`).
    """

    name: str
    value: str
    pages: bool = False

    @property
    def key(self) -> str | None:
        """The key of a task's data that holds the whole address, where it is that of one alone."""
        match = _VARIABLE.fullmatch(self.value)
        return match[1] if match and not self.pages else None


@dataclass(frozen=True, slots=True)
class UnfilledTag:
    """A control tag that is left to people, and why."""

    tag: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"<{self.tag} name={self.name!r}>: {self.reason}"


class PageAddress(NamedTuple):
    """The address of one image of a task: of the page of that number, from 0, of several pages."""

    address: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """All that a labelling config offers, in document order.

    Attributes:
        images: Its Image tags.
        targets: The control tags that can be filled.
        unfilled: Those that cannot, and why.
        relations: The values of its `<Relation>` tags: what one region may be to another.
    """

    images: tuple[ImageTag, ...]
    targets: tuple[Target, ...]
    unfilled: tuple[UnfilledTag, ...] = ()
    relations: tuple[str, ...] = ()

    def image(self, name: str) -> ImageTag:
        """Return the Image tag of that name, one of `images`."""
        return next(tag for tag in self.images if tag.name == name)
