"""What can be made to go wrong, and for which requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from label_studio_gemini.emulator.api import GENERATION, Api
from label_studio_gemini.emulator.items import BoxDialect
from label_studio_gemini.emulator.masks import MaskDialect
from label_studio_gemini.emulator.recorder import RecordedRequest
from label_studio_gemini.emulator.refusals import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence


class Stop(StrEnum):
    """Why the model stopped before it had answered."""

    PROMPT_BLOCKED = "prompt_blocked"
    SAFETY = "safety"
    SAFETY_WITH_TEXT = "safety_with_text"
    RECITATION = "recitation"
    OUT_OF_TOKENS = "out_of_tokens"
    """The thoughts ate the budget: there is no text at all."""
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    """The token limit was reached in the text; what was written by then is there."""


class Wrapping(StrEnum):
    """What stands around the JSON of an answer."""

    BARE = "bare"
    FENCED = "fenced"
    FENCED_PLAIN = "fenced_plain"
    FENCED_FOUR = "fenced_four"
    PROSE = "prose"
    PROSE_BARE = "prose_bare"


class Container(StrEnum):
    """What holds the items of an answer."""

    LIST = "list"
    BOXES = "boxes"
    SINGLE = "single"


class Breakage(StrEnum):
    """What becomes of the connection."""

    RESET = "reset"
    HANG = "hang"
    DRIP = "drip"
    """The answer begins, and a little of it comes now and then, for ever."""
    CUT_BODY = "cut_body"
    NOT_JSON = "not_json"
    GARBAGE = "garbage"
    """Bytes that are not even text."""


GARBAGE_TEXT = '\x00\ufffd}{]][ "box_2d": [[[,,, NaN \\u12 <seg> ``` ]]}} \U0001f9e8' * 8
"""Something that no reader can make sense of; for `Fault(text=GARBAGE_TEXT)`."""


class Fault(BaseModel):
    """One thing that goes wrong, and for which requests.

    Of the faults with a number of times, a request uses up one: the first scripted that fits it.
    Those without (`times=None`) hold for every request that fits until they are cleared. What both
    say is combined; where they disagree, the one that was used up is right.

    Attributes:
        problem: The service refuses, in its own words.
        retry_seconds: The delay that a refusal asks for.
        delay: Seconds that the answer takes.
        stop: The model stops.
        cut_characters: The text ends after so many characters, out of tokens.
        cut_items: The text ends in the middle of the item after so many whole ones.
        text: The model writes this, whatever it was asked.
        boxes: How boxes are written.
        masks: How masks are written, where masks are asked for; in every list.
        drop_masks: So many items at the start of each list have an empty text for a mask.
        wrapping: What stands around the JSON.
        container: What holds the items of the first list; other lists and answers are left out.
        breakage: What becomes of the connection.
        times: For how many requests; None for all.
        images: For requests that show one of these photos of the key, by file name; empty for all.
        on: At which endpoints.
        where: For which requests, beyond that (not by HTTP).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    problem: Problem | None = None
    retry_seconds: Annotated[float, Field(ge=0)] | None = None
    delay: Annotated[float, Field(ge=0)] | None = None
    stop: Stop | None = None
    cut_characters: Annotated[int, Field(ge=0)] | None = None
    cut_items: Annotated[int, Field(ge=0)] | None = None
    text: str | None = None
    boxes: BoxDialect | None = None
    masks: MaskDialect | None = None
    drop_masks: Annotated[int, Field(ge=0)] | None = None
    wrapping: Wrapping | None = None
    container: Container | None = None
    breakage: Breakage | None = None
    times: Annotated[int, Field(ge=1)] | None = 1
    images: frozenset[str] = frozenset()
    on: frozenset[Api] = GENERATION
    where: Callable[[RecordedRequest], bool] | None = Field(default=None, exclude=True)

    def fits(self, request: RecordedRequest) -> bool:
        """Return whether this goes wrong at `request`."""
        return (
            request.api in self.on
            and (not self.images or bool(self.images.intersection(request.photos)))
            and (self.where is None or self.where(request))
        )


NO_FAULT = Fault()
_EFFECTS = tuple(
    name for name in Fault.model_fields if name not in {"times", "images", "on", "where"}
)


class FaultBoard:
    """The faults that are scripted; several requests may ask at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: list[tuple[int, Fault]] = []
        self._standing: list[Fault] = []

    def script(self, faults: Sequence[Fault]) -> None:
        """Add faults, after those that are there."""
        with self._lock:
            for fault in faults:
                if fault.times is None:
                    self._standing.append(fault)
                else:
                    self._counted.append((fault.times, fault))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._counted.clear()
            self._standing.clear()

    def take(self, request: RecordedRequest) -> Fault:
        """Return what goes wrong at `request`, and use it up."""
        with self._lock:
            layers = [self._next(request), *(f for f in self._standing if f.fits(request))]
        effects = {
            name: value
            for layer in reversed(layers)
            for name in _EFFECTS
            if (value := getattr(layer, name)) is not None
        }
        return NO_FAULT.model_copy(update=effects)

    def _next(self, request: RecordedRequest) -> Fault:
        for place, (left, fault) in enumerate(self._counted):
            if fault.fits(request):
                if left == 1:
                    del self._counted[place]
                else:
                    self._counted[place] = (left - 1, fault)
                return fault
        return NO_FAULT
