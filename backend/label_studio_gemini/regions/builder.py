"""A reading → result items: each object to the recipes that want it, each answer to its tag."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, cast

from label_studio_gemini.labels import Scope, Shape
from label_studio_gemini.questions import Layout
from label_studio_gemini.regions.answers import value_from_answer
from label_studio_gemini.regions.check import check_item
from label_studio_gemini.regions.shapes import draw, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from label_studio_gemini.detections import Answer, Detection, Reading
    from label_studio_gemini.labels import Label, Target
    from label_studio_gemini.questions import Question
    from label_studio_gemini.recipes import AnswerRecipe, RegionRecipe
    from label_studio_gemini.regions.json import (
        AnswerValue,
        RegionJson,
        RelationJson,
        ResultJson,
        ShapeValue,
        VectorValue,
    )
    from label_studio_gemini.regions.types import ShownImage


@dataclass(frozen=True, slots=True)
class Regions:
    """The result items of a reading, and what became of what has none.

    Attributes:
        items: Result items, in the order of the reading.
        unmatched: How often Gemini used a label that no recipe has, by label.
        dropped: How many objects and answers could not be used, by what was wrong.
        fallbacks: How many regions are made of a box, since there was no mask.
    """

    items: tuple[ResultJson, ...] = ()
    unmatched: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    fallbacks: int = 0


def build_regions(reading: Reading, question: Question, images: Sequence[ShownImage]) -> Regions:
    """Build the result items of one reply.

    Args:
        reading: What it said.
        question: What was asked.
        images: The images that it was asked about, in the order of the request.
    """
    return _Builder(reading, question, images).regions()


class _Taker(NamedTuple):
    """A recipe that an object becomes a region of, and the label that it gets there."""

    recipe: RegionRecipe
    label: Label


class _Builder:
    def __init__(self, reading: Reading, question: Question, images: Sequence[ShownImage]) -> None:
        self._reading = reading
        self._question = question
        self._images = images
        self._items: list[ResultJson] = []
        self._unmatched: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._fallbacks = 0
        self._region_ids: dict[int, str] = {}
        # Where only boxes come, their centres are the points.
        self._pointed = {
            recipe.name
            for recipe in question.points
            if any(one.point and recipe.known_label_for(one.label) for one in reading.detections)
        }

    def regions(self) -> Regions:
        for index, detection in enumerate(self._reading.detections):
            self._add_object(index, detection)
        self._add_relations()
        self._add_answers()
        return Regions(
            tuple(self._items), dict(self._unmatched), dict(self._dropped), self._fallbacks
        )

    def _add_object(self, index: int, detection: Detection) -> None:
        image = self._image_of(detection)
        if image is None:
            self._dropped["no_image"] += 1
            return
        takers = self._takers(detection)
        if not takers:
            self._unmatched[detection.label] += 1
            return
        here = [one for one in takers if image.name in one.recipe.target.image_names]
        if not here:
            self._dropped["label_of_another_image"] += 1
            return
        fitting = [one for one in here if self._fits(one.recipe, detection)]
        if not fitting:
            self._dropped["no_box"] += 1
        for taker in fitting:
            self._draw(index, detection, taker, image)

    def _image_of(self, detection: Detection) -> ShownImage | None:
        if len(self._images) == 1:
            return self._images[0]
        number = detection.image or 0
        return self._images[number - 1] if 1 <= number <= len(self._images) else None

    def _takers(self, detection: Detection) -> list[_Taker]:
        """Return who asked for it by its name, or else who takes what has another name."""
        objects = self._question.objects
        known = [
            _Taker(recipe, label)
            for recipe in objects
            if (label := recipe.known_label_for(detection.label)) is not None
        ]
        return known or [_Taker(one, one.unknown) for one in objects if one.unknown is not None]

    def _fits(self, recipe: RegionRecipe, detection: Detection) -> bool:
        if recipe.target.shape is not Shape.KEYPOINT:
            return detection.box is not None
        return detection.point is not None or recipe.name not in self._pointed

    def _draw(self, index: int, detection: Detection, taker: _Taker, image: ShownImage) -> None:
        recipe = taker.recipe
        drawn = draw(detection, recipe.target.shape, image.size, recipe.drawing)
        if drawn.fault is not None:
            self._dropped[drawn.fault] += 1
        self._fallbacks += drawn.fell_back
        values = drawn.values
        if recipe.target.shape is Shape.VECTOR and not recipe.target.closable:
            values = tuple(opened(cast("VectorValue", value)) for value in values)
        for part, value in enumerate(values):
            region_id = _id(recipe.name, image.name, image.page, index, part, taker.label.stored)
            items = _region_items(region_id, value, taker, image)
            if not self._add_checked(items, recipe.target):
                continue
            if detection.number is not None:
                self._region_ids.setdefault(detection.number, region_id)
            self._add_attributes(region_id, detection, taker.label, image)

    def _add_checked(self, items: Sequence[RegionJson], target: Target) -> bool:
        faults = (check_item(item, target) for item in items)
        fault = next((fault for fault in faults if fault is not None), None)
        if fault is None:
            self._items += items
        else:
            self._dropped[fault] += 1
        return fault is None

    def _add_attributes(
        self, region_id: str, detection: Detection, label: Label, image: ShownImage
    ) -> None:
        for recipe in self._question.attributes:
            target = recipe.target
            concerned = target.region_labels is None or label.value in target.region_labels
            if concerned and image.name in target.image_names:
                self._add_answer(recipe, detection.answers.get(target.name), region_id, image)

    def _add_relations(self) -> None:
        for relation in self._reading.relations:
            wanted = {one.name.casefold(): one.name for one in self._question.relations}
            name = wanted.get(relation.label.strip().casefold())
            ids = [self._region_ids.get(number) for number in (relation.source, relation.goal)]
            if name is None:
                self._unmatched[relation.label] += 1
            elif ids[0] is None or ids[1] is None:
                self._dropped["relation_to_nothing"] += 1
            else:
                item: RelationJson = {
                    "type": "relation",
                    "from_id": ids[0],
                    "to_id": ids[1],
                    "direction": "right",
                    "labels": [name],
                }
                self._items.append(item)

    def _add_answers(self) -> None:
        layout = Layout(self._question, [image.name for image in self._images])
        for recipe in layout.of_task:
            image = self._images[layout.numbers(recipe.target)[0] - 1]
            page = image.page if recipe.target.scope is Scope.IMAGE else None
            said = self._reading.answers_for(1) if not layout.several else self._reading.answers
            shown = image._replace(page=page)
            self._add_answer(recipe, said.get(recipe.target.name), None, shown)
        for recipe in layout.of_images:
            for number in layout.numbers(recipe.target):
                said = self._reading.answers_for(number)
                image = self._images[number - 1]
                self._add_answer(recipe, said.get(recipe.target.name), None, image)

    def _add_answer(
        self, recipe: AnswerRecipe, said: Answer | None, region_id: str | None, image: ShownImage
    ) -> None:
        """Add an answer, about a region where there is a `region_id`."""
        if said is None:
            return
        valued = value_from_answer(said, recipe)
        self._unmatched.update(valued.unmatched)
        if valued.fault is not None:
            self._dropped[valued.fault] += 1
        if valued.value is None:
            return
        if recipe.target.per_item and image.page is None:
            image = image._replace(page=0)  # where the editor looks for it, pages or not
        item_id = region_id or _id(recipe.name, image.name, image.page)
        item = _answer_item(item_id, valued.value, recipe, image)
        self._add_checked([item], recipe.target)


def _region_items(
    region_id: str, value: ShapeValue, taker: _Taker, image: ShownImage
) -> tuple[RegionJson, ...]:
    target, stored = taker.recipe.target, taker.label.stored
    if target.labels_name is None:
        labelled = cast("ShapeValue", {**value, target.type: [stored]})
        return (_item(region_id, target.name, target.type, labelled, image),)
    # Two tags, one region: the geometry and its label are joined in the editor by their id.
    with_label = cast("ShapeValue", {**value, "labels": [stored]})
    return (
        _item(region_id, target.name, target.type, value, image),
        _item(region_id, target.labels_name, "labels", with_label, image),
    )


def _item(
    region_id: str, from_name: str, kind: str, value: ShapeValue, image: ShownImage
) -> RegionJson:
    item: RegionJson = {
        "id": region_id,
        "from_name": from_name,
        "to_name": image.name,
        "type": kind,
        "original_width": image.size.width,
        "original_height": image.size.height,
        "image_rotation": 0,
        "value": value,
    }
    return item if image.page is None else {**item, "item_index": image.page}


def _answer_item(
    item_id: str, value: AnswerValue, recipe: AnswerRecipe, image: ShownImage
) -> RegionJson:
    item: RegionJson = {
        "id": item_id,
        "from_name": recipe.target.name,
        "to_name": image.name,
        "type": recipe.target.kind.value,
        "value": value,
    }
    return item if image.page is None else {**item, "item_index": image.page}


def _id(*parts: object) -> str:
    """Return an id that is the same whenever the same answer is converted, unique in its task."""
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:10]
