"""The status page in a real browser, before a backend of every state."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import pytest

import status_page_states as states

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from playwright.sync_api import expect

from real_editor import screenshot_folder
from status_page_viewer import IDLE, WIDTH, running_browser, viewing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

STATES = {
    "empty": states.empty_status,
    "busy": states.busy_status,
    "failing": states.failing_status,
    "troubled": states.troubled_status,
    "hostile": states.hostile_status,
}
SCREENS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (1600, "light"),
    (1200, "dark"),
    (390, "light"),
    (320, "dark"),
)
GROUND = "getComputedStyle(document.body).backgroundColor"
GROUNDS = {"light": "rgb(247, 247, 248)", "dark": "rgb(15, 16, 19)"}
GOES_ON = (
    "goes on in the background since 11:38 about 5 min left "
    "Label Studio no longer waits for it: retrieve the predictions again when it is done."
)
INTERRUPTED = (
    "The backend was stopped: retrieve the predictions again; what was done is not paid twice."
)
UNFILLED = (
    "2 control tags left to people <Video name='clip'>: tags of this kind are not filled "
    "<Choices name='crop'>: its whenTagName or whenLabelValue fits no region"
)
NUMBERS = "1,204 17 0 1,250 96 $1.31 21 Nov, 11:00"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser no longer than for a module: meanwhile no test may have an event loop."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return screenshot_folder(tmp_path_factory.mktemp("screenshots"))


@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_every_screen(browser: Browser, state: str, screenshots: Path) -> None:
    with viewing(browser, STATES[state]()) as viewer:
        for width, scheme in SCREENS:
            viewer.page.set_viewport_size({"width": width, "height": 900})
            viewer.page.emulate_media(color_scheme=scheme)
            assert viewer.page.evaluate(WIDTH) == width
            assert viewer.page.evaluate(GROUND) == GROUNDS[scheme]
            viewer.keep(screenshots, f"status-{state}-{width}-{scheme}")


def test_how_things_stand_is_seen_at_a_glance(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        assert viewer.texts("#state") == ["Working"]
        assert viewer.texts("#model") == [
            "gemini-3-flash-preview by the Interactions API · version 0.1.0"
        ]
        assert viewer.texts("#figures dl > div") == [
            "In progress 564 tasks to go · 3 batches",
            "Predicted 9,414 and 34 with nothing to find",
            "Failing 3 for 2 reasons",
            "Spent today $0.61 $4.39 of $5.00 left",
            "From the cache 8.2% 856 of 10,407 requests",
        ]
        expect(viewer.page).to_have_title("78.3% \N{EN DASH} label-studio-gemini")


def test_batches(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        assert viewer.texts("#batches .running > li") == [
            "Project 1 57 of 200 tasks running since 11:58 · 2 failed about 3 min left",
            "Project 7 smart tool 0 of 1 task running since 11:59",
            f"Project 7 1,980 of 2,400 tasks {GOES_ON}",
        ]
        bar = viewer.page.get_by_role("progressbar", name="Project 1: 57 of 200 tasks done")
        expect(bar).to_have_js_property("position", 57 / 200)
        rows = viewer.texts("#batches tbody tr")
        assert rows[:3] == [
            "10:59 Project 1 200 0 3 min 4 s done",
            "10:59 Project 7 32 0 9 s done",
            f"10:59 Project 1 131 of 200 4 interrupted {INTERRUPTED}",
        ]
        assert len(rows) == 6
        more = viewer.page.get_by_role("button", name="Show all 12")
        more.click()
        expect(viewer.find("#batches tbody tr")).to_have_count(12)
        viewer.page.get_by_role("button", name="Show fewer").click()
        expect(viewer.find("#batches tbody tr")).to_have_count(6)


def test_failures_are_put_together_by_their_reason(browser: Browser) -> None:
    with viewing(browser, states.failing_status()) as viewer:
        assert viewer.texts("#failures .heading") == [
            "Failures 214 tasks without a prediction, 5 reasons"
        ]
        groups = viewer.texts("#failures .groups > li")
        assert groups[0] == (
            "110 tasks … is no image: its first bytes are 49 49 2a 00. "
            "open it in a viewer: it may be damaged, or another kind of file."
        )
        assert [group.split(" ")[0] for group in groups] == ["110", "60", "31", "12", "1"]
        assert groups[2].startswith("31 tasks No answer within 120 s. (Given up after … attempts.)")
        summaries = viewer.find("#failures summary")
        summaries.first.click()
        first = viewer.find("#failures .groups > li").first
        expect(first.locator(".tasks li")).to_have_count(96)
        expect(first.locator(".about").last).to_have_text("and 14 others")
        summaries.nth(3).click()
        tasks = viewer.find("#failures .groups > li").nth(3).locator(".tasks li")
        expect(tasks).to_have_count(12)
        expect(tasks.first).to_have_text(
            "task 3001 2 timesLabel Studio refuses the legacy key for 127.0.0.1/data/1.png."
        )
        link = tasks.first.get_by_role("link")
        expect(link).to_have_attribute("href", f"{states.LABEL_STUDIO}/projects/1/data?task=3001")
        expect(link).to_have_attribute("rel", "noopener noreferrer")


NONE = "None: every task that was asked for has its prediction."
UNKNOWN = "No task fails, as far as it is known by now."


@pytest.mark.parametrize(
    ("state", "expected"),
    [("done", NONE), ("running", UNKNOWN), ("goes_on", UNKNOWN), ("interrupted", UNKNOWN)],
)
def test_that_none_fails_is_said_when_all_is_known(
    browser: Browser, state: str, expected: str
) -> None:
    status = states.empty_status() | {"batches": [states.batch("a", state=state)]}
    with viewing(browser, status) as viewer:
        assert viewer.texts("#failures .none") == [expected]


def test_what_people_opened_and_clicked_is_one_line(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        assert " ".join(viewer.texts("#batches .others")) == (
            "12 single tasks opened, 3 smart tool requests in 24 hours (1 failed), "
            "the last at 11:58"
        )
        assert viewer.texts("#failures .groups > li")[-1].startswith("1 smart tool There is")


def test_what_was_left_out_says_what_would_help(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        first = viewer.find("#left-out article").first
        expect(first.locator(".chips li")).to_have_text(
            ["lorry 12 times", "van 4 times", "traffic light: red 1 time"]
        )
        expect(first.locator(".hint")).to_have_text(
            "Map them under labels: of a recipe, or let unknown_as: name one label for all of them."
        )
        first.locator("summary").click()
        expect(first.locator("pre")).to_contain_text(
            '      van: …\n      "traffic light: red": …\n'
        )
        assert viewer.texts("#left-out tr td:not(:last-child)") == [
            *("Box beyond the image's edge, cut back to it", "9 times"),
            *("Region or answer that could not be used too few points", "3 times"),
            *("Reply that ends in the middle", "1 time"),
        ]


def test_projects(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        viewer.find("#projects summary").last.click()
        assert viewer.texts("#projects tbody tr") == [
            "Project 1 gemini-3-flash-preview-1a2b3c4d 8,210 17 3 8,301 760 $17.44 11:59",
            f"Project 7 gemini-3-flash-preview-77aa01fe {UNFILLED} {NUMBERS}",
        ]
        links = viewer.find("#projects").get_by_role("link")
        expect(links.first).to_have_attribute("href", f"{states.LABEL_STUDIO}/projects/1/data")


def test_projects_of_one_number_are_told_apart(browser: Browser) -> None:
    """Two Label Studios may each have a first project."""
    status = states.empty_status()
    status["projects"] = [
        states.project("1.1", 1),
        states.project("1.2", 1),
        states.project("2.1", 2),
    ]
    with viewing(browser, status) as viewer:
        assert viewer.texts("#projects .name") == ["1.1", "1.2", "Project 2"]


def test_before_anything_came_it_says_what_to_do(browser: Browser) -> None:
    with viewing(browser, states.empty_status(), path="/behind/a/proxy") as viewer:
        assert viewer.texts("#state") == ["Ready"]
        expect(viewer.find("#address")).to_have_text(f"{viewer.server.url}/behind/a/proxy")
        expect(viewer.find("#welcome")).to_contain_text("Settings → Model → Connect Model")
        expect(viewer.find("main section:visible")).to_have_count(1)
        viewer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        viewer.page.get_by_role("button", name="Copy").click()
        expect(viewer.page.get_by_role("button", name="Copied")).to_be_visible()
        copied = viewer.page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{viewer.server.url}/behind/a/proxy"
        viewer.tell(projects=[states.project(states.STREET, 1)])
        viewer.wait(IDLE)
        expect(viewer.find("#welcome")).to_be_hidden()
        expect(viewer.find("#projects .name")).to_have_text("Project 1")


@pytest.mark.parametrize("path", ["/", "/behind/a/proxy", "/behind/a/proxy/"])
def test_it_asks_beside_its_own_address(browser: Browser, path: str) -> None:
    with viewing(browser, states.empty_status(), path=path) as viewer:
        folder = path.rstrip("/")
        assert viewer.server.paths == [path, f"{folder}/api/status"]
        link = viewer.page.get_by_role("link", name="/api/status")
        expect(link).to_have_attribute("href", f"{viewer.server.url}{folder}/api/status")


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-US", ["9,414", "$0.61", "8.2%", "10:59 AM"]),
        ("de-DE", ["9.414", "0,61 $", "8,2 %", "10:59"]),
        ("fr-FR", ["9 414", "0,61 $", "8,2 %", "10:59"]),
    ],
)
def test_numbers_and_times_are_the_readers(
    browser: Browser, locale: str, expected: list[str]
) -> None:
    with viewing(browser, states.busy_status(), locale=locale) as viewer:
        figures = viewer.texts("#figures b")
        assert [figures[1], *figures[3:]] == expected[:3]
        assert viewer.texts("#batches tbody td")[0] == expected[3]


def test_headings_tables_and_bars_have_names(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        viewer.find("#spend summary").click()
        levels = viewer.page.evaluate(LEVELS)
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        for table in viewer.page.get_by_role("table").all():
            assert table.locator("caption").text_content()
            assert table.get_by_role("columnheader").count() >= 3
        for bar in viewer.find("progress").all():
            assert bar.get_attribute("aria-label")
        for name in ("At a glance", "Batches", "Failures", "Projects", "Spend by day"):
            expect(viewer.page.get_by_role("region", name=name, exact=True)).to_be_visible()


LEVELS = """
() => [...document.querySelectorAll("h1, h2, h3, h4")]
  .filter(one => one.checkVisibility())
  .map(one => Number(one.tagName[1]))
"""
