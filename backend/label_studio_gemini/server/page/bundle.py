"""Make one script of several ES modules, which then need no addresses.

Only what the page's modules use is understood: `import { a, b } from "./other.js";`, and `export`
before a `function` or `const`. Each module becomes a function that is called at once, and returns
what it exports: its other names stay its own.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const) (\w+))", re.MULTILINE)


class _Module(NamedTuple):
    body: str
    imports: tuple[str, ...]


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """Return the script of a module and of all that it imports, each once, the imported first.

    Args:
        entry: The module's file name.
        read: Returns the text of a file, by its name.

    Raises:
        graphlib.CycleError: Modules import each other.
    """
    modules: dict[str, _Module] = {}
    missing = [entry]
    while missing:
        name = missing.pop()
        modules[name] = module = _convert(read(name))
        missing += [one for one in module.imports if one not in modules and one not in missing]
    order = TopologicalSorter({name: one.imports for name, one in modules.items()}).static_order()
    return "".join(
        f"const {_variable(name)} = (() => {{\n{modules[name].body}}})();\n" for name in order
    )


def _convert(source: str) -> _Module:
    imported = [found[2] for found in _IMPORT.finditer(source)]
    exported = [found[1] for found in _EXPORT.finditer(source)]
    body = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_variable(found[2])};\n", source)
    body = _EXPORT.sub("", body)
    return _Module(f"{body}return {{ {', '.join(exported)} }};\n", tuple(imported))


def _variable(file: str) -> str:
    return f"{PurePosixPath(file).stem}_module"
