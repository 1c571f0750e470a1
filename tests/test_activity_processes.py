"""What real processes note together, and what is seen of one that was killed."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from activity_kit import activity_of
from gates import PATIENCE, await_condition
from label_studio_gemini.activity import BatchState

SCRIPT = Path(__file__).with_name("activity_process.py")


def start(
    stack: ExitStack, folder: Path, name: str, tasks: int, done: int
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), str(folder), name, str(tasks), str(done)]
    process = subprocess.Popen(command)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


async def test_a_process_that_was_killed_is_an_interruption(tmp_path: Path) -> None:
    with ExitStack() as stack:
        process = start(stack, tmp_path, "killed", 10, 3)
        await_condition((tmp_path / "killed").exists, "three tasks are done")
        async with activity_of(tmp_path) as activity:
            assert (await activity.show()).batches[0].state is BatchState.RUNNING
        process.kill()
        process.wait(PATIENCE)
        async with activity_of(tmp_path, clock=lambda: time.time() + 20) as activity:
            (batch,) = (await activity.show()).batches
            (project,) = (await activity.show()).projects
    assert (batch.state, batch.tasks, batch.done) == (BatchState.INTERRUPTED, 10, 3)
    assert batch.ended is not None
    assert project.predicted == 3


@pytest.mark.slow
async def test_processes_on_one_file_lose_nothing(tmp_path: Path) -> None:
    """Making the file, and its tables, included."""
    with ExitStack() as stack:
        running = [start(stack, tmp_path, f"{name}", 500, 500) for name in range(4)]
        for process in running:
            assert process.wait(PATIENCE) == 0
    async with activity_of(tmp_path) as activity:
        shown, counts = await activity.show(), await activity.counts()
    assert [(one.done, one.state) for one in shown.batches] == [(500, BatchState.DONE)] * 4
    assert shown.projects[0].predicted == 500
    assert counts is not None
    assert [one.count for one in counts.counts] == [2000]
