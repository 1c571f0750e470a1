"""Prompts are mapped to labels that the project has, or the error says what it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.config import Config, RecipeConfig, read_config
from label_studio_gemini.errors import ConfigError, LabelConfigError
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.recipes import AnyRecipe, build_recipes

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


def recipe_of(**fields: object) -> AnyRecipe:
    config = Config(recipes=[RecipeConfig.model_validate({"name": "r", **fields})])
    ((recipe,), _) = build_recipes(config, PROJECT)
    return recipe


def test_without_yaml_each_control_tag_is_a_recipe() -> None:
    (box, sign), _ = build_recipes(Config(), PROJECT)
    assert [(w.name, w.label.value) for w in box.wanted] == [
        ("Car", "Car"),
        ("Pedestrian", "Pedestrian"),
        ("bicycle", "Other"),
        ("dog", "Other"),
    ]
    assert (box.prompt, sign.prompt) == (None, "Find road signs.")


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


def test_of_tools_with_the_same_labels_the_first_is_filled() -> None:
    """An annotator picks one of them; filled all, each object would be there twice."""
    project = read_label_config("""<View><Image name="i" value="$i"/>
    <Labels name="lab" toName="i"><Label value="Car"/></Labels>
    <Rectangle name="rect" toName="i"/><Brush name="brush" toName="i"/></View>""")
    (recipe,), unfilled = build_recipes(Config(), project)
    assert recipe.target.name == "rect"
    assert [str(tag) for tag in unfilled] == [
        "<Brush name='brush'>: 'rect' draws its labels; a recipe's `target` takes this instead"
    ]
    config = Config(recipes=[RecipeConfig(name="r", target="brush")])
    (recipe,), _ = build_recipes(config, project)
    assert recipe.target.name == "brush"


def test_smart_tags_are_prompts_for_the_tag_that_draws_their_labels() -> None:
    project = read_label_config("""<View><Image name="i" value="$i"/>
    <BrushLabels name="brush" toName="i"><Label value="Car"/></BrushLabels>
    <KeyPointLabels name="dot" toName="i" smart="true"><Label value="Car"/></KeyPointLabels>
    <RectangleLabels name="box" toName="i" smart="true"><Label value="Dog"/></RectangleLabels>
    </View>""")
    recipes, unfilled = build_recipes(Config(), project)
    assert [recipe.target.name for recipe in recipes] == ["brush", "box"]
    assert [tag.name for tag in unfilled] == ["dot"]


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
            "relation",
            "recipes: [{name: a, target: box, relations: [atop]}]",
            "recipes[0].relations: the project has no relation 'atop'",
            "it has none",
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
