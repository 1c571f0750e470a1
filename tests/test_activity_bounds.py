"""The file stays small, and sound, whatever strangers and models send."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from activity_kit import BROKEN, activity_of
from cache_kit import Clock
from label_studio_gemini.activity import OTHERS, PREDICTIONS, Result, short_name
from label_studio_gemini.errors import ReplyError

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LONG = "x" * 10_000_000
DAY = 86_400.0


@given(st.text(st.characters(exclude_categories=()), max_size=400))
def test_a_name_is_short_and_can_be_written_and_stays_itself(name: str) -> None:
    short = short_name(name)
    assert len(short) <= 200
    short.encode()
    assert short_name(short) == short


def test_long_names_that_differ_in_the_end_stay_two() -> None:
    assert short_name("x" * 500 + "a") != short_name("x" * 500 + "b")


async def test_texts_of_any_size_and_kind_are_noted(tmp_path: Path) -> None:
    error = ReplyError(LONG, hint="half \ud83d" + LONG)
    async with activity_of(tmp_path) as activity:
        activity.accept(LONG, model_version=LONG, unfilled=[LONG] * 1000, url=LONG)
        activity.finish(LONG, 10**400, error)
        left_out = {"unmatched": {LONG: 1, "\ud800": 10**30}}
        activity.finish(LONG, 1, Result.UNMATCHED, left_out=left_out)
        activity.begin(LONG, request=LONG, tasks=10**6).finish_task(failed=True)
        await activity.show()
        shown = await activity.show()
        assert activity.trouble is None
        (failure,) = shown.failures
        assert failure.task == 2**63 - 1
        assert failure.reason.hint.startswith("half ?")
        assert len(failure.reason.error) == 2000
        assert failure.project == shown.projects[0].name == shown.batches[0].project
        assert {len(one.what) for one in shown.left_out} == {200, 1}
    assert (tmp_path / "activity.sqlite").stat().st_size < 300_000


async def test_of_a_reply_with_thousands_of_labels_the_most_frequent_are_noted(
    tmp_path: Path,
) -> None:
    labels = {f"label {number}": number for number in range(20_000)}
    async with activity_of(tmp_path) as activity:
        activity.finish("1.1", 1, Result.PREDICTED, left_out={"unmatched": labels})
        shown = await activity.show()
    assert shown.left_out_total == 100
    assert shown.left_out[0].what == "label 19999"


async def test_a_flood_of_projects_leaves_the_newest(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.finish("first", 1, BROKEN)
        alive = activity.begin("alive", request="r", tasks=1)
        for number in range(1000):
            clock.now += 0.001
            activity.finish(f"{number}", 1, BROKEN)
            activity.finish(f"{number}", 2, Result.EMPTY, left_out={"unmatched": {f"{number}": 1}})
        shown = await activity.show()
        assert shown.projects_total == 501
        assert shown.projects[0].name == "999"
        assert len(shown.projects) == 200
        assert shown.failures_total == shown.left_out_total == 500
        assert [one.project for one in shown.batches] == ["alive"], "what is under way stays"
        alive.finish_task(failed=False)
        counts = await activity.counts()
    assert counts is not None
    projects = {one.project: one.count for one in counts.counts if one.name == PREDICTIONS}
    assert len(projects) == 201
    assert projects["first"] == 1
    total = sum(one.count for one in counts.counts if one.name == PREDICTIONS)
    assert total == 2001, "none is lost"
    assert sum(one.count for one in counts.counts if one.project == OTHERS) == 1602


async def test_a_batch_that_goes_on_is_shown_however_many_are_newer(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        long = activity.begin("1.1", request="long", tasks=200)
        for number in range(700):
            clock.now += 0.001
            activity.begin("1.1", request=f"{number}", tasks=2).give_up()
        shown = await activity.show()
        assert len(shown.batches) == 200
        assert shown.batches_total == 500
        assert shown.batches[0].request == "699"
        assert shown.batches[-1].request == "long"
        long.answer()


async def test_what_is_old_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.accept("old", model_version="m")
        activity.finish("old", 1, BROKEN)
        activity.finish("old", 2, Result.EMPTY, left_out={"unmatched": {"lorry": 1}})
        activity.begin("old", request="r", tasks=1).finish_task(failed=True)
        await activity.show()
        clock.now += 91 * DAY
        activity.accept("new", model_version="m")
        shown = await activity.show()
    assert [one.name for one in shown.projects] == ["new"]
    assert (shown.failures, shown.left_out, shown.batches) == ((), (), ())
    with closing(sqlite3.connect(tmp_path / "activity.sqlite")) as db:
        assert db.execute("SELECT COUNT(*) FROM tasks").fetchone() == (0,)


async def test_tasks_beyond_the_limit_are_forgotten_the_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their project's numbers stay; and what fails is no such task."""
    monkeypatch.setattr("label_studio_gemini.activity.trimming.MOST_TASKS", 100)
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        for project in ("1.1", "2.2"):
            clock.now += 1
            activity.accept(project, model_version="m")
            for task in range(60):
                activity.finish(project, task, Result.PREDICTED)
            activity.finish(project, 99, BROKEN)
        second, first = (await activity.show()).projects
    assert (first.predicted, first.failed) == (60, 1)
    assert (second.predicted, second.failed) == (60, 1)
    with closing(sqlite3.connect(tmp_path / "activity.sqlite")) as db:
        assert db.execute("SELECT COUNT(*), MIN(task) FROM tasks").fetchone() == (90, 0)
