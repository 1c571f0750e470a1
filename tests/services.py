"""Servers that a test runs as a person would: by their commands, as processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from loopback import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

_STATES = tempfile.TemporaryDirectory(prefix="label-studio-gemini-tests-")
SCRIPTS = Path(sys.executable).parent
COMMAND = SCRIPTS / "label-studio-gemini"


@dataclass(frozen=True, slots=True)
class Service:
    """A running server: its address, the file that its output goes to, and its process."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    url: str,
    health: str,
    log: Path,
    environment: Mapping[str, str],
    within: float = 60.0,
    login: tuple[str, str] | None = None,
) -> Iterator[Service]:
    """Run a server until the block ends, from the moment its health page answers 200.

    Raises:
        AssertionError: it ended, or did not answer within so many seconds; with its last output.
    """
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,  # a process group of its own, so that its children end with it
        )
        stack.callback(_end, process)
        with httpx2.Client(verify=NOBODY, timeout=5, trust_env=False, auth=login) as client:
            _await_health(client, process, f"{url}{health}", log, time.monotonic() + within)
        yield Service(url, log, process)


def _await_health(
    client: httpx2.Client, process: subprocess.Popen[bytes], page: str, log: Path, deadline: float
) -> None:
    while not _answers(client, page):
        ended = process.poll()
        last = log.read_text(encoding="utf-8", errors="replace")[-4000:]
        assert ended is None, f"{process.args!r} ended with {ended}:\n{last}"
        assert time.monotonic() < deadline, f"{page} does not answer:\n{last}"
        time.sleep(0.1)


def _answers(client: httpx2.Client, page: str) -> bool:
    try:
        return client.get(page).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process group: asked first, made to after ten seconds, what it started included."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=10)
        except ProcessLookupError:
            break  # nothing of the group is left
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=10)


def clean_environment(**settings: str) -> dict[str, str]:
    """Return the environment without what a developer has set for real services.

    Its state folder is a new one, unless `MODEL_DIR` is given: answers are remembered there.
    """
    ours = ("GEMINI", "GOOGLE", "LABEL_STUDIO", "MODEL_DIR", "BASIC_AUTH", "WEBHOOK", "LOG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"MODEL_DIR": tempfile.mkdtemp(dir=_STATES.name)} | settings


def running_emulator(answers: Path, images: Path, log: Path) -> AbstractContextManager[Service]:
    """Run a local Gemini that answers from a COCO file."""
    port = free_port()
    return running(
        [COMMAND, "emulate", "--answers", answers, "--images", images, "--port", str(port)],
        url=f"http://127.0.0.1:{port}",
        health="/emulator/health",
        log=log,
        environment=clean_environment(),
    )


@contextmanager
def faults(emulator: Service, *scripted: dict[str, object]) -> Iterator[None]:
    """Make these things go wrong at the emulator, until the block ends."""
    page = f"{emulator.url}/emulator/faults"
    httpx2.post(page, json=list(scripted), verify=NOBODY).raise_for_status()
    try:
        yield
    finally:
        httpx2.delete(page, verify=NOBODY).raise_for_status()


@dataclass(frozen=True, slots=True)
class Backends:
    """How to start a backend: all ask the same Gemini, and share a folder for what they keep."""

    gemini: str
    folder: Path

    def start(
        self, *command: str | Path, port: int = 0, **settings: str
    ) -> AbstractContextManager[Service]:
        """Run a backend by the project's own command, or by another, with these variables set."""
        port = port or free_port()
        listening = ("--host", "127.0.0.1", "--port", str(port))
        return self.run([*(command or (COMMAND, "serve")), *listening], port, **settings)

    def run(
        self, command: Sequence[str | Path], port: int, **settings: str
    ) -> AbstractContextManager[Service]:
        """Run a whole command that serves a backend at that port."""
        environment = clean_environment(
            GEMINI_API_KEY="a-key",
            GOOGLE_GEMINI_BASE_URL=self.gemini,
            MODEL_DIR=str(self.folder / "state"),
            PATH=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        )
        user, password = settings.get("BASIC_AUTH_USER"), settings.get("BASIC_AUTH_PASS")
        return running(
            command,
            url=f"http://127.0.0.1:{port}",
            health="/versions",  # /health answers while what predicts is still being loaded
            log=self.folder / "backend.log",
            environment=environment | settings,
            login=(user, password) if user and password else None,
        )
