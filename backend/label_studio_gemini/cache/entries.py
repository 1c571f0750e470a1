"""What the ledger says of a call, and of many."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from label_studio_gemini.gemini.types import Usage

if TYPE_CHECKING:
    import datetime as dt

    from label_studio_gemini.gemini.types import Origin, ServiceTier

FREE = Decimal(0)
OK = "ok"
_NO_USAGE = Usage()


class Kind(StrEnum):
    """What became of a request."""

    CALL = "call"
    """Gemini was asked: each attempt is one, so one request may be several."""
    HIT = "hit"
    """No call was needed: what comes of it was known, or another's call showed it."""
    REFUSED = "refused"
    """No call was made: the budget did not allow it, or it was known to be refused (the key)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    Attributes:
        time: When it ended, in seconds since 1970.
        origin: Whose it was.
        model: The model's name.
        tier: How soon, and for how much; None for the standard.
        kind: What became of it.
        outcome: `ok`, or the name of the error.
        seconds: How long it took.
        usage: The tokens that it was billed for.
        dollars: What they cost, in US dollars; None where the price is not known.
    """

    time: float
    origin: Origin | None
    model: str
    tier: ServiceTier | None
    kind: Kind
    outcome: str
    seconds: float
    usage: Usage = _NO_USAGE
    dollars: Decimal | None = FREE


@dataclass(frozen=True, slots=True)
class Totals:
    """Many requests.

    Attributes:
        calls: Gemini was asked so often, further attempts included.
        failed: So many of the calls gave no reply; the next attempt may have.
        hits: So many more requests were answered without.
        refused: So many were refused without a call: for the budget, the key, the day's quota.
        usage: The tokens that were billed.
        dollars: What they cost, in US dollars, as far as prices are known.
        unpriced: So many calls had tokens whose price is not known.
    """

    calls: int = 0
    failed: int = 0
    hits: int = 0
    refused: int = 0
    usage: Usage = _NO_USAGE
    dollars: Decimal = FREE
    unpriced: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            calls=self.calls + other.calls,
            failed=self.failed + other.failed,
            hits=self.hits + other.hits,
            refused=self.refused + other.refused,
            usage=self.usage + other.usage,
            dollars=self.dollars + other.dollars,
            unpriced=self.unpriced + other.unpriced,
        )


NO_TOTALS = Totals()


@dataclass(frozen=True, slots=True)
class Day:
    """The totals of one day, by the local time of the machine."""

    date: dt.date
    totals: Totals


@dataclass(frozen=True, slots=True)
class Project:
    """The totals of one project; its name is None for what belongs to none."""

    name: str | None
    totals: Totals


def totals_of(entry: Entry) -> Totals:
    """Return one request as a total."""
    is_call = entry.kind is Kind.CALL
    return Totals(
        calls=int(is_call),
        failed=int(is_call and entry.outcome != OK),
        hits=int(entry.kind is Kind.HIT),
        refused=int(entry.kind is Kind.REFUSED),
        usage=entry.usage,
        dollars=entry.dollars or FREE,
        unpriced=int(entry.dollars is None),
    )
