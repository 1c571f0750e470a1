"""What stands in braces in a prompt of the user's: the labels, and fields of the task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = re.compile(r"\{labels\}|\{\{\s*task\.data\.([\w.-]+)\s*\}\}")
_LONGEST_FIELD = 20_000  # characters; a prompt of a megabyte is a mistake, and costs


def filled(prompt: str, names: str, data: Mapping[str, object] | None) -> str:
    """Return a prompt with `{labels}` and `{{ task.data.title }}` replaced.

    Nothing else in braces means anything, and nothing is ever run; what is put in is not looked
    into again.

    Args:
        prompt: The user's words.
        names: What `{labels}` stands for.
        data: The data of the task; None leaves its fields as they stand.

    Raises:
        TaskError: The task lacks a field that the prompt names, or has a book in it.
    """

    def value_of(match: re.Match[str]) -> str:
        if match[1] is None:
            return names
        return match[0] if data is None else _field(match[1], data)

    return _PLACE.sub(value_of, prompt)


def _field(way: str, data: Mapping[str, object]) -> str:
    value: object = data
    for step in way.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, str | int | float):
        raise TaskError(
            f"The prompt names `task.data.{way}`, and the task has no text or number there.",
            hint=f"the task's data has {sorted(data)}; give it that field, or change the prompt.",
        )
    text = str(value)
    if len(text) > _LONGEST_FIELD:
        raise TaskError(
            f"`task.data.{way}`, which the prompt names, has {len(text):,} characters.",
            hint=f"a prompt takes fields of at most {_LONGEST_FIELD:,}: it is paid by its length.",
        )
    return text
