"""Requests and replies of generateContent: `POST {base}/{version}/models/{m}:generateContent`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.genai import types as sdk
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from label_studio_gemini.errors import BlockedError, GeminiError, IncompleteError
from label_studio_gemini.gemini.tokens import TokenCounts
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from label_studio_gemini.gemini.connection import Connection
    from label_studio_gemini.gemini.refusals import Call
    from label_studio_gemini.gemini.types import GeminiRequest

# By value, as strings: the SDK's enum warns of each value that a later API adds.
_WHOLE = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", ""})
_BLOCKS = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"}
    | {"ESCALATION", "MODEL_ARMOR", "PUP_LIMITED_DISABLED"}
)
BLOCKED_HINT = "Look at the image and the prompt; the same request will be blocked again."
_MAX_TOKENS_HINT = (
    "Thinking used up the output tokens: lower the thinking level or budget, or raise the most "
    "output tokens."
)
_OTHER_HINT = "Try again; if it ends the same way, change the prompt, the schema or the model."


class _Wire(BaseModel):
    """What is read of an answer; the rest is left alone, so that it may grow."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _Part(_Wire):
    text: str | None = None
    thought: bool | None = None


class _Content(_Wire):
    parts: list[_Part] | None = None


class _Candidate(_Wire):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Feedback(_Wire):
    block_reason: str | None = None


class _Usage(_Wire, TokenCounts):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    cached_content_token_count: int = 0


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
        self._connection = connection

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request` with one HTTP request.

        Raises:
            GeminiError: In every case in which there is no text to return.
        """
        async with self._connection.call(request.model) as call:
            response = await self._connection.client.aio.models.generate_content(
                model=request.model,
                contents=[build_content(request)],
                config=build_config(request),
            )
            raw = response.sdk_http_response
            return read_response((raw and raw.body) or "", call)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()


def build_content(request: GeminiRequest) -> sdk.Content:
    """Return the user's turn: the images, then the prompt, as Google advises for this API.

    https://ai.google.dev/gemini-api/docs/image-understanding (the page has a version for each API)
    """
    images = [sdk.Part.from_bytes(data=i.data, mime_type=i.mime_type) for i in request.images]
    return sdk.Content(role="user", parts=[*images, sdk.Part.from_text(text=request.prompt)])


def build_config(request: GeminiRequest) -> sdk.GenerateContentConfig:
    """Return the parameters: a JSON answer of the request's schema, by one HTTP request.

    The answer is asked for raw. The SDK would parse the JSON that the model wrote, and raise for
    some that it writes when it repeats itself: a number of over 4,300 digits, 1,000 open brackets.
    """
    return sdk.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema=dict(request.schema),
        should_return_http_response=True,
        automatic_continuation=False,
        automatic_function_calling=sdk.AutomaticFunctionCallingConfig(disable=True),
    )


def read_response(body: str, call: Call) -> GeminiReply:
    """Return the reply in the JSON `body` of a response.

    Raises:
        BlockedError: If the prompt or the answer was blocked.
        IncompleteError: If it holds no answer for any other reason.
        pydantic.ValidationError: If it is no response.
    """
    response = _Response.model_validate_json(body)
    feedback = response.prompt_feedback
    if feedback and feedback.block_reason:
        raise BlockedError(
            f"Gemini blocked the request: {feedback.block_reason}.", hint=BLOCKED_HINT
        )
    candidate = next(iter(response.candidates or []), _Candidate())
    reason = (candidate.finish_reason or "").upper()
    text = _text(candidate)
    if _is_block(reason) or not text.strip():
        raise _error_from_candidate(candidate, reason, call)
    usage = _usage(response.usage_metadata or _Usage())
    return GeminiReply(text=text, usage=usage, truncated=reason not in _WHOLE)


def _text(candidate: _Candidate) -> str:
    parts = (candidate.content and candidate.content.parts) or []
    return "".join(part.text or "" for part in parts if not part.thought)


def _usage(usage: _Usage) -> Usage:
    return Usage(
        input_tokens=usage.prompt_token_count,
        output_tokens=usage.candidates_token_count,
        thought_tokens=usage.thoughts_token_count,
        cached_tokens=usage.cached_content_token_count,
    )


def _is_block(reason: str) -> bool:
    return reason in _BLOCKS or reason.startswith("IMAGE_")


def _error_from_candidate(candidate: _Candidate, reason: str, call: Call) -> GeminiError:
    said = call.quote(candidate.finish_message or "")
    detail = f"{reason or 'no reason given'}: {said}" if said else f"{reason or 'no reason given'}."
    if _is_block(reason):
        return BlockedError(f"Gemini blocked its answer: {detail}", hint=BLOCKED_HINT)
    hint = _MAX_TOKENS_HINT if reason == "MAX_TOKENS" else _OTHER_HINT
    return IncompleteError(f"Gemini stopped without an answer: {detail}", hint=hint)
