"""The YAML file is read, and a wrong one is answered with where it is wrong and what is right."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, get_args

import yaml
from pydantic import BaseModel, ValidationError

from label_studio_gemini.config.models import (
    Config,
)
from label_studio_gemini.config.places import path_of, place_of
from label_studio_gemini.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from label_studio_gemini.config.places import Location

_TRUTHS = re.compile(r"true|True|TRUE|false|False|FALSE")


class _Loader(yaml.SafeLoader):
    """YAML as most people know it: only `true` and `false` are no text (YAML 1.2), not `off`."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTHS, list("tTfF"))
_THINKING_HINT = (
    "it takes auto, off, minimal, low, medium, high, or a budget in tokens: 0 to 65536, or -1 for "
    "as much as the model likes."
)
_SCHEMA_HINT = "see `label-studio-gemini schema` for what goes where."
_MOST_OF_A_VALUE = 60  # characters of a wrong value that an error shows


def build_json_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of the YAML file, for editors to check and complete it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "label-studio-gemini",
    }


def read_config(file: Path | None) -> Config:
    """Read the YAML file; None gives the defaults.

    Raises:
        ConfigError: It names the file, the line, the way to the value, the value, what is right.
    """
    if file is None:
        return Config()
    text = _read_text(file)
    try:
        # A tree of nodes still knows its lines; the plain values don't.
        root = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
        lines = dict(_lines_of(root)) if root is not None else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{file}: not valid YAML: {' '.join(str(error).split())}.",
            hint="check the indentation, and quote values that hold `:` or `#`.",
        ) from error
    twice = next((where for where in _duplicates(root)), None)
    if twice is not None:
        raise ConfigError(
            f"{file}:{twice[1]}: the key {twice[0]!r} is there twice.",
            hint="keep one of the two; a later one would silently replace the first.",
        )
    return _config_from(content, file, lines)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"The config file {str(file)!r} cannot be read: {reason}.",
            hint="--config takes the path of a YAML file.",
        ) from error


def _config_from(content: object, file: Path, lines: dict[Location, int]) -> Config:
    if content is None:  # an empty file, or one of comments only
        content = {}
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise _config_error(error, file, lines) from error
    config.remember_places(str(file), lines)
    _check_examples(config)
    return config


def _check_examples(config: Config) -> None:
    for number, recipe in enumerate(config.recipes):
        for index, example in enumerate(recipe.examples):
            path = config.folder / example.image
            if not example.image.startswith(("http://", "https://")) and not path.is_file():
                where = config.where("recipes", number, "examples", index, "image")
                raise ConfigError(
                    f"{where}: there is no file {str(path)!r}.",
                    hint="name an image file, relative to the config file, or an http(s) address.",
                )


def _config_error(error: ValidationError, file: Path, lines: dict[Location, int]) -> ConfigError:
    details = error.errors(include_url=False)
    # A misspelt key is why another is missing; and each arm of a union complains of the same value.
    first = next((one for one in details if one["type"] == "extra_forbidden"), details[0])
    location = _file_location(first["loc"])
    text, hint = _explain(first, location)
    places = {_file_location(one["loc"]) for one in details if one["type"] != "missing"}
    others = sum(location[: len(place)] != place for place in places)
    more = f" (and {others} more)" if others else ""
    where = path_of(location) or "the file"
    return ConfigError(f"{place_of(str(file), lines, location)}: {where}: {text}{more}.", hint=hint)


def _file_location(loc: tuple[str | int, ...]) -> Location:
    """Drop what pydantic adds to the way: the arms of a union, and `[key]`."""
    added = ("[key]", "dict[", "list[", "constrained-", "literal[", "function-", "WantedConfig")
    # The arms of `thinking` are named by their types, which no key of the file is.
    return tuple(
        part
        for part in loc
        if not (isinstance(part, str) and (part.startswith(added) or part in {"int", "str"}))
    )


def _explain(error: ErrorDetails, location: Location) -> tuple[str, str]:
    """Say what is wrong with a value, and what would be right."""
    value = repr(error["input"])
    shown = value if len(value) <= _MOST_OF_A_VALUE else value[:_MOST_OF_A_VALUE] + "…"
    if error["type"] == "extra_forbidden":
        return f"there is no key {location[-1]!r}", _hint_for_key(location)
    if error["type"] == "missing":
        return "it is missing", f"add a `{location[-1]}:` there."
    if error["type"] == "value_error":
        return str(error["ctx"]["error"]), _SCHEMA_HINT
    if error["type"] == "string_type":
        return f"{shown} is not text", "put it in quotes: YAML reads a bare 1 or true otherwise."
    if location[-1:] == ("thinking",):
        return f"{shown} is not possible", _THINKING_HINT
    possible = error["type"] == "literal_error" and f"it takes {error['ctx']['expected']}."
    return f"{shown}: {error['msg']}", possible or _SCHEMA_HINT


def _hint_for_key(location: Location) -> str:
    key = str(location[-1])
    if "key" in key.casefold() and "api" in key.casefold():
        return "keys stay out of the file: set GEMINI_API_KEY in the environment."
    known = list(_model_at(location[:-1]).model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"the keys are {', '.join(known)}."


def _model_at(location: Location) -> type[BaseModel]:
    """Return the model that the value at `location` is of."""
    model: type[BaseModel] = Config
    for part in location:
        field = model.model_fields.get(str(part))
        model = (field and _model_in(field.annotation)) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model that a type is, or is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def _lines_of(node: yaml.Node, location: Location = ()) -> Iterator[tuple[Location, int]]:
    yield location, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*location, str(key.value))
            yield from _lines_of(value, below)
            yield below, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines_of(value, (*location, index))


def _duplicates(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Yield each key that a mapping has twice, with the line of the second one."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))
            yield from _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _duplicates(value)
