"""Requests and replies of the Interactions API: `POST {base}/{version}/interactions`."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from label_studio_gemini.errors import BlockedError, GeminiError, IncompleteError
from label_studio_gemini.gemini.tokens import TokenCounts
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from label_studio_gemini.gemini.connection import Connection
    from label_studio_gemini.gemini.refusals import Call
    from label_studio_gemini.gemini.types import GeminiRequest

_BLOCKS = re.compile(r"safety|block|prohibit|recitation|spii|policy", re.IGNORECASE)
# The states in which whatever text there is must not pass for an answer. In any other state but
# `completed` (incomplete, requires_continuation, one that a later API adds) text is a cut answer.
_DEAD = frozenset({"failed", "cancelled", "requires_action", "queued", "in_progress"})

BLOCKED_HINT = "Look at the image and the prompt; the same request will be blocked again."
_HINTS = {
    "incomplete": "Thinking may have used up the output tokens: lower the thinking level, or raise "
    "the most output tokens.",
    "requires_continuation": "Ask for fewer objects, or lower the thinking level.",
    "budget_exceeded": "Raise the budget, or lower the thinking level.",
    "requires_action": "Leave tools out of the request: nothing here answers their calls.",
}
_OTHER_HINT = "Try again; if it ends the same way, change the prompt or the model."


class _Content(BaseModel):
    type: str = ""
    text: str | None = None


class _Fault(BaseModel):
    code: str | int | None = None
    message: str | None = None


class _Step(BaseModel):
    type: str = ""
    content: list[_Content] | None = None
    error: _Fault | None = None


class _Usage(TokenCounts):
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    total_thought_tokens: int = 0
    total_cached_tokens: int = 0


class _Interaction(BaseModel):
    """What is read of an answer; the rest is left alone, so that it may grow."""

    model_config = ConfigDict(extra="ignore")

    status: str
    steps: list[_Step] | None = None
    usage: _Usage | None = None
    errors: list[_Fault] | None = None


class InteractionsGemini:
    """Gemini through its Interactions API, which keeps nothing of what is sent (`store=False`).

    Args:
        connection: The client; this adapter closes it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request` with one HTTP request.

        Raises:
            GeminiError: In every case in which there is no text to return.
        """
        async with self._connection.call(request.model) as call:
            # Not `aio.interactions.create`: it builds two pydantic classes for each request, 19 ms
            # in which nothing else runs (this: 2 ms, measured), may go on by itself with further
            # paid requests, and does not validate what it returns. A test compares what both send.
            client = self._connection.client.aio._api_client  # noqa: SLF001
            response = await client.async_request("post", "interactions", build_body(request))
            return read_interaction(response.body or "", call)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()


def build_body(request: GeminiRequest) -> dict[str, object]:
    """Return the whole request: the prompt, then the images, as Google advises for this API.

    https://ai.google.dev/gemini-api/docs/image-understanding (the page has a version for each API)
    """
    images = [
        {
            "type": "image",
            "data": base64.b64encode(image.data).decode("ascii"),
            "mime_type": image.mime_type,
        }
        for image in request.images
    ]
    content = [{"type": "text", "text": request.prompt}, *images]
    return {
        "model": request.model,
        "input": [{"type": "user_input", "content": content}],
        "response_format": {
            "type": "text",
            "mime_type": "application/json",
            "schema": dict(request.schema),
        },
        "store": False,
    }


def read_interaction(body: str, call: Call) -> GeminiReply:
    """Return the reply in the JSON `body` of an interaction.

    Raises:
        BlockedError: If it says that it was blocked.
        IncompleteError: If it holds no answer for any other reason.
        pydantic.ValidationError: If it is no interaction.
    """
    interaction = _Interaction.model_validate_json(body)
    text = _output_text(interaction.steps or [])
    if interaction.status in _DEAD or not text.strip():
        raise _error_from_interaction(interaction, call)
    return GeminiReply(
        text=text,
        usage=_usage(interaction.usage or _Usage()),
        truncated=interaction.status != "completed",
    )


def _output_text(steps: list[_Step]) -> str:
    """Return the text that the model wrote last, as the SDK's `output_text` does.

    Thoughts are passed over, wherever they stand; a tool's step ends what came before it.
    """
    texts: list[str] = []
    in_run = True
    for step in steps:
        if step.type == "model_output":
            if not in_run:
                texts.clear()
            in_run = True
            texts += [item.text or "" for item in step.content or [] if item.type == "text"]
        elif step.type != "thought":
            in_run = False
    return "".join(texts)


def _usage(usage: _Usage) -> Usage:
    return Usage(
        input_tokens=usage.total_input_tokens,
        output_tokens=usage.total_output_tokens,
        thought_tokens=usage.total_thought_tokens,
        cached_tokens=usage.total_cached_tokens,
    )


def _error_from_interaction(interaction: _Interaction, call: Call) -> GeminiError:
    step_faults = (step.error for step in interaction.steps or [])
    faults = [fault for fault in (*(interaction.errors or []), *step_faults) if fault]
    said = " ".join(str(part) for fault in faults for part in (fault.code, fault.message) if part)
    what = f"The interaction ended as `{interaction.status}` without an answer"
    message = f"{what}: {call.quote(said)}" if said else f"{what}."
    if _BLOCKS.search(said):
        return BlockedError(message, hint=BLOCKED_HINT)
    return IncompleteError(message, hint=_HINTS.get(interaction.status, _OTHER_HINT))
