"""What the generateContent API answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.emulator.faults import Stop
from label_studio_gemini.emulator.reply import (
    THOUGHTS,
    WORK_CODE,
    WORK_OUTPUT,
    WORK_TEXT,
    Reply,
    Spent,
)

if TYPE_CHECKING:
    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject

_FINISH = {
    None: "STOP",
    Stop.SAFETY: "SAFETY",
    Stop.SAFETY_WITH_TEXT: "SAFETY",
    Stop.RECITATION: "RECITATION",
    Stop.OUT_OF_TOKENS: "MAX_TOKENS",
    Stop.INCOMPLETE: "MAX_TOKENS",
    Stop.FAILED: "OTHER",
}


def build_reply(reply: Reply) -> JsonObject:
    """Return the body of a generateContent answer.

    A blocked prompt has no candidate; a stop without text has a candidate without parts.
    """
    body: JsonObject = {
        "usageMetadata": _usage(reply.spent),
        "modelVersion": reply.ask.model,
        "responseId": reply.identity,
    }
    stop = reply.draft.stop
    if stop is Stop.PROMPT_BLOCKED:
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **body}
    candidate: JsonObject = {"finishReason": _FINISH[stop], "index": 0}
    parts = _parts(reply)
    if parts:
        candidate["content"] = {"parts": parts, "role": "model"}
    elif stop is Stop.OUT_OF_TOKENS:
        candidate["content"] = {"role": "model"}
    if stop in {Stop.SAFETY, Stop.SAFETY_WITH_TEXT}:
        rating: JsonObject = {
            "category": "HARM_CATEGORY_DANGEROUS_CONTENT",
            "probability": "HIGH",
            "blocked": True,
        }
        candidate["safetyRatings"] = [rating]
    return {"candidates": [candidate], **body}


def build_count(spent: Spent) -> JsonObject:
    """Return the body of a countTokens answer."""
    return {"totalTokens": spent.input, "promptTokensDetails": _modalities(spent)}


def _parts(reply: Reply) -> list[JsonValue]:
    text, ask = reply.draft.text, reply.ask
    parts: list[JsonValue] = []
    if text is not None and ask.show_thoughts:
        parts.append({"text": THOUGHTS, "thought": True})
    if ask.code_execution and (text is not None or reply.draft.stop is Stop.OUT_OF_TOKENS):
        parts.append({"text": WORK_TEXT})
        parts.append({"executableCode": {"language": "PYTHON", "code": WORK_CODE}})
        parts.append({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": WORK_OUTPUT}})
    if text is not None:
        parts.append({"text": text})
    return parts


def _usage(spent: Spent) -> JsonObject:
    usage: JsonObject = {
        "promptTokenCount": spent.input,
        "candidatesTokenCount": spent.output,
        "totalTokenCount": spent.total,
        "promptTokensDetails": _modalities(spent),
    }
    if spent.thoughts:
        usage["thoughtsTokenCount"] = spent.thoughts
    if spent.tools:
        usage["toolUsePromptTokenCount"] = spent.tools
    return usage


def _modalities(spent: Spent) -> list[JsonValue]:
    details: list[JsonValue] = [{"modality": "TEXT", "tokenCount": spent.text}]
    if spent.pictures:
        details.append({"modality": "IMAGE", "tokenCount": spent.pictures})
    return details
