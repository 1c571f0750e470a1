"""generateContent: `POST {base}/{version}/models/{m}:generateContent`, and its replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from label_studio_gemini.errors import GeminiError, IncompleteError
from label_studio_gemini.gemini.connection import time_limit
from label_studio_gemini.gemini.generate_content_body import build_config, build_contents
from label_studio_gemini.gemini.stops import (
    blocked_error,
    out_of_tokens_error,
    prompt_blocked_error,
)
from label_studio_gemini.gemini.tokens import Count, ImageCount
from label_studio_gemini.gemini.turns import final_text
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from label_studio_gemini.gemini.connection import Connection
    from label_studio_gemini.gemini.refusals import Call
    from label_studio_gemini.gemini.types import GeminiRequest

# By value, as strings: the SDK's enum warns of each value that a later API adds.
_WHOLE = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", ""})
_BLOCKS = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"}
    | {"ESCALATION", "MODEL_ARMOR", "PUP_LIMITED_DISABLED"}
)
_OUT_OF_TOKENS = frozenset({"MAX_TOKENS", "CONTINUATION"})
_OTHER_HINT = "Try again; if it ends the same way, change the prompt, the schema or the model."


class _Wire(BaseModel):
    """What is read of an answer; the rest is left alone, so that it may grow."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _Part(_Wire):
    text: str | None = None
    thought: bool | None = None
    executable_code: object = None
    code_execution_result: object = None
    inline_data: object = None

    def is_work(self) -> bool:
        """Return whether it is code, what came of it, or a picture that it drew."""
        work = (self.executable_code, self.code_execution_result, self.inline_data)
        return any(one is not None for one in work)


class _Content(_Wire):
    parts: list[_Part] | None = None


class _Candidate(_Wire):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Feedback(_Wire):
    block_reason: str | None = None


class _Usage(_Wire):
    prompt_token_count: Count = 0
    candidates_token_count: Count = 0
    thoughts_token_count: Count = 0
    cached_content_token_count: Count = 0
    tool_use_prompt_token_count: Count = 0
    prompt_tokens_details: ImageCount = 0
    tool_use_prompt_tokens_details: ImageCount = 0


class _Response(_Wire):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None


class GenerateContentGemini:
    """Gemini through generateContent, which keeps nothing of what is sent.

    Args:
        connection: The client; this adapter closes it.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request` with one HTTP request.

        Raises:
            GeminiError: In every case in which there is no text to return.
        """
        async with self.connection.call(request.model, request.options.tier) as call:
            response = await self.connection.client.aio.models.generate_content(
                model=request.model,
                contents=[*build_contents(request)],
                config=build_config(request, time_limit(call)),
            )
            raw = response.sdk_http_response
            return read_response((raw and raw.body) or "", call)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.connection.aclose()


def read_response(body: str, call: Call) -> GeminiReply:
    """Return the reply in the JSON `body` of a response.

    Raises:
        BlockedError: If the prompt or the answer was blocked.
        IncompleteError: If it holds no answer for any other reason.
        pydantic.ValidationError: If it is no response.
    """
    response = _Response.model_validate_json(body)
    usage = _usage(response.usage_metadata or _Usage())
    feedback = response.prompt_feedback
    if feedback and feedback.block_reason:
        message = f"Gemini blocked the request: {feedback.block_reason}."
        raise prompt_blocked_error(message, bill=usage)
    candidate = next(iter(response.candidates or []), _Candidate())
    reason = (candidate.finish_reason or "").upper()
    text = final_text(_pieces(candidate), ended=reason in _WHOLE)
    if _is_block(reason) or not text.strip():
        raise _error_from_candidate(candidate, usage, call)
    return GeminiReply(text=text, usage=usage, truncated=reason not in _WHOLE)


def _pieces(candidate: _Candidate) -> Iterator[str | None]:
    """Yield what the model wrote, without thoughts; None stands for code and what came of it."""
    for part in (candidate.content and candidate.content.parts) or []:
        if part.is_work():
            yield None
        elif not part.thought:
            yield part.text or ""


def _usage(usage: _Usage) -> Usage:
    """Return the bill: what tools returned was read by the model, and is billed as input."""
    return Usage(
        input_tokens=usage.prompt_token_count + usage.tool_use_prompt_token_count,
        output_tokens=usage.candidates_token_count,
        thought_tokens=usage.thoughts_token_count,
        cached_tokens=usage.cached_content_token_count,
        image_tokens=usage.prompt_tokens_details + usage.tool_use_prompt_tokens_details,
    )


def _is_block(reason: str) -> bool:
    return reason in _BLOCKS or reason.startswith("IMAGE_")


def _error_from_candidate(candidate: _Candidate, bill: Usage, call: Call) -> GeminiError:
    reason = (candidate.finish_reason or "").upper()
    said = call.quote(candidate.finish_message or "")
    detail = f"{reason or 'no reason given'}: {said}" if said else f"{reason or 'no reason given'}."
    if _is_block(reason):
        return blocked_error(f"Gemini blocked its answer: {detail}", reason=reason, bill=bill)
    message = f"Gemini stopped without an answer: {detail}"
    if reason in _OUT_OF_TOKENS:
        return out_of_tokens_error(message, bill=bill)
    return IncompleteError(message, hint=_OTHER_HINT, bill=bill)
