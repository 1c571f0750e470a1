"""How things stand, from the records that all processes share."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from label_studio_gemini import __version__
from label_studio_gemini.activity import Snapshot, short_name
from label_studio_gemini.cache.budget import SPENT_HINT
from label_studio_gemini.cache.entries import NO_TOTALS
from label_studio_gemini.server.noting import public_address
from label_studio_gemini.server.status_body import (
    BatchStatus,
    CacheStatus,
    DayStatus,
    FailureStatus,
    LeftOutStatus,
    ProjectStatus,
    SpendStatus,
    Status,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from label_studio_gemini.activity import Batch, FailedTask, LeftOut, Project
    from label_studio_gemini.cache import Day, StoreState, Totals
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.server.records import Records

DAYS = 30

_MEGABYTE = 1_000_000
_FILE_HINT = (
    "see that the folder of MODEL_DIR can be written and its disk is not full; predictions go on, "
    "and what they do is kept in memory meanwhile."
)
# `<id>.<the moment it was made>`; a plain number comes from who calls by hand.
_PROJECT = re.compile(r"([0-9]{1,15})(?:\.[0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """What the records say.

    Attributes:
        snapshot: What was done.
        days: What was spent, by day.
        projects: What was spent, by project, its name as `activity` has it.
        store: What is remembered of replies; None where nothing is.
        trouble: Which records cannot be used, and why.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    days: tuple[Day, ...] = ()
    projects: Mapping[str, Totals] = field(default_factory=dict)
    store: StoreState | None = None
    trouble: Mapping[str, str] = field(default_factory=dict)


async def find(records: Records) -> Found:
    """Read the records; where one cannot be used, the rest is there."""
    ledger, replies = records.books
    snapshot, (days, projects), store = await asyncio.gather(
        records.activity.show(),
        ledger.by_day_and_project(DAYS),
        _nothing() if replies is None else replies.show(),
    )
    spent: dict[str, Totals] = {}
    for one in projects:
        name = short_name(one.name or "")
        spent[name] = spent.get(name, NO_TOTALS) + one.totals
    trouble = {
        "record of what was done": records.activity.trouble,
        "ledger": ledger.trouble,
        "memory of replies": store and store.trouble,
    }
    return Found(snapshot, days, spent, store, {one: why for one, why in trouble.items() if why})


async def _nothing() -> None:
    return None


def build_status(
    config: Config,
    environment: Environment,
    found: Found,
    *,
    ready: bool,
    trouble: BackendError | None,
) -> Status:
    """Return what is answered.

    Args:
        config: The YAML.
        environment: Where Label Studio is, if it says so.
        found: What the records say.
        ready: Whether tasks can be predicted.
        trouble: Why they cannot.
    """
    snapshot, store = found.snapshot, found.store
    days = [one.totals for one in found.days]
    places = _Places(environment.label_studio_url, snapshot.projects)
    return Status(
        now=time.time(),
        version=__version__,
        model=config.model,
        api=config.api,
        ready=ready,
        trouble=_troubles(config, found, trouble),
        projects=[_project(one, places, found) for one in snapshot.projects],
        projects_total=snapshot.projects_total,
        batches=[_batch(one) for one in snapshot.batches],
        batches_total=snapshot.batches_total,
        failures=[_failure(one, places) for one in snapshot.failures],
        failures_total=snapshot.failures_total,
        left_out=[_left_out(one) for one in snapshot.left_out],
        left_out_total=snapshot.left_out_total,
        spend=_spend(config, found.days),
        cache=CacheStatus(
            enabled=config.cache.enabled,
            replies=store.replies if store else 0,
            megabytes=round(store.bytes / _MEGABYTE, 3) if store else 0.0,
            hits=sum(one.hits for one in days),
            calls=sum(one.calls for one in days),
        ),
    )


class _Places:
    """Where projects and tasks are in Label Studio, as far as that is known.

    Args:
        url: LABEL_STUDIO_URL.
        projects: What /setup said of each.
    """

    def __init__(self, url: str | None, projects: Sequence[Project]) -> None:
        self._base = public_address(url or "")
        self._known = {one.name: one.url for one in projects}

    def number(self, project: str) -> int | None:
        """Return the id of a project."""
        found = _PROJECT.fullmatch(project)
        return int(found[1]) if found else None

    def url(self, project: str, task: int | None = None) -> str | None:
        """Return the address of a project's Data Manager, or of a task in it."""
        base, number = self._base or self._known.get(project), self.number(project)
        if base is None or number is None:
            return None
        page = f"{base}/projects/{number}/data"
        return page if task is None else f"{page}?task={task}"


def _troubles(config: Config, found: Found, trouble: BackendError | None) -> list[Trouble]:
    troubles = [] if trouble is None else [Trouble(error=trouble.message, hint=trouble.hint)]
    for what, why in found.trouble.items():
        troubles.append(Trouble(error=f"The {what} cannot be used: {why}.", hint=_FILE_HINT))
    limit = _per_day(config)
    if limit is not None and found.days and found.days[-1].totals.dollars >= limit:
        spent = found.days[-1].totals.dollars
        error = f"Today's budget of ${limit:.2f} is used up (${spent:.2f})."
        troubles.append(Trouble(error=error, hint=SPENT_HINT))
    return troubles


def _project(project: Project, places: _Places, found: Found) -> ProjectStatus:
    spent = found.projects.get(project.name, NO_TOTALS)
    return ProjectStatus(
        project=project.name or None,
        number=places.number(project.name),
        url=places.url(project.name),
        model_version=project.model_version,
        unfilled=list(project.unfilled),
        seen=project.seen,
        predicted=project.predicted,
        empty=project.empty,
        failed=project.failed,
        calls=spent.calls,
        hits=spent.hits,
        dollars=f"{spent.dollars:f}",
    )


def _batch(batch: Batch) -> BatchStatus:
    return BatchStatus(
        id=batch.request,
        project=batch.project or None,
        begun=batch.begun,
        ended=batch.ended,
        tasks=batch.tasks,
        done=batch.done,
        failed=batch.failed,
        smart=batch.smart,
        state=batch.state.value,
    )


def _failure(failure: FailedTask, places: _Places) -> FailureStatus:
    return FailureStatus(
        time=failure.time,
        project=failure.project or None,
        task=failure.task,
        url=places.url(failure.project, failure.task),
        kind=failure.reason.kind,
        error=failure.reason.error,
        hint=failure.reason.hint,
        times=failure.times,
    )


def _left_out(one: LeftOut) -> LeftOutStatus:
    project = one.project or None
    return LeftOutStatus(
        project=project, kind=one.kind, what=one.what, count=one.count, last=one.last
    )


def _spend(config: Config, days: Sequence[Day]) -> SpendStatus:
    limit = _per_day(config)
    return SpendStatus(
        today=f"{days[-1].totals.dollars:f}" if days else "0",
        per_day=None if limit is None else f"{limit:f}",
        unpriced=sum(day.totals.unpriced for day in days),
        days=[_day(one) for one in days],
    )


def _day(day: Day) -> DayStatus:
    totals = day.totals
    return DayStatus(
        date=day.date.isoformat(),
        dollars=f"{totals.dollars:f}",
        calls=totals.calls,
        failed=totals.failed,
        hits=totals.hits,
        refused=totals.refused,
        input_tokens=totals.usage.input_tokens,
        output_tokens=totals.usage.output_tokens,
        thought_tokens=totals.usage.thought_tokens,
    )


def _per_day(config: Config) -> Decimal | None:
    return None if config.budget is None else Decimal(str(config.budget.per_day))
