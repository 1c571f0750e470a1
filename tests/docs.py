"""What the README lists, made of the code: `cog -r -I tests README.md`."""

from __future__ import annotations

from typing import Any

import cog
from typer.main import get_command

from label_studio_gemini.cli import app
from label_studio_gemini.config import build_json_schema


def print_keys() -> None:
    """Print a table of all keys of the YAML file."""
    schema: dict[str, Any] = build_json_schema()
    definitions = schema["$defs"]
    cog.outl("| key | default | what it is |")
    cog.outl("|---|---|---|")
    for key, field in schema["properties"].items():
        if key == "recipes":
            _print_rows("recipes[].", definitions["RecipeConfig"]["properties"])
        elif key == "images":
            _print_rows("images.", definitions["ImagesConfig"]["properties"])
        else:
            _print_rows("", {key: field})


def _print_rows(prefix: str, fields: dict[str, Any]) -> None:
    for key, field in fields.items():
        default = field.get("default")
        shown = "" if default in (None, [], {}) else f"`{default}`"
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
