"""One question to the model, whichever API carried it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from label_studio_gemini.emulator.schema import Shape

_ANNOUNCEMENT = re.compile(r"Image (\d{1,4}):", re.ASCII)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a request: its bytes, or the address that stands for them.

    Attributes:
        where: Its place in the request, for the text of a refusal.
        data: The bytes, where they came inline.
        uri: The address, where they did not.
        mime_type: The type that the request states.
        resolution: One of `low`, `medium`, `high`, `ultra_high`, where one is asked for.
        number: What the text right before it calls it ("Image 2:"), where that is said.
    """

    where: str
    data: bytes | None = field(default=None, repr=False)
    uri: str | None = None
    mime_type: str | None = None
    resolution: str | None = None
    number: int | None = None


def number_from_text(text: str | None) -> int | None:
    """Return the number of the picture that a text announces, or None if it announces none."""
    said = _ANNOUNCEMENT.fullmatch((text or "").strip())
    return int(said[1]) if said else None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    Attributes:
        model: The model's name, without `models/`.
        prompt: All text of the request, the system instruction first.
        question: The text of the last turn and the system instruction, without examples.
        pictures: The pictures of the last turn, which the answer is about.
        earlier: The pictures of the turns before it, such as examples.
        shape: What the answer has to be; None where no schema was sent.
        json_only: Whether the answer has to be JSON and nothing else.
        thinking_level: In small letters, where one is asked for.
        thinking_budget: In tokens, where one is given.
        show_thoughts: Whether a summary of the thoughts is wanted.
        most_tokens: The greatest number of tokens to write.
        code_execution: Whether the model may run code to look more closely.
        safety: Harm category and threshold, in small letters: `civic_integrity`, `off`.
        store: Whether the interaction is kept.
    """

    model: str
    prompt: str
    question: str
    pictures: tuple[Picture, ...] = ()
    earlier: tuple[Picture, ...] = ()
    shape: Shape | None = None
    json_only: bool = False
    thinking_level: str | None = None
    thinking_budget: int | None = None
    show_thoughts: bool = False
    most_tokens: int | None = None
    code_execution: bool = False
    safety: tuple[tuple[str, str], ...] = ()
    store: bool = False
