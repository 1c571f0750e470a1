"""What becomes of requests and their tasks is noted, for who looks at the status page."""

from __future__ import annotations

import functools
import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from label_studio_gemini.activity import Result
from label_studio_gemini.errors import AddressError
from label_studio_gemini.images import LabelStudioLogin
from label_studio_gemini.images.origins import read_login_url
from label_studio_gemini.pipeline import Failure
from label_studio_gemini.server.bodies import read_task_id
from label_studio_gemini.server.jobs import Unfinished
from label_studio_gemini.server.logs import request_id
from label_studio_gemini.server.unfinished import WHY_NOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from label_studio_gemini.activity import Activity
    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.pipeline import Notes, Outcome
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.predictor import Predictor
    from label_studio_gemini.server.bodies import PredictBody, TasksDeletedBody

# Why a smart tool keeps an object to itself: it was not pointed at, or is on the image already.
_CHOSEN = frozenset({"not_meant", "there_already"})


def note_plan(activity: Activity, project: str | None, plan: Plan, url: str | None) -> None:
    """Note that a project can be predicted, what of it is left to people, and where it is.

    Args:
        activity: What is told.
        project: Label Studio's name of the project.
        plan: What is done for its tasks.
        url: The address of its Label Studio, as it was given, where that is known.
    """
    unfilled, shown = map(str, plan.unfilled), url and public_address(url)
    activity.accept(project, model_version=plan.model_version, unfilled=unfilled, url=shown or None)


def note_outcome(
    activity: Activity, project: str | None, task: int | None, outcome: Outcome, *, smart: bool
) -> None:
    """Note what came of a task."""
    if isinstance(outcome, Failure):
        activity.finish(project, task, outcome.error, smart=smart)
        return
    notes, cached = outcome.notes, bool(outcome.spent) and all(one.cached for one in outcome.spent)
    without = Result.UNMATCHED if notes.unmatched else Result.EMPTY
    result = Result.PREDICTED if outcome.regions else without
    left_out = left_out_of(notes)
    activity.finish(project, task, result, smart=smart, left_out=left_out, cached=cached)


@contextmanager
def following(
    activity: Activity, body: PredictBody, predictor: Predictor
) -> Iterator[Callable[[int, Outcome | Unfinished | None], None]]:
    """Note a request, and that nobody waits any more when the block ends.

    What it gives is to be called with the number and the outcome of each task as soon as that is
    done, also when the block has ended long since; None stands for a bug.
    """
    login, smart = predictor.login, body.context is not None
    note_plan(activity, predictor.project, predictor.plan, login.url if login else None)
    progress = activity.begin(
        predictor.project, request=request_id(), tasks=len(body.tasks), smart=smart
    )

    def note_end(number: int, outcome: Outcome | Unfinished | None) -> None:
        if outcome is Unfinished.STOPPED:
            progress.leave_task()
            return
        if outcome is Unfinished.GIVEN_UP:
            task = task_key(body.tasks[number])
            activity.finish(predictor.project, task, WHY_NOT[outcome], smart=smart)
        progress.finish_task(failed=outcome is None or isinstance(outcome, Failure | Unfinished))

    try:
        yield note_end
    finally:
        progress.answer()


def note_refused(activity: Activity, body: PredictBody, error: BackendError) -> None:
    """Note that none of a request's tasks could be begun."""
    smart = body.context is not None
    if not body.tasks:
        activity.refuse(body.project_name, error)
    progress = activity.begin(
        body.project_name, request=request_id(), tasks=len(body.tasks), smart=smart
    )
    for task in body.tasks:
        activity.finish(body.project_name, task_key(task), error, smart=smart)
        progress.finish_task(failed=True)
    progress.answer()


def note_deleted(activity: Activity, event: TasksDeletedBody) -> None:
    """Note that tasks are no more."""
    for name in event.project.names:
        activity.forget(name, [task.id for task in event.tasks])


def task_key(task: object) -> int | None:
    """Return the id of a task; one that has none, as it is, has a negative number of its own."""
    number = read_task_id(task)
    if number is not None:
        return number
    try:
        text = json.dumps(task, sort_keys=True)
    except RecursionError:
        return None
    return -2 - int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


@functools.lru_cache(maxsize=100)  # each request has it, and httpx takes its time
def public_address(url: str) -> str | None:
    """Return an address of a Label Studio as anyone may see it, or None if it is none."""
    try:
        address = read_login_url(LabelStudioLogin(url))
    except AddressError:
        return None
    return str(address).rstrip("/")


def left_out_of(notes: Notes) -> Mapping[str, Mapping[str, int]]:
    """Return what was left out of a prediction, by kind; what nobody asked for was not."""
    counted = {
        "masks_unreadable": notes.masks_unreadable,
        "fallbacks": notes.fallbacks,
        "clamped": notes.clamped,
        "truncated": notes.truncated,
    }
    return {
        "unmatched": notes.unmatched,
        "rejected": notes.rejects,
        "dropped": {why: count for why, count in notes.dropped.items() if why not in _CHOSEN},
        **{kind: {"": count} for kind, count in counted.items() if count},
    }
