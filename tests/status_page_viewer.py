"""A person's browser before the status page, and all that goes wrong in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

from real_editor import chromium_command
from status_page_kit import serve_status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

    from status_page_kit import StatusServer

WITHIN = 30_000.0
"""Milliseconds that anything may take on a busy machine."""
IDLE, BUSY = 5.0, 2.0
"""Seconds after which the page asks again."""

USUAL: dict[str, Any] = {
    "locale": "en-GB",
    "timezone_id": "UTC",
    "viewport": {"width": 1200, "height": 900},
}
WIDTH = "() => document.documentElement.scrollWidth"


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start the system's Chromium, which resolves no names; skip where there is none."""
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    expect.set_options(timeout=WITHIN)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=chromium_command(),
            args=arguments,
            chromium_sandbox=os.geteuid() != 0,  # it refuses to run as root
        ) as browser,
    ):
        yield browser


@dataclass
class Viewer:
    """A person who looks at a page.

    Attributes:
        page: The browser's page, whose clock stands still but for `wait`.
        url: The server whose page it is.
        problems: What the console shows, and requests to any other place.
        asked: The addresses that were asked for.
    """

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        self.problems.append(f"{message.type}: {message.text}")

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.startswith((f"{self.url}/", "data:")):
            self.problems.append(f"asked for {request.url}")

    def open(self, path: str) -> None:
        """Open the page, and wait until it shows something."""
        self.page.clock.install()
        now = self.page.evaluate("Date.now()")
        self.page.clock.pause_at(now / 1000 + 1)
        self.page.goto(self.url + path)
        expect(self.find("#main")).to_be_visible()

    def find(self, selector: str, **filters: Any) -> Locator:
        return self.page.locator(selector, **filters)

    def wait(self, seconds: float) -> None:
        """Let time pass on the page."""
        self.page.clock.run_for(round(seconds * 1000))

    def texts(self, selector: str) -> list[str]:
        """Return the text of each, as a person reads it: one space for any white space."""
        return [" ".join(text.split()) for text in self.find(selector).all_inner_texts()]

    def keep(self, folder: Path, name: str) -> None:
        """Keep a screenshot."""
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@dataclass
class ToldViewer(Viewer):
    """A person who looks at what a server is told to say.

    Attributes:
        server: The server.
    """

    server: StatusServer = field(kw_only=True)

    def tell(self, **changes: Any) -> None:
        """Change what the server says."""
        self.server.status = self.server.status | changes


@contextmanager
def looking(browser: Browser, url: str, **context: Any) -> Iterator[Viewer]:
    """Look at the page of a server until the block ends; nothing may go wrong.

    Args:
        browser: The browser.
        url: The server.
        context: What the browser is like: `locale`, `viewport`, …

    Raises:
        AssertionError: The browser complained, or something was asked of another server.
    """
    with browser.new_context(**(USUAL | context)) as opened:
        opened.set_default_timeout(WITHIN)
        viewer = Viewer(opened.new_page(), url)
        viewer.open("/")
        yield viewer
        assert viewer.problems == []


@contextmanager
def viewing(
    browser: Browser, status: dict[str, Any], *, path: str = "/", **context: Any
) -> Iterator[ToldViewer]:
    """Look at the page of a server that says so, as `looking` does, opened at a path."""
    with serve_status(status) as server, browser.new_context(**(USUAL | context)) as opened:
        opened.set_default_timeout(WITHIN)
        viewer = ToldViewer(opened.new_page(), server.url, server=server)
        viewer.open(path)
        yield viewer
        assert viewer.problems == []
