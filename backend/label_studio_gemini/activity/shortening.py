"""Events from outside -> events that can be written, and held in memory in great numbers."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.activity.types import Accepted, Batch, Deleted, Done, Reason, Refused
from label_studio_gemini.cache.rows import whole_number
from label_studio_gemini.cache.texts import LONGEST_NAME, short_name, short_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.activity.types import Event

_MOST_LEFT_OUT = 100  # different things of one prediction; the most frequent stay
_HIGHEST_COUNT = 10**9  # whose sums SQLite can hold
_MOST_UNFILLED = 50


def shortened(event: Event) -> Event:
    """Return an event whose texts and numbers SQLite can hold, and that is small."""
    project = short_name(event.project)
    match event:
        case Accepted():
            return replace(
                event,
                project=project,
                model_version=short_text(event.model_version, LONGEST_NAME),
                unfilled=tuple(short_text(one) for one in event.unfilled[:_MOST_UNFILLED]),
                url=None if event.url is None else short_text(event.url),
            )
        case Refused():
            return replace(event, project=project, reason=_short_reason(event.reason))
        case Done():
            return replace(
                event,
                project=project,
                task=None if event.task is None else whole_number(event.task),
                reason=None if event.reason is None else _short_reason(event.reason),
                left_out={kind: _most(found) for kind, found in event.left_out.items() if found},
            )
        case Deleted():
            return replace(event, project=project, tasks=tuple(map(whole_number, event.tasks)))
        case Batch():
            return replace(event, project=project, request=short_text(event.request, LONGEST_NAME))


def size_of(event: Event) -> int:
    """Return about how many bytes a shortened event takes."""
    size = 500 + 4 * len(event.project)
    match event:
        case Accepted():
            size += 4 * sum(map(len, event.unfilled))
        case Refused(reason=reason) | Done(reason=Reason() as reason):
            size += 4 * (len(reason.error) + len(reason.hint))
        case Deleted():
            size += 40 * len(event.tasks)
        case Done():
            size += sum(100 + 4 * len(what) for found in event.left_out.values() for what in found)
    return size


def _short_reason(reason: Reason) -> Reason:
    return Reason(reason.kind, short_text(reason.error), short_text(reason.hint))


def _most(found: Mapping[str, int]) -> Mapping[str, int]:
    many = heapq.nlargest(_MOST_LEFT_OUT, found.items(), key=lambda one: one[1])
    counts: dict[str, int] = {}
    for what, count in many:
        short = short_text(what, LONGEST_NAME)
        counts[short] = counts.get(short, 0) + min(count, _HIGHEST_COUNT)
    return counts
