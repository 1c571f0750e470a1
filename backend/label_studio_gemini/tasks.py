"""A task as Label Studio sends it, as far as it matters here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Task:
    """One task: its id in Label Studio (None outside it), and its data, by key."""

    data: Mapping[str, object] = field(repr=False)
    id: int | None = None

    @property
    def name(self) -> str:
        """How logs call it."""
        return "a task without id" if self.id is None else f"task {self.id}"


def read_task(value: object) -> Task:
    """Read one task of a request or a file: `{"id": 7, "data": {"image": "…"}, …}`.

    Raises:
        TaskError: It is no object, or has no `data` object.
    """
    if not isinstance(value, dict):
        raise TaskError(
            f"A task is {type(value).__name__}, not an object.",
            hint='a task looks like {"id": 7, "data": {"image": "/data/upload/1/a.jpg"}}.',
        )
    data = value.get("data")
    if not isinstance(data, dict):
        raise TaskError(
            "A task has no `data` object.",
            hint='a task looks like {"id": 7, "data": {"image": "/data/upload/1/a.jpg"}}.',
        )
    number = value.get("id")
    known = isinstance(number, int) and not isinstance(number, bool)
    return Task(data={str(key): item for key, item in data.items()}, id=number if known else None)
