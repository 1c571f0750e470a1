"""The YAML and the labelling config → recipes.

A recipe comes from the YAML file, checked against the project's labelling config, or is made of the
labelling config alone.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.config import NO_OPTIONS, POINT_WIDTH, DrawingConfig, PolygonConfig
from label_studio_gemini.errors import ConfigError, LabelConfigError
from label_studio_gemini.labels import RegionTarget, UnfilledTag, match_label
from label_studio_gemini.recipes.types import (
    Drawing,
    ExampleImage,
    Recipe,
    RelationWanted,
    Wanted,
    takes_answers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from label_studio_gemini.config import Config, ExampleConfig, RecipeConfig
    from label_studio_gemini.labels import Label, LabelConfig, Target
    from label_studio_gemini.recipes.types import AnyRecipe

_NO_DRAWING = DrawingConfig()


class RecipeSet(NamedTuple):
    """What is asked of a project's tasks.

    Attributes:
        recipes: One at least.
        unfilled: The control tags that could be filled and are not, and why.
    """

    recipes: tuple[AnyRecipe, ...]
    unfilled: tuple[UnfilledTag, ...] = ()


def build_recipes(config: Config, label_config: LabelConfig) -> RecipeSet:
    """Return the recipes for a project, one at least.

    Raises:
        ConfigError: The YAML names a control tag, a label or a relation that the project lacks.
        LabelConfigError: There is no control tag that can be filled.
    """
    if not label_config.targets:
        seen = "; ".join(str(tag) for tag in label_config.unfilled) or "it has no control tags"
        raise LabelConfigError(
            f"Nothing in the labelling config can be filled: {seen}.",
            hint='add <RectangleLabels name="label" toName="image"> with <Label> tags, '
            'and <Image name="image" value="$image"/>.',
        )
    first, others = _without_tools(label_config.targets)
    if config.recipes:
        recipes = tuple(
            _Reading(config, index, one, label_config, first).recipe()
            for index, one in enumerate(config.recipes)
        )
        _check_answered_once(config, recipes)
        return RecipeSet(recipes)
    options, drawing = config.over(NO_OPTIONS), _drawing(config.drawing_over(_NO_DRAWING))
    return RecipeSet(
        tuple(
            Recipe(
                target.name,
                target,
                _wanted_from_labels(target.labels),
                target.prompt,
                options=options,
                drawing=drawing,
            )
            for target in first
        ),
        others,
    )


def _check_answered_once(config: Config, recipes: Sequence[AnyRecipe]) -> None:
    """A tag holds one value: a second one would take the place of the first.

    Raises:
        ConfigError: Two recipes fill the same one.
    """
    filled: dict[str, str] = {}
    for index, recipe in enumerate(recipes):
        if not takes_answers(recipe):
            continue
        other = filled.setdefault(recipe.target.name, recipe.name)
        if other != recipe.name:
            raise ConfigError(
                f"{config.where('recipes', index)}: {recipe.name!r} and {other!r} both answer "
                f"{recipe.target.name!r}, which holds one value.",
                hint="make one recipe of them.",
            )


def _without_tools(
    targets: Sequence[Target],
) -> tuple[tuple[Target, ...], tuple[UnfilledTag, ...]]:
    """Leave out the tags that are further tools for what another one draws.

    Of several geometry tags with one `<Labels>` tag the first is kept, and of a smart tag and a
    plain one with the same labels the plain one: filled all, each object would be there twice.
    """
    kept: list[Target] = []
    others: list[UnfilledTag] = []
    for number, target in enumerate(targets):
        drawn_by = None
        if isinstance(target, RegionTarget):
            drawn_by = _drawn_by(target, targets[:number], targets)
        if drawn_by is None or not isinstance(target, RegionTarget):
            kept.append(target)
            continue
        reason = f"{drawn_by!r} draws its labels; a recipe's `target` takes this instead"
        tag = target.type.capitalize().replace("labels", "Labels")
        others.append(UnfilledTag(tag, target.name, reason))
    return tuple(kept), tuple(others)


def _drawn_by(
    target: RegionTarget, earlier: Sequence[Target], targets: Sequence[Target]
) -> str | None:
    """Return the name of the tag that draws what this one would, or None."""

    def beside(others: Sequence[Target]) -> Iterator[RegionTarget]:
        for one in others:
            if isinstance(one, RegionTarget) and one.image_names == target.image_names:
                yield one

    tools = (one.name for one in beside(earlier) if one.labels_name == target.labels_name)
    plain = (
        one.name
        for one in beside(targets)
        if not one.smart and set(target.labels) <= set(one.labels)
    )
    if target.labels_name is not None and (first := next(tools, None)) is not None:
        return first
    return next(plain, None) if target.smart else None


def _wanted_from_labels(labels: Sequence[Label]) -> tuple[Wanted, ...]:
    """Ask for each label by its predicted values where it has some, else by its own value."""
    wanted: dict[str, Wanted] = {}
    for label in labels:
        for name in label.predicted_values or (label.spoken.strip(),):
            wanted.setdefault(name, Wanted(name, label, label.hint))
    return tuple(wanted.values())


def _drawing(config: DrawingConfig) -> Drawing:
    polygon = config.polygon or PolygonConfig()
    return Drawing(
        fallback=config.fallback != "drop",
        smooth=config.smooth is not False,
        tolerance=polygon.tolerance,
        min_area=polygon.min_area,
        point_width=config.point_width or POINT_WIDTH,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """A recipe of the YAML file on its way to becoming a `Recipe`.

    Attributes:
        config: The whole file.
        index: The recipe's number in it.
        recipe_config: The recipe as it stands there.
        label_config: The project's.
        targets: The targets to choose from where it names none.
    """

    config: Config
    index: int
    recipe_config: RecipeConfig
    label_config: LabelConfig
    targets: Sequence[Target]

    def recipe(self) -> AnyRecipe:
        said = self.recipe_config
        target = self._target()
        self._check_kind(target)
        wanted = tuple(self._wanted(target, asked) for asked in said.label_map)
        return Recipe(
            name=said.name,
            target=target,
            wanted=wanted or _wanted_from_labels(target.labels),
            prompt=said.prompt or target.prompt,
            unknown=self._label(target, said.unknown_as, "unknown_as") if said.unknown_as else None,
            max_objects=said.max_objects,
            options=said.over(self.config),
            drawing=_drawing(said.drawing_over(self.config)),
            relations=self._relations(),
            examples=tuple(map(self._example, said.examples)),
        )

    def _example(self, said: ExampleConfig) -> ExampleImage:
        remote = re.match(r"https?://", said.image)
        address = said.image if remote else str(self.config.folder / said.image)
        answer = json.dumps(said.answer, ensure_ascii=False)
        return ExampleImage(address, answer, said.media_resolution)

    def _label(self, target: Target, name: str, *location: str) -> Label:
        label = match_label(name, target.labels)
        if label is None:
            raise self._no_such("label", name, [one.spoken for one in target.labels], *location)
        return label

    def _wanted(self, target: Target, asked: str) -> Wanted:
        entry = self.recipe_config.label_map[asked]
        named = [asked] if isinstance(self.recipe_config.labels, dict) else []
        label = self._label(target, entry.label, "labels", *named)
        return Wanted(asked, label, entry.description or label.hint)

    def _check_kind(self, target: Target) -> None:
        said = self.recipe_config
        if said.relations and not isinstance(target, RegionTarget):
            raise ConfigError(
                f"{self._where('relations')}: {target.name!r} takes no regions that could relate.",
                hint="ask for relations in a recipe whose target draws regions.",
            )
        if said.labels and not target.labels:
            raise ConfigError(
                f"{self._where('labels')}: {target.name!r} has no labels, its value is free.",
                hint="leave `labels` out, and say in `prompt` what is wanted.",
            )

    def _relations(self) -> tuple[RelationWanted, ...]:
        said = self.recipe_config.relations
        described = said if isinstance(said, dict) else dict.fromkeys(said)
        for name in described:
            if name not in self.label_config.relations:
                raise self._no_such("relation", name, self.label_config.relations, "relations")
        return tuple(RelationWanted(name, text) for name, text in described.items())

    def _target(self) -> Target:
        if self.recipe_config.target is not None:
            return self._named_target(self.recipe_config.target)
        wanted = {entry.label for entry in self.recipe_config.label_map.values()}
        fitting = [target for target in self.targets if all(_has(target, name) for name in wanted)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise ConfigError(
                f"{self._where()}: the labels of recipe {self.recipe_config.name!r} fit several "
                f"control tags: {', '.join(target.name for target in fitting)}.",
                hint="add `target:` with the name of the one to fill.",
            )
        # Nothing fits: the error is about the first label that the likeliest target lacks.
        return max(self.targets, key=lambda target: sum(_has(target, name) for name in wanted))

    def _named_target(self, name: str) -> Target:
        known = self.label_config.targets
        named = next((target for target in known if name in target.names), None)
        if named is None:
            names = [name for target in known for name in target.names]
            raise self._no_such("control tag", name, names, "target")
        return named

    def _no_such(self, kind: str, name: str, known: Sequence[str], *location: str) -> ConfigError:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        has = ", ".join(map(repr, dict.fromkeys(known))) or "none"
        return ConfigError(
            f"{self._where(*location)}: the project has no {kind} {name!r}.",
            hint=f"{meant}it has {has}.",
        )

    def _where(self, *location: str) -> str:
        return self.config.where("recipes", self.index, *location)


def _has(target: Target, name: str) -> bool:
    return match_label(name, target.labels) is not None
