"""The JSON of an answer: each list, relation and answer that was asked for, filled on its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.emulator.faults import Container, Fault
from label_studio_gemini.emulator.items import (
    BOX_NAMES,
    LABEL_NAMES,
    MASK_NAMES,
    POINT_NAMES,
    Style,
    build_item,
    number_in_kind,
)
from label_studio_gemini.emulator.schema import Kind, Shape
from label_studio_gemini.emulator.values import build_answers, subject_from_views

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.ask import Ask
    from label_studio_gemini.emulator.scene import Scene, View

ANSWERS, IMAGE_ANSWERS = "answers", "image_answers"
MOST_RELATIONS = 5
_BOXES, _POINTS = "boxes", "points"
_NAMED_PARTS = re.compile(r"\b(?:list|object) `(\w+)`", re.IGNORECASE)
_NAMES = re.compile(r"`([^`\n]+)`")
_MASK_WORDS = re.compile(r"\b(?:mask|segment)", re.IGNORECASE)


class Content(NamedTuple):
    """What is answered, and the items in it, in the order in which they are written."""

    value: JsonValue
    items: list[JsonObject]


def build_content(ask: Ask, scene: Scene, fault: Fault) -> Content:
    """Return the answer in the shape asked for, or in the one that a fault says.

    Every list of items has the objects that the labels of its own items allow. Without a schema it
    is a list of boxes, as is the model's habit; of points where the question asks for a "list
    `points`" and nothing else; and where it asks for several such things (lists `boxes`, `points`
    and `image_answers`, an object `answers`), an object of those. In answers without a schema, only
    what the key scripts can be said, where the question has its name in backticks: nothing tells
    which form the rest has to take.
    """
    writer = _Writer(ask, scene, fault)
    content = writer.by_habit() if ask.shape is None else writer.by_shape(ask.shape)
    listed: list[JsonValue] = [*writer.first]
    if fault.container is Container.SINGLE and listed:
        return Content(listed[0], writer.first[:1])
    if fault.container is Container.BOXES:
        return Content({_BOXES: listed}, writer.first)
    return Content(listed, writer.first) if fault.container is Container.LIST else content


class _Writer:
    """Writes one answer; `first` has the items of the first list that has any."""

    def __init__(self, ask: Ask, scene: Scene, fault: Fault) -> None:
        self.first: list[JsonObject] = []
        self._ask = ask
        self._scene = scene
        self._style = Style(
            masks=ask.shape is None and _MASK_WORDS.search(ask.question) is not None,
            mask_dialect=fault.masks,
            box_dialect=fault.boxes,
            numbered=_is_numbered(ask),
            unmasked=fault.drop_masks or 0,
            named=frozenset(_NAMES.findall(ask.question)),
        )

    def by_habit(self) -> Content:
        names = [
            name
            for name in _NAMED_PARTS.findall(self._ask.question)
            if name in {_BOXES, _POINTS, ANSWERS, IMAGE_ANSWERS}
        ]
        lists = {
            name: self._items(None, replace(self._style, points=name == _POINTS))
            for name in names or [_BOXES]
            if name in {_BOXES, _POINTS}
        }
        if len(names) <= 1 and lists:
            return Content([*self.first], self.first)
        value: JsonObject = {name: [*items] for name, items in lists.items()}
        if ANSWERS in names:
            views = reversed(self._scene.views)  # so that the first picture is right
            value[ANSWERS] = {n: v for view in views for n, v in self._said(view).items()}
        if IMAGE_ANSWERS in names:
            value[IMAGE_ANSWERS] = [
                {"image": view.number, **self._said(view)} for view in self._scene.views
            ]
        return Content(value, [item for items in lists.values() for item in items])

    def by_shape(self, shape: Shape) -> Content:
        if _is_item(shape):
            items = self._items(shape, self._style)[:1]
            return Content(items[0] if items else shape.neutral(), items)
        if shape.kind is Kind.ARRAY and (not shape.items or shape.items.kind is Kind.OBJECT):
            items = self._items(shape.items, self._style, shape.most)
            return Content([*items], items)
        if shape.kind is Kind.OBJECT:
            return self._by_object(shape)
        return Content(shape.neutral(), [])

    def _by_object(self, shape: Shape) -> Content:
        lists = {
            name: self._items(wanted.items, self._style, wanted.most)
            for name, wanted in shape.properties
            if name != IMAGE_ANSWERS and _holds_items(wanted)
        }
        related = _related(shape, lists)
        value: JsonObject = {}
        for name, wanted in shape.properties:
            if name in lists:
                value[name] = [*lists[name]]
            elif wanted.items is not None and _is_relation(wanted.items):
                value[name] = _relations(wanted.items, related)[: wanted.most]
            elif name in {ANSWERS, IMAGE_ANSWERS}:
                value[name] = self._answers(name, wanted)
            elif name in shape.required:
                value[name] = wanted.neutral()
        return Content(value, [item for items in lists.values() for item in items])

    def _items(
        self, wanted: Shape | None, style: Style, most: int | None = None
    ) -> list[JsonObject]:
        found = self._scene.found(labels_asked(wanted), self._ask.question)[:most]
        items = [build_item(one, wanted, style, place) for place, one in enumerate(found, 1)]
        self.first = self.first or items
        return items

    def _answers(self, name: str, wanted: Shape) -> JsonValue:
        views = self._scene.views
        if name == ANSWERS and wanted.kind is Kind.OBJECT:
            return build_answers(wanted, subject_from_views(views))
        if name == IMAGE_ANSWERS and wanted.items is not None:
            return [_image_answers(wanted.items, view) for view in views][: wanted.most]
        return wanted.neutral()

    def _said(self, view: View) -> JsonObject:
        """Return what the key scripts for the questions that the text names."""
        return {n: v for n, v in view.answers.items() if n in self._style.named}


def labels_asked(item: Shape | None) -> tuple[str, ...]:
    """Return the labels that the schema of an item allows; empty where it allows any."""
    for name, wanted in item.properties if item else ():
        if name in LABEL_NAMES:
            options = wanted.items or wanted
            return tuple(value for value in options.enum if isinstance(value, str))
    return ()


def _is_numbered(ask: Ask) -> bool:
    """Return whether the pictures were given numbers, so that an item can name its own."""
    return len(ask.pictures) > 1 and all(one.number is not None for one in ask.pictures)


def _image_answers(wanted: Shape, view: View) -> JsonValue:
    answers = build_answers(wanted, subject_from_views([view]))
    number = wanted.named("image")
    return {**answers, "image": number_in_kind(view.number, number)} if number else answers


def _holds_items(shape: Shape) -> bool:
    return shape.kind is Kind.ARRAY and shape.items is not None and _is_item(shape.items)


def _is_item(shape: Shape) -> bool:
    names = {name for name, _ in shape.properties}
    if names & (MASK_NAMES | POINT_NAMES | {"box_2d", "bbox", "bounding_box"}):
        return True
    return bool(names & BOX_NAMES and names & LABEL_NAMES)


def _is_relation(shape: Shape) -> bool:
    return shape.named("from") is not None and shape.named("to") is not None


def _related(shape: Shape, lists: Mapping[str, Sequence[JsonObject]]) -> int:
    """Return how many items there are in the list that has ids, or else in the first."""
    by_id = [n for n, s in shape.properties if n in lists and s.items and s.items.named("id")]
    return len(lists[(by_id or [*lists])[0]]) if lists else 0


def _relations(wanted: Shape, items: int) -> list[JsonValue]:
    """Relate each item to the next, the first few; the label is the first that is allowed."""
    return [_relation(wanted, number) for number in range(1, min(items, MOST_RELATIONS + 1))]


def _relation(wanted: Shape, number: int) -> JsonObject:
    ends = {"from": number, "to": number + 1}
    return {
        name: number_in_kind(ends[name], one) if name in ends else _first_option(one)
        for name, one in wanted.properties
        if name in ends or name in LABEL_NAMES or name in wanted.required
    }


def _first_option(wanted: Shape) -> JsonValue:
    if wanted.kind is Kind.ARRAY and wanted.items is not None and wanted.items.enum:
        return [wanted.items.enum[0]]
    return wanted.neutral()
