"""Prompts are mapped to labels that the project has, or the error says what it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.config import Config, RecipeConfig, read_config
from label_studio_gemini.errors import ConfigError, LabelConfigError, TaskError
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.recipes import Recipe, build_recipes

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = read_label_config("""<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image">
  <Label value="Car" hint="four wheels"/><Label value="Pedestrian" alias="ped"/>
  <Label value="Other" predicted_values="bicycle,dog"/>
</RectangleLabels>
<RectangleLabels name="sign" toName="image" gemini_prompt="Find road signs.">
  <Label value="Stop"/><Label value="Other"/>
</RectangleLabels></View>""")


def recipe_of(**fields: object) -> Recipe:
    config = Config(recipes=[RecipeConfig.model_validate({"name": "r", **fields})])
    (recipe,) = build_recipes(config, PROJECT)
    return recipe


def test_without_yaml_each_control_tag_is_a_recipe() -> None:
    box, sign = build_recipes(Config(), PROJECT)
    assert [(w.name, w.label.value) for w in box.wanted] == [
        ("Car", "Car"),
        ("Pedestrian", "Pedestrian"),
        ("bicycle", "Other"),
        ("dog", "Other"),
    ]
    assert (box.prompt, sign.prompt) == (None, "Find road signs.")
    assert "Find road signs." in build_prompt(sign)


def test_the_target_is_found_by_its_labels() -> None:
    assert recipe_of(labels={"car": "Car", "walker": "ped"}).target.name == "box"
    assert recipe_of(labels={"halt": "Stop"}).target.name == "sign"


def test_a_recipe_without_labels_wants_all_of_its_target() -> None:
    recipe = recipe_of(target="sign", prompt="Find all signs.")
    assert [wanted.name for wanted in recipe.wanted] == ["Stop", "Other"]


@dataclass(frozen=True)
class Said:
    said: str
    becomes: str | None


@pytest.mark.parametrize(
    "case",
    [
        Said("car", "Car"),
        Said("CAR ", "Car"),
        Said("person walking", "Pedestrian"),
        Said("Pedestrian", "Pedestrian"),
        Said("ped", "Pedestrian"),
        Said("person", None),
        Said("Stop", None),
    ],
    ids=lambda case: case.said,
)
def test_what_gemini_says_becomes_a_label(case: Said) -> None:
    recipe = recipe_of(labels={"car": "Car", "person walking": "Pedestrian"})
    label = recipe.label_for(case.said)
    assert (label and label.value) == case.becomes


def test_unknown_labels_may_be_given_a_name() -> None:
    recipe = recipe_of(labels={"car": "Car"}, unknown_as="Other", target="box")
    label = recipe.label_for("hovercraft")
    assert label is not None
    assert label.value == "Other"


@dataclass(frozen=True)
class Wrong:
    id: str
    yaml: str
    message: str
    hint: str


@pytest.mark.parametrize(
    "case",
    [
        Wrong(
            "label",
            "recipes:\n- name: a\n  labels:\n    car: Cra\n    man: Pedestrian\n",
            "street.yaml:4: recipes[0].labels.car: the project has no label 'Cra'",
            "did you mean 'Car'?",
        ),
        Wrong(
            "label of a list",
            "recipes:\n- name: a\n  labels: [Boat]\n",
            "recipes[0].labels: the project has no label 'Boat'",
            "it has 'Car', 'Pedestrian', 'Other'",
        ),
        Wrong(
            "target",
            "recipes: [{name: a, target: boxes}]",
            "recipes[0].target: the project has no control tag 'boxes'",
            "did you mean 'box'?",
        ),
        Wrong(
            "unknown",
            "recipes: [{name: a, target: sign, unknown_as: Car}]",
            "recipes[0].unknown_as: the project has no label 'Car'",
            "it has 'Stop', 'Other'",
        ),
        Wrong(
            "two targets fit",
            "recipes: [{name: a, labels: [Other]}]",
            "fit several control tags: box, sign",
            "add `target:`",
        ),
    ],
    ids=lambda case: case.id,
)
def test_what_the_project_lacks_is_named(case: Wrong, tmp_path: Path) -> None:
    file = tmp_path / "street.yaml"
    file.write_text(case.yaml)
    with pytest.raises(ConfigError) as caught:
        build_recipes(read_config(file), PROJECT)
    assert case.message in caught.value.message
    assert case.hint in caught.value.hint


def test_a_project_with_nothing_to_fill_says_so() -> None:
    project = read_label_config('<View><Text name="t" value="$t"/></View>')
    with pytest.raises(LabelConfigError, match="it has no control tags"):
        build_recipes(Config(), project)


def test_the_prompt_spells_out_order_labels_and_the_empty_answer() -> None:
    prompt = build_prompt(recipe_of(labels={"car": "Car", "man": "Pedestrian"}))
    assert "[ymin, xmin, ymax, xmax] normalized to 0-1000" in prompt
    assert "- car: four wheels\n- man\n" in prompt
    assert "empty list" in prompt


def test_a_prompt_of_the_user_stands_first_and_unchanged() -> None:
    prompt = build_prompt(recipe_of(target="box", prompt="Détecte {tout} %s ça."))
    assert prompt.startswith("Détecte {tout} %s ça.\n")


def test_labels_and_fields_of_the_task_can_be_put_in() -> None:
    """Nothing else in braces means anything, and nothing in a field does."""
    recipe = recipe_of(
        labels={"car": "Car", "man": "Pedestrian"},
        prompt="In {{ task.data.title }} ({{task.data.shop.id}}), find {labels}; {{ 1+1 }}.",
    )
    data = {"title": "{labels} {{ task.data.x }}", "shop": {"id": 7}}
    prompt = build_prompt(recipe, data)
    assert prompt.startswith("In {labels} {{ task.data.x }} (7), find car, man; {{ 1+1 }}.\n")


@pytest.mark.parametrize("data", [{}, {"title": None}, {"title": ["a"]}, {"title": {}}])
def test_a_field_that_the_task_lacks_is_named(data: dict[str, object]) -> None:
    recipe = recipe_of(target="box", prompt="About {{ task.data.title }}.")
    with pytest.raises(TaskError, match=r"task\.data\.title"):
        build_prompt(recipe, data)


def test_descriptions_and_the_most_objects_are_told() -> None:
    recipe = recipe_of(
        labels={"taxi": {"label": "Car", "description": "yellow, a sign on its roof"}},
        max_objects=12,
    )
    prompt = build_prompt(recipe)
    assert "- taxi: yellow, a sign on its roof\n" in prompt
    assert "at most 12 objects" in prompt


def test_the_schema_allows_only_the_labels_asked_for() -> None:
    schema = build_schema(recipe_of(labels={"car": "Car", "man": "Pedestrian"}))
    item = schema["properties"]["boxes"]["items"]  # type: ignore[index]
    assert item["properties"]["label"]["enum"] == ["car", "man"]
    assert item["required"] == ["box_2d", "label"]
