"""Who may ask what, with a login, with a secret for webhooks, and without both."""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from backends import RunningBackend, run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.environment import LISTENS_ON_VARIABLE, Environment, read_environment
from label_studio_gemini.errors import ConfigError
from label_studio_gemini.server import build_app, create_app
from label_studio_gemini.server.auth import Guard
from services import clean_environment

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
    Case("health is for all, without its body", LOGIN, ("HEAD", "/health"), 200),
    Case("the rest is not, without its body either", LOGIN, ("HEAD", "/"), 401),
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
    Case("nearly the secret", ONLY_SECRET, ("POST", f"/webhook/{SECRET}/"), 404, None, EVENT),
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
    if answer.status_code == 401 and method != "HEAD":
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert "BASIC_AUTH_USER" in answer.json()["hint"]
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(("name", "missing"), [("user", "PASS"), ("pass", "USER")])
def test_half_a_login_is_a_mistake(name: str, missing: str, tmp_path: Path) -> None:
    environment = Environment(state_folder=tmp_path, **{f"basic_auth_{name}": "x"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=f"BASIC_AUTH_{missing} is not set"):
        build_app(Config(), environment)


@pytest.mark.parametrize("secret", ["a/b", "a%2Fb", "a b", " a", "a\n", "ä", "..", "a?b", "a#b"])
def test_a_secret_that_no_address_can_have_is_a_mistake(secret: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WEBHOOK_SECRET has a character") as caught:
        build_app(Config(), Environment(state_folder=tmp_path, webhook_secret=secret))
    assert "openssl rand" in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "is_said"),
    [
        ({}, True),
        ({"BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": "p"}, False),
        ({LISTENS_ON_VARIABLE: "127.0.0.1"}, False),
    ],
    ids=["as gunicorn does", "with a login", "as serve does, which says so itself"],
)
def test_a_worker_without_a_login_says_so(
    settings: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    is_said: bool,
) -> None:
    variables = clean_environment(MODEL_DIR=str(tmp_path), **settings)
    with mock.patch.dict(os.environ, variables, clear=True):
        create_app()
    assert ["whoever reaches this server" in one.getMessage() for one in caplog.records] == (
        [True] if is_said else []
    )


def test_a_password_is_taken_with_its_blanks(tmp_path: Path) -> None:
    variables = {"BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": " p ", "MODEL_DIR": str(tmp_path)}
    guard = Guard(read_environment(variables))
    for password, is_right in [(" p ", True), ("p", False)]:
        header = basic("ann", password).encode()
        assert guard.knows({"headers": [(b"authorization", header)]}) is is_right
