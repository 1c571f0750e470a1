"""The plot of what was spent, and what it says to whoever does not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import status_page_states as states

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from playwright.sync_api import expect

from status_page_viewer import BUSY, running_browser, viewing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser no longer than for a module: meanwhile no test may have an event loop."""
    with running_browser() as browser:
        yield browser


def test_the_plot_tells_of_each_day(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        readout = viewer.find("#readout")
        today = "$0.61Today · 427 calls (5 failed) · 55 from the cache · 597.8k tokens"
        expect(readout).to_have_text(today)
        days = viewer.find("#plot .day")
        expect(days).to_have_count(30)
        expect(viewer.find("#plot .budget-line")).to_be_attached()
        expect(viewer.find(".legend .budget")).to_have_text("budget of a day: $5.00")
        expect(viewer.find("#plot .day.today")).to_have_accessible_name(
            "Sun 22 Nov: $0.61, 427 calls (5 failed) · 55 from the cache · 597.8k tokens"
        )
        heights = [float(bar) for bar in viewer.page.evaluate(HEIGHTS)]
        assert heights[-5] == max(heights)
        assert heights[-5] == pytest.approx(150 * 4.12 / 5, abs=0.01)
        days.nth(10).hover()
        expect(readout).to_contain_text("Tue")
        viewer.find("h1").hover()
        expect(readout).to_have_text(today)


HEIGHTS = (
    "() => [...document.querySelectorAll('#plot .dollars')].map(one => one.height.baseVal.value)"
)


def test_the_plot_is_one_tab_stop_with_arrow_keys_within(browser: Browser) -> None:
    with viewing(browser, states.busy_status()) as viewer:
        viewer.find("#plot .day.today").focus()
        expect(viewer.find("#plot [tabindex='0']")).to_have_count(1)
        viewer.page.keyboard.press("ArrowLeft")
        expect(viewer.find("#readout b")).to_have_text("$1.74")
        viewer.wait(BUSY)
        expect(viewer.find("#plot .day").nth(28)).to_be_focused()
        viewer.page.keyboard.press("Home")
        expect(viewer.find("#plot .day").first).to_be_focused()
        viewer.page.keyboard.press("ArrowLeft")
        viewer.page.keyboard.press("End")
        expect(viewer.find("#readout")).to_contain_text("Today")
        viewer.page.keyboard.press("Tab")
        expect(viewer.page.get_by_text("The same as a table")).to_be_focused()
        viewer.page.keyboard.press("Enter")
        expect(viewer.find("#spend tbody tr")).to_have_count(30)


def test_a_budget_far_above_would_flatten_the_plot(browser: Browser) -> None:
    status = states.busy_status()
    status["spend"] |= {"per_day": "500", "unpriced": 2}
    with viewing(browser, status) as viewer:
        expect(viewer.find("#plot .budget-line")).to_have_count(0)
        expect(viewer.find("#spend-note")).to_have_text(
            "2 calls are not in these amounts: the model's price is not known. The key prices of "
            "the YAML sets it. The budget of $500.00 a day is far above this plot."
        )


def test_a_budget_that_is_used_up(browser: Browser) -> None:
    status = states.busy_status()
    status["spend"] |= {"today": "5.01", "refused": {"AuthenticationError": 2, "BudgetError": 10}}
    status["spend"]["days"][-1] |= {"refused": 12, "dollars": "5.01"}
    with viewing(browser, status) as viewer:
        assert viewer.texts("#figure-spent") == ["$5.01 the budget of $5.00 is used up"]
        expect(viewer.find("#spend-note")).to_have_text(
            "12 requests not sent to Gemini today: 10 for the budget, 2 since Gemini refuses the "
            "key."
        )
