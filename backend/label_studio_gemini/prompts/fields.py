"""What stands in braces in a prompt of the user's: the labels, and fields of the task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABELS = "{labels}"
_FIELD = re.compile(r"\{\{\s*task\.data\.([\w.-]+)\s*\}\}")


def filled(prompt: str, names: str, data: Mapping[str, object] | None) -> str:
    """Return a prompt with `{labels}` and `{{ task.data.title }}` replaced.

    Nothing else in braces means anything, and nothing is ever run; what is put in is not looked
    into again.

    Args:
        prompt: The user's words.
        names: What `{labels}` stands for.
        data: The data of the task; None leaves its fields as they stand.

    Raises:
        TaskError: The task lacks a field that the prompt names.
    """
    prompt = prompt.replace(_LABELS, names)
    if data is None:
        return prompt

    def value_of(match: re.Match[str]) -> str:
        value: object = data
        for step in match[1].split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str | int | float):
            return str(value)
        raise TaskError(
            f"The prompt names `task.data.{match[1]}`, and the task has no text or number there.",
            hint=f"the task's data has {sorted(data)}; give it that field, or change the prompt.",
        )

    return _FIELD.sub(value_of, prompt)
