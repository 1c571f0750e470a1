"""What the interactions API answers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
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

_INCOMPLETE = frozenset({Stop.OUT_OF_TOKENS, Stop.INCOMPLETE})
_REASONS = {
    Stop.PROMPT_BLOCKED: ("prohibited_content", "The prompt was blocked: PROHIBITED_CONTENT."),
    Stop.SAFETY: ("safety", "The response was blocked: SAFETY."),
    Stop.SAFETY_WITH_TEXT: ("safety", "The response was blocked: SAFETY."),
    Stop.RECITATION: ("recitation", "The response was blocked: RECITATION."),
    Stop.FAILED: ("internal", "Failed to get completed interaction: Result not found."),
}


def build_reply(reply: Reply) -> JsonObject:
    """Return the body of an interaction.

    A stop is no HTTP error here: the status is `failed` or `incomplete`, and `errors` says why.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body: JsonObject = {
        "id": reply.identity,
        "object": "interaction",
        "status": _status(reply.draft.stop),
        "model": reply.ask.model,
        "created": now,
        "updated": now,
        "steps": _steps(reply),
        "usage": _usage(reply.spent),
    }
    reason = _reason(reply.draft.stop)
    if reason is not None:
        body["errors"] = [{"code": reason[0], "message": reason[1]}]
    return body


def _status(stop: Stop | None) -> str:
    if stop is None:
        return "completed"
    return "incomplete" if stop in _INCOMPLETE else "failed"


def _reason(stop: Stop | None) -> tuple[str, str] | None:
    return None if stop is None else _REASONS.get(stop)


def _steps(reply: Reply) -> list[JsonValue]:
    thought: JsonObject = {
        "type": "thought",
        "signature": base64.b64encode(reply.identity.encode()).decode(),
    }
    if reply.ask.show_thoughts:
        thought["summary"] = [{"type": "text", "text": THOUGHTS}]
    if reply.draft.stop is Stop.PROMPT_BLOCKED:
        return []
    steps: list[JsonValue] = [thought]
    text, stop = reply.draft.text, reply.draft.stop
    if reply.ask.code_execution and (text is not None or stop is Stop.OUT_OF_TOKENS):
        steps += _work(reply)
    if text is not None:
        output = _output(text)
        reason = _reason(stop)
        if reason is not None:
            output["error"] = {"code": 3, "message": reason[1]}
        steps.append(output)
    return steps


def _output(text: str) -> JsonObject:
    return {"type": "model_output", "content": [{"type": "text", "text": text}]}


def _work(reply: Reply) -> list[JsonValue]:
    call = f"call_{reply.identity}"
    return [
        _output(WORK_TEXT),
        {
            "type": "code_execution_call",
            "id": call,
            "arguments": {"language": "python", "code": WORK_CODE},
        },
        {"type": "code_execution_result", "call_id": call, "result": WORK_OUTPUT},
    ]


def _usage(spent: Spent) -> JsonObject:
    modalities: list[JsonValue] = [{"modality": "text", "tokens": spent.text}]
    if spent.pictures:
        modalities.append({"modality": "image", "tokens": spent.pictures})
    return {
        "total_tokens": spent.total,
        "total_input_tokens": spent.input,
        "input_tokens_by_modality": modalities,
        "total_cached_tokens": 0,
        "total_output_tokens": spent.output,
        "total_tool_use_tokens": spent.tools,
        "total_thought_tokens": spent.thoughts,
    }
