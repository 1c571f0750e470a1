"""Whatever the server's own description allows, and what it does not: never an error of ours.

Schemathesis makes requests of the OpenAPI document, and checks the answers against it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from backends import run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.environment import Environment
from services import SCRIPTS

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ROUTES = {
    *("/", "/api/status", "/metrics", "/health", "/versions"),
    *("/setup", "/predict", "/webhook", "/webhook/{secret}"),
}


def environment_of(gemini: RunningEmulator, folder: Path, secret: str | None = None) -> Environment:
    return Environment(state_folder=folder, api_key="k", base_url=gemini.url, webhook_secret=secret)


def test_every_route_is_described(gemini: RunningEmulator, tmp_path: Path) -> None:
    environment = environment_of(gemini, tmp_path, "s3cret")
    with run_backend(Config(), environment) as backend:
        document = backend.client.get("/openapi.json").json()
    assert set(document["paths"]) == ROUTES
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert "200" in operation["responses"]


@pytest.mark.slow
def test_the_server_is_as_it_is_described(gemini: RunningEmulator, tmp_path: Path) -> None:
    config = Config(timeout=5, attempts=1)
    with run_backend(config, environment_of(gemini, tmp_path)) as backend:
        command = [str(SCRIPTS / "schemathesis"), "run", f"{backend.url}/openapi.json"]
        options = ["--no-color", "--checks", ",".join(CHECKS), "--max-examples=60", "--seed=1"]
        here = Path(__file__).parent
        done = subprocess.run(
            [*command, *options],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(here)},
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        assert httpx2.get(f"{backend.url}/health").status_code == httpx2.codes.OK
    assert gemini.requests, "some were understood, and predicted"
