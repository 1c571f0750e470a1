"""What is noted is shown at once, by every process, and counted once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from activity_kit import BROKEN, activity_of
from cache_kit import Clock
from label_studio_gemini.activity import BatchState, Count, Result
from label_studio_gemini.errors import LabelConfigError, SafetyError

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

UNREADABLE = LabelConfigError("The labelling config cannot be read.", hint="Look at it.")


async def test_a_project_is_shown_with_what_came_of_its_tasks(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.accept("1.1", model_version="m-1", unfilled=["<Video>: why"], url="http://ls")
        for task in range(4):
            activity.finish("1.1", task, Result.PREDICTED)
        activity.finish("1.1", 4, Result.EMPTY)
        activity.finish("1.1", 5, BROKEN)
        (project,) = (await activity.show()).projects
    assert (project.name, project.model_version, project.url) == ("1.1", "m-1", "http://ls")
    assert project.unfilled == ("<Video>: why",)
    assert project.seen == clock.now
    assert (project.predicted, project.empty, project.failed) == (4, 1, 1)
    async with activity_of(tmp_path) as activity:
        assert (await activity.show()).projects == (project,), "it survives the process"


async def test_a_task_counts_once_however_often_it_is_done(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        for result in (BROKEN, Result.EMPTY, BROKEN, Result.PREDICTED, Result.PREDICTED):
            activity.finish("1.1", 7, result)
        (project,) = (await activity.show()).projects
        assert (project.predicted, project.empty, project.failed) == (1, 0, 0)
        for _ in range(3):
            activity.finish("1.1", None, Result.PREDICTED)
        (project,) = (await activity.show()).projects
        assert project.predicted == 2, "tasks without an id cannot be told apart"


async def test_a_failure_is_there_until_the_task_has_a_prediction(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.finish("1.1", 7, BROKEN)
        clock.now += 5
        activity.finish("1.1", 7, SafetyError("Blocked.", hint="Another photo."))
        activity.finish("1.1", 8, BROKEN)
        activity.finish("2.2", 7, BROKEN)
        shown = await activity.show()
        assert [(one.project, one.task, one.times) for one in shown.failures] == [
            ("2.2", 7, 1),
            ("1.1", 8, 1),
            ("1.1", 7, 2),
        ]
        last = shown.failures[-1]
        assert (last.reason.kind, last.reason.error) == ("SafetyError", "Blocked.")
        assert (last.reason.hint, last.time) == ("Another photo.", clock.now)
        activity.finish("1.1", 7, Result.PREDICTED)
        activity.finish("1.1", 8, Result.EMPTY)
        shown = await activity.show()
    assert [(one.project, one.task) for one in shown.failures] == [("2.2", 7)]
    assert shown.failures_total == 1


async def test_a_refused_request_is_a_failure_until_one_is_accepted(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        activity.refuse("1.1", UNREADABLE)
        activity.refuse("1.1", UNREADABLE)
        activity.refuse(None, UNREADABLE)
        activity.finish("1.1", None, BROKEN)
        found = {
            (one.project, one.task, one.reason.kind, one.times) for one in await failed(activity)
        }
        refused = ("1.1", None, "LabelConfigError", 2)
        unnamed = ("1.1", None, "FetchError", 1)
        assert found == {refused, unnamed, ("", None, "LabelConfigError", 1)}
        activity.accept("1.1", model_version="m")
        assert len(await failed(activity)) == 2, "a task without an id is another matter"
        activity.finish("1.1", None, Result.EMPTY)
        assert [one.project for one in await failed(activity)] == [""]


async def failed(activity: Any) -> Any:
    return (await activity.show()).failures


async def test_a_smart_tool_predicts_no_task(tmp_path: Path) -> None:
    """What it fails at is over when it succeeds; that the task has no prediction, is not."""
    async with activity_of(tmp_path) as activity:
        activity.finish("1.1", 7, BROKEN)
        activity.finish("1.1", 7, SafetyError("Blocked.", hint="h"), smart=True)
        assert len(await failed(activity)) == 2
        activity.finish("1.1", 7, Result.PREDICTED, smart=True)
        (left,) = await failed(activity)
        assert left.reason.kind == "FetchError"
        (project,) = (await activity.show()).projects
        assert (project.predicted, project.failed) == (0, 1)
        activity.finish("1.1", 7, SafetyError("Blocked.", hint="h"), smart=True)
        activity.finish("1.1", 7, Result.PREDICTED)
        assert await failed(activity) == ()


async def test_what_is_left_out_adds_up_until_the_version_changes(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        activity.accept("1.1", model_version="m-1")
        for task in range(3):
            left_out = {"unmatched": {"lorry": 2, "van": 1}, "clamped": {"": 1}, "dropped": {}}
            activity.finish("1.1", task, Result.PREDICTED, left_out=left_out)
        activity.accept("1.1", model_version="m-1")
        shown = await activity.show()
        assert {(one.kind, one.what, one.count) for one in shown.left_out} == {
            ("unmatched", "lorry", 6),
            ("unmatched", "van", 3),
            ("clamped", "", 3),
        }
        assert shown.left_out[0].what == "lorry"
        assert {(one.project, one.last) for one in shown.left_out} == {("1.1", clock.now)}
        assert shown.left_out_total == 3
        activity.accept("1.1", model_version="m-2")
        assert (await activity.show()).left_out == ()


async def test_progress_is_shown_while_it_is_made(tmp_path: Path) -> None:
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as activity:
        progress = activity.begin("1.1", request="r-1", tasks=3)
        begun = clock.now
        (batch,) = (await activity.show()).batches
        assert (batch.request, batch.project, batch.begun, batch.ended) == (
            "r-1",
            "1.1",
            begun,
            None,
        )
        assert (batch.tasks, batch.done, batch.failed, batch.smart) == (3, 0, 0, False)
        assert batch.state is BatchState.RUNNING
        progress.finish_task(failed=False)
        progress.finish_task(failed=True)
        (batch,) = (await activity.show()).batches
        assert (batch.done, batch.failed, batch.state) == (2, 1, BatchState.RUNNING)
        progress.answer()
        assert (await activity.show()).batches[0].state is BatchState.GOES_ON
        clock.now += 9
        progress.finish_task(failed=False)
        (batch,) = (await activity.show()).batches
        assert (batch.done, batch.state, batch.ended) == (3, BatchState.DONE, begun + 9)


async def test_what_a_process_leaves_when_it_stops_is_interrupted(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        told = activity.begin("1.1", request="told", tasks=2)
        told.finish_task(failed=False)
        told.leave_task()
        activity.begin("1.1", request="untold", tasks=2).finish_task(failed=False)
        done = activity.begin("1.1", request="done", tasks=2)
        done.finish_task(failed=True)
        done.finish_task(failed=True)
        done.answer()
        activity.begin("1.1", request="of nothing", tasks=0).answer()
    async with activity_of(tmp_path) as activity:
        batches = {one.request: one for one in (await activity.show()).batches}
    assert {name: one.state for name, one in batches.items()} == {
        "told": BatchState.INTERRUPTED,
        "untold": BatchState.INTERRUPTED,
        "done": BatchState.DONE,
    }
    assert all(one.ended is not None for one in batches.values())


async def test_no_sign_of_life_is_an_interruption(tmp_path: Path) -> None:
    """Another process sees it; it is taken back when the process speaks again."""
    clock = Clock()
    async with activity_of(tmp_path, clock=clock) as dead, activity_of(tmp_path, clock=clock) as us:
        progress = dead.begin("1.1", request="r", tasks=2)
        await dead.show()
        assert (await us.show()).batches[0].state is BatchState.RUNNING
        assert (await us.counts()).tasks_in_flight == 2  # type: ignore[union-attr]
        clock.now += 60
        (batch,) = (await us.show()).batches
        assert (batch.state, batch.ended) == (BatchState.INTERRUPTED, clock.now - 60)
        assert (await us.counts()).tasks_in_flight == 0  # type: ignore[union-attr]
        progress.finish_task(failed=False)
        await dead.show()
        (batch,) = (await us.show()).batches
        assert (batch.state, batch.done, batch.ended) == (BatchState.RUNNING, 1, None)


async def test_a_live_batch_gives_signs_of_life_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("label_studio_gemini.activity.activity._BEAT", 0.01)
    monkeypatch.setattr("label_studio_gemini.activity.activity.WRITE_EVERY", 0.0)
    async with activity_of(tmp_path) as one, activity_of(tmp_path) as two:
        one.begin("1.1", request="r", tasks=1)
        (first,) = (await one.show()).batches
        end = time.monotonic() + 30
        while (await two.show()).batches[0].beat <= first.beat:
            assert time.monotonic() < end, "it gives none"


async def test_two_processes_add_up(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as one, activity_of(tmp_path) as two:
        for task in range(20):
            one.finish("1.1", task, Result.PREDICTED, left_out={"unmatched": {"lorry": 1}})
            two.finish("1.1", task + 10, BROKEN)
        await one.show()
        await two.show()
        first, second = await one.show(), await two.show()
        assert first == second
        (project,) = first.projects
        assert project.predicted + project.failed == 30
        assert first.left_out[0].count == 20
        counts = await one.counts()
        assert counts == await two.counts()
        assert counts is not None
        assert set(counts.counts) == {
            Count("predictions", "1.1", "predicted", 20),
            Count("predictions", "1.1", "failed", 20),
            Count("left_out", "", "unmatched", 20),
        }


async def test_counts_never_go_down(tmp_path: Path) -> None:
    """A failure that is over has happened all the same."""
    async with activity_of(tmp_path) as activity:
        activity.finish("1.1", 7, BROKEN)
        activity.finish("1.1", 7, Result.PREDICTED)
        activity.finish("1.1", 7, Result.EMPTY, smart=True)
        await activity.show()
        counts = await activity.counts()
    assert counts is not None
    assert counts.failures == 0
    assert {(one.name, one.kind): one.count for one in counts.counts} == {
        ("predictions", "failed"): 1,
        ("predictions", "predicted"): 1,
        ("smart_answers", "empty"): 1,
    }


async def test_many_tasks_are_few_writes(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        writes = 0
        real = activity._db.write

        def count(work: Any) -> Any:
            nonlocal writes
            writes += 1
            return real(work)

        activity._db.write = count  # type: ignore[method-assign]
        progress = activity.begin("1.1", request="r", tasks=1000)
        start = time.process_time()
        for task in range(1000):
            activity.finish("1.1", task, Result.PREDICTED)
            progress.finish_task(failed=False)
        took = time.process_time() - start
        shown = await activity.show()
        assert (shown.projects[0].predicted, shown.batches[0].done) == (1000, 1000)
        assert writes == 1
    assert took / 1000 < 50e-6, "seconds of the event loop for each"
