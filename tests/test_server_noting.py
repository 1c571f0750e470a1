"""What became of a request's tasks is noted as it is, and when it is known."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from activity_kit import BROKEN, activity_of
from label_studio_gemini.activity import BatchState
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.images import LabelStudioLogin
from label_studio_gemini.pipeline import Failure, Notes, Prediction
from label_studio_gemini.plan import build_plan
from label_studio_gemini.predictor import Predictor, Predictors
from label_studio_gemini.server.bodies import PredictBody, TasksDeletedBody
from label_studio_gemini.server.jobs import Jobs, Unfinished, Work
from label_studio_gemini.server.noting import (
    following,
    left_out_of,
    note_deleted,
    note_outcome,
    note_refused,
    public_address,
    task_key,
)

if TYPE_CHECKING:
    from label_studio_gemini.gemini import Urgency
    from label_studio_gemini.pipeline import Outcome, Pipeline

FOUND = Prediction(({"id": "a"},), Notes(), (), 1.0)  # type: ignore[arg-type]
NOTHING = Prediction((), Notes(unmatched={"lorry": 2}, clamped=1), (), 1.0)
BODY = PredictBody(tasks=[{"id": 7}, {"id": 8}, {}], project="1.1")


def predictor(url: str | None = None) -> Predictor:
    plan = build_plan(Config(), sample_label_config())
    login = None if url is None else LabelStudioLogin(url, "a-token")
    return Predictors(cast("Pipeline", None), Path()).of(plan, login, "1.1")


async def test_a_request_is_followed_to_the_end_of_its_last_task(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        with following(activity, BODY, predictor("http://u:p@ls/")) as note_end:
            note_end(0, FOUND)
            (batch,) = (await activity.show()).batches
            assert (batch.done, batch.state) == (1, BatchState.RUNNING)
        assert (await activity.show()).batches[0].state is BatchState.GOES_ON
        note_end(1, Failure(BROKEN))
        note_end(2, None)
        shown = await activity.show()
    (batch,) = shown.batches
    assert (batch.done, batch.failed, batch.state) == (3, 2, BatchState.DONE)
    (project,) = shown.projects
    assert (project.name, project.url) == ("1.1", "http://ls")
    assert project.model_version == predictor().plan.model_version


async def test_who_hangs_up_ends_no_batch(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        with (
            pytest.raises(asyncio.CancelledError),
            following(activity, BODY, predictor()),
        ):
            raise asyncio.CancelledError
        assert (await activity.show()).batches[0].state is BatchState.GOES_ON


async def test_what_is_given_up_is_a_failure_and_what_is_stopped_is_none(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        with following(activity, BODY, predictor()) as note_end:
            note_end(0, FOUND)
            note_end(1, Unfinished.GIVEN_UP)
            note_end(2, Unfinished.STOPPED)
        shown = await activity.show()
    (failure,) = shown.failures
    assert failure.task == 8
    assert "given up" in failure.reason.error
    (batch,) = shown.batches
    assert (batch.done, batch.failed, batch.state) == (2, 1, BatchState.INTERRUPTED)


async def test_outcomes_are_told_apart(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        outcomes: list[Outcome] = [FOUND, NOTHING, Failure(BROKEN)]
        for task, outcome in enumerate(outcomes):
            note_outcome(activity, "1.1", task, outcome, smart=False)
        shown = await activity.show()
    (project,) = shown.projects
    assert (project.predicted, project.unmatched, project.failed) == (1, 1, 1)
    assert {(one.kind, one.what, one.count) for one in shown.left_out} == {
        ("unmatched", "lorry", 2),
        ("clamped", "", 1),
    }


def test_tasks_without_an_id_are_told_apart() -> None:
    keys = [task_key(task) for task in ({"data": 1}, {"data": 2}, {"id": "a"}, {"data": 1}, 7)]
    assert len(set(keys)) == 4
    assert keys[0] == keys[3]
    assert all(key is not None and key < -1 for key in keys)
    assert task_key({"id": 7}) == 7


async def test_a_task_that_was_deleted_fails_no_longer(tmp_path: Path, shared: Path) -> None:
    file = shared / "label-studio" / "requests" / "webhook_TASKS_DELETED.json"
    event = json.loads(file.read_text(encoding="utf-8"))["body"]
    async with activity_of(tmp_path) as activity:
        for project in ("1.1795312593", "1", "1.2", "11.1795312593"):
            activity.finish(project, 6, BROKEN)
        note_deleted(activity, TasksDeletedBody.model_validate(event))
        shown = await activity.show()
    assert {one.project for one in shown.failures} == {"1.2", "11.1795312593"}


async def test_a_request_that_is_refused_fails_each_of_its_tasks(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        note_refused(activity, BODY, BROKEN)
        shown = await activity.show()
        counts = await activity.counts()
    assert counts is not None
    assert [one.count for one in counts.counts] == [3]
    (batch,), (project,) = shown.batches, shown.projects
    assert batch.failed == project.failed == shown.failures_total == shown.reasons[0].tasks == 3


def test_each_kind_of_note_has_a_name() -> None:
    dropped = {"d": 3, "not_meant": 9, "there_already": 9}
    notes = Notes({"r": 1}, {"u": 2}, dropped, 4, 5, 6, 7)
    assert left_out_of(notes) == {
        "rejected": {"r": 1},
        "unmatched": {"u": 2},
        "dropped": {"d": 3},
        "masks_unreadable": {"": 4},
        "fallbacks": {"": 5},
        "clamped": {"": 6},
        "truncated": {"": 7},
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://ls:8080", "http://ls:8080"),
        ("https://user:word@ls/sub/?q#f", "https://ls/sub"),
        ("javascript:alert(1)", None),
        ("//ls", None),
        ("", None),
        ("\ud800", None),
    ],
)
def test_only_addresses_of_the_web_are_shown(url: str, expected: str | None) -> None:
    assert public_address(url) == expected


async def test_everyone_who_asks_is_told_of_work_that_is_shared_or_raises() -> None:
    jobs: Jobs[str] = Jobs(1)
    told: list[tuple[str, int, object]] = []

    async def work(_urgency: Urgency) -> str:
        await asyncio.sleep(0)
        return "done"

    async def fail(_urgency: Urgency) -> str:
        raise ValueError("a bug")

    def teller(name: str) -> object:
        return lambda number, result: told.append((name, number, result))

    shared = Work(work, key="k")
    await asyncio.gather(
        jobs.run([shared, shared], seconds=9, on_end=teller("a")),  # type: ignore[arg-type]
        jobs.run([shared], seconds=9, on_end=teller("b")),  # type: ignore[arg-type]
    )
    with pytest.raises(ValueError, match="a bug"):
        await jobs.run([Work(fail)], seconds=9, on_end=teller("c"))  # type: ignore[arg-type]
    await jobs.close(0)
    await jobs.run([shared], seconds=9, on_end=teller("d"))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert sorted(told, key=lambda one: one[:2]) == [
        ("a", 0, "done"),
        ("a", 1, "done"),
        ("b", 0, "done"),
        ("c", 0, None),
        ("d", 0, Unfinished.STOPPED),
    ]
