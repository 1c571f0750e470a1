"""The image and the services are what a person needs; no Docker engine is asked for that."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from label_studio_gemini.cli import app

ROOT = Path(__file__).resolve().parents[1]
VERSION_TAG = re.compile(r"^[\w./-]+:\d+\.\d+[\w.-]*$")
SETTINGS = ("ML_BLOCK_LOCAL_IP", "SSRF_PROTECTION_ENABLED")
"""Label Studio refuses a backend on a compose network's private addresses without both."""


def read_instructions() -> list[tuple[str, str]]:
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line]


def read_words(instruction: str) -> list[str]:
    """Return the words of the last instruction of that name, which is in the exec form."""
    words: list[str] = yaml.safe_load(
        next(rest for name, rest in reversed(read_instructions()) if name == instruction)
    )
    return words


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


@pytest.fixture(scope="module")
def commands() -> dict[str, set[str]]:
    """Return the options of each command that the package has."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in group.commands.items()
    }


def assert_known(words: list[str], commands: dict[str, set[str]]) -> None:
    name, *options = words
    assert name in commands
    assert {word for word in options if word.startswith("-")} <= commands[name]


def test_the_base_images_are_pinned_by_version() -> None:
    bases = [rest.split()[0] for name, rest in read_instructions() if name == "FROM"]
    assert bases
    assert all(VERSION_TAG.match(base) for base in bases)


def test_the_image_does_not_run_as_root() -> None:
    """By number, so that a cluster that forbids root can see it."""
    (user,) = (rest for name, rest in read_instructions() if name == "USER")
    assert int(user) > 0


def test_the_image_keeps_logins_in_its_volume() -> None:
    instructions = read_instructions()
    (volume,) = (rest for name, rest in instructions if name == "VOLUME")
    assert any(name == "ENV" and f"MODEL_DIR={volume}" in rest for name, rest in instructions)


def test_the_image_runs_a_command_that_exists(commands: dict[str, set[str]]) -> None:
    assert read_words("ENTRYPOINT") == ["label-studio-gemini"]
    command = read_words("CMD")
    assert_known(command, commands)
    assert ("--host", "0.0.0.0") in pairwise(command)


def test_the_image_checks_its_health_on_the_port_that_it_serves() -> None:
    (check,) = (rest for name, rest in read_instructions() if name == "HEALTHCHECK")
    port = dict(pairwise(read_words("CMD")))["--port"]
    assert f"'127.0.0.1', {port}" in check
    assert "'/health'" in check
    assert ("EXPOSE", port) in read_instructions()


def test_label_studio_is_the_version_that_is_tested_and_reaches_private_addresses(
    compose: dict[str, Any],
) -> None:
    service = compose["label-studio"]
    assert service["image"] == "heartexlabs/label-studio:1.23.2"
    assert [service["environment"][name] for name in SETTINGS] == ["false", "false"]
    assert service["environment"]["LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN"] == "true"
    assert "healthcheck" in service


def test_label_studio_is_open_to_this_machine_only(compose: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in compose["label-studio"]["ports"])
    assert not any("ports" in rest for name, rest in compose.items() if name != "label-studio")


@pytest.mark.parametrize("profile", ["gemini", "emulator"])
def test_each_profile_has_one_backend_under_a_name_with_a_dot(
    compose: dict[str, Any], profile: str
) -> None:
    """Label Studio makes no webhooks for a host without one, and says nothing."""
    (aliases,) = (
        service["networks"]["default"]["aliases"]
        for service in compose.values()
        if "networks" in service and profile in service["profiles"]
    )
    assert aliases == ["gemini.backend"]


def test_the_backends_have_the_token_of_label_studio(compose: dict[str, Any]) -> None:
    token = compose["label-studio"]["environment"]["LABEL_STUDIO_USER_TOKEN"]
    for name in ("backend", "backend-with-emulator"):
        environment = compose[name]["environment"]
        assert environment["LABEL_STUDIO_API_KEY"] == token
        assert environment["LABEL_STUDIO_URL"] == "http://label-studio:8080"


def test_no_secret_is_written_in_the_file(compose: dict[str, Any]) -> None:
    """Label Studio answers every origin: a token that all readers know opens it to any web page."""
    secrets = ("LABEL_STUDIO_PASSWORD", "LABEL_STUDIO_USER_TOKEN")
    for name in secrets:
        assert compose["label-studio"]["environment"][name].startswith("${")
    assert compose["backend"]["environment"]["GEMINI_API_KEY"].startswith("${")


def test_the_emulator_profile_asks_for_no_gemini_key() -> None:
    """Compose fills in the whole file first: a key required anywhere is required everywhere."""
    text = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    required = set(re.findall(r"\$\{(\w+):?\?", text))
    assert required == {"LABEL_STUDIO_API_KEY", "LABEL_STUDIO_PASSWORD"}


def test_the_emulator_profile_has_its_emulator(
    compose: dict[str, Any], commands: dict[str, set[str]]
) -> None:
    emulator = compose["emulator"]
    assert_known(emulator["command"], commands)
    port = dict(pairwise(emulator["command"]))["--port"]
    backend = compose["backend-with-emulator"]
    assert backend["environment"]["GOOGLE_GEMINI_BASE_URL"] == f"http://emulator:{port}"
    assert backend["depends_on"]["emulator"]["condition"] == "service_healthy"
    assert any(f"'127.0.0.1', {port}" in word for word in emulator["healthcheck"]["test"])


def test_the_builder_is_sent_what_it_copies_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    sent = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for name, rest in read_instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert sent == copied
