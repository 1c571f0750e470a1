"""Who may ask what, with a login, with a secret for webhooks, and without both."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from backends import RunningBackend, run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import ConfigError
from label_studio_gemini.server import build_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USER, PASSWORD, SECRET = "ann", "pä:ss", "5ec-ret"
EVENT = b'{"action": "ANNOTATION_CREATED", "task": {}}'
TRAINING = b'{"action": "START_TRAINING", "project": {}}'
LOGIN = {"basic_auth_user": USER, "basic_auth_pass": PASSWORD}
ONLY_SECRET = {"webhook_secret": SECRET}


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


RIGHT = basic(USER, PASSWORD)


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningBackend]]:
    """Return what serves with these settings; a server for each, until the module is done."""
    running: dict[tuple[str, ...], RunningBackend] = {}
    with ExitStack() as stack:

        def get(settings: dict[str, str]) -> RunningBackend:
            if (key := tuple(settings)) not in running:
                folder = tmp_path_factory.mktemp("state")
                environment = Environment(state_folder=folder, api_key="k", **settings)  # type: ignore[arg-type]
                running[key] = stack.enter_context(run_backend(Config(), environment))
            return running[key]

        yield get


@dataclass(frozen=True)
class Case:
    name: str
    settings: dict[str, str]
    request: tuple[str, str]
    status: int
    authorization: str | None = None
    body: bytes = b"{}"


CASES = [
    Case("health is for all", LOGIN, ("GET", "/health"), 200),
    Case("and the rest is not", LOGIN, ("GET", "/"), 401),
    Case("setup", LOGIN, ("POST", "/setup"), 401),
    Case("predict", LOGIN, ("POST", "/predict"), 401),
    Case("versions", LOGIN, ("GET", "/versions"), 401),
    Case("the schema", LOGIN, ("GET", "/openapi.json"), 401),
    Case("what is not there", LOGIN, ("GET", "/nowhere"), 401),
    Case("nearly health", LOGIN, ("GET", "/health/"), 401),
    Case("not quite health", LOGIN, ("POST", "/health"), 401),
    Case("nearly a webhook", LOGIN, ("GET", "/webhook"), 401),
    Case("with the login", LOGIN, ("GET", "/versions"), 200, RIGHT),
    Case("as requests writes it", LOGIN, ("GET", "/"), 200, basic(USER, PASSWORD, "latin-1")),
    Case("in small letters", LOGIN, ("GET", "/"), 200, RIGHT.replace("Basic", "basic")),
    Case("a wrong password", LOGIN, ("GET", "/"), 401, basic(USER, "pass")),
    Case("a wrong user", LOGIN, ("GET", "/"), 401, basic("bob", PASSWORD)),
    Case("half a login", LOGIN, ("GET", "/"), 401, basic(USER, "")),
    Case("nothing in it", LOGIN, ("GET", "/"), 401, "Basic"),
    Case("no base64", LOGIN, ("GET", "/"), 401, "Basic ä!"),
    Case("another scheme", LOGIN, ("GET", "/"), 401, RIGHT.replace("Basic", "Bearer")),
    Case("an event", LOGIN, ("POST", "/webhook"), 200, None, EVENT),
    Case("a training", LOGIN, ("POST", "/webhook"), 401, None, TRAINING),
    Case("a training with the login", LOGIN, ("POST", "/webhook"), 200, RIGHT, TRAINING),
    Case("no event at all", LOGIN, ("POST", "/webhook"), 401, None, b"{}"),
    Case("no JSON", LOGIN, ("POST", "/webhook"), 401, None, b"\xff"),
    Case("there is no secret", LOGIN, ("POST", f"/webhook/{SECRET}"), 404, None, EVENT),
    Case("the secret", LOGIN | ONLY_SECRET, ("POST", f"/webhook/{SECRET}"), 200, None, EVENT),
    Case("a wrong one", LOGIN | ONLY_SECRET, ("POST", "/webhook/5ec"), 404, None, EVENT),
    Case("none", LOGIN | ONLY_SECRET, ("POST", "/webhook"), 401, None, EVENT),
    Case("the login instead", LOGIN | ONLY_SECRET, ("POST", "/webhook"), 200, RIGHT, TRAINING),
    Case("a secret alone", ONLY_SECRET, ("POST", f"/webhook/{SECRET}"), 200, None, EVENT),
    Case("a secret alone, left out", ONLY_SECRET, ("POST", "/webhook"), 401, None, EVENT),
    Case("a secret alone, the rest", ONLY_SECRET, ("GET", "/versions"), 200),
    Case("nothing is set", {}, ("GET", "/versions"), 200),
    Case("nothing is set, webhook", {}, ("POST", "/webhook"), 200, None, TRAINING),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_may_ask(case: Case, serve: Callable[..., RunningBackend]) -> None:
    headers = {"content-type": "application/json"}
    if case.authorization is not None:
        headers["authorization"] = case.authorization
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    method, path = case.request
    body = case.body if method == "POST" else None
    answer = serve(case.settings).client.request(method, path, content=body, headers=raw)
    assert answer.status_code == case.status
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert "BASIC_AUTH_USER" in answer.json()["hint"]
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(("name", "missing"), [("user", "PASS"), ("pass", "USER")])
def test_half_a_login_is_a_mistake(name: str, missing: str, tmp_path: Path) -> None:
    environment = Environment(state_folder=tmp_path, **{f"basic_auth_{name}": "x"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=f"BASIC_AUTH_{missing} is not set"):
        build_app(Config(), environment)
