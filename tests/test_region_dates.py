"""Dates and times are stored as the editor stores them, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.labels import AnswerKind, AnswerTarget
from label_studio_gemini.recipes import Recipe
from label_studio_gemini.regions.answers import Answered, value_from_answer
from label_studio_gemini.regions.dates import moment_from_iso, stored_from_moment


def answered_by(said: str, **options: Any) -> Answered:
    """Return what becomes of an answer to a `<DateTime>` with these options."""
    target = AnswerTarget("c", AnswerKind.DATETIME, ("img",), **options)
    return value_from_answer(said, Recipe("c", target, ()))


def stored_from_iso(said: str, only: tuple[str, ...], pattern: str | None) -> str | None:
    at = moment_from_iso(said, only)
    return None if at is None else stored_from_moment(at, only, pattern)


@dataclass
class Moment:
    said: str
    stored: str | None
    only: tuple[str, ...] = ()
    pattern: str | None = None


@pytest.mark.parametrize(
    "moment",
    [
        Moment("2026-01-31T10:30", "2026-01-31T10:30"),
        Moment("2026-01-31 10:30:59", "2026-01-31T10:30"),
        Moment("2026-01-31T10:30:00+02:00", "2026-01-31T10:30"),
        Moment("2026-01-31T10:30:00Z", "2026-01-31T10:30"),
        Moment("2026-01-31", "2026-01-31T00:00"),
        Moment("2026-01-31", "2026-01-31T00:00", ("date", "time")),
        Moment(" 2026-01-31 ", "2026-01-31", ("date",)),
        Moment("2026-01-31T10:30", "31.01.2026 00:00", ("date",), "%d.%m.%Y %H:%M"),
        Moment("2026-01", None, ("date",)),
        Moment("2026", None),
        Moment("0999-01-31", None),
        Moment("31/01/2026", None),
        Moment("2026-13-01", None),
        Moment("yesterday", None),
        # The editor keeps months and years as dates, too.
        Moment("2026-03", "2026-03-01", ("month", "year")),
        Moment("2026-03-17", "2026-03-01", ("month", "year")),
        Moment("2026", None, ("month", "year")),
        Moment("2026-03-17", "2026-01-01", ("year",)),
        Moment("2026-03", "2026-01-01", ("year",)),
        Moment("2026", "2026-01-01", ("year",)),
        Moment("2026", "2026", ("year",), "%Y"),
        # Times have no format in the editor.
        Moment("10:30", "10:30", ("time",)),
        Moment("10:30:59", "10:30", ("time",), "%I:%M %p"),
        Moment("2026-01-31T10:30", "10:30", ("time",)),
        Moment("2026-01-31", None, ("time",)),
        Moment("10", None, ("time",)),
        Moment("25:00", None, ("time",)),
        # What d3 makes of a format, padding and US English included.
        Moment(
            "2026-03-05T15:04:09", "Thu, Mar 5 2026 at 3:04 PM", (), "%a, %b %-d %Y at %-I:%M %p"
        ),
        Moment("2026-03-05T15:04:09", "3/5/2026, 3:04:09 PM", (), "%c"),
        Moment("2026-03-05T15:04:09", " 5| 5|05|5|05", (), "%e|%_d|%0e|%-e|%d"),
        Moment("2026-03-05T05:04:09.123456", "100% 1 123 123456", (), "100%% %q %L %f"),
        Moment("2026-03-05T15:04", None, (), "%Y-%m-%dT%H:%M%Z"),
        Moment("2026-03-05T15:04", None, (), "%s"),
        Moment("2026-03-05T15:04", None, (), "%"),
    ],
    ids=str,
)
def test_a_date_is_stored_in_the_tags_format(moment: Moment) -> None:
    assert stored_from_iso(moment.said, moment.only, moment.pattern) == moment.stored


@dataclass
class Bound:
    said: str
    only: tuple[str, ...]
    earliest: str | None = None
    latest: str | None = None
    fault: str | None = None


@pytest.mark.parametrize(
    "bound",
    [
        Bound("2026-01-31T10:30", (), "2026-01-31", "2026-01-31"),
        Bound("2026-01-30T10:30", (), "2026-01-31", fault="out_of_limits"),
        Bound("2026-02-01", ("date",), None, "2026-01-31", fault="out_of_limits"),
        Bound("2026-02-01", ("date",), "2026", "2027"),
        Bound("2026-02-01", ("year",), "2026", "2026"),
        Bound("2027", ("year",), "2020", "2026", fault="out_of_limits"),
        Bound("10:30", ("time",), "10:30", "10:30"),
        Bound("10:29", ("time",), "10:30", fault="out_of_limits"),
        Bound("17:01", ("time",), None, "2026-01-31T17:00", fault="out_of_limits"),
        Bound("00:00", ("time",), "2026-01-31", "2026-01-31"),
    ],
    ids=str,
)
def test_a_date_stays_within_its_limits(bound: Bound) -> None:
    answered = answered_by(
        bound.said, date_only=bound.only, earliest=bound.earliest, latest=bound.latest
    )
    assert answered.fault == bound.fault
    assert (answered.value is None) == (bound.fault is not None)


def test_a_format_that_nothing_can_fill() -> None:
    assert answered_by("2026-01-31", date_format="%s") == Answered(fault="unknown_format")


@given(at=st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - local
def test_the_directives_are_strftimes(at: datetime) -> None:
    """Python's own strftime, in English and where it has the directive, says the same."""
    pattern = "%a %A %b %B %d %f %G %H %I %j %m %M %p %S %u %U %V %w %W %y %Y %%"
    assert stored_from_iso(at.isoformat(), (), pattern) == at.strftime(pattern)


@given(
    at=st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001 - local
    only=st.sampled_from([(), ("date",), ("date", "time")]),
)
def test_what_is_stored_is_iso_unless_the_tag_says_otherwise(
    at: datetime, only: tuple[str, ...]
) -> None:
    stored = stored_from_iso(at.isoformat(), only, None)
    assert stored is not None
    back = datetime.fromisoformat(stored)
    assert back.date() == date(at.year, at.month, at.day)
    assert back.time() == (time() if only == ("date",) else time(at.hour, at.minute))
    assert at - back < timedelta(days=1)
