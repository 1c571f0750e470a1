"""Every object that stands whole in a reply is recovered, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.replies import read_reply
from replies_cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.detections import Reading
    from replies_cases import ReplyCase, Thing


def things(reading: Reading) -> tuple[Thing, ...]:
    return tuple((found.label, found.box or found.point or ()) for found in reading.detections)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_reads_what_stands_whole_in_it(case: ReplyCase) -> None:
    """All objects with the masks that can be used, none that was never there."""
    reading = read_reply(case.text)

    assert things(reading) == case.things
    assert sum(found.mask is not None for found in reading.detections) == case.masks
    assert reading.masks_unreadable == case.unreadable
    assert reading.truncated == case.truncated


def test_nothing_that_can_be_recovered_is_lost(measured: Callable[[str], None]) -> None:
    """The count of recovered objects over recoverable ones, in the like of public replies."""
    recovered = sum(len(set(things(read_reply(case.text))) & set(case.things)) for case in CASES)
    recoverable = sum(len(case.things) for case in CASES)

    measured(f"replies: recovered {recovered} of {recoverable} objects over {len(CASES)} texts")
    assert recovered == recoverable
    assert len(CASES) >= 60
