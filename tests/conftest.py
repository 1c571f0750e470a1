"""What every test may use."""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from label_studio_gemini.demo.photos import answer_key_path, sample_folder
from label_studio_gemini.emulator import read_answer_key, run_emulator
from loopback import NOBODY
from real_label_studio import label_studio_command, running_label_studio

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from google import genai

    from label_studio_gemini.emulator import RunningEmulator
    from real_editor import Editor
    from real_label_studio import LabelStudio
    from real_smart import Annotator


# No property is about time: a busy machine may take as long as it likes.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", patient)
# A quick look at each property; HYPOTHESIS_PROFILE=default looks longer.
settings.register_profile("quick", patient, max_examples=40)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


# Half a million objects are made while tests are collected, and live to the end: the collector of
# cycles looks at them neither then, which takes a sixth of that time, nor later.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: many tests wait for a clock or another process."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(
    report: pytest.CollectReport | pytest.TestReport,
) -> Generator[None, object, object]:
    """Let a failure be told whatever it shows: half a surrogate pair would end the process."""
    told = yield
    return _encodable(told) if report.failed else told


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _encodable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(inner) for inner in value]
    return value


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Keep what a test makes the root logger tell from those that count what is told."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


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
    """Return an emulator without faults or memories.

    It knows the bundled photos, unless a module serves its own key as `running_emulator`.
    """
    running_emulator.clear_faults()
    running_emulator.clear_requests()
    return running_emulator


@pytest.fixture
def client(gemini: RunningEmulator) -> Iterator[genai.Client]:
    """Return Google's own SDK, connected to the emulator."""
    from google import genai  # noqa: PLC0415 - few tests need it, and it takes a second
    from google.genai import types  # noqa: PLC0415

    trust = {"verify": NOBODY, "ssl": NOBODY}  # the latter is for web sockets
    options = types.HttpOptions(base_url=gemini.url, client_args=trust, async_client_args=trust)
    with genai.Client(api_key="any", http_options=options) as client:
        yield client


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    """Run a real Label Studio for all tests that are marked so; skip where there is none."""
    data = tmp_path_factory.mktemp("label-studio")
    with running_label_studio(label_studio_command(), data) as client:
        yield client


@pytest.fixture(scope="module")
def editor(label_studio: LabelStudio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """Run a browser with its labelling page; skip where there is none.

    No longer than for a module: while playwright runs, no other test may have an event loop.
    """
    pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")
    from real_editor import (  # noqa: PLC0415 - most environments lack playwright
        chromium_command,
        running_editor,
        screenshot_folder,
    )

    screenshots = screenshot_folder(tmp_path_factory.mktemp("screenshots"))
    with running_editor(chromium_command(), label_studio, screenshots) as editor:
        yield editor


@pytest.fixture
def annotator(editor: Editor) -> Iterator[Annotator]:
    """Return a person at the editor; what the page's scripts complain of fails the test."""
    from real_smart import Annotator  # noqa: PLC0415 - as above

    person = Annotator(editor)
    yield person
    assert person.errors == []
