"""What every test may use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.demo.photos import answer_key_path, sample_folder
from label_studio_gemini.emulator import read_answer_key, run_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from label_studio_gemini.emulator import RunningEmulator


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return what a test tells a figure to; it is shown at the end of the run."""
    return lambda text: record_property("measured", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, whichever process measured it."""
    reports = terminalreporter.getreports("passed")
    figures = [
        value for one in reports for name, value in one.user_properties if name == "measured"
    ]
    if figures:
        terminalreporter.section("measured")
        for figure in figures:
            terminalreporter.write_line(str(figure))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of recorded facts beside the checkout; skip where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "facts").is_dir():
        pytest.skip("needs the recorded facts in ../shared, which this checkout does not have")
    return folder


@pytest.fixture(scope="session")
def photos() -> Iterator[Path]:
    """Return the folder of the bundled photos."""
    with sample_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def running_emulator(photos: Path) -> Iterator[RunningEmulator]:
    """Serve the emulator that `gemini` hands out; it keeps faults and requests between tests."""
    with run_emulator(read_answer_key(answer_key_path(photos), photos)) as emulator:
        yield emulator


@pytest.fixture
def gemini(running_emulator: RunningEmulator) -> RunningEmulator:
    """Return an emulator that knows the bundled photos, without faults or memories."""
    running_emulator.clear_faults()
    running_emulator.clear_requests()
    return running_emulator
