"""A wrong file is answered with where it is wrong and what would be right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.config import (
    Config,
    OptionsConfig,
    PolygonConfig,
    RecipeConfig,
    WantedConfig,
    build_json_schema,
    read_config,
)
from label_studio_gemini.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
model: gemini-2.5-flash
api: generate_content
recipes:
  - name: street
    prompt: Detect every vehicle and every person.
    labels:
      car: Car
      person walking: Pedestrian
    target: box
    unknown_as: Car
concurrency: 4
timeout: 30
images:
  allowed_hosts: [photos.local]
  max_megapixels: 50
"""


def read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "street.yaml"
    file.write_text(text, encoding="utf-8")
    return read_config(file)


def test_a_whole_file(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    assert config.model == "gemini-2.5-flash"
    assert config.recipes == [
        RecipeConfig(
            name="street",
            prompt="Detect every vehicle and every person.",
            labels={"car": "Car", "person walking": "Pedestrian"},
            target="box",
            unknown_as="Car",
        )
    ]
    assert config.images.allowed_hosts == ["photos.local"]


def test_no_file_and_an_empty_file_are_the_defaults(tmp_path: Path) -> None:
    defaults = Config().model_dump()
    assert read_config(None).model_dump() == defaults
    assert read(tmp_path, "# nothing yet\n").model_dump() == defaults


def test_a_label_may_have_a_description(tmp_path: Path) -> None:
    config = read(
        tmp_path, "recipes: [{name: a, labels: {taxi: {label: Car, description: yellow}}}]"
    )
    assert config.recipes[0].label_map == {"taxi": WantedConfig(label="Car", description="yellow")}


def test_a_recipe_has_the_options_of_the_file_and_its_own(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "thinking: low\ntemperature: 0\nsafety: {harassment: block_none}\n"
        "recipes: [{name: a, thinking: 128, agentic: true}, {name: b}]",
    )
    own, plain = (recipe.over(config) for recipe in config.recipes)
    assert own == OptionsConfig(
        thinking=128, temperature=0, agentic=True, safety={"harassment": "block_none"}
    )
    assert plain == OptionsConfig(
        thinking="low", temperature=0, safety={"harassment": "block_none"}
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("{}", 600),
        ("service_tier: flex", 3600),
        ("recipes: [{name: a, service_tier: flex}]", 3600),
        ("{service_tier: flex, task_timeout: 60}", 60),
    ],
)
def test_a_task_has_the_time_that_its_tier_needs(text: str, seconds: float, tmp_path: Path) -> None:
    assert read(tmp_path, text).task_seconds == seconds


def test_labels_may_be_a_list(tmp_path: Path) -> None:
    config = read(tmp_path, "recipes: [{name: a, labels: [Car, Van]}]")
    assert [(a, w.label) for a, w in config.recipes[0].label_map.items()] == [
        ("Car", "Car"),
        ("Van", "Van"),
    ]


@dataclass(frozen=True)
class Wrong:
    id: str
    text: str
    message: tuple[str, ...]
    hint: str


