"""The labelling page of a real Label Studio in headless Chromium, and what it made of a prediction.

Playwright drives the system's own Chromium over a pipe: nothing is downloaded. Chromium resolves no
names, so the page cannot wait for fonts and analytics of the internet.
"""

from __future__ import annotations

import io
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import sync_playwright
from pydantic import BaseModel, TypeAdapter

from editor_tasks import Item, Tasks
from real_label_studio import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from playwright.sync_api import ConsoleMessage, Page

    from real_label_studio import LabelStudio

OPENS_WITHIN = 40.0
"""Seconds that a labelling page may take on a busy machine; 3 to 4 are usual."""
NOISE = "/heidi-tips"
"""Label Studio's own page asks its vendor for tips, in vain when offline."""

FAINT = 8
"""The least change of a colour, of 255, that counts as painted."""
UNCOVERED = ".lsf-tool__controls { visibility: hidden }"
"""The slider of the brush lies over the image."""

LOADED = """
() => {
  const store = window.Htx?.annotationStore;
  const shown = store?.selected;
  // The page shows an empty annotation first, and replaces it once it has the predictions.
  if (!shown || Htx.isLoading || !store.predictions.length) return false;
  const images = [...shown.names.values()].filter(tag => tag.type === "image");
  return images.every(image => image.imageIsLoaded && image.stageRef);
}
"""
FIT = """
() => [...Htx.annotationStore.selected.names.values()]
  .filter(tag => tag.type === "image")
  .forEach(image => image.sizeToFit())
"""
"""What the button "Zoom to fit" does; the page opens a little nearer, and cuts the edges off."""

SHOWN = """
() => {
  const { annotationStore: { selected } } = window.Htx;
  return {
    regions: selected.regionStore.regions.length,
    results: selected.serializeAnnotation(),
  };
}
"""
PICTURES = """
() => [...Htx.annotationStore.selected.names.values()]
  .filter(tag => tag.type === "image")
  .map(({ imageRef }) => {
    const { left, top, right, bottom } = imageRef.getBoundingClientRect();
    return [left, top, right, bottom];
  })
"""

SHOW_ONLY = """
(control) => Htx.annotationStore.selected.regionStore.regions.forEach(region => {
  const wanted = control === null
    || region.results.some(result => result.from_name.name === control);
  if (region.hidden === wanted) region.toggleHidden();
})
"""
TURN_TO = """
(page) => [...Htx.annotationStore.selected.names.values()]
  .filter(tag => tag.type === "image")
  .forEach(image => image.setCurrentItem(page))
"""


class PageBox(NamedTuple):
    """Where an image stands in the screenshot, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


class _State(BaseModel):
    regions: int
    results: list[Item]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the labelling page made of a task.

    Attributes:
        regions: how many regions the editor has.
        results: what it would submit.
        errors: what its scripts complained of.
        screenshot: the page, a PNG.
        pictures: where each Image tag's image stands in the screenshot.
    """

    regions: int
    results: list[Item]
    errors: list[str]
    screenshot: bytes
    pictures: list[PageBox]

    def picture(self, index: int = 0) -> Image.Image:
        """Return an image of the task as a person sees it, with what is painted over it."""
        return _opened(self.screenshot).crop(_whole(self.pictures[index]))


def _opened(screenshot: bytes) -> Image.Image:
    with Image.open(io.BytesIO(screenshot)) as page:
        return page.convert("RGB")


def _whole(box: PageBox) -> tuple[int, int, int, int]:
    return round(box.left), round(box.top), round(box.right), round(box.bottom)


