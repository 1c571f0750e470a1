"""What each API may answer, and what is to come of it: the adapters' tests have tables of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.errors import GeminiError
from label_studio_gemini.gemini.refusals import Call

if TYPE_CHECKING:
    from collections.abc import Callable

CALL = Call(model="gemini-9", timeout=30, secret="AIzaSyA-secret")


@dataclass(frozen=True)
class Text:
    """An answer that has a text."""

    name: str
    body: str
    expected: str
    truncated: bool = False


@dataclass(frozen=True)
class Stop:
    """An answer that has none, and what is said of it."""

    name: str
    body: str
    expected: type[GeminiError]
    said: str = ""
    hint: str = ""


def stopped(case: Stop, read: Callable[[str, Call], object]) -> GeminiError:
    """Read an answer without text, and return its error, which says why."""
    with pytest.raises(GeminiError) as caught:
        read(case.body, CALL)
    assert type(caught.value) is case.expected
    assert case.said in caught.value.message
    assert case.hint in caught.value.hint
    return caught.value
