"""Which of many alike are a model's loop, and which are many things."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from label_studio_gemini.detections import Detection
from label_studio_gemini.geometry import GeminiBox, GeminiPoint
from label_studio_gemini.replies.loops import in_circles


def boxed(box: tuple[float, ...], label: str = "chair", image: int | None = None) -> Detection:
    return Detection(label, GeminiBox(*box), image=image)


@dataclass(frozen=True)
class Case:
    """What was detected, and how many of it repeat the first."""

    id: str
    detections: list[Detection]
    repeated: int = 0


KEPT = [
    Case("a stack", [boxed((i, i, i + 50, i + 60), f"car{i}") for i in range(1, 21)]),
    Case("a close stack", [boxed((i, 50, i + 200, 150)) for i in range(20)]),
    Case("a large stack", [boxed((i, i, i + 900, i + 900)) for i in range(20)]),
    Case("a high stack", [boxed((8 * i, 50, 8 * i + 200, 150)) for i in range(60)]),
    Case("a row of seats", [boxed((500, 12 * i, 540, 12 * i + 12)) for i in range(83)]),
    Case("a row in perspective", [boxed((500, 9 * i, 540, 9 * i + 30)) for i in range(100)]),
    Case("rivets", [Detection("rivet", point=GeminiPoint(500, 10 * i)) for i in range(100)]),
    Case("a ruler", [boxed((500, 9 * i, 520, 9 * i + 50), str(i)) for i in range(100)]),
    Case("its units", [boxed((500, 9 * i, 520, 9 * i + 50), f"{i} cm") for i in range(100)]),
    Case("codes in one place", [boxed((1, 2, 3, 4), f"B {i}") for i in range(20)]),
    Case("words in one place", [boxed((1, 2, 30, 40), chr(97 + i)) for i in range(20)]),
    Case("a dozen in one place", [boxed((1, 2, 30, 40), f"cup {i}") for i in range(12)]),
    Case("in many images", [boxed((1, 2, 30, 40), image=i) for i in range(1, 100)]),
]
LOOPS = [
    Case("labels that count", [boxed((1, 2, 30, 40), f"cup {i}") for i in range(13)], 12),
    Case("without a blank", [boxed((1, 2, 30, 40), f"cup{i}") for i in range(40)], 39),
    Case("a tremor", [boxed((1 + i % 3, 2, 300, 400 + i % 2)) for i in range(40)], 39),
    Case("a creep", [boxed((i, 60, i + 5, 80)) for i in range(500)], 499),
    Case("a creep that counts", [boxed((i, 60, i + 5, 80), f"car {i}") for i in range(500)], 499),
    Case("a slow creep", [boxed((i / 10, 60, 400 + i / 10, 80)) for i in range(900)], 899),
    Case("a rounded creep", [boxed((i // 3, 60, 99 + i // 3, 80)) for i in range(900)], 899),
    Case("points", [Detection("nut", point=GeminiPoint(i, 5)) for i in range(100)], 99),
    Case("about one place", [boxed((i * 37 % 20, 60, 300, 400)) for i in range(100)], 99),
    Case(
        "by turns",
        [boxed((i, 90 * kind, i + 50, 90 * kind + 80)) for i in range(80) for kind in range(9)],
        79 * 9,
    ),
]


@pytest.mark.parametrize("case", [*KEPT, *LOOPS], ids=lambda case: case.id)
def test_what_repeats(case: Case) -> None:
    """Of a loop the first is kept, of a scene all."""
    assert len(in_circles(case.detections)) == case.repeated


def test_things_beside_a_loop_are_kept() -> None:
    scene = [boxed((100 * i, 800, 100 * i + 90, 900)) for i in range(9)]
    loop = [boxed((i, 60, i + 50, 80)) for i in range(100)]

    assert in_circles([*scene, *loop]) == frozenset(range(10, 109))
    assert in_circles([*loop, *scene]) == frozenset(range(1, 100))
