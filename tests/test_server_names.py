"""A server for its own machine alone is not asked by the pages of strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from label_studio_gemini.config import Config
from label_studio_gemini.environment import Environment
from label_studio_gemini.server import build_app
from label_studio_gemini.server.names import is_own_name, needs_name_check

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True),
        ("LOCALHOST:9090", True),
        ("a.localhost", True),
        ("127.0.0.1:9090", True),
        ("192.168.1.5", True),
        ("[::1]:9090", True),
        ("host.docker.internal:9090", True),
        ("backend:9090", True),
        ("", True),
        ("given.example:9090", True),
        ("given.example.", True),
        ("evil.example", False),
        ("evil.example:9090", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("internal.evil", False),
        ("[evil.example]", False),
    ],
)
def test_names(host: str, *, is_own: bool) -> None:
    assert is_own_name(host, ("given.example",)) is is_own


@pytest.mark.parametrize(
    ("host", "login", "is_checked"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("localhost", None, True),
        ("127.0.0.1", "ann", False),
        ("0.0.0.0", None, False),
        (None, None, False),
    ],
)
def test_where_names_are_looked_at(
    host: str | None, login: str | None, tmp_path: Path, *, is_checked: bool
) -> None:
    """Elsewhere nobody can say what the server is called, or the login keeps strangers out."""
    environment = Environment(state_folder=tmp_path, listens_on=host, basic_auth_user=login)
    assert needs_name_check(environment) is is_checked


async def test_a_name_of_the_web_is_refused(tmp_path: Path) -> None:
    environment = Environment(
        state_folder=tmp_path, api_key="k", listens_on="127.0.0.1", server_names=("ok.example",)
    )
    transport = httpx2.ASGITransport(app=build_app(Config(), environment))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        asked = {
            host: (await client.get("/health", headers={"host": host})).status_code
            for host in ("evil.example", "ok.example:9090", "localhost")
        }
        refused = await client.get("/api/status", headers={"host": "evil.example"})
    assert asked == {"evil.example": 421, "ok.example:9090": 200, "localhost": 200}
    assert "SERVER_NAMES" in refused.json()["hint"]
