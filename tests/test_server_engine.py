"""Which tasks are one and the same, and may share their work."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.server.bodies import PredictBody
from label_studio_gemini.server.engine import identity_of

TASK = {"id": 7, "data": {"image": "a.jpg", "title": "t"}, "meta": {}, "annotations": [{"id": 1}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def identity(task: object = TASK, version: str = "v", **body: Any) -> bytes:
    return identity_of(task, PredictBody(**{"tasks": [task], "project": "1.1", **body}), version)


def test_whatever_could_change_the_prediction_makes_another_task() -> None:
    others = [
        identity(),
        identity({**TASK, "id": 8}),
        identity({**TASK, "data": {"image": "b.jpg", "title": "t"}}),
        identity(version="w"),
        identity(project="2.2"),
        identity(params={"context": {"result": []}}),
    ]
    assert len(set(others)) == len(others)


def test_whatever_could_not_makes_none() -> None:
    assert identity({**TASK, "annotations": [], "predictions": [1]}) == identity()
    assert identity({**TASK, "data": {"title": "t", "image": "a.jpg"}}) == identity()
    assert identity(params={"login": None, "context": None}) == identity()


@given(JSON)
def test_any_task_has_one_or_none(value: object) -> None:
    """One without an id is like no other."""
    assert identity(value) == b""
    assert identity({"id": 1, "data": value})


def test_a_task_that_is_nested_too_deeply_is_like_no_other() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert identity({"id": 1, "data": deep}) == b""
