"""The status page goes with the times: it changes in place, and says when nobody answers."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

import status_page_states as states

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from playwright.sync_api import expect

from real_editor import screenshot_folder
from status_page_viewer import BUSY, IDLE, running_browser, viewing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from status_page_viewer import ToldViewer

pytestmark = pytest.mark.slow

SCROLL = "() => window.scrollY"
HIDE = """
(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
WAYS_OUT = """
() => [...document.querySelectorAll("main *, #trouble *, header *")]
  .filter(one => ["IMG", "SCRIPT", "IFRAME", "OBJECT", "STYLE"].includes(one.tagName)
    || [...one.attributes].some(({ name, value }) =>
      name.startsWith("on") || name === "style" || /^\\s*javascript:/i.test(value)))
  .map(one => one.outerHTML)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser no longer than for a module: meanwhile no test may have an event loop."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return screenshot_folder(tmp_path_factory.mktemp("screenshots"))


def times_asked(viewer: ToldViewer) -> int:
    return sum(url.endswith("/api/status") for url in viewer.asked)


def test_progress_shows_without_a_reload(browser: Browser) -> None:
    """The bars are the same elements all the time, so that they move and nothing flickers."""
    status = states.empty_status() | {"batches": [states.batch("a", done=57)]}
    with viewing(browser, status) as viewer:
        bar = viewer.find("#batches .running progress")
        bar.evaluate("bar => { bar.seen = true; }")
        for done in (90, 160):
            viewer.tell(batches=[states.batch("a", done=done, failed=done // 80)])
            viewer.wait(BUSY)
            expect(bar).to_have_js_property("value", done)
            expect(bar).to_have_js_property("seen", value=True)
        assert viewer.texts("#batches .running .done") == ["160 of 200 tasks"]
        assert viewer.texts("#batches .running .bad") == ["· 2 failed"]
        viewer.tell(batches=[states.ended("a", 80)])
        viewer.wait(BUSY)
        expect(bar).to_have_count(0)
        expect(viewer.find("#batches tbody tr")).to_have_count(1)
        assert viewer.texts("#figure-progress") == ["Idle nothing is under way"]
        assert viewer.texts("#state") == ["Ready"]
        expect(viewer.page).to_have_title("label-studio-gemini")
        assert viewer.asked.count(f"{viewer.server.url}/") == 1


def test_the_time_left_follows_the_present_pace(browser: Browser) -> None:
    """What a batch had in the cache, it had at once; the rest takes longer."""
    status = states.empty_status() | {
        "batches": [states.batch("a", begun=states.NOW - 4, done=100)]
    }
    left = "#batches .running .left"
    with viewing(browser, status) as viewer:
        assert viewer.texts(left) == ["about 5 s left"]
        for later in range(2, 22, 2):
            batch = states.batch("a", begun=states.NOW - 4, done=100 + later // 2)
            viewer.tell(now=states.NOW + later, batches=[batch])
            viewer.wait(BUSY)
            expect(viewer.find("#batches .running .done")).to_contain_text(f"{100 + later // 2} of")
        assert viewer.texts(left) == ["about 3 min left"]  # 90 tasks at one in two seconds


def test_what_is_unfolded_focused_or_scrolled_to_stays(browser: Browser) -> None:
    status = states.failing_status()
    with viewing(browser, status) as viewer:
        third = viewer.find("#failures details").nth(2)
        third.locator("summary").click()
        link = third.locator(".tasks a").nth(4)
        link.focus()
        viewer.page.evaluate("window.scrollTo(0, 500)")
        yaml = viewer.find("#left-out details").first
        yaml.locator("summary").evaluate("summary => summary.click()")
        # One reason is no more, another is more frequent than before, and a batch begins.
        others = [one for one in status["failures"] if one["kind"] != "RateLimitError"]
        more = [
            one | {"task": 9000 + index, "time": states.NOW}
            for index, one in enumerate(others)
            if one["kind"] == "TransportError"
        ]
        viewer.tell(
            failures=[*more, *more, *others], batches=[states.batch("a"), states.batch("b")]
        )
        viewer.tell(left_out=[states.left_out("unmatched", "bus", 99), *status["left_out"]])
        viewer.wait(IDLE)
        expect(viewer.find("#batches progress")).to_have_count(2)
        same = viewer.find("#failures details").filter(has_text="No answer within")
        expect(same).to_have_attribute("open", "")
        expect(same.locator(".tasks li")).to_have_count(31 * 3)
        expect(viewer.find("#failures details[open]")).to_have_count(1)
        expect(yaml).to_have_attribute("open", "")
        expect(yaml.locator("pre")).to_contain_text("bus: …")
        focused = viewer.page.evaluate("document.activeElement.textContent")
        assert focused == "task 2005"
        assert viewer.page.evaluate(SCROLL) >= 500  # more, by what was added above


def test_trouble_is_told_and_goes(browser: Browser) -> None:
    status = states.troubled_status()
    with viewing(browser, status) as viewer:
        alert = viewer.page.get_by_role("alert")
        expect(alert).to_contain_text("There is no Gemini API key.")
        assert viewer.texts("#trouble .banner") == [
            " ".join(one.values()).replace("`", "") for one in status["trouble"]
        ]
        assert viewer.texts("#state") == ["In trouble"]
        viewer.tell(trouble=[])
        viewer.wait(BUSY)
        expect(viewer.find("#trouble .banner")).to_have_count(0)
        assert viewer.texts("#state") == ["Loading…"]
        viewer.tell(ready=True)
        viewer.wait(BUSY)
        expect(viewer.find("#state")).to_have_text("Ready")


def test_a_backend_that_is_gone_is_told_and_comes_back(browser: Browser, screenshots: Path) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        viewer.server.stop()
        viewer.wait(BUSY)
        message = viewer.find("#connection")
        expect(message).to_contain_text(
            "The backend does not answer. What you see is as of 12:00:00. Next try in 2 seconds."
        )
        expect(viewer.find("#state")).to_have_text("No answer")
        expect(viewer.find("#batches .running > li")).to_have_count(3)
        viewer.keep(screenshots, "status-gone")
        for wait, then in ((2, 4), (4, 8), (8, 15), (15, 30), (30, 30)):
            viewer.wait(wait)
            expect(message).to_contain_text(f"Next try in {then} seconds.")
        viewer.server.start()
        viewer.page.get_by_role("button", name="Try now").click()
        expect(message).to_be_hidden()
        expect(viewer.find("#state")).to_have_text("Working")
        viewer.server.stop()
        viewer.wait(BUSY)
        expect(message).to_contain_text("Next try in 2 seconds.")
        viewer.server.start()
        viewer.wait(2)
        expect(message).to_be_hidden()
        assert {one.split(": ")[-1] for one in viewer.problems} == {"net::ERR_CONNECTION_REFUSED"}
        viewer.problems.clear()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (401, "The login is no longer accepted: reload the page."),
        (502, "The backend, or a proxy before it, answers HTTP 502."),
    ],
)
def test_an_answer_that_is_no_status(browser: Browser, code: int, message: str) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        viewer.server.code = code
        viewer.wait(BUSY)
        expect(viewer.find("#connection")).to_contain_text(message)
        viewer.server.code = 200
        viewer.wait(2)
        expect(viewer.find("#connection")).to_be_hidden()
        (problem,) = viewer.problems
        assert f"the server responded with a status of {code}" in problem
        viewer.problems.clear()


def test_an_answer_of_another_version_is_not_shown_by_halves(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        viewer.tell(spend={"changed": True})
        viewer.wait(BUSY)
        expect(viewer.find("#connection")).to_contain_text(
            "This page does not understand what the backend answers: reload it."
        )
        assert viewer.problems
        viewer.problems.clear()


def test_it_asks_less_often_when_idle_and_never_when_hidden(browser: Browser) -> None:
    with viewing(browser, states.empty_status()) as viewer:
        viewer.wait(IDLE - 0.1)
        assert times_asked(viewer) == 1
        viewer.tell(batches=[states.batch("a")])
        viewer.wait(0.2)
        expect(viewer.find("#batches progress")).to_have_count(1)
        assert times_asked(viewer) == 2
        viewer.page.evaluate(HIDE, arg=True)
        viewer.wait(600)
        assert times_asked(viewer) == 2
        viewer.tell(batches=[states.batch("a", done=133)])
        viewer.page.evaluate(HIDE, arg=False)
        expect(viewer.find("#batches progress")).to_have_js_property("value", 133)
        assert times_asked(viewer) == 3


def test_an_answer_that_does_not_come_is_given_up(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        arrived, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            arrived.set()
            go_on.wait(60)

        viewer.server.before_answer = hold
        try:
            viewer.wait(BUSY)
            assert arrived.wait(30)
            viewer.wait(10)
            expect(viewer.find("#connection")).to_contain_text("The backend does not answer.")
        finally:
            viewer.server.before_answer = None
            go_on.set()
        viewer.wait(2)
        expect(viewer.find("#connection")).to_be_hidden()


def test_whatever_strangers_say_stays_text(browser: Browser) -> None:
    with viewing(browser, states.hostile_status()) as viewer:
        for summary in viewer.find("summary").all():
            summary.evaluate("summary => { summary.parentElement.open = true; }")
        for more in viewer.page.get_by_role("button", name="Show all").all():
            more.click()
        viewer.wait(BUSY)
        assert viewer.page.evaluate(WAYS_OUT) == []
        assert not viewer.page.title().startswith("hacked")
        for place in (".chips bdi", ".running .name", ".finished a", "#projects .name", ".what"):
            assert states.MARKUP in viewer.texts(place)
        for link in viewer.find("main a[href]").all():
            expect(link).to_have_attribute("href", re.compile(f"^{states.LABEL_STUDIO}/"))
        assert max(map(len, viewer.texts(".chips bdi"))) == 61
        chips = viewer.texts(".chips bdi")
        assert states.EMOJI in chips
        assert any(chip.endswith(" lone") for chip in chips)
        assert "(no text)" in chips
