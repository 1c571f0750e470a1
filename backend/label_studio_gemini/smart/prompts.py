"""The context of an interactive request → what the annotator points at or asks for.

Label Studio sends all regions of the same tool and label, in the order that they were made: open
prompts, ones that were accepted, and ones that somebody drew. Key points that are prompts say
whether they are positive. Rectangles do not: one that a model made is no prompt, and one that is
saved already is no fresh one. Its editor forgets all suggestions whenever new ones arrive, so each
open prompt is answered again.

With auto-annotation on, its editor also sends whatever text is written, a caption too, unless the
tag says smart="false". That asks for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from label_studio_gemini.errors import TaskError
from label_studio_gemini.labels import AnswerTarget
from label_studio_gemini.smart.items import Item, ids_of, is_item, read_items
from label_studio_gemini.smart.places import point_in, rectangle_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.geometry import GeminiPoint, PercentBox
    from label_studio_gemini.labels import ImageTag, LabelConfig

MOST_PROMPTS = 50
"""Of more open prompts, the newest count."""

LONGEST_TEXT = 4000
"""The most characters of a text prompt."""

_TOOLS = ("rectangle", "keypoint")

_HINT = (
    "draw with a <Rectangle>, <KeyPoint>, <RectangleLabels> or <KeyPointLabels> tag, or write into "
    'a <TextArea>, that has smart="true" and is for an <Image>.'
)


class Drawn(NamedTuple):
    """A region that is a prompt: its id, and whether it is a `rectangle` or a `keypoint`."""

    id: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class BoxPrompt:
    """A rectangle around what is meant.

    Attributes:
        box: As it is drawn, in percent.
        rotation: In degrees, clockwise about its upper left corner.
        tool: The name of the tag that it was drawn with.
        labels: The labels that were chosen, as they are stored; empty for any.
        region: What was drawn.
    """

    box: PercentBox
    rotation: float = 0.0
    tool: str = ""
    labels: tuple[str, ...] = ()
    region: Drawn = field(default=Drawn(), compare=False)


@dataclass(frozen=True, slots=True)
class PointPrompt:
    """A point on what is meant, or on what is not.

    Attributes:
        point: Where, on the 0-1000 grid of the image.
        positive: Whether what is there is meant.
        tool: The name of the tag that it was drawn with.
        labels: The labels that were chosen, as they are stored; empty for any.
        region: What was drawn.
    """

    point: GeminiPoint
    positive: bool = True
    tool: str = ""
    labels: tuple[str, ...] = ()
    region: Drawn = field(default=Drawn(), compare=False)


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """What an annotator asks for in words."""

    text: str


Prompt: TypeAlias = BoxPrompt | PointPrompt | TextPrompt


@dataclass(frozen=True, slots=True)
class Prompts:
    """What came with an interactive request.

    Attributes:
        image: The Image tag that it is about.
        page: The page of it, from 0; None where the tag shows one image only.
        prompts: What is open, one at least, the newest last.
        accepted: Regions that were re-sent with it; they are no prompts.
        ids: The ids of the prompts: a draft may hold them.
    """

    image: ImageTag
    page: int | None
    prompts: tuple[Prompt, ...]
    accepted: tuple[Item, ...] = ()
    ids: frozenset[str] = frozenset()

    @property
    def boxes(self) -> tuple[BoxPrompt, ...]:
        """The rectangles among the prompts."""
        return tuple(one for one in self.prompts if isinstance(one, BoxPrompt))

    @property
    def points(self) -> tuple[PointPrompt, ...]:
        """The points among the prompts."""
        return tuple(one for one in self.prompts if isinstance(one, PointPrompt))

    @property
    def drawn(self) -> tuple[BoxPrompt | PointPrompt, ...]:
        """All but the texts."""
        return tuple(one for one in self.prompts if not isinstance(one, TextPrompt))

    @property
    def text(self) -> str | None:
        """The newest text among the prompts."""
        texts = [one.text for one in self.prompts if isinstance(one, TextPrompt)]
        return texts[-1] if texts else None

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels that were chosen; None where a prompt is about any, as a text always is."""
        drawn = self.drawn
        if self.text is not None or not all(one.labels for one in drawn):
            return None
        return tuple(dict.fromkeys(label for one in drawn for label in one.labels))


