"""The server as it is really started: by its commands, and by what others start it with."""

from __future__ import annotations

import base64
import http.server
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from backends import run_backend
from commands import run_here
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.environment import read_environment
from loopback import NOBODY
from services import SCRIPTS, Backends, clean_environment, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backends import RunningBackend
    from label_studio_gemini.emulator import RunningEmulator
    from services import Service

XML = sample_label_config()
ROOT = Path(__file__).resolve().parents[1]
TOKEN = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class LabelStudio:
    """A stand-in that serves uploads to whoever has the token, and notes who asked."""

    url: str
    seen: list[str | None] = field(default_factory=list)


@contextmanager
def label_studio(photos: Path) -> Iterator[LabelStudio]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization")
            here.seen.append(token)
            allowed = token == f"Token {TOKEN}"
            body = (photos / Path(self.path).name).read_bytes() if allowed else b"no"
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = LabelStudio(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield here
        server.shutdown()
        thread.join()


@pytest.fixture
def backends(gemini: RunningEmulator, tmp_path: Path) -> Backends:
    return Backends(gemini=gemini.url, folder=tmp_path)


def setup(backend: Service | RunningBackend, hostname: str, project: str = "7.1") -> str:
    body = {"project": project, "schema": XML, "hostname": hostname, "access_token": TOKEN}
    answer = httpx2.post(f"{backend.url}/setup", json=body, verify=NOBODY).raise_for_status()
    version: str = answer.json()["model_version"]
    return version


def predict(backend: Service | RunningBackend, image: str, project: str = "7.1") -> Any:
    body = {"tasks": [{"id": 1, "data": {"image": image}}], "project": project}
    answer = httpx2.post(
        f"{backend.url}/predict", json={**body, "label_config": XML}, verify=NOBODY, timeout=60
    )
    return answer.raise_for_status().json()["results"][0]


def inline(photos: Path, name: str) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode((photos / name).read_bytes()).decode()}"


@pytest.mark.slow
def test_what_setup_told_survives_a_restart_and_serves_every_worker(
    backends: Backends, photos: Path
) -> None:
    with label_studio(photos) as studio:
        with backends.start() as backend:
            version = setup(backend, studio.url)
            assert predict(backend, "/data/upload/1/coffee.jpg")["model_version"] == version
        command = (SCRIPTS / "label-studio-gemini", "serve", "--workers", "2")
        with backends.start(*command) as backend:
            for _ in range(8):
                assert len(predict(backend, "/data/upload/1/camera.jpg")["result"]) == 2
            assert predict(backend, "/data/upload/1/camera.jpg", project="8.1") == []
        assert set(studio.seen) == {f"Token {TOKEN}"}


def test_the_configured_label_studio_gets_the_configured_token_alone(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """A /setup that names another host changes nothing for it."""
    with label_studio(photos) as studio, label_studio(photos) as other:
        environment = read_environment(
            {
                "GEMINI_API_KEY": "k",
                "GOOGLE_GEMINI_BASE_URL": gemini.url,
                "MODEL_DIR": str(tmp_path),
                "LABEL_STUDIO_URL": studio.url,
                "LABEL_STUDIO_API_KEY": TOKEN,
            }
        )
        with run_backend(Config(), environment) as backend:
            setup(backend, other.url)
            assert len(predict(backend, "/data/upload/1/coffee.jpg")["result"]) == 3
            assert predict(backend, f"{other.url}/data/upload/1/coffee.jpg") == []
        assert studio.seen == [f"Token {TOKEN}"]
        assert other.seen == []


def test_label_studio_ml_start_runs_this_server(backends: Backends, photos: Path) -> None:
    command = (SCRIPTS / "label-studio-ml", "start", ROOT / "backend")
    with backends.start(*command) as backend:
        health = httpx2.get(f"{backend.url}/health", verify=NOBODY).json()
        assert health["model_class"] == "GeminiModel"
        assert len(predict(backend, inline(photos, "coffee.jpg"))["result"]) == 3


STOCK = """
import sys
from label_studio_gemini.model import GeminiModel
from label_studio_ml.api import init_app
init_app(GeminiModel, model_dir=sys.argv[1]).run(host="127.0.0.1", port=int(sys.argv[2]))
"""


def test_the_model_answers_under_the_stock_server(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    port = free_port()
    environment = clean_environment(GEMINI_API_KEY="k", GOOGLE_GEMINI_BASE_URL=gemini.url)
    with (
        label_studio(photos) as studio,
        running(
            [sys.executable, "-c", STOCK, str(tmp_path), str(port)],
            url=f"http://127.0.0.1:{port}",
            health="/health",
            log=tmp_path / "stock.log",
            environment=environment,
        ) as stock,
    ):
        setup(stock, studio.url)
        assert len(predict(stock, "/data/upload/1/coffee.jpg")["result"]) == 3
        assert predict(stock, "/data/upload/1/missing") == [], "a failed task is alone in it"


def test_a_port_that_is_taken_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_here("serve", "--port", port, GEMINI_API_KEY="k", MODEL_DIR=str(tmp_path))
    assert ended.returncode == 2
    assert "cannot be listened on" in ended.stderr
    assert ended.served is None


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((), {}, "There is no Gemini API key"),
        (("--config", "none.yaml"), {"GEMINI_API_KEY": "k"}, "'none.yaml' cannot be read"),
        (("--log-level", "loud"), {"GEMINI_API_KEY": "k"}, "no log level 'loud'"),
        (("--port", "99999"), {"GEMINI_API_KEY": "k"}, "'--port'"),
        ((), {"GEMINI_API_KEY": "k", "BASIC_AUTH_USER": "u"}, "BASIC_AUTH_PASS is not set"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(
    arguments: tuple[str, ...],
    settings: dict[str, str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run_here("serve", *arguments, **settings)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert len(ended.stderr.splitlines()) <= 4, ended.stderr
    assert ended.served is None
