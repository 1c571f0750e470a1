"""How things stand, from the records that all processes share."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from label_studio_gemini import __version__
from label_studio_gemini.activity import Snapshot, short_name
from label_studio_gemini.cache.entries import NO_TOTALS, Kind
from label_studio_gemini.server.noting import public_address
from label_studio_gemini.server.status_body import (
    BatchStatus,
    CacheStatus,
    DayStatus,
    FailureStatus,
    LeftOutStatus,
    ProjectStatus,
    ReasonStatus,
    SinglesStatus,
    SpendStatus,
    Status,
)
from label_studio_gemini.server.troubles import find_troubles, per_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from label_studio_gemini.activity import Batch, CommonReason, Failed, LeftOut, Project
    from label_studio_gemini.cache import Day, StoreState, Totals
    from label_studio_gemini.cache.entries import Entry
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.server.records import Records

DAYS = 30
LAST = 1_000
"""Of so many requests, the last ones, it is found out why some were not sent."""

_MEGABYTE = 1_000_000
# `<id>.<the moment it was made>`; a plain number comes from who calls by hand.
_PROJECT = re.compile(r"([0-9]{1,15})(?:\.[0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """What the records say.

    Attributes:
        snapshot: What was done.
        last: The last requests, the newest first.
        days: What was spent, by day.
        projects: What was spent, by project, its name as `activity` has it.
        store: What is remembered of replies; None where nothing is.
        trouble: Which records cannot be used, and why.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    last: tuple[Entry, ...] = ()
    days: tuple[Day, ...] = ()
    projects: Mapping[str, Totals] = field(default_factory=dict)
    store: StoreState | None = None
    trouble: Mapping[str, str] = field(default_factory=dict)


async def find(records: Records) -> Found:
    """Read the records; where one cannot be used, the rest is there."""
    ledger = records.books.ledger
    snapshot, last, (days, projects), store = await asyncio.gather(
        records.activity.show(),
        ledger.last(LAST),
        ledger.by_day_and_project(DAYS),
        records.store_state(),
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
    return Found(
        snapshot, last, days, spent, store, {one: why for one, why in trouble.items() if why}
    )


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
    snapshot = found.snapshot
    places = _Places(environment.label_studio_url, snapshot.projects)
    now = time.time()
    return Status(
        now=now,
        version=__version__,
        model=config.model,
        api=config.api,
        ready=ready,
        trouble=find_troubles(config, found, trouble, now),
        projects=[_project(one, places, found) for one in snapshot.projects],
        projects_total=snapshot.projects_total,
        batches=[_batch(one) for one in snapshot.batches],
        batches_total=snapshot.batches_total,
        singles=SinglesStatus(**asdict(snapshot.singles)),
        reasons=[_reason(one) for one in snapshot.reasons],
        reasons_total=snapshot.reasons_total,
        failures=[_failure(one, places) for one in snapshot.failures],
        failures_total=snapshot.failures_total,
        refused_total=snapshot.refused_total,
        left_out=[_left_out(one) for one in snapshot.left_out],
        left_out_total=snapshot.left_out_total,
        spend=_spend(config, found),
        cache=_cache(config, found),
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
        unmatched=project.unmatched,
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


def _reason(common: CommonReason) -> ReasonStatus:
    return ReasonStatus(
        id=common.number,
        kind=common.reason.kind,
        error=common.reason.error,
        hint=common.reason.hint,
        tasks=common.tasks,
        requests=common.requests,
        smart=common.smart,
        last=common.last,
    )


def _failure(failure: Failed, places: _Places) -> FailureStatus:
    return FailureStatus(
        time=failure.time,
        project=failure.project or None,
        scope=failure.scope.value,
        task=failure.task,
        reason=failure.common,
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


def _spend(config: Config, found: Found) -> SpendStatus:
    days, limit = found.days, per_day(config)
    return SpendStatus(
        today=f"{days[-1].totals.dollars:f}" if days else "0",
        per_day=None if limit is None else f"{limit:f}",
        refused=_refused_today(found),
        unpriced=sum(day.totals.unpriced for day in days),
        days=[_day(one) for one in days],
    )


def _refused_today(found: Found) -> dict[str, int]:
    """Return why requests of today were not sent, of the last ones, and how often."""
    if not found.days:
        return {}
    today = found.days[-1].date
    refused = [one for one in found.last if one.kind is Kind.REFUSED]
    return Counter(one.outcome for one in refused if _date_of(one.time) == today)


def _date_of(seconds: float) -> dt.date:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).astimezone().date()


def _cache(config: Config, found: Found) -> CacheStatus:
    store, days = found.store, [one.totals for one in found.days]
    return CacheStatus(
        enabled=config.cache.enabled,
        replies=store.replies if store else 0,
        megabytes=round(store.bytes / _MEGABYTE, 3) if store else 0.0,
        hits=sum(one.hits for one in days),
        calls=sum(one.calls for one in days),
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
