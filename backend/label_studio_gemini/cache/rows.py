"""What is remembered of a call, and how SQLite can hold it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypeAlias

from label_studio_gemini.errors import (
    BlockedError,
    GeminiError,
    OutOfTokensError,
    PromptBlockedError,
    RecitationError,
    SafetyError,
)
from label_studio_gemini.gemini.types import GeminiReply, Usage

Outcome: TypeAlias = GeminiReply | GeminiError

REMEMBERED = (BlockedError, OutOfTokensError)
"""Failures that the same request would meet again, and be billed for. (A refusal, 4xx, is not
billed, and may be over as soon as an account is put right.)"""

_LARGEST = 2**63 - 1
_KINDS = {
    kind.__name__: kind
    for kind in (BlockedError, PromptBlockedError, SafetyError, RecitationError, OutOfTokensError)
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What is to be remembered of one call.

    Attributes:
        outcome: A reply, or one of the `REMEMBERED` failures.
        model: The model that was asked.
        stored: When it came, in seconds since 1970.
        until: Until when; a reply, for as long as the limits of the store allow (infinity).
    """

    outcome: Outcome
    model: str
    stored: float
    until: float

    @property
    def again(self) -> Outcome:
        """What the next one gets who asks for it: nothing of it is billed again."""
        if isinstance(self.outcome, GeminiReply):
            reply = self.outcome
            return cached_reply(reply.text, truncated=reply.truncated, again_from=reply.again_from)
        error = self.outcome
        return _remembered(type(error), error.message, error.hint, self.stored, self.until)


def cached_reply(text: str, *, truncated: bool, again_from: float | None) -> GeminiReply:
    """Return a reply that was paid for before."""
    return GeminiReply(text, Usage(), truncated=truncated, cached=True, again_from=again_from)


def reply_from_row(truncated: int, text: bytes, again_from: object) -> GeminiReply | None:
    """Return a stored reply; None where its text is no longer one."""
    try:
        whole = text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    again_from = again_from if isinstance(again_from, float) else None  # the file may be damaged
    return cached_reply(whole, truncated=bool(truncated), again_from=again_from)


def failure_from_row(
    kind: str, message: str, hint: str, stored: float, until: float
) -> GeminiError | None:
    """Return a remembered failure; None for a kind that is not known (any more)."""
    known = _KINDS.get(kind)
    return None if known is None else _remembered(known, message, hint, stored, until)


def text_bytes(text: str) -> bytes:
    """Return a reply's text as it is stored: Gemini may cut a character in half."""
    return text.encode("utf-8", "surrogatepass")


def plain_text(text: str) -> str:
    """Return `text` without halves of characters, which SQLite cannot hold."""
    return text.encode("utf-8", "replace").decode()


def whole_number(number: int) -> int:
    """Return `number`, or the largest that SQLite can hold."""
    return max(-_LARGEST, min(number, _LARGEST))


def usage_row(usage: Usage) -> tuple[int, ...]:
    """Return the five counts of tokens, in the order of the class."""
    counts = (
        *(usage.input_tokens, usage.output_tokens, usage.thought_tokens),
        *(usage.cached_tokens, usage.image_tokens),
    )
    return tuple(map(whole_number, counts))


def _remembered(
    kind: type[GeminiError], message: str, hint: str, stored: float, until: float
) -> GeminiError:
    note = f"(Remembered since {moment_in_words(stored)}; {asked_again(until)}.)"
    return kind(f"{message} {note}", hint=hint)


def asked_again(until: float) -> str:
    """Say from when on Gemini will be asked again."""
    return f"asked again from {moment_in_words(until)} on"


def moment_in_words(seconds: float) -> str:
    """Return a time, given in seconds since 1970, by the machine's clock."""
    moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC).astimezone()
    return f"{moment:%Y-%m-%d %H:%M}"
