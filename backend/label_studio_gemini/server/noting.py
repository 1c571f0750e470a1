"""What becomes of requests and their tasks is noted, for who looks at the status page."""

from __future__ import annotations

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
    from label_studio_gemini.pipeline import Notes, Outcome
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.predictor import Predictor
    from label_studio_gemini.server.bodies import PredictBody


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
    result = Result.PREDICTED if outcome.regions else Result.EMPTY
    activity.finish(project, task, result, smart=smart, left_out=left_out_of(outcome.notes))


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
            task = read_task_id(body.tasks[number])
            activity.finish(predictor.project, task, WHY_NOT[outcome], smart=smart)
        progress.finish_task(failed=outcome is None or isinstance(outcome, Failure | Unfinished))

    try:
        yield note_end
    finally:
        progress.answer()


def public_address(url: str) -> str | None:
    """Return an address of a Label Studio as anyone may see it, or None if it is none."""
    try:
        address = read_login_url(LabelStudioLogin(url))
    except AddressError:
        return None
    return str(address).rstrip("/")


def left_out_of(notes: Notes) -> Mapping[str, Mapping[str, int]]:
    """Return what was left out of a prediction, by kind."""
    counted = {
        "masks_unreadable": notes.masks_unreadable,
        "fallbacks": notes.fallbacks,
        "clamped": notes.clamped,
        "truncated": notes.truncated,
    }
    return {
        "unmatched": notes.unmatched,
        "rejected": notes.rejects,
        "dropped": notes.dropped,
        **{kind: {"": count} for kind, count in counted.items() if count},
    }
