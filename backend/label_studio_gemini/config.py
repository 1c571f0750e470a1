"""The YAML file: strict models of it, and errors that say where it is wrong and what is right."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from label_studio_gemini.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

Location: TypeAlias = tuple[str | int, ...]
"""The way to a value of the file: `("recipes", 0, "labels", "car")`."""

DEFAULT_MODEL = "gemini-3-flash-preview"
"""The model of Google's own image-understanding documents."""

_MOST_OF_A_VALUE = 60  # characters of a wrong value that an error shows

Text: TypeAlias = Annotated[str, Field(min_length=1, pattern=r"\S")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RecipeConfig(_Strict):
    """One prompt, and the labels that its answers become."""

    name: Text
    """A name of your own, unique in the file; logs and statistics use it."""
    prompt: Text | None = None
    """What Gemini is asked for, in your words. Without it, a prompt is made of the labels."""
    labels: dict[Text, Text] | list[Text] = Field(default_factory=dict)
    """What Gemini is asked for -> the project's label; or a list, where both are the same.
    Without it, all labels of the target."""
    target: Text | None = None
    """The name of the control tag to fill. It can be left out where only one has these labels."""
    unknown_as: Text | None = None
    """The project's label for whatever Gemini calls by another name. Without it, that is dropped
    and counted."""

    @property
    def label_map(self) -> Mapping[str, str]:
        """What is asked for -> the project's label, whichever way the file has it."""
        if isinstance(self.labels, dict):
            return self.labels
        return {label: label for label in self.labels}


class ImagesConfig(_Strict):
    """Where images may come from, and how large they may be."""

    timeout: float = Field(default=30.0, gt=0, le=3600, strict=True)
    """Seconds that one image may take to arrive, redirects included."""
    max_megabytes: float = Field(default=100.0, gt=0, le=2000, strict=True)
    """The largest file that is fetched."""
    max_megapixels: float = Field(default=200.0, gt=0, le=2000, strict=True)
    """The largest image that is opened: protects against decompression bombs."""
    inline_megabytes: float = Field(default=14.0, gt=0, le=70, strict=True)
    """Above this an image is sent as a smaller JPEG. (Base64 makes 20 MB of 14.9 MB.)"""
    allowed_hosts: list[Text] = Field(default_factory=list)
    """Hosts on private networks that images may be fetched from, as `host` or `host:port`.
    The Label Studio host always is allowed."""
    folders: list[Path] = Field(default_factory=list)
    """Folders of this machine that a task may name files of, by path. None by default."""


class Config(_Strict):
    """The whole file. Everything has a default: with no file at all, the project's labels do."""

    model: Text = DEFAULT_MODEL
    """Any model name; the API is the authority on which exist."""
    api: Literal["interactions", "generate_content"] = "interactions"
    """Which of Gemini's two APIs carries the requests."""
    base_url: Text | None = None
    """Another address of the API; else GOOGLE_GEMINI_BASE_URL, else Google's own."""
    api_version: Text = "v1"
    """The version of the API; names like `gemini-flash-latest` exist in v1beta only."""
    recipes: list[RecipeConfig] = Field(default_factory=list)
    """What to ask for. Without recipes they are made of the project's labelling config."""
    concurrency: int = Field(default=32, ge=1, le=1024, strict=True)
    """How many tasks are worked on at the same time by one process."""
    timeout: float = Field(default=120.0, gt=0, le=3600, strict=True)
    """Seconds that one request to Gemini may take."""
    images: ImagesConfig = Field(default_factory=ImagesConfig)
    """Where images may come from, and how large they may be."""

    _file: str = PrivateAttr(default="the config")
    _lines: dict[Location, int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [recipe.name for recipe in self.recipes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two recipes are called {twice!r}; give each a name of its own")
        return self

    def where(self, *location: str | int) -> str:
        """Say where in the file a value is: `street.yaml:7: recipes[0].labels.car`."""
        return f"{_place(self._file, self._lines, location)}: {_path(location)}"


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
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
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
    config._file, config._lines = str(file), lines  # noqa: SLF001 - it is the reader's to set
    return config


def _config_error(error: ValidationError, file: Path, lines: dict[Location, int]) -> ConfigError:
    details = error.errors(include_url=False)
    # A misspelt key is why another is missing; and each arm of a union complains of the same value.
    first = next((one for one in details if one["type"] == "extra_forbidden"), details[0])
    location = _file_location(first["loc"])
    text, hint = _explain(first, location)
    places = {_file_location(one["loc"]) for one in details if one["type"] != "missing"}
    others = sum(location[: len(place)] != place for place in places)
    more = f" (and {others} more)" if others else ""
    where = _path(location) or "the file"
    return ConfigError(f"{_place(str(file), lines, location)}: {where}: {text}{more}.", hint=hint)


def _file_location(loc: tuple[str | int, ...]) -> Location:
    """Drop what pydantic adds to the way: the arms of a union, and `[key]`."""
    added = ("[key]", "dict[", "list[", "constrained-")
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith(added)))


def _explain(error: ErrorDetails, location: Location) -> tuple[str, str]:
    """Say what is wrong with a value, and what would be right."""
    value = repr(error["input"])
    shown = value if len(value) <= _MOST_OF_A_VALUE else value[:_MOST_OF_A_VALUE] + "…"
    if error["type"] == "extra_forbidden":
        return f"there is no key {location[-1]!r}", _hint_for_key(location)
    if error["type"] == "missing":
        return "it is missing", f"add a `{location[-1]}:` there."
    if error["type"] == "literal_error":
        return f"{shown} is not possible", f"it takes {error['ctx']['expected']}."
    if error["type"] == "string_type":
        return f"{shown} is not text", "put it in quotes: YAML reads bare yes, no, on, 1 otherwise."
    if error["type"] == "value_error":
        return str(error["ctx"]["error"]), "see `label-studio-gemini schema` for what goes where."
    return f"{shown}: {error['msg']}", "see `label-studio-gemini schema` for what goes where."


def _hint_for_key(location: Location) -> str:
    key = str(location[-1])
    if "key" in key.casefold() and "api" in key.casefold():
        return "keys stay out of the file: set GEMINI_API_KEY in the environment."
    known = list(_model_at(location[:-1]).model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"the keys are {', '.join(known)}."


def _model_at(location: Location) -> type[BaseModel]:
    names: dict[str | int, type[BaseModel]] = {"recipes": RecipeConfig, "images": ImagesConfig}
    return names[location[0]] if location else Config


def _path(location: Location) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _place(file: str, lines: dict[Location, int], location: Location) -> str:
    """Return `file:line` of a value, or of the nearest thing around it that has a line."""
    for length in range(len(location), -1, -1):
        line = lines.get(location[:length])
        if line is not None:
            return f"{file}:{line}"
    return file


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
