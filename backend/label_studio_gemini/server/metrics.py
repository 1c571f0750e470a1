"""GET /metrics: what Prometheus collects.

All that is counted is read from the files that every process shares, as it is in them: so it is the
same whichever process answers, survives restarts, and never goes down.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from label_studio_gemini import __version__
from label_studio_gemini.activity import LEFT_OUT, OTHERS, PREDICTIONS, SMART_ANSWERS, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from prometheus_client.metrics_core import Metric

    from label_studio_gemini.activity import Counts
    from label_studio_gemini.cache import StoreState
    from label_studio_gemini.cache.ledger_tables import Sums
    from label_studio_gemini.config import Config
    from label_studio_gemini.server.records import Records

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

MOST_PROJECTS = 200
"""The projects with calls that have numbers of their own: the names are whatever was sent."""

_NAME = "label_studio_gemini"


@dataclass(frozen=True, slots=True)
class Measured:
    """What there is to say; None is what cannot be read.

    Attributes:
        ready: Whether this process can predict.
        counts: What was done.
        sums: What was spent.
        today: US dollars that were spent today.
        store: What is remembered of replies.
        usable: Which files this process can use.
    """

    ready: bool
    counts: Counts | None = None
    sums: Sequence[Sums] | None = None
    today: Decimal | None = None
    store: StoreState | None = None
    usable: tuple[tuple[str, bool], ...] = ()


async def measure(records: Records | None, *, ready: bool) -> Measured:
    """Read what there is to say."""
    if records is None:
        return Measured(ready)
    ledger = records.books.ledger
    counts, sums, today, store = await asyncio.gather(
        records.activity.counts(),
        ledger.written(),
        ledger.spent_today(),
        records.store_state(),
    )
    usable = [("activity", records.activity.trouble is None), ("ledger", ledger.trouble is None)]
    if store is not None:
        usable.append(("replies", store.trouble is None))
    return Measured(ready, counts, sums, today, store, tuple(usable))


def render(measured: Measured, config: Config) -> bytes:
    """Return the text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(_families(measured, config)))
    return generate_latest(registry)


class _Once(Collector):
    """What was measured for one answer."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return self._families

    def describe(self) -> Iterable[Metric]:
        """Return nothing: no other collector could have the same names."""
        return ()


def _families(measured: Measured, config: Config) -> Iterator[Metric]:
    about = {"version": __version__, "model": _label(config.model), "api": config.api}
    yield InfoMetricFamily(f"{_NAME}_build", "The backend, and which model it asks.", about)
    yield _gauge("ready", "Whether this process can predict (1) or not (0).", measured.ready)
    if config.budget is not None:
        text = "US dollars that may be spent in a day."
        yield _gauge("budget_dollars", text, config.budget.per_day)
    if measured.today is not None:
        text = "US dollars that were spent today, by the local time of the machine."
        yield _gauge("spent_today_dollars", text, float(measured.today))
    if measured.store is not None:
        yield _gauge("cached_replies", "Replies that are remembered.", measured.store.replies)
        yield _gauge("cached_bytes", "What they take on disk.", measured.store.bytes)
    text = "Whether this process can use a file of the state folder (1) or not (0)."
    usable = GaugeMetricFamily(f"{_NAME}_file_usable", text, labels=["file"])
    for file, is_usable in measured.usable:
        usable.add_metric([file], is_usable)
    yield usable
    if measured.counts is not None:
        yield from _of_counts(measured.counts)
    if measured.sums is not None:
        yield from _of_sums(measured.sums)


def _of_counts(counts: Counts) -> Iterator[Metric]:
    yield _gauge("tasks_in_flight", "Tasks that are not done yet.", counts.tasks_in_flight)
    text = "Tasks and requests that failed and were not put right since."
    yield _gauge("failures", text, counts.failures)
    found: defaultdict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
    for one in counts.counts:
        named = (one.kind,) if one.name == LEFT_OUT else (_label(one.project), one.kind)
        found[one.name].append((named, one.count))
    yield _counter(
        "predictions",
        "Tasks that were done, by what came of them: predicted, empty, unmatched, failed.",
        ("project", "result"),
        _total(found[PREDICTIONS]),
    )
    yield _counter(
        "smart_answers",
        "Requests of smart tools that were done: predicted, empty, unmatched, failed.",
        ("project", "result"),
        _total(found[SMART_ANSWERS]),
    )
    yield _counter(
        "left_out",
        "What was left out of predictions, by kind, such as unmatched labels.",
        ("kind",),
        _total(found[LEFT_OUT]),
    )


def _of_sums(sums: Sequence[Sums]) -> Iterator[Metric]:
    names = _project_labels(sums)
    rows = [(names[one.project], _label(one.model), one) for one in sums]
    yield _counter(
        "calls",
        "Requests to Gemini, by whether it replied: ok, failed.",
        ("project", "model", "outcome"),
        _total(
            ((project, model, outcome), count)
            for project, model, one in rows
            for outcome, count in (("ok", one.calls - one.failed), ("failed", one.failed))
        ),
    )
    yield _counter(
        "cache_hits",
        "Requests that needed no call, since their reply was known.",
        ("project",),
        _total(((project,), one.hits) for project, _, one in rows),
    )
    yield _counter(
        "refused",
        "Requests that were not sent: for the budget, the key, the day's quota.",
        ("project",),
        _total(((project,), one.refused) for project, _, one in rows),
    )
    yield from _of_tokens(sums)
    yield from _of_money(sums)


def _of_tokens(sums: Sequence[Sums]) -> Iterator[Metric]:
    yield _counter(
        "tokens",
        "Tokens that were billed, by kind: input, output, thought.",
        ("model", "kind"),
        _total(
            ((_label(one.model), kind), count)
            for one in sums
            for kind, count in (
                ("input", one.input_tokens),
                ("output", one.output_tokens),
                ("thought", one.thought_tokens),
            )
        ),
    )


def _of_money(sums: Sequence[Sums]) -> Iterator[Metric]:
    yield _counter(
        "dollars",
        "US dollars that calls cost, as far as prices are known.",
        ("model",),
        _total(((_label(one.model),), one.dollars) for one in sums),
    )
    yield _counter(
        "unpriced_calls",
        "Calls whose price is not known.",
        ("model",),
        _total(((_label(one.model),), one.unpriced) for one in sums),
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_NAME}_{name}", text, value)


def _counter(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = CounterMetricFamily(f"{_NAME}_{name}", text, labels=labels)
    for given, value in values.items():
        family.add_metric(given, value)
    return family


def _total(parts: Iterable[tuple[tuple[str, ...], float]]) -> Mapping[tuple[str, ...], float]:
    total: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for labels, value in parts:
        total[labels] += value
    return total


def _project_labels(sums: Iterable[Sums]) -> Mapping[str, str]:
    """Return what each project is called; those that came first keep their names for good."""
    first: dict[str, str] = {}
    for one in sums:
        first[one.project] = min(one.first_day, first.get(one.project, one.first_day))
    order = sorted(first, key=lambda project: (first[project], project))
    return {
        project: _label(project) if rank < MOST_PROJECTS else OTHERS
        for rank, project in enumerate(order)
    }


def _label(text: str) -> str:
    """Return a name that any reader of the format can take."""
    return "".join(
        one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in short_name(text)
    )