def read_context(
    value: object, label_config: LabelConfig, saved_ids: frozenset[str] = frozenset()
) -> Prompts | None:
    """Read what came with an interactive request: `{"result": [{"type": "rectanglelabels", …}]}`.

    Returns None where nothing is asked for.

    Args:
        value: The `context` of the request's `params`.
        label_config: The project's.
        saved_ids: The ids of regions that are saved with the task, and were no prompts before.

    Raises:
        TaskError: There is no prompt in it that could be answered, though there should be.
    """
    items = read_items(value.get("result") if isinstance(value, dict) else None)
    found = [_Found(item, prompt) for item in items if (prompt := _prompt(item, label_config))]
    if not found:
        _check_nothing_is_asked(value, items)
        return None
    newest = found[-1].item
    image = next((tag for tag in label_config.images if tag.name == newest.to_name), None)
    if image is None:
        raise TaskError(
            f"The smart tool was used on {newest.to_name!r}, which is no <Image> of the project.",
            hint=_HINT,
        )
    page = (newest.page or 0) if image.pages else None
    here = [one for one in found if one.item.is_on(image.name, newest.page)]
    opened = [one for one in here if one.item is newest or _is_open(one.item, saved_ids)]
    opened = opened[-MOST_PROMPTS:]
    return Prompts(
        image=image,
        page=page,
        prompts=tuple(one.prompt for one in opened),
        accepted=tuple(
            item
            for item in items
            if item.is_on(image.name, newest.page) and all(item is not one.item for one in opened)
        ),
        ids=ids_of(one.item for one in opened),
    )


class _Found(NamedTuple):
    item: Item
    prompt: Prompt


def _is_open(item: Item, saved_ids: frozenset[str]) -> bool:
    if item.kind == "keypoint":
        return item.positive is not None
    return item.id not in saved_ids


def _prompt(item: Item, label_config: LabelConfig) -> Prompt | None:
    """Return what an item asks for, or None where it asks for nothing that can be understood."""
    if item.predicted:
        return None
    if item.kind == "rectangle":
        box = rectangle_in(item.value)
        return box and BoxPrompt(*box, tool=item.from_name, labels=item.labels, region=_drawn(item))
    if item.kind == "keypoint":
        point = point_in(item.value)
        positive = item.positive is not False
        return point and PointPrompt(
            point, positive, tool=item.from_name, labels=item.labels, region=_drawn(item)
        )
    is_answer = any(
        isinstance(target, AnswerTarget) and target.name == item.from_name
        for target in label_config.targets
    )
    if item.type != "textarea" or is_answer:
        return None
    text = _text(item.value.get("text"))
    return TextPrompt(text) if text else None


def _drawn(item: Item) -> Drawn:
    return Drawn(item.id, item.kind)


def _text(value: object) -> str:
    """Return the newest text of a text area.

    Raises:
        TaskError: It is longer than any question.
    """
    texts = value if isinstance(value, list) else [value]
    said = [text.strip() for text in texts if isinstance(text, str) and text.strip()]
    newest = said[-1] if said else ""
    if len(newest) > LONGEST_TEXT:
        raise TaskError(
            f"A text prompt has {len(newest):,} characters; at most {LONGEST_TEXT:,} are sent.",
            hint="ask for objects in fewer words.",
        )
    return newest


def _check_nothing_is_asked(value: object, items: Sequence[Item]) -> None:
    """Check that what has no prompt was not meant to have one.

    Raises:
        TaskError: It is no context of Label Studio, or has a prompt that cannot be understood.
    """
    result = value.get("result") if isinstance(value, dict) else None
    if not isinstance(result, list):
        raise TaskError("The context of the smart tool has no list `result`.", hint=_HINT)
    unclear = [one.type for one in items if one.kind in _TOOLS and not one.predicted]
    if unclear:
        raise TaskError(
            f"The context of the smart tool has no prompt: the place of its {unclear[-1][:40]!r} "
            "cannot be understood.",
            hint=_HINT,
        )
    if result and not any(is_item(one) for one in result):
        raise TaskError(
            "The context of the smart tool has no prompt: nothing in it has a `type`, a `to_name` "
            "and a `value`.",
            hint=_HINT,
        )
