"""All that fails is counted, by its reason; the words of a few of each are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity_kit import BROKEN, activity_of
from cache_kit import Clock
from label_studio_gemini.activity import Result, Scope
from label_studio_gemini.activity.patterns import common_parts, parts_of, pattern_of, text_of
from label_studio_gemini.errors import FetchError, ReplyError

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.activity import Activity, Snapshot

MOVED = "open the address."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`a.jpg` answered HTTP 404.", "… answered HTTP 404."),
        ("Gemini's reply has 3 of 1,024 items: 'it\\'s'.", "Gemini's reply has … of … items: …."),
        ("See http://host/a b", "See … b"),
        ('The budget of $5.00 ("day")', "The budget of … (…)"),
        ("gemini-3-flash answered v2.5", "gemini-…-flash answered v2.5"),
    ],
)
def test_what_is_a_tasks_own_is_taken_out(text: str, expected: str) -> None:
    assert pattern_of(text) == expected
    assert text_of(parts_of(text)) == text


@given(st.text("`'\"a1,. …", max_size=40))
def test_a_text_is_the_sum_of_its_parts(text: str) -> None:
    found = text_of(parts_of(text))
    assert found == (text[:-1] if text.endswith("….") else text)


def test_what_two_have_in_common_stays() -> None:
    one, two = (parts_of(f"`{name}` of `host` answered.") for name in ("a", "b"))
    assert text_of(common_parts(one, two)) == "… of `host` answered."


def moved(task: int) -> FetchError:
    return FetchError(f"`{task}.jpg` of `host` answered HTTP 404.", hint=MOVED)


async def test_every_failure_counts_however_many_there_are(tmp_path: Path) -> None:
    """Each project and reason keeps its share of those whose words are kept."""
    async with activity_of(tmp_path, clock=Clock()) as activity:
        for task in range(1500):
            activity.finish("1.1", task, moved(task))
        activity.finish("2.2", 7, moved(7))
        activity.finish("1.1", 9_000, BROKEN)
        for task in range(1500):
            activity.finish("3.3", task, moved(task))
        shown = await activity.show()
        assert {one.name: one.failed for one in shown.projects} == {
            "1.1": 1501,
            "2.2": 1,
            "3.3": 1500,
        }
        assert (shown.failures_total, shown.reasons_total) == (3002, 2)
        assert [(one.tasks, one.reason.error) for one in shown.reasons] == [
            (3001, "… of `host` answered HTTP 404."),
            (1, "The image answered 404."),
        ]
        assert {one.project for one in shown.failures} == {"1.1", "2.2", "3.3"}
        assert {one.common for one in shown.failures} == {one.number for one in shown.reasons}
        assert len(shown.failures) == 200
        for task in range(1500):
            activity.finish("1.1", task, Result.PREDICTED)
        shown = await activity.show()
        assert shown.failures_total == 1502
        counts = await activity.counts()
    assert counts is not None
    assert counts.failures == 1502


async def test_reasons_beyond_the_limit_share_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("label_studio_gemini.activity.failing.MOST_REASONS", 3)
    async with activity_of(tmp_path) as activity:
        for task in range(10):
            activity.finish("1.1", task, ReplyError("x" * (task + 1), hint="h"))
        shown = await activity.show()
        assert [one.tasks for one in shown.reasons] == [7, 1, 1, 1]
        assert shown.reasons[0].reason.error == "ReplyError, in many ways."
        for task in range(10):
            activity.finish("1.1", task, Result.EMPTY)
        assert (await activity.show()).reasons == ()


async def test_what_an_annotator_tried_is_apart_and_over_in_a_day(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.finish("1.1", 7, BROKEN, smart=True)
        shown = await activity.show()
        assert (shown.failures_total, shown.reasons_total) == (0, 0)
        assert [(one.tasks, one.smart) for one in shown.reasons] == [(0, 1)]
        assert [one.scope for one in shown.failures] == [Scope.SMART]
        clock.now += 86_401
        activity.accept("1.1", model_version="m")
        shown = await activity.show()
    assert (shown.failures, shown.reasons) == ((), ())


async def test_tasks_that_are_deleted_are_forgotten(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        for task in (1, 2):
            activity.finish("1.1", task, BROKEN)
        for task in (3, 4):
            left_out = {"unmatched": {"lorry": 1}}
            activity.finish("1.1", task, Result.PREDICTED, left_out=left_out)
        activity.forget("1.1", [2, 4, 99])
        activity.forget("nobody", [1])
        shown = await activity.show()
    (project,) = shown.projects
    assert (project.predicted, project.failed, shown.failures_total) == (1, 1, 1)
    assert [one.count for one in shown.left_out] == [1]


async def left_out_of(activity: Activity) -> dict[str, int]:
    shown: Snapshot = await activity.show()
    return {one.what: one.count for one in shown.left_out}


async def test_what_was_left_out_of_a_task_is_counted_once(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        for cached in (False, True, True):
            left_out = {"unmatched": {"lorry": 2, "van": 1}}
            activity.finish("1.1", 7, Result.UNMATCHED, left_out=left_out, cached=cached)
        activity.finish("1.1", 8, Result.UNMATCHED, left_out={"unmatched": {"van": 5}})
        assert await left_out_of(activity) == {"van": 6, "lorry": 2}
        assert (await activity.show()).projects[0].unmatched == 2
        counts = await activity.counts()
        activity.finish("1.1", 7, Result.EMPTY)
        assert await left_out_of(activity) == {"van": 5}
    assert counts is not None
    assert [one.count for one in counts.counts if one.name == "left_out"] == [8]


async def test_single_tasks_and_smart_tools_push_no_batch_off(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.begin("1.1", request="batch", tasks=2).give_up()
        for number in range(700):
            clock.now += 1
            one = activity.begin("1.1", request=f"{number}", tasks=1, smart=number % 2 == 0)
            one.finish_task(failed=number < 7)
        shown = await activity.show()
    assert [one.request for one in shown.batches] == ["batch"]
    assert shown.batches_total == 1
    singles = shown.singles
    assert (singles.tasks, singles.smart, singles.failed) == (350, 350, 7)
    assert singles.last == clock.now
