"""Which detections a model wrote because it ran in circles: the same again, ever so slightly moved.

An exact repetition is refused where it is read. A loop whose items differ (boxes that drift by a
thousandth, `cup 57`, `cup 58` at one place) is known by its length: real objects are not a dozen
times in one place.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.detections import Detection

_MOST_ALIKE = 12
"""So many in one place may be real."""
_LOOK_BACK = 16  # how many kinds of item a loop may go round
_SLIGHTLY = 0.1  # how far an edge moves from one round to the next, beside the box's side
_NEAR = 1  # likewise a point, in thousandths
_DIGITS = re.compile(r"\d+")


def in_circles(detections: Sequence[Detection]) -> frozenset[int]:
    """Return the indices of the detections that only repeat an earlier one; that one is kept."""
    recent: defaultdict[object, deque[int]] = defaultdict(lambda: deque(maxlen=_LOOK_BACK))
    rounds: dict[int, list[int]] = {}
    for index, detection in enumerate(detections):
        earlier = recent[_DIGITS.sub("#", detection.label), detection.image]
        alike = next((i for i in reversed(earlier) if _alike(detections[i], detection)), None)
        rounds[index] = [] if alike is None else rounds[alike]
        rounds[index].append(index)
        if alike is not None:
            earlier.remove(alike)
        earlier.append(index)
    loops = {id(one): one[1:] for one in rounds.values() if len(one) > _MOST_ALIKE}
    return frozenset(chain.from_iterable(loops.values()))


def _alike(a: Detection, b: Detection) -> bool:
    if a.box is None or b.box is None:
        near = (
            a.point and b.point and max(abs(p - q) for p, q in zip(a.point, b.point, strict=True))
        )
        return a.box is b.box and near is not None and near <= _NEAR
    top, left, bottom, right = a.box
    tall, wide = _SLIGHTLY * (bottom - top), _SLIGHTLY * (right - left)
    other = b.box
    return (
        abs(top - other.ymin) <= tall
        and abs(left - other.xmin) <= wide
        and abs(bottom - other.ymax) <= tall
        and abs(right - other.xmax) <= wide
    )
