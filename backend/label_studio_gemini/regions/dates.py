"""Dates and times as Gemini says them (ISO) → as a `<DateTime>` tag stores them. Pure.

A tag's `format` is read by the editor with d3, whose directives are nearly those of strftime, in US
English. They are spelled out here: Python's own differ by platform and by locale.
Source: https://d3js.org/d3-time-format#locale_format, https://labelstud.io/tags/datetime
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from label_studio_gemini.labels import AnswerTarget

_FULL = "%Y-%m-%dT%H:%M"
_DATE = "%Y-%m-%d"
_TIME = "%H:%M"
_FIRST_YEAR = 1000  # the editor takes years of four digits
_ANY_DAY = date(2000, 1, 1)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SHORT = 3  # letters of a day's or a month's short name

_TIME_ALONE = ("time",)
_CLOCK = re.compile(r"\d\d:\d\d", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_DIRECTIVE = re.compile(r"%([-_0]?)(.?)", re.DOTALL)
_WORDS: Mapping[str, Callable[[datetime], str]] = {
    "a": lambda at: _DAYS[at.weekday()][:_SHORT],
    "A": lambda at: _DAYS[at.weekday()],
    "b": lambda at: _MONTHS[at.month - 1][:_SHORT],
    "B": lambda at: _MONTHS[at.month - 1],
    "p": lambda at: "AM" if at.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "q": lambda at: str((at.month + 2) // 3),
    "u": lambda at: str(at.isoweekday()),
    "w": lambda at: str(at.isoweekday() % 7),
    "c": lambda at: f"{_formatted(at, '%x')}, {_formatted(at, '%X')}",
    "x": lambda at: _formatted(at, "%-m/%-d/%Y"),
    "X": lambda at: _formatted(at, "%-I:%M:%S %p"),
    "%": lambda _: "%",
}
# The number, and its digits.
_NUMBERS: Mapping[str, tuple[Callable[[datetime], int], int]] = {
    "d": (lambda at: at.day, 2),
    "e": (lambda at: at.day, 2),
    "f": (lambda at: at.microsecond, 6),
    "g": (lambda at: at.isocalendar().year % 100, 2),
    "G": (lambda at: at.isocalendar().year, 4),
    "H": (lambda at: at.hour, 2),
    "I": (lambda at: at.hour % 12 or 12, 2),
    "j": (lambda at: at.timetuple().tm_yday, 3),
    "L": (lambda at: at.microsecond // 1000, 3),
    "m": (lambda at: at.month, 2),
    "M": (lambda at: at.minute, 2),
    "S": (lambda at: at.second, 2),
    "U": (lambda at: (at.timetuple().tm_yday + 6 - at.isoweekday() % 7) // 7, 2),
    "V": (lambda at: at.isocalendar().week, 2),
    "W": (lambda at: (at.timetuple().tm_yday + 6 - at.weekday()) // 7, 2),
    "y": (lambda at: at.year % 100, 2),
    "Y": (lambda at: at.year, 4),
}
_FILLS = {"": "0", "0": "0", "_": " "}


def moment_from_iso(said: str, only: tuple[str, ...]) -> datetime | None:
    """Read an ISO date, time or both as far as a tag takes it.

    Missing parts are filled as the editor fills them: midnight where a date alone was said, or the
    tag shows no time; the first of the month and January where it does not show those. An offset
    from UTC is left off: what is stored is what a clock there shows.

    Args:
        said: `2026-01-31T10:30`, `2026-01-31`, `10:30` where the tag is for times alone, `2026-01`
            or `2026` where it is for months or years.
        only: The parts that the tag takes: `date`, `time`, `month`, `year`; none for date and time.

    Returns:
        The moment, on any day where the tag is for times alone; None where `said` is none.
    """
    if only == _TIME_ALONE:
        return _time_of(said)
    found = _date_of(said, only)
    if found is None or found.year < _FIRST_YEAR:
        return None
    if not _shows_time(only):
        found = datetime.combine(found, time.min)
    if only and "date" not in only:
        found = found.replace(day=1, month=found.month if "month" in only else 1)
    return found


def stored_from_moment(at: datetime, only: tuple[str, ...], pattern: str | None) -> str | None:
    """Convert a moment into the text that a tag stores.

    Args:
        at: The moment.
        only: The parts that the tag takes, as of `moment_from_iso`.
        pattern: The tag's format, None for ISO. Of a tag for times alone it counts for nothing.

    Returns:
        The text, or None where the format has what depends on the time zone of who looks (`%Z`,
        `%s`, `%Q`) or is not known to d3.
    """
    if only == _TIME_ALONE:
        return _formatted(at, _TIME)
    try:
        return _formatted(at, pattern or (_FULL if _shows_time(only) else _DATE))
    except KeyError:
        return None


def is_in_time(at: datetime, target: AnswerTarget) -> bool:
    """Say whether a moment is within a tag's `min` and `max`; the editor compares texts, too."""
    earliest, latest = target.earliest or "", target.latest
    if target.date_only == _TIME_ALONE:
        text = _formatted(at, _TIME)
        earliest, latest = _clock(earliest) or "", _clock(latest or "")
    else:
        text = _formatted(at, "%Y" if "year" in target.date_only else _DATE)
    return earliest <= text and (not latest or text <= latest)


def _shows_time(only: tuple[str, ...]) -> bool:
    return not only or "time" in only


def _clock(bound: str) -> str | None:
    match = _CLOCK.search(bound)
    return match and match[0]


def _time_of(said: str) -> datetime | None:
    if ":" not in said:  # ISO 8601 has 10 for ten o'clock, too
        return None
    try:
        return datetime.combine(_ANY_DAY, time.fromisoformat(said.strip()))
    except ValueError:
        return _parsed(said)


def _date_of(said: str, only: tuple[str, ...]) -> datetime | None:
    text = said.strip()
    if only and "date" not in only and _MONTH.fullmatch(text):
        text += "-01"
    elif "year" in only and not {"date", "month"} & set(only) and _YEAR.fullmatch(text):
        text += "-01-01"
    return _parsed(text)


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _formatted(at: datetime, pattern: str) -> str:
    """Format as d3 does.

    Raises:
        KeyError: A directive that is not known here.
    """

    def filled(match: re.Match[str]) -> str:
        pad, letter = match[1], match[2]
        if letter in _WORDS:
            return _WORDS[letter](at)
        number_of, digits = _NUMBERS[letter]
        text = str(number_of(at))
        if pad == "-":
            return text
        fill = " " if letter == "e" and not pad else _FILLS[pad]
        return text.rjust(digits, fill)

    return _DIRECTIVE.sub(filled, pattern)
