"""Recipes: what to ask for, and which label of which control tag each answer becomes.

A recipe comes from the YAML file, checked against the project's labelling config, or is made of the
labelling config alone.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.config import MAX_OBJECTS, NO_OPTIONS, OptionsConfig
from label_studio_gemini.errors import ConfigError, LabelConfigError
from label_studio_gemini.labels import match_label

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from label_studio_gemini.config import Config, RecipeConfig
    from label_studio_gemini.labels import Label, LabelConfig, Target


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that Gemini is asked for.

    Attributes:
        name: What Gemini is asked to call it.
        label: The project's label that it becomes.
        description: What is meant by it, for Gemini.
    """

    name: str
    label: Label
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """One question about an image, and what becomes of its answers.

    Attributes:
        name: Its name in the YAML file, or the control tag's.
        target: The control tag that it fills.
        wanted: What is asked for, never empty, each name once.
        prompt: The question in the user's own words, or None to make it of `wanted`.
        unknown: The label for whatever Gemini calls by another name, or None to drop that.
        max_objects: The most objects that are asked for.
        options: How Gemini answers it.
    """

    name: str
    target: Target
    wanted: tuple[Wanted, ...]
    prompt: str | None = None
    unknown: Label | None = None
    max_objects: int = MAX_OBJECTS
    options: OptionsConfig = NO_OPTIONS

    def label_for(self, said: str) -> Label | None:
        """Return the label for what Gemini called an object, or None where nothing matches.

        The order: a name that was asked for, exactly, then but for its case; then the labels of
        the target (`labels.match_label`) as far as this recipe has them; then `unknown`.
        """
        folded = said.strip().casefold()
        exact = next((wanted for wanted in self.wanted if wanted.name == said), None)
        near = exact or next((one for one in self.wanted if one.name.casefold() == folded), None)
        if near is not None:
            return near.label
        return match_label(said, [wanted.label for wanted in self.wanted]) or self.unknown


def build_recipes(config: Config, label_config: LabelConfig) -> tuple[Recipe, ...]:
    """Return the recipes for a project, one at least.

    Raises:
        ConfigError: The YAML names a control tag or a label that the project lacks.
        LabelConfigError: There is no control tag that can be filled.
    """
    if not label_config.targets:
        seen = "; ".join(str(tag) for tag in label_config.unfilled) or "it has no control tags"
        raise LabelConfigError(
            f"Nothing in the labelling config can be filled: {seen}.",
            hint='add <RectangleLabels name="label" toName="image"> with <Label> tags, '
            'and <Image name="image" value="$image"/>.',
        )
    if not config.recipes:
        options = config.over(NO_OPTIONS)
        return tuple(_recipe_from_target(target, options) for target in label_config.targets)
    return tuple(
        _recipe_from_config(config, index, recipe, label_config.targets)
        for index, recipe in enumerate(config.recipes)
    )


def _recipe_from_target(target: Target, options: OptionsConfig) -> Recipe:
    wanted = _wanted_from_labels(target.labels)
    return Recipe(target.name, target, wanted, target.prompt, options=options)


def _wanted_from_labels(labels: Sequence[Label]) -> tuple[Wanted, ...]:
    """Ask for each label by its predicted values where it has some, else by its own value."""
    wanted: dict[str, Wanted] = {}
    for label in labels:
        for name in label.predicted_values or (label.value.strip(),):
            wanted.setdefault(name, Wanted(name, label, label.hint))
    return tuple(wanted.values())


def _recipe_from_config(
    config: Config, index: int, recipe: RecipeConfig, targets: Sequence[Target]
) -> Recipe:
    target = _choose_target(config, index, recipe, targets)

    def label_of(name: str, *location: str) -> Label:
        label = match_label(name, target.labels)
        if label is not None:
            return label
        raise _no_such(
            "label", name, [one.value for one in target.labels], config, index, *location
        )

    wanted = tuple(_wanted(label_of, recipe, asked) for asked in recipe.label_map)
    return Recipe(
        name=recipe.name,
        target=target,
        wanted=wanted or _wanted_from_labels(target.labels),
        prompt=recipe.prompt or target.prompt,
        unknown=label_of(recipe.unknown_as, "unknown_as") if recipe.unknown_as else None,
        max_objects=recipe.max_objects,
        options=recipe.over(config),
    )


def _wanted(label_of: Callable[..., Label], recipe: RecipeConfig, asked: str) -> Wanted:
    entry = recipe.label_map[asked]
    label = label_of(entry.label, "labels", *([asked] if isinstance(recipe.labels, dict) else []))
    return Wanted(asked, label, entry.description or label.hint)


def _choose_target(
    config: Config, index: int, recipe: RecipeConfig, targets: Sequence[Target]
) -> Target:
    if recipe.target is not None:
        named = next((target for target in targets if recipe.target in target.names), None)
        if named is not None:
            return named
        names = [name for target in targets for name in target.names]
        raise _no_such("control tag", recipe.target, names, config, index, "target")
    wanted = {entry.label for entry in recipe.label_map.values()}
    fitting = [
        target
        for target in targets
        if all(match_label(name, target.labels) is not None for name in wanted)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ConfigError(
            f"{config.where('recipes', index)}: the labels of recipe {recipe.name!r} fit several "
            f"control tags: {', '.join(target.name for target in fitting)}.",
            hint="add `target:` with the name of the one to fill.",
        )
    # Nothing fits: the error is about the first label that the likeliest target lacks.
    return max(targets, key=lambda target: sum(_has(target, name) for name in wanted))


def _has(target: Target, name: str) -> bool:
    return match_label(name, target.labels) is not None


def _no_such(
    kind: str, name: str, known: Sequence[str], config: Config, index: int, *location: str
) -> ConfigError:
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return ConfigError(
        f"{config.where('recipes', index, *location)}: the project has no {kind} {name!r}.",
        hint=f"{meant}it has {', '.join(map(repr, known))}.",
    )
