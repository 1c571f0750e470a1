"""One answer of the model, whichever API carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from label_studio_gemini.emulator.answers import Draft
    from label_studio_gemini.emulator.ask import Ask

THOUGHTS = "Looking for the objects that were asked for."

# What a model that may run code writes before its answer: a first guess that is none, then code.
WORK_TEXT = 'At first sight: [{"box_2d": [0, 0, 1, 1], "label": "guess"}]. I zoom in to be sure.'
WORK_CODE = 'from PIL import Image\nprint(Image.open("input_file_0").size)\n'
WORK_OUTPUT = "(640, 480)\n"


class Spent(NamedTuple):
    """The tokens of one exchange: those of the text and the pictures sent, and of the answer.

    What tools returned to the model is counted apart.
    """

    text: int
    pictures: int
    output: int
    thoughts: int
    tools: int

    @property
    def input(self) -> int:
        """Return the tokens that were sent."""
        return self.text + self.pictures

    @property
    def total(self) -> int:
        """Return all tokens."""
        return self.input + self.output + self.thoughts + self.tools


class Reply(NamedTuple):
    """A question, what the model wrote, and what it cost."""

    ask: Ask
    draft: Draft
    spent: Spent
    identity: str
