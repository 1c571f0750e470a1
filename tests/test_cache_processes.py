"""What real processes pay for together, and what is left when one of them is killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cache_kit import PATIENCE, ledger_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).with_name("cache_process.py")
LEASE = 1.0  # seconds


@dataclass
class Processes:
    """Processes on one folder; those that are left are killed in the end."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, mode: str = "1", lease: float = 10.0) -> None:
        command = [sys.executable, str(SCRIPT), str(self.folder), name, mode, str(lease)]
        self.running[name] = subprocess.Popen(command)

    def kill(self, name: str) -> None:
        """Kill it as nobody can prevent (SIGKILL), and wait until it is gone."""
        self.running[name].kill()
        self.running[name].wait(PATIENCE)

    def wait_for_all(self) -> None:
        for name, process in self.running.items():
            assert process.wait(PATIENCE) in {0, -9}, name

    def open(self) -> None:
        (self.folder / "open").touch()

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def until(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < give_up, "it does not happen"
            time.sleep(0.005)

    def expires(self) -> float:
        """Return when the only lease ends."""
        with closing(sqlite3.connect(self.folder / "replies.sqlite")) as db:
            ((expires,),) = db.execute("SELECT expires FROM leases").fetchall()
        return float(expires)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with ending(Processes(tmp_path)) as all_of_them:
        yield all_of_them


@contextmanager
def ending(processes: Processes) -> Iterator[Processes]:
    try:
        yield processes
    finally:
        for process in processes.running.values():
            process.kill()
            process.wait(PATIENCE)


async def test_two_processes_that_ask_the_same_make_one_call(processes: Processes) -> None:
    processes.start("A")
    processes.until(lambda: processes.lines("calls") == ["A 0"])
    processes.start("B")
    processes.until(lambda: len(processes.lines("waiting")) > 2)
    processes.open()
    processes.wait_for_all()
    assert processes.lines("calls") == ["A 0"]
    assert sorted(processes.lines("answers")) == ["A 0 paid", "B 0 cached"]
    async with ledger_of(processes.folder) as ledger:
        (today,) = await ledger.by_day(1)
    assert (today.totals.calls, today.totals.hits) == (1, 1)


def test_many_processes_that_begin_at_once_pay_each_request_once(processes: Processes) -> None:
    """Making the file, and its tables, included."""
    processes.open()
    for name in "ABCD":
        processes.start(name, "40+")
    processes.wait_for_all()
    assert len(processes.lines("answers")) == 4 * 40
    asked = [line.split()[1] for line in processes.lines("calls")]
    assert Counter(asked) == Counter(map(str, range(40)))


def test_a_call_whose_process_was_killed_is_made_by_the_one_who_waits(
    processes: Processes,
) -> None:
    processes.start("A", lease=LEASE)
    processes.until(lambda: processes.lines("calls") == ["A 0"])
    processes.start("B", lease=LEASE)
    processes.until(lambda: len(processes.lines("waiting")) > 2)
    processes.kill("A")
    processes.open()
    processes.wait_for_all()
    assert processes.lines("calls") == ["A 0", "B 0"]
    assert processes.lines("answers") == ["B 0 paid"]


def test_a_call_that_takes_longer_than_a_lease_is_left_alone(processes: Processes) -> None:
    processes.start("A", lease=LEASE)
    processes.until(lambda: processes.lines("calls") == ["A 0"])
    first = processes.expires()
    processes.start("B", lease=LEASE)
    processes.until(lambda: processes.expires() > first + 2 * LEASE)
    processes.until(lambda: len(processes.lines("waiting")) > 2)
    assert processes.lines("calls") == ["A 0"]
    processes.open()
    processes.wait_for_all()
    assert sorted(processes.lines("answers")) == ["A 0 paid", "B 0 cached"]


def test_what_a_killed_process_had_received_is_not_paid_again(processes: Processes) -> None:
    processes.open()
    (processes.folder / "stay").touch()
    processes.start("A")
    processes.until(lambda: processes.lines("answers") == ["A 0 paid"])
    processes.kill("A")
    (processes.folder / "stay").unlink()
    processes.start("B")
    processes.wait_for_all()
    assert processes.lines("calls") == ["A 0"]
    assert processes.lines("answers")[1:] == ["B 0 cached"]


@pytest.mark.parametrize("mode", [pytest.param("200", marks=pytest.mark.slow), "200+"])
async def test_killed_in_the_middle_of_200_it_loses_nothing_that_was_received(
    mode: str, processes: Processes
) -> None:
    """Only what was on its way then, and never had an answer, is asked once more."""
    processes.open()
    processes.start("A", mode, LEASE)
    processes.until(lambda: len(processes.lines("answers")) >= 20)
    processes.kill("A")
    received = {line.split()[1] for line in processes.lines("answers")}
    processes.start("B", mode, LEASE)
    processes.wait_for_all()
    again = {line.split()[1] for line in processes.lines("calls") if line.startswith("B")}
    answered = {line.split()[1] for line in processes.lines("answers") if line.startswith("B")}
    assert again & received == set()
    assert answered == set(map(str, range(200)))
    async with ledger_of(processes.folder) as ledger:
        spent = await ledger.spent_today()
    assert spent >= Decimal("0.0001") * len(again)