CASES = [
    Wrong("key", "modle: x", ("street.yaml:1: modle:", "no key 'modle'"), "did you mean `model`"),
    Wrong(
        "key in a recipe",
        "recipes:\n  - name: a\n    lables: {}\n",
        ("street.yaml:3: recipes[0].lables", "no key 'lables'"),
        "did you mean `labels`",
    ),
    Wrong("secret", "api_key: abc", ("no key 'api_key'",), "GEMINI_API_KEY"),
    Wrong("far off", "zzz: 1", ("no key 'zzz'",), "the keys are system, thinking"),
    Wrong("choice", "\napi: rest", ("street.yaml:2: api: 'rest'",), "'interactions' or"),
    Wrong("missing", "recipes: [{prompt: x}]", ("recipes[0].name", "missing"), "add a `name:`"),
    Wrong("number", "concurrency: many", ("concurrency: 'many'",), "schema"),
    Wrong("bool as number", "concurrency: true", ("concurrency: True",), "schema"),
    Wrong("zero", "timeout: 0", ("timeout: 0", "greater than 0"), "schema"),
    Wrong("nan", "timeout: .nan", ("timeout: nan",), "schema"),
    Wrong(
        "number",
        "recipes:\n  - name: a\n    labels:\n      1: Norway\n",
        ("recipes[0].labels", "1 is not text"),
        "quotes",
    ),
    Wrong(
        "in a section of a recipe",
        "recipes:\n  - name: a\n    polygon: {tolerance: 1.0, min_aera: 3.0}\n",
        ("recipes[0].polygon.min_aera", "there is no key 'min_aera'"),
        "did you mean `min_area`?",
    ),
    Wrong("section", "polygon: {min_aera: 3.0}", ("polygon.min_aera",), "did you mean `min_area`?"),
    Wrong("empty text", "model: ''", ("model: ''",), "schema"),
    Wrong("list", "- a", ("street.yaml:1: the file: ['a']",), "schema"),
    Wrong("twice", "model: a\nmodel: b", ("street.yaml:2", "'model' is there twice"), "keep one"),
    Wrong(
        "same name",
        "recipes: [{name: a}, {name: a}]",
        ("two recipes are called 'a'",),
        "schema",
    ),
    Wrong("thinking", "thinking: loud", ("thinking: 'loud' is not possible",), "auto, off"),
    Wrong("temperature", "temperature: 3", ("temperature: 3", "less than or equal to 2"), "schema"),
    Wrong("harm", "safety: {rudeness: off}", ("safety.rudeness",), "'harassment'"),
    Wrong(
        "key of a label",
        "recipes: [{name: a, labels: {taxi: {lable: Car}}}]",
        ("recipes[0].labels.taxi.lable: there is no key 'lable'",),
        "did you mean `label`?",
    ),
    Wrong("vertex", "vertex: {zone: x}", ("vertex.zone: there is no key",), "project, location"),
    Wrong(
        "misspelt and so missing",
        "recipes: [{nam: a}]",
        ("recipes[0].nam: there is no key 'nam'.",),
        "did you mean `name`?",
    ),
    Wrong("one mistake", "recipes: [{name: a, labels: {car: 1}}]", ("1 is not text.",), "quotes"),
    Wrong("a circle", "recipes: &x [*x]", ("",), ""),
    Wrong("yaml", "a: [", ("not valid YAML",), "indentation"),
    Wrong("tab", "a:\n\t- b", ("not valid YAML",), "indentation"),
    Wrong("python tag", "a: !!python/object:os.system {}", ("not valid YAML",), "indentation"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_errors_say_where_and_what_is_right(case: Wrong, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, case.text)
    for part in case.message:
        assert part in caught.value.message
    assert case.hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"and 1 more"):
        read(tmp_path, "modle: x\napi: rest")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"model: caf\xe9")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "latin.yaml")


def test_every_key_of_the_schema_says_what_it_is_for() -> None:
    schema = build_json_schema()
    json.dumps(schema)
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    definitions.pop("JsonValue")  # anything
    for model in (schema, *definitions.values()):
        assert model["additionalProperties"] is False
        for name, field in model["properties"].items():
            assert field.get("description") or "$ref" in field, name


def test_off_and_no_are_text(tmp_path: Path) -> None:
    """YAML 1.1 would read them as false: nobody means that here."""
    (tmp_path / "c.yaml").write_text(
        "thinking: off\nsafety: {harassment: off}\nrecipes: [{name: a, labels: {no: Norway}}]"
    )
    config = read_config(tmp_path / "c.yaml")
    assert (config.thinking, config.safety) == ("off", {"harassment": "off"})
    assert list(config.recipes[0].label_map) == ["no"]


def test_what_a_section_of_a_recipe_leaves_out_is_as_at_the_top() -> None:
    config = Config.model_validate(
        {
            "polygon": {"tolerance": 5.0, "min_area": 100.0},
            "safety": {"harassment": "off"},
            "recipes": [{"name": "a", "polygon": {"tolerance": 2.0}, "safety": {}}],
        }
    )
    (recipe,) = config.recipes
    assert recipe.drawing_over(config).polygon == PolygonConfig(tolerance=2.0, min_area=100.0)
    assert recipe.over(config).safety == {}
