"""One answer of the model, whichever API carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from label_studio_gemini.emulator.answers import Draft
    from label_studio_gemini.emulator.ask import Ask

THOUGHTS = "Looking for the objects that were asked for."


class Spent(NamedTuple):
    """The tokens of one exchange: those of the text and the pictures sent, and of the answer."""

    text: int
    pictures: int
    output: int
    thoughts: int

    @property
    def input(self) -> int:
        """Return the tokens that were sent."""
        return self.text + self.pictures

    @property
    def total(self) -> int:
        """Return all tokens."""
        return self.input + self.output + self.thoughts


class Reply(NamedTuple):
    """A question, what the model wrote, and what it cost."""

    ask: Ask
    draft: Draft
    spent: Spent
    identity: str
