"""What is done for every task of a project, and the version that stands for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from label_studio_gemini.labels import read_label_config
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.recipes import build_recipes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.config import Config
    from label_studio_gemini.labels import LabelConfig
    from label_studio_gemini.recipes import Recipe

CONVERTER_VERSION = 1
"""Goes up whenever the same reply becomes other regions: it is a part of the model_version."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done for every task of a project: its labelling config, read, and the recipes.

    Attributes:
        label_config: The project's labelling config.
        recipes: What is asked for, one at least.
        model_version: The model and a digest of all that can change a prediction.
    """

    label_config: LabelConfig
    recipes: tuple[Recipe, ...]
    model_version: str


def build_plan(config: Config, label_config_xml: str) -> Plan:
    """Read a project's labelling config and say what will be done for its tasks.

    Raises:
        LabelConfigError: It is not valid, or nothing in it can be filled.
        ConfigError: The YAML names a label or a control tag that the project lacks.
    """
    label_config = read_label_config(label_config_xml)
    recipes = build_recipes(config, label_config)
    return Plan(label_config, recipes, _model_version(config, label_config, recipes))


def _model_version(config: Config, label_config: LabelConfig, recipes: Sequence[Recipe]) -> str:
    """Return the model and a digest of all that can change a prediction.

    Label Studio compares it as text: it has to be the same in /setup and in every prediction, and
    to differ as soon as predicting again could give something else.
    """
    all_that_counts = {
        "converter": CONVERTER_VERSION,
        "api": config.api,
        "image_tags": [asdict(tag) for tag in label_config.images],
        "recipes": [asdict(recipe) for recipe in recipes],
        "prompts": [build_prompt(recipe) for recipe in recipes],
        "schemas": [build_schema(recipe) for recipe in recipes],
        "images": [config.images.inline_megabytes, config.images.transport],
    }
    text = json.dumps(all_that_counts, sort_keys=True, default=_plain)
    return f"{config.model}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _plain(value: object) -> object:
    assert isinstance(value, BaseModel)  # the options: the one thing in a recipe that is no tuple
    return value.model_dump(exclude_defaults=True)
