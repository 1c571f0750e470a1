"""Variables are read under the names that people know, and secrets are not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.environment import Environment, read_environment
from label_studio_gemini.versions import VersionStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("variables", "field", "value"),
    [
        ({"GEMINI_API_KEY": "a"}, "api_key", "a"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}, "api_key", "b"),
        ({"GEMINI_API_KEY": " a\n"}, "api_key", "a"),
        ({"GEMINI_API_KEY": "  "}, "api_key", None),
        ({"GOOGLE_GEMINI_BASE_URL": "http://x"}, "base_url", "http://x"),
        ({"LABEL_STUDIO_HOST": "http://h"}, "label_studio_url", "http://h"),
        ({"LABEL_STUDIO_URL": "u", "LABEL_STUDIO_HOST": "h"}, "label_studio_url", "u"),
        ({"LABEL_STUDIO_ACCESS_TOKEN": "t"}, "label_studio_token", "t"),
        ({"LOG_LEVEL": "DEBUG"}, "log_level", "debug"),
        ({"LOG_LEVEL": "loud"}, "log_level", "info"),
        ({"LOG_FORMAT": "JSON"}, "log_format", "json"),
        ({"LOG_FORMAT": "xml"}, "log_format", "text"),
        ({"BASIC_AUTH_USER": "u"}, "basic_auth_user", "u"),
        ({"BASIC_AUTH_PASS": "p"}, "basic_auth_pass", "p"),
        ({"BASIC_AUTH_PASS": ""}, "basic_auth_pass", None),
        ({"BASIC_AUTH_PASS": " p\n"}, "basic_auth_pass", " p\n"),
        ({"WEBHOOK_SECRET": "s"}, "webhook_secret", "s"),
        ({"WEBHOOK_SECRET": "s "}, "webhook_secret", "s "),
        ({"SERVER_NAMES": " A.example, b.example ,"}, "server_names", ("a.example", "b.example")),
    ],
)
def test_variables(variables: dict[str, str], field: str, value: object) -> None:
    assert getattr(read_environment(variables), field) == value


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    environment = Environment(
        state_folder=tmp_path,
        api_key="hidden-1",
        label_studio_token="hidden-2",
        basic_auth_pass="hidden-3",
        webhook_secret="hidden-4",
    )
    assert "hidden" not in repr(environment)


def test_versions_are_listed_the_last_told_first(tmp_path: Path) -> None:
    store = VersionStore(tmp_path / "versions")
    assert store.list() == []
    for version in ("models/a-1", "b-2", "models/a-1"):
        store.note(version)
    assert store.list() == ["models/a-1", "b-2"]


def test_a_folder_that_cannot_be_written_costs_only_the_list(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = VersionStore(tmp_path / "file")
    store.note("a")
    assert store.list() == []
    assert "not kept for /versions" in caplog.text
