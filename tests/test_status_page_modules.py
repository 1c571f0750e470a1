"""What the status page's modules compute, by themselves, in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini.server import page
from label_studio_gemini.server.page.bundle import bundle

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from status_page_viewer import running_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

FOLDER = files(page)


@dataclass(frozen=True)
class Case:
    """A function of a module, what it is given, and what it gives."""

    call: str
    expected: Any
    given: Any = None


@pytest.fixture(scope="module")
def empty_page() -> Iterator[Page]:
    with running_browser() as browser, browser.new_context(locale="en-GB") as context:
        yield context.new_page()


@pytest.fixture
def call(empty_page: Page) -> Callable[[str, Any], Any]:
    """Return what evaluates `module.function(given)`, in a script of that module alone."""

    def evaluate(expression: str, given: Any) -> Any:
        module = expression.split(".", maxsplit=1)[0]
        script = bundle(f"{module}.js", lambda name: (FOLDER / name).read_text(encoding="utf-8"))
        return empty_page.evaluate(
            f"given => {{ {script} const {module} = {module}_module; return {expression}; }}", given
        )

    return evaluate


CASES = [
    *(
        Case("format.duration(given)", expected, given)
        for given, expected in (
            (-3, "under 1 s"),
            (0.4, "under 1 s"),
            (1, "1 s"),
            (59.7, "1 min"),
            (61, "1 min 1 s"),
            (3600, "1 h"),
            (3661, "1 h 1 min"),
            (3605, "1 h"),
            (400_000, "111 h 6 min"),
        )
    ),
    *(
        Case("format.roughly(given)", expected, given)
        for given, expected in (
            (0, "5 s"),
            (11, "15 s"),
            (56, "1 min"),
            (60, "1 min"),
            (61, "2 min"),
            (3599, "60 min"),
            (3601, "1 h 10 min"),
        )
    ),
    *(
        Case("format.money(given)", expected, given)
        for given, expected in (
            ("0", "$0.00"),
            ("0.0004", "$0.0004"),
            ("0.43", "$0.43"),
            ("0.0312", "$0.0312"),
            ("0.1312", "$0.13"),
            ("1.3120", "$1.31"),
            ("1234.5", "$1,234.50"),
        )
    ),
    Case("format.digitsFor(given)", 4, ["0", "12", "0.0312"]),
    Case("format.digitsFor(given)", 2, ["0", "12", "0.1"]),
    Case("format.money(given, 4)", "$12.0000", "12"),
    *(
        Case("format.shorten(given, 3)", expected, given)
        for given, expected in (
            ("abc", "abc"),
            ("abcd", "abc…"),
            ("🚛🚛🚛🚛", "🚛🚛🚛…"),
            ("\ud800abc", "\ud800ab…"),
        )
    ),
    Case("format.many(1, 'batch', 'batches')", "1 batch"),
    Case("format.many(1200, 'batch', 'batches')", "1,200 batches"),
    Case("format.share(0, 0)", None),
    Case("format.share(1, 3)", "33.3%"),
    *(
        Case("plot.roundUp(given)", expected, given)
        for given, expected in (
            (0, 1),
            (0.011, 0.02),
            (0.3, 0.3),
            (1, 1),
            (2.1, 2.5),
            (5.01, 6),
            (8.2, 10),
            (2500, 2500),
        )
    ),
    *(
        Case("dom.webAddress(given)", expected, given)
        for given, expected in (
            ("http://127.0.0.1:8080/projects/1", "http://127.0.0.1:8080/projects/1"),
            ("HTTPS://host", "https://host/"),
            ("javascript:alert(1)", None),
            (" \tjavascript:alert(1)", None),
            ("data:text/html,x", None),
            ("/projects/1", None),
            ("//host/x", None),
            ("", None),
            (None, None),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.call} {case.given!r}"[:60])
def test_functions(call: Callable[[str, Any], Any], case: Case) -> None:
    assert call(case.call, case.given) == pytest.approx(case.expected)


@pytest.mark.parametrize(
    ("begun", "looks", "expected"),
    [
        (0, [(10, 0)], None),
        (0, [(1, 5)], None),
        (0, [(10, 50)], 30),
        (0, [(10, 150), (12, 151), (20, 155)], 90),
        (0, [(10, 150), (20, 150)], pytest.approx(20 / 150 * 50)),
        (0, [(second, second) for second in range(10, 110, 2)], pytest.approx(92)),
        (0, [(10, 200)], 0),
    ],
    ids=["nothing", "too early", "average", "slow after the cache", "stuck", "window", "done"],
)
def test_the_time_left(
    call: Callable[[str, Any], Any],
    begun: float,
    looks: list[tuple[float, int]],
    expected: float | None,
) -> None:
    batches = [
        (now, {"id": "a", "begun": begun, "tasks": 200, "done": done}) for now, done in looks
    ]
    left = call(
        "pace.secondsLeft((given.forEach(([now, batch]) => pace.noteProgress([batch], now)),"
        " given.at(-1)[1]), given.at(-1)[0])",
        batches,
    )
    assert left == expected


def test_a_budget_is_on_the_plot_unless_it_would_flatten_the_bars(
    call: Callable[[str, Any], Any],
) -> None:
    days = [{"dollars": "0.5", "calls": 3, "hits": 0}]
    for budget, expected in ((None, None), (4, 4), (5, None)):
        scale = call("plot.scaleFor(...given)", [days, budget])
        assert scale["budget"] == expected
        assert scale["dollars"] == (4 if expected else 0.5)
