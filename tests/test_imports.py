"""What is not loaded before it is needed: each process would pay for it in time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Case:
    """What is run, after what the cases before it ran, and what is not loaded then."""

    name: str
    code: str
    heavy: frozenset[str]


SDK = frozenset({"google.genai", "httpx2", "pydantic"})
HELP = """
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    importlib.import_module("label_studio_gemini.cli").main(["--help"])
"""
CASES = (
    Case("the adapters' package", "import label_studio_gemini.gemini", SDK),
    Case("prices", "import label_studio_gemini.gemini.prices", SDK | {"genai_prices"}),
    # Their imports would take seconds; `--help` is to be there at once.
    Case("help", HELP, SDK | {"label_studio_ml", "fastapi", "numpy", "PIL"}),
    Case(
        "a server before it answers",
        "import uvicorn, label_studio_gemini.cli.serve, label_studio_gemini.server",
        frozenset({"numpy", "PIL", "shapely", "google.genai", "label_studio_ml", "redis"}),
    ),
    Case(
        "an idle server, whichever its API",
        "import label_studio_gemini.server.app, label_studio_gemini.server.engine\n"
        "import label_studio_gemini.gemini.interactions\n"
        "import label_studio_gemini.gemini.generate_content",
        frozenset({"numpy", "shapely", "label_studio_ml", "label_studio_gemini.smart"}),
    ),
    # Flask belongs to the stock server alone.
    Case(
        "the model",
        "import label_studio_gemini.model",
        frozenset({"flask", "werkzeug", "jinja2"}),
    ),
)
ONE_BY_ONE = """
import contextlib, importlib, io, json, sys
for code in json.load(sys.stdin):
    exec(code)
    print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, frozenset[str]]:
    """Return what is loaded after each case; one process serves them all."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE],
        input=json.dumps([case.code for case in CASES]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return {case.name: frozenset(json.loads(line)) for case, line in zip(CASES, lines, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_heavy_is_loaded_early(case: Case, loaded: dict[str, frozenset[str]]) -> None:
    assert case.heavy & loaded[case.name] == frozenset()


def test_what_is_loaded_is_seen(loaded: dict[str, frozenset[str]]) -> None:
    """Else none of the above could fail."""
    assert "label_studio_gemini.model" in loaded["the model"]
    assert "google.genai" in loaded["an idle server, whichever its API"]
