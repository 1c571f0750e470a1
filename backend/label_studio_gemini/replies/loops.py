"""Which detections a model wrote because it ran in circles: the same again, ever so slightly moved.

An exact repetition is refused where it is read. A loop whose items differ is one of three, and
what makes it one is that no real scene holds so many:

- in one place: more than 12, each within two thousandths of the FIRST, edge by edge (`cup 57`,
  `cup 58` with one box);
- about one place: more than 60, each edge within a tenth of the first box's side;
- on a creep: more than 60 that move by the same step each time (within a thousandth, as numbers
  are rounded), by less than a quarter of the box's side or two thousandths.

So a stack of 20 chairs stays whole, however closely they stand: the last is nowhere near the first,
and they are not 60. A row of 80 seats does: its step is as wide as a seat.

Only what has one label is compared. `cup 57` and `cup 58` have: a number behind a word may be a
count. `57`, `B 12` and `10 cm` have not: there the number is what was read.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from label_studio_gemini.geometry import GeminiBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from label_studio_gemini.detections import Detection

_MOST_IN_PLACE = 12
_MOST_ALIKE = 60
_LOOK_BACK = 16  # how many places a loop may go round
_IN_PLACE = 2  # thousandths
_ABOUT = 0.1  # of a box's side
_CREEP = 0.25  # likewise
_ROUNDING = 1  # thousandths
_COUNT = re.compile(r"(?<=[^\W\d_]{2})[\s_#-]*+\d++\Z")

_Edges = tuple[float, ...]
"""The edges of a box, or the two numbers of a point."""


@dataclass(slots=True, eq=False)
class _Round:
    """Detections that may repeat one another.

    Attributes:
        edges: Where the next one is compared with.
        low: The least that each edge of the next one may be.
        high: The most, likewise.
        members: The indices of all.
        in_place: The indices of those that are just where the first is.
        step: How far the second is from the first, where that matters; () while it is not known.
    """

    edges: _Edges
    low: _Edges
    high: _Edges
    members: list[int] = field(default_factory=list)
    in_place: list[int] = field(default_factory=list)
    step: _Edges = ()


def in_circles(detections: Sequence[Detection]) -> frozenset[int]:
    """Return the indices of the detections that only repeat an earlier one; that one is kept."""
    kinds: defaultdict[object, list[tuple[int, _Edges]]] = defaultdict(list)
    for index, one in enumerate(detections):
        edges = one.box or one.point
        if edges is not None:
            kinds[_COUNT.sub("#", one.label), one.image, len(edges)].append((index, edges))
    return frozenset(
        index
        for kind in kinds.values()
        if len(kind) > _MOST_IN_PLACE
        for index in _repetitions(kind)
    )


def _repetitions(kind: Sequence[tuple[int, _Edges]]) -> Iterator[int]:
    for one in _rounds(kind, _stays, _ABOUT):
        if len(one.in_place) >= _MOST_IN_PLACE:
            yield from one.in_place
        if len(one.members) > _MOST_ALIKE:
            yield from one.members[1:]
    for one in _rounds(kind, _creeps, _CREEP) if len(kind) > _MOST_ALIKE else ():
        if len(one.members) > _MOST_ALIKE:
            yield from one.members[1:]


def _rounds(
    kind: Sequence[tuple[int, _Edges]], takes: Callable[[_Round, int, _Edges], bool], share: float
) -> list[_Round]:
    """Put each detection into the latest round that takes it, or let it begin one."""
    rounds: list[_Round] = []
    recent: deque[_Round] = deque(maxlen=_LOOK_BACK)
    for index, edges in kind:
        first, second = edges[:2]
        for one in reversed(recent):
            low, high = one.low, one.high
            # Most are told apart by two edges, and this is where the time goes.
            near = low[0] <= first <= high[0] and low[1] <= second <= high[1]
            if near and takes(one, index, edges):
                recent.remove(one)
                break
        else:
            one = _Round(edges, *_limits(edges, share))
            rounds.append(one)
        one.members.append(index)
        recent.append(one)
    return rounds


def _stays(one: _Round, index: int, edges: _Edges) -> bool:
    """Say whether `edges` are about where the first are, and note if they are just there."""
    if not _within(one, edges):
        return False
    if all(abs(a - b) <= _IN_PLACE for a, b in zip(one.edges, edges, strict=True)):
        one.in_place.append(index)
    return True


def _creeps(one: _Round, _: int, edges: _Edges) -> bool:
    """Say whether `edges` are one step from the last, which are these then."""
    if not _within(one, edges):
        return False
    step = tuple(b - a for a, b in zip(one.edges, edges, strict=True))
    if one.step and any(abs(a - b) > _ROUNDING for a, b in zip(one.step, step, strict=True)):
        return False
    one.step = one.step or step
    one.edges = edges
    one.low, one.high = _limits(edges, _CREEP)
    return True


def _within(one: _Round, edges: _Edges) -> bool:
    return all(
        low <= edge <= high for low, edge, high in zip(one.low, edges, one.high, strict=True)
    )


def _limits(edges: _Edges, share: float) -> tuple[_Edges, _Edges]:
    """Return between what others may be: a share of the box's side off, of a point nothing."""
    off = [float(_IN_PLACE)] * len(edges)
    if len(edges) == len(GeminiBox._fields):
        top, left, bottom, right = edges
        off = [max(share * side, _IN_PLACE) for side in (bottom - top, right - left)] * 2
    return (
        tuple(edge - most for edge, most in zip(edges, off, strict=True)),
        tuple(edge + most for edge, most in zip(edges, off, strict=True)),
    )
