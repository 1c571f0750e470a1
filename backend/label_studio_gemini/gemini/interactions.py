"""The Interactions API: `POST {base}/{version}/interactions`, and its replies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from label_studio_gemini.errors import FailedError, GeminiError, IncompleteError
from label_studio_gemini.gemini.connection import time_limit
from label_studio_gemini.gemini.interactions_body import build_body
from label_studio_gemini.gemini.json_body import write_json
from label_studio_gemini.gemini.stops import blocked_error, out_of_tokens_error
from label_studio_gemini.gemini.tokens import Count, ImageCount
from label_studio_gemini.gemini.turns import final_text
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.genai import types as sdk
    from google.genai._api_client import HttpRequest

    from label_studio_gemini.gemini.connection import Connection
    from label_studio_gemini.gemini.refusals import Call
    from label_studio_gemini.gemini.types import GeminiRequest

_BLOCKS = re.compile(r"safety|block|prohibit|recitation|spii|policy", re.IGNORECASE)
# The states in which whatever text there is must not pass for an answer. In any other state but
# `completed` (incomplete, requires_continuation, one that a later API adds) text is a cut answer.
_DEAD = frozenset({"failed", "cancelled", "requires_action", "queued", "in_progress"})
_OUT_OF_TOKENS = frozenset({"incomplete", "requires_continuation"})
_FAILED = frozenset({"failed", "cancelled"})

_FAILED_HINT = (
    "Try again later; if it fails again, change the prompt or the model, or take the API "
    "generate_content."
)
_HINTS = {
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


class _Usage(BaseModel):
    total_input_tokens: Count = 0
    total_output_tokens: Count = 0
    total_thought_tokens: Count = 0
    total_cached_tokens: Count = 0
    total_tool_use_tokens: Count = 0
    input_tokens_by_modality: ImageCount = 0
    tool_use_tokens_by_modality: ImageCount = 0


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
        self.connection = connection
        self._templates: dict[int | None, HttpRequest] = {}  # by time limit: a header tells it

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request` with one HTTP request.

        Raises:
            GeminiError: In every case in which there is no text to return.
        """
        async with self.connection.call(request.model, request.options.tier) as call:
            return read_interaction(await self._send(request, time_limit(call)), call)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.connection.aclose()

    async def _send(self, request: GeminiRequest, limit: sdk.HttpOptions) -> str:
        """Return what is answered.

        Not by `aio.interactions.create`: it builds two pydantic classes for each request, 19 ms in
        which nothing else runs (this: 2 ms, measured), may go on by itself with further paid
        requests, and does not validate what it returns. A test compares what both send. What tries
        again in the SDK is left out too: that is done by `RetryingGemini`.
        """
        client = self.connection.client.aio._api_client  # noqa: SLF001
        template = self._templates.get(limit.timeout)
        if template is None:
            template = client._build_request("post", "interactions", {}, limit)  # noqa: SLF001
            self._templates[limit.timeout] = template
        body = write_json(build_body(request))
        # A copy of the headers: on Vertex AI the SDK puts into them who asks.
        sent = replace(template, headers=dict(template.headers), data=body)
        response = await client._async_request_once(sent)  # noqa: SLF001
        return "".join(response.response_stream or ())


def read_interaction(body: str, call: Call) -> GeminiReply:
    """Return the reply in the JSON `body` of an interaction.

    Raises:
        BlockedError: If it says that it was blocked.
        IncompleteError: If it holds no answer for any other reason.
        pydantic.ValidationError: If it is no interaction.
    """
    interaction = _Interaction.model_validate_json(body)
    ended = interaction.status == "completed"
    text = final_text(_pieces(interaction.steps or []), ended=ended)
    usage = _usage(interaction.usage or _Usage())
    if interaction.status in _DEAD or not text.strip():
        raise _error_from_interaction(interaction, usage, call)
    return GeminiReply(text=text, usage=usage, truncated=not ended)


def _pieces(steps: list[_Step]) -> Iterator[str | None]:
    """Yield what the model wrote; None stands for tools and whatever else is no text.

    Thoughts are passed over, wherever they stand. Should the question be repeated in the answer,
    the examples' answers stand before it, and are none of the model's.
    """
    asked = max((at for at, step in enumerate(steps) if step.type == "user_input"), default=-1)
    for step in steps[asked + 1 :]:
        if step.type == "model_output":
            for item in step.content or []:
                yield (item.text or "") if item.type == "text" else None
        elif step.type != "thought":
            yield None


def _usage(usage: _Usage) -> Usage:
    """Return the bill: what tools returned was read by the model, and is billed as input."""
    return Usage(
        input_tokens=usage.total_input_tokens + usage.total_tool_use_tokens,
        output_tokens=usage.total_output_tokens,
        thought_tokens=usage.total_thought_tokens,
        cached_tokens=usage.total_cached_tokens,
        image_tokens=usage.input_tokens_by_modality + usage.tool_use_tokens_by_modality,
    )


def _error_from_interaction(interaction: _Interaction, bill: Usage, call: Call) -> GeminiError:
    step_faults = (step.error for step in interaction.steps or [])
    faults = [fault for fault in (*(interaction.errors or []), *step_faults) if fault]
    said = " ".join(str(part) for fault in faults for part in (fault.code, fault.message) if part)
    status = interaction.status
    what = f"The interaction ended as `{status}` without an answer"
    message = f"{what}: {call.quote(said)}" if said else f"{what}."
    if _BLOCKS.search(said):
        return blocked_error(message, reason=said, bill=bill)
    if status in _OUT_OF_TOKENS:
        return out_of_tokens_error(message, bill=bill)
    if status in _FAILED:
        return FailedError(message, hint=_FAILED_HINT, bill=bill)
    return IncompleteError(message, hint=_HINTS.get(status, _OTHER_HINT), bill=bill)
