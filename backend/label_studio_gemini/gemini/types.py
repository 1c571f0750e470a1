"""What goes to Gemini and what comes back, whichever of its two APIs carries it.

A request is built once, in these words, and each adapter spells it in its API's own way. Wrappers
(retry, limits, uploads, what a model refuses) take a request, may change it, and pass it on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from label_studio_gemini.gemini.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from label_studio_gemini.errors import Bill, GeminiError


class MediaResolution(StrEnum):
    """How many tokens an image may become: 280, 560, 1120 or 2240 with Gemini 3."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    ULTRA_HIGH = "ultra_high"


class ServiceTier(StrEnum):
    """How soon, and for how much: flex is half the price, and takes 1 to 15 minutes."""

    STANDARD = "standard"
    FLEX = "flex"
    PRIORITY = "priority"


class ThinkingLevel(StrEnum):
    """How long a model of Gemini 3 or later may think."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class LeastThinking:
    """As little thinking as the model allows; which that is, is learnt from what it refuses."""


Thinking: TypeAlias = ThinkingLevel | int | LeastThinking
"""A level, a budget in tokens (0 is off), or the least. No adapter is sent `LeastThinking`."""


@dataclass(frozen=True, slots=True)
class InlineImage:
    """An upright image that travels inside the request: its bytes as they are, and their type.

    Attributes:
        data: The file.
        mime_type: What it is.
        digest: sha256 of `data`, hexadecimal: what uploads and replies are remembered by.
        resolution: How closely it is looked at, if that differs from the request's.
        address: A public http(s) address of the very same bytes, where there is one.
    """

    data: bytes = field(repr=False)
    mime_type: str
    digest: str = ""
    resolution: MediaResolution | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class UriImage:
    """An image that the API fetches itself: an uploaded file, or a public http(s) address.

    Attributes:
        uri: Where.
        mime_type: What it is.
        resolution: How closely it is looked at, if that differs from the request's.
    """

    uri: str
    mime_type: str
    resolution: MediaResolution | None = None


RequestImage: TypeAlias = InlineImage | UriImage


@dataclass(frozen=True, slots=True)
class Example:
    """A question that was answered rightly before: it goes ahead of the real one.

    Attributes:
        prompt: The question.
        images: Its images.
        answer: The text that was the right answer.
    """

    prompt: str
    images: tuple[RequestImage, ...]
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a request is answered; what is None is not sent, and is then the API's choice.

    Attributes:
        system: The system instruction.
        temperature: 0 to 2.
        top_p: 0 to 1.
        seed: For answers that can be repeated, as far as the model can.
        max_output_tokens: The most tokens of an answer, thoughts included.
        thinking: How long the model may think.
        resolution: How closely images are looked at.
        tier: How soon, and for how much.
        safety: Harm category -> threshold, in the words of Interactions: `harassment`,
            `hate_speech`, `sexually_explicit`, `dangerous_content`, `civic_integrity` ->
            `block_none`, `block_only_high`, `block_medium_and_above`, `block_low_and_above`,
            `off`.
        code_execution: Whether the model may crop and look again by running code ("agentic
            vision").
    """

    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_output_tokens: int | None = None
    thinking: Thinking | None = None
    resolution: MediaResolution | None = None
    tier: ServiceTier | None = None
    safety: tuple[tuple[str, str], ...] = ()
    code_execution: bool = False


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose request it is: for the ledger and the logs; it is never sent.

    Attributes:
        project: The project of Label Studio, as Label Studio names it.
        task: The task's id.
    """

    project: str | None
    task: int | None


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    """One question about some images.

    Attributes:
        model: Any model name; the API is the authority on which exist.
        prompt: The instruction, in words.
        images: The images, in order; where there are several, each is announced as `Image N:`.
        schema: The JSON Schema that the answer has to follow, or None for free text.
        options: How it is answered.
        examples: Questions with their answers, to learn from.
        urgency: Who goes first where requests wait.
        origin: Whose request it is, where that is known; it makes no difference to the answer.
        fresh: Whether it is to be answered anew, since what is remembered was of no use.
        on_attempt: Told of each attempt that was sent; see `ReportingGemini`.
    """

    model: str
    prompt: str
    images: tuple[RequestImage, ...]
    schema: Mapping[str, object] | None
    options: Options = NO_OPTIONS
    examples: tuple[Example, ...] = ()
    urgency: Urgency = field(default_factory=Urgency, compare=False, repr=False)
    origin: Origin | None = field(default=None, compare=False)
    fresh: bool = field(default=False, compare=False)
    on_attempt: Callable[[Attempt], None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that a reply was billed for; thoughts are billed as output.

    Attributes:
        input_tokens: All that was sent.
        output_tokens: The answer, without thoughts.
        thought_tokens: The thoughts.
        cached_tokens: The part of the input that was read from a cache, and cost less.
        image_tokens: The part of the input that images became.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    thought_tokens: int = 0
    cached_tokens: int = 0
    image_tokens: int = 0

    def __add__(self, other: Bill) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.thought_tokens + other.thought_tokens,
            self.cached_tokens + other.cached_tokens,
            self.image_tokens + other.image_tokens,
        )

    @property
    def total(self) -> int:
        """All tokens, in and out; cached and image tokens are a part of the input."""
        return self.input_tokens + self.output_tokens + self.thought_tokens


@dataclass(frozen=True, slots=True)
class GeminiReply:
    """One answer.

    Attributes:
        text: What Gemini wrote, never empty.
        usage: What it cost: nothing where it is `cached`.
        truncated: Whether Gemini says that it stopped before the end (out of tokens).
        cached: Whether it was paid for before, by this or another request.
        again_from: Where it is remembered as the answer to a `fresh` request: from when on another
            one is sent, in seconds since 1970; None where that can be at once.
    """

    text: str
    usage: Usage
    truncated: bool = False
    cached: bool = False
    again_from: float | None = None


class Attempt(NamedTuple):
    """One request that was sent, and what came of it.

    Attributes:
        request: As it was sent: a model may not take all that was asked for.
        outcome: The reply, or why there is none.
        seconds: How long it took.
    """

    request: GeminiRequest
    outcome: GeminiReply | GeminiError
    seconds: float


class Gemini(Protocol):
    """Whatever can answer a request: an adapter, or a wrapper around one."""

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`.

        Raises:
            GeminiError: In every case in which there is no text to return.
        """
        ...

    async def aclose(self) -> None:
        """Close what the adapter holds open; it is not used afterwards."""
        ...
