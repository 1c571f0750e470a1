"""What goes to Gemini and what comes back, whichever of its two APIs carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class InlineImage:
    """An upright image that travels inside the request: its bytes as they are, and their type."""

    data: bytes = field(repr=False)
    mime_type: str


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    """One question about some images.

    Attributes:
        model: Any model name; the API is the authority on which exist.
        prompt: The instruction, in words.
        images: The images, in order.
        schema: The JSON Schema that the answer has to follow.
    """

    model: str
    prompt: str
    images: tuple[InlineImage, ...]
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that a reply was billed for; thoughts are billed as output."""

    input_tokens: int = 0
    output_tokens: int = 0
    thought_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total(self) -> int:
        """All tokens, in and out; the cached ones are a part of the input."""
        return self.input_tokens + self.output_tokens + self.thought_tokens


@dataclass(frozen=True, slots=True)
class GeminiReply:
    """One answer.

    Attributes:
        text: What Gemini wrote, never empty.
        usage: What it cost.
        truncated: Whether Gemini says that it stopped before the end (out of tokens).
    """

    text: str
    usage: Usage
    truncated: bool = False


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
