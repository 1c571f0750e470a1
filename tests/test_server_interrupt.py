"""A person at the keyboard who is in a hurry: Ctrl-C twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from gates import Call, await_condition, gate
from services import Backends
from test_server_stop import body_of

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator


@pytest.mark.slow
def test_a_second_interrupt_ends_it_without_a_traceback(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    with (
        Backends(gemini=gemini.url, folder=tmp_path).start() as backend,
        gate(gemini) as held,
    ):
        call = Call(backend.url, "/predict", body_of(photos, 3))
        held.await_request()
        call.await_space()
        backend.process.send_signal(signal.SIGINT)
        await_condition(lambda: "Waiting for connections" in backend.output(), "the first is heard")
        backend.process.send_signal(signal.SIGINT)
        backend.process.wait(30)
        call.hang_up()
        said = backend.output()
    assert "Traceback" not in said, said
    assert "never" not in said, said
    assert "stopped at once" in said
