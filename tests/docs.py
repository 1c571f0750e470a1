"""What the README lists, made of the code: `cog -r -I tests README.md`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cog
from typer.main import get_command

from gemini_features import APIS, FEATURES
from label_studio_gemini.cli import app
from label_studio_gemini.config import DrawingConfig, OptionsConfig, build_json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_VALUE = 60
# A recipe may have each of them, as the file.
SHARED = frozenset({*OptionsConfig.model_fields, *DrawingConfig.model_fields})
SECTIONS = {
    "images": "ImagesConfig",
    "vertex": "VertexConfig",
    "prices": "PricesConfig",
    "polygon": "PolygonConfig",
    "cache": "CacheConfig",
    "budget": "BudgetConfig",
}


def print_keys() -> None:
    """Print a table of all keys of the YAML file."""
    schema: dict[str, Any] = build_json_schema()
    definitions = schema["$defs"]
    cog.outl("| key | default | what it is |")
    cog.outl("|---|---|---|")
    for key, field in schema["properties"].items():
        if key == "recipes":
            fields = definitions["RecipeConfig"]["properties"]
            own = {name: text for name, text in fields.items() if name not in SHARED}
            _print_rows("recipes[].", own)
            for name, model in (("labels.…", "WantedConfig"), ("examples[]", "ExampleConfig")):
                _print_rows(f"recipes[].{name}.", definitions[model]["properties"])
        elif key in SECTIONS:
            _print_rows(f"{key}.", definitions[SECTIONS[key]]["properties"])
        else:
            _print_rows("", {key: field})


def _print_rows(prefix: str, fields: dict[str, Any]) -> None:
    for key, field in fields.items():
        default = field.get("default")
        shown = "" if default in (None, [], {}, "") else f"`{default}`"
        cog.outl(f"| `{prefix}{key}` | {shown} | {' '.join(field['description'].split())} |")


def print_commands() -> None:
    """Print a table of all commands, with the first example of each."""
    cog.outl("| command | what it does | for example |")
    cog.outl("|---|---|---|")
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        example = command.epilog.split("Examples:\n")[1].splitlines()[0].strip()
        first = command.help.splitlines()[0]
        cog.outl(f"| `{name}` | {first} | `{example}` |")


def print_features() -> None:
    """Print a table of all that a request can ask for: where each API says it, and the test."""
    cog.outl("| request feature | generate_content | interactions | test of the bytes sent |")
    cog.outl("|---|---|---|---|")
    for feature in FEATURES:
        cells = " | ".join(_sent(feature.sent(api)) for api in APIS)
        cog.outl(f"| {feature.name} | {cells} | `test_the_bytes_sent[{feature.name}]` |")


def _sent(values: Mapping[str, object]) -> str:
    """Return paths with their values; a value too long for a cell is left to the test."""
    cells = []
    for path, value in values.items():
        text = json.dumps(value)
        cells.append(f"`{path}`" if len(text) > _LONGEST_VALUE else f"`{path}: {text}`")
    return "<br>".join(cells) or "not there"
