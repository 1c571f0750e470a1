"""What is noted, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Omissions: TypeAlias = "Mapping[str, Mapping[str, int]]"
"""What was left out of a prediction: kind (`unmatched`) -> what ("lorry", "" for nothing in
particular) -> how often."""


class Result(StrEnum):
    """What came of a task."""

    PREDICTED = "predicted"
    EMPTY = "empty"
    """It was looked at, and nothing was found."""
    UNMATCHED = "unmatched"
    """What was found has no label of the project's."""
    FAILED = "failed"


class Scope(StrEnum):
    """What failed."""

    TASK = "task"
    REQUEST = "request"
    """A whole request, as /setup."""
    SMART = "smart tool"


class BatchState(StrEnum):
    """How a request stands."""

    RUNNING = "running"
    GOES_ON = "goes_on"
    """Nobody waits for it any more; the work goes on."""
    DONE = "done"
    INTERRUPTED = "interrupted"
    """The process was stopped, or died, before all was done."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed: the error's class, its message, and what would help."""

    kind: str
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A project was told its version, or asks for predictions: it is not refused (any more).

    Attributes:
        time: When, in seconds since 1970.
        project: Label Studio's name of it; "" for none.
        model_version: The version of its predictions.
        unfilled: Why control tags are left to people.
        url: The address of its Label Studio; None where that is not known.
    """

    time: float
    project: str
    model_version: str
    unfilled: tuple[str, ...]
    url: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A whole request could not be answered."""

    time: float
    project: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Done:
    """A task is done.

    Attributes:
        time: When, in seconds since 1970.
        project: Label Studio's name of it; "" for none.
        task: The task's id, where it has one.
        result: What came of it.
        smart: Whether a smart tool asked: that is no prediction of the task.
        reason: Why it failed, if it did.
        left_out: What was left out of it; that of a task replaces what it had before.
        cached: Whether all of it was known before.
    """

    time: float
    project: str
    task: int | None
    result: Result
    smart: bool = False
    reason: Reason | None = None
    left_out: Omissions = field(default_factory=dict)
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """Tasks that are no more."""

    time: float
    project: str
    tasks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A request, as far as it is by now.

    Attributes:
        key: What tells it from all others.
        request: The id of the HTTP request; not unique, since clients may choose it.
        project: Label Studio's name of the project; "" for none.
        begun: When, in seconds since 1970.
        beat: The last sign of life of its process.
        tasks: How many there are.
        done: So many are done, the failed ones included.
        failed: So many of these failed.
        smart: Whether a smart tool asks.
        state: How it stands.
        ended: When it was done, or what was left of it was given up.
    """

    key: str
    request: str
    project: str
    begun: float
    beat: float
    tasks: int
    done: int
    failed: int
    smart: bool
    state: BatchState
    ended: float | None


Event: TypeAlias = Accepted | Refused | Done | Deleted | Batch


@dataclass(frozen=True, slots=True)
class Project:
    """A project.

    Attributes:
        name: Label Studio's name of it; "" for none.
        model_version: The version of its predictions; None while it cannot be predicted.
        unfilled: Why control tags are left to people.
        url: The address of its Label Studio, if that is known.
        seen: When it was heard of last, in seconds since 1970.
        predicted: So many tasks have regions.
        empty: So many were looked at in vain.
        unmatched: So many have no regions, since no label matched what was found.
        failed: So many have no prediction, since they failed last time.
    """

    name: str
    model_version: str | None
    unfilled: tuple[str, ...]
    url: str | None
    seen: float
    predicted: int
    empty: int
    unmatched: int
    failed: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Something that failed and was not put right since.

    Attributes:
        time: When it failed last, in seconds since 1970.
        project: The project's name.
        scope: What it is.
        task: The task's id; None for a whole request, or a task without id.
        reason: Why.
        times: How often so far.
        common: The number of the `CommonReason`.
    """

    time: float
    project: str
    scope: Scope
    task: int | None
    reason: Reason
    times: int
    common: int


@dataclass(frozen=True, slots=True)
class CommonReason:
    """What many fail for: equal but for names, addresses and numbers.

    Attributes:
        number: What tells it from others.
        reason: What all say; where they differ, it has "…".
        tasks: So many tasks have no prediction for it.
        requests: So many projects' whole requests were refused for it.
        smart: So many tasks' smart tools failed for it in the last day.
        last: When the last one did, in seconds since 1970.
    """

    number: int
    reason: Reason
    tasks: int
    requests: int
    smart: int
    last: float


@dataclass(frozen=True, slots=True)
class Singles:
    """Requests of one task, and of smart tools, of the last day: what people opened and clicked.

    Attributes:
        tasks: So many asked for one task.
        smart: So many were those of smart tools.
        failed: So many of them all failed.
        last: When the last of them began; None where there are none.
    """

    tasks: int = 0
    smart: int = 0
    failed: int = 0
    last: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was left out of a project's predictions: what, how often, when last."""

    project: str
    kind: str
    what: str
    count: int
    last: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How things stand; the newest first, but for what was left out: the most frequent first.

    The totals count what is in the file; of each there are only so many here.

    Attributes:
        batches: Requests of several tasks, and those of one that are worked on.
        batches_total: Of several tasks.
        reasons: The most frequent first; those of smart tools alone are the last.
        reasons_total: For which tasks or requests fail.
        failures: A few of each reason and project.
        failures_total: Tasks that fail; those of smart tools, and requests, are not in it.
        refused_total: Projects of which a whole request was refused.
    """

    projects: tuple[Project, ...] = ()
    projects_total: int = 0
    batches: tuple[Batch, ...] = ()
    batches_total: int = 0
    singles: Singles = field(default_factory=Singles)
    reasons: tuple[CommonReason, ...] = ()
    reasons_total: int = 0
    failures: tuple[Failed, ...] = ()
    failures_total: int = 0
    refused_total: int = 0
    left_out: tuple[LeftOut, ...] = ()
    left_out_total: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened since there is a file: a number that never goes down.

    Attributes:
        name: `predictions`, `smart_answers`, or `left_out`.
        project: The project's name; the many beyond the first 200 share one.
        kind: The result, or the kind of what was left out.
        count: How often.
    """

    name: str
    project: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted for monitoring, in the file: the same for whichever process asks.

    Attributes:
        counts: What happened so far.
        tasks_in_flight: Tasks that are not done yet, of requests whose process lives.
        failures: Failures that nothing has put right yet.
    """

    counts: tuple[Count, ...]
    tasks_in_flight: int
    failures: int