class Editor:
    """A page of a browser that is logged in; one page for all tasks, which spares two seconds each.

    Args:
        page: a page whose relative addresses are those of Label Studio.
        tasks: the same Label Studio.
        screenshots: the folder that screenshots are kept in.
    """

    def __init__(self, page: Page, tasks: Tasks, screenshots: Path) -> None:
        self.tasks = tasks
        self._page = page
        self._screenshots = screenshots
        self._errors: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._errors.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        place = message.location["url"]
        if message.type == "error" and NOISE not in place:
            self._errors.append(f"{message.text} ({place})")

    def log_in(self) -> None:
        self._page.goto("/user/login", wait_until="domcontentloaded")
        self._page.fill("[name=email]", USER)
        self._page.fill("[name=password]", PASSWORD)
        self._page.click("[type=submit]")
        self._page.wait_for_url(lambda url: "/login" not in url, wait_until="commit")

    def open(self, project: int, task: int, name: str, *, within: float = OPENS_WITHIN) -> Shown:
        """Open a task as a person does, wait until its images and regions are drawn, and look.

        Args:
            project: the project of the task.
            task: a task that has a prediction.
            name: what to call the screenshot that is kept.
            within: how many seconds that may take.

        Raises:
            AssertionError: the page never came so far; with what its scripts complained of.
        """
        self.tasks.ensure_view(project)
        self._page.goto("about:blank")
        self._errors.clear()
        try:
            self._page.goto(f"/projects/{project}/data?task={task}", wait_until="commit")
            self._page.wait_for_function(LOADED, timeout=within * 1000)
        except PlaywrightTimeoutError as late:
            self._keep(name, self._page.screenshot())
            raise AssertionError(f"{self._page.url} shows no prediction: {self._errors}") from late
        screenshot = self._settled()
        state = _State.model_validate(self._page.evaluate(SHOWN))
        boxes = TypeAdapter(list[PageBox]).validate_python(self._page.evaluate(PICTURES))
        self._keep(name, screenshot)
        return Shown(state.regions, state.results, [*self._errors], screenshot, boxes)

    def _settled(self) -> bytes:
        """Return the page's picture once it is the same twice in a row.

        Masks are drawn late, and what panels do to the page's layout zooms the image again.
        """
        before, deadline = b"", time.monotonic() + OPENS_WITHIN
        while time.monotonic() < deadline:
            self._page.evaluate(FIT)
            after = self._page.screenshot(style=UNCOVERED)
            if after == before:
                return after
            before = after
        raise AssertionError(f"{self._page.url} never stops changing")

    def turn_to(self, page: int, name: str) -> None:
        """Turn to a page of the images of the task that is open, from 0; keep a screenshot."""
        self._page.evaluate(SHOW_ONLY, None)
        self._page.evaluate(TURN_TO, page)
        self._page.wait_for_function(LOADED)
        self._keep(name, self._settled())

    def painted(self, controls: Sequence[str]) -> dict[str, list[NDArray[np.bool_]]]:
        """Return which pixels of each image the regions of each of these control tags change.

        Args:
            controls: their names; of `Labels` with `Rectangle`, the name of either.
        """
        bare = self._pictures_with("")
        return {
            control: [
                np.abs(before - after).max(axis=2) > FAINT
                for before, after in zip(bare, self._pictures_with(control), strict=True)
            ]
            for control in controls
        }

    def _pictures_with(self, control: str) -> list[NDArray[np.int16]]:
        """Return the images as they look where only the regions of one control tag are shown."""
        self._page.evaluate(SHOW_ONLY, control)
        page = _opened(self._settled())
        boxes = TypeAdapter(list[PageBox]).validate_python(self._page.evaluate(PICTURES))
        return [np.asarray(page.crop(_whole(box)), np.int16) for box in boxes]

    def _keep(self, name: str, screenshot: bytes) -> None:
        self._screenshots.mkdir(parents=True, exist_ok=True)
        self._screenshots.joinpath(f"{name}.png").write_bytes(screenshot)

    def render(
        self,
        name: str,
        label_config: str,
        photos: Mapping[str, bytes],
        data: Mapping[str, str | list[str]],
        result: Sequence[Item],
    ) -> Shown:
        """Show a prediction in a project of its own: `Tasks.store`, then `open`."""
        return self.open(*self.tasks.store(label_config, photos, data, result), name)


def chromium_command() -> Path:
    """Return the system's Chromium; skip the test where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs a browser: there is no command chromium (Debian's package chromium)")
    return Path(found)


def screenshot_folder(otherwise: Path) -> Path:
    """Return where screenshots are kept: where `LABEL_STUDIO_GEMINI_SCREENSHOTS` says, or there."""
    return Path(os.environ.get("LABEL_STUDIO_GEMINI_SCREENSHOTS") or otherwise)


@contextmanager
def running_editor(
    chromium: Path, label_studio: LabelStudio, screenshots: Path
) -> Iterator[Editor]:
    """Start a browser and log in."""
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    # Chromium's sandbox refuses to run as root, as which containers often run tests.
    sandbox = os.geteuid() != 0
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=chromium, args=arguments, chromium_sandbox=sandbox
        ) as browser,
        browser.new_context(
            base_url=label_studio.url, viewport={"width": 1200, "height": 1250}
        ) as context,
        Tasks(label_studio.service) as tasks,
    ):
        context.set_default_timeout(OPENS_WITHIN * 1000)
        editor = Editor(context.new_page(), tasks, screenshots)
        editor.log_in()
        yield editor
