"""Why there is no answer: the errors for it, whichever API says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from label_studio_gemini.errors import (
    BlockedError,
    OutOfTokensError,
    PromptBlockedError,
    RecitationError,
    SafetyError,
)

if TYPE_CHECKING:
    from label_studio_gemini.gemini.types import GeminiReply, Usage

PROMPT_HINT = (
    "Look at the image and the prompt: sent again they will be blocked again. What the safety "
    "settings cover they can allow; the rest Google blocks whatever they say."
)
SAFETY_HINT = (
    "Look at the image; if such images are wanted, loosen the safety settings (`block_only_high`, "
    "`block_none` or `off`)."
)
RECITATION_HINT = (
    "Ask for labels and boxes rather than for the text in the image, or raise the temperature."
)
BLOCKED_HINT = "Look at the image and the prompt; the same request will be blocked again."
OUT_OF_TOKENS_HINT = (
    "Thinking used up the output tokens: lower the thinking level or budget (`thinking`), or raise "
    "the most output tokens (`max_output_tokens`)."
)
CUT_HINT = (
    "Raise the most output tokens (`max_output_tokens`) or leave them out, or lower `thinking`: "
    "thoughts count too."
)

_PROMPT = re.compile(
    r"\b(?:prompt|input)\s+(?:is|was|has been)\s+blocked|\bblocked\s+(?:the\s+)?(?:prompt|input)\b",
    re.IGNORECASE,
)
_SAFETY = re.compile(r"safety", re.IGNORECASE)
_RECITATION = re.compile(r"recitation", re.IGNORECASE)


def blocked_error(message: str, *, reason: str, bill: Usage) -> BlockedError:
    """Return the error for a block.

    Args:
        message: What happened.
        reason: Google's reason, a word (`IMAGE_SAFETY`) or a sentence.
        bill: What it cost.
    """
    if _PROMPT.search(reason):
        return PromptBlockedError(message, hint=PROMPT_HINT, bill=bill)
    if _RECITATION.search(reason):
        return RecitationError(message, hint=RECITATION_HINT, bill=bill)
    if _SAFETY.search(reason):
        return SafetyError(message, hint=SAFETY_HINT, bill=bill)
    return BlockedError(message, hint=BLOCKED_HINT, bill=bill)


def prompt_blocked_error(message: str, *, bill: Usage) -> PromptBlockedError:
    """Return the error for a prompt that was blocked before anything was written."""
    return PromptBlockedError(message, hint=PROMPT_HINT, bill=bill)


def out_of_tokens_error(message: str, *, bill: Usage) -> OutOfTokensError:
    """Return the error for an answer that never began because the tokens were used up."""
    return OutOfTokensError(message, hint=OUT_OF_TOKENS_HINT, bill=bill)


def cut_short_error(reply: GeminiReply) -> OutOfTokensError:
    """Return the error for an answer that was cut before there was one whole item in it."""
    message = (
        "Gemini reached the limit of output tokens before one whole item was written: "
        f"{reply.text[:200]!r}."
    )
    return OutOfTokensError(message, hint=CUT_HINT, bill=reply.usage)
