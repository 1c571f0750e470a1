"""The status page of the real backend, in a real browser, while the backend works."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from backends import run_backend
from gates import Call, await_condition, gate

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from playwright.sync_api import expect

from real_editor import screenshot_folder
from status_page_scene import (
    CONFIG,
    LABEL_STUDIO,
    PARTS,
    STREET,
    WITH_VIDEO,
    body_of,
    environment_of,
    script,
    tasks_of,
    unreadable,
    write_past,
)
from status_page_viewer import IDLE, looking, running_browser

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

pytestmark = pytest.mark.slow


def test_the_page_shows_what_the_backend_does(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """A batch of which one task is blocked, two have no image, and one has labels of its own."""
    write_past(tmp_path)
    script(gemini, blocked=4, unmatched=5)
    with (
        run_backend(CONFIG, environment_of(gemini, tmp_path)) as backend,
        running_browser() as browser,
        looking(browser, backend.url, viewport={"width": 1480, "height": 900}) as viewer,
    ):
        expect(viewer.find("#state")).to_have_text("Ready")
        expect(viewer.find("#batches tbody tr")).to_have_count(3)
        expect(viewer.find("#failures .none")).to_be_visible()

        tasks = [*tasks_of(photos, range(1, 25)), unreadable(25), unreadable(26)]
        backend.post("/predict", body_of(tasks, STREET)).raise_for_status()
        viewer.wait(IDLE)
        expect(viewer.find("#batches tbody tr")).to_have_count(4)
        assert " 26 3 " in viewer.texts("#batches tbody tr")[0]
        assert [text.split(" ", 2)[:2] for text in viewer.texts("#failures .groups > li")] == [
            ["2", "tasks"],
            ["1", "task"],
        ]
        link = viewer.find("#failures .tasks a", has_text="task 4")
        expect(link).to_have_attribute("href", f"{LABEL_STUDIO}/projects/3/data?task=4")
        assert viewer.texts("#left-out .chips li") == ["lorry 3 times", "traffic light 1 time"]

        with gate(gemini, passes=23) as held:
            more = body_of(tasks_of(photos, range(101, 141)), PARTS, WITH_VIDEO)
            call = Call(backend.url, "/predict", more)
            held.await_request()
            began = time.monotonic()
            await_condition(lambda: time.monotonic() - began > 2, "a rate can be told")
            viewer.wait(IDLE)
            expect(viewer.find("#batches .running .left")).to_have_text(
                re.compile("^about .* left$")
            )
            bar = viewer.find("#batches .running progress")
            expect(bar).to_have_accessible_name("Project 5: 23 of 40 tasks done")
            expect(viewer.find("#state")).to_have_text("Working")
            expect(viewer.find("#projects")).to_contain_text("1 control tag left to people")
            viewer.keep(screenshot_folder(tmp_path), "status")
            held.open()
            assert len(call.read()["results"]) == 40
        viewer.wait(IDLE)
        expect(bar).to_have_count(0)
        expect(viewer.find("#state")).to_have_text("Ready")
        # An image is mended, and its task asked for again.
        backend.post("/predict", body_of(tasks_of(photos, range(25, 26)), STREET))
        viewer.wait(IDLE)
        expect(viewer.find("#figure-failing b")).to_have_text("2")
        expect(viewer.find("#failures .groups > li")).to_have_count(2)
