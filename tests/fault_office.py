"""Backends that end in the middle of a batch and are started anew, and what Gemini saw of it."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from fault_kit import API_KEY, RECIPE, Hold, counted, kept_in, ledger_rows, task_of
from gates import await_condition
from services import Backends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gates import Gate
    from label_studio_gemini.emulator import RunningEmulator
    from services import Service

PLACES = 8
"""How many requests are on their way together."""


@dataclass(frozen=True)
class Office:
    """Gemini, Label Studio's images, and backends that come and go, with one state folder.

    Attributes:
        gemini: What counts the requests.
        url: Where Label Studio is.
        token: Its token.
        folder: Where backends keep what they know, and write their log.
        port: Where they listen; 0 for any.
    """

    gemini: RunningEmulator
    url: str
    token: str
    folder: Path
    port: int = 0

    @contextmanager
    def backend(self, config: str = "") -> Iterator[Service]:
        """Run a backend by the project's own command."""
        file = self.folder / "config.yaml"
        file.write_text(f"{RECIPE}concurrency: {PLACES}\n{config}")
        with Backends(self.gemini.url, self.folder).start(
            port=self.port,
            LABEL_STUDIO_GEMINI_CONFIG=str(file),
            LABEL_STUDIO_URL=self.url,
            LABEL_STUDIO_API_KEY=self.token,
            GEMINI_API_KEY=API_KEY,
        ) as running:
            yield running
        output = running.output()
        assert "Traceback" not in output
        assert API_KEY not in output
        assert self.token not in output

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def asked(self) -> Counter[int]:
        """How often Gemini was asked about each task; half a request says nothing, and is none."""
        return Counter(task_of(one) for one in self.gemini.requests if one.prompt)

    @property
    def answered(self) -> int:
        return sum(one.status == httpx2.codes.OK for one in self.gemini.requests)

    @property
    def ledger(self) -> dict[str, int]:
        """Kind and outcome of all rows, and how many there are of each."""
        return counted(ledger_rows(self.state))

    def hold_after(self, replies: int) -> Hold:
        """Let so many requests be answered, and all others stand."""
        hold = Hold(replies)
        self.gemini.script(hold.fault())
        return hold

    def await_held(self, hold: Hold, replies: int) -> None:
        """Wait until so many replies are stored and on record, and all places taken."""
        await_condition(lambda: len(hold.tasks) == PLACES, "all places are taken")
        kept = (replies, replies)
        await_condition(lambda: kept_in(self.state) == kept, f"{replies} are kept")


def stop(backend: Service, held: Gate) -> None:
    """Tell it to stop (SIGTERM) when a request stands at the gate, and open that."""
    held.await_request()
    backend.process.send_signal(signal.SIGTERM)
    await_condition(lambda: "stopping: " in backend.output(), "it is about to stop")
    held.open()


def kill(backend: Service) -> None:
    """End it as nobody can prevent (SIGKILL)."""
    backend.process.kill()
    backend.process.wait(30)
