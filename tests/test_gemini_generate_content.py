"""generateContent: what goes out, and what is read of what comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.genai.types import BlockedReason, FinishReason
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapter_cases import CALL, Stop, Text, stopped
from gemini_features import PLAIN, SCHEMA
from gemini_recorder import Answer, recording
from label_studio_gemini.errors import (
    BlockedError,
    GeminiError,
    IncompleteError,
    OutOfTokensError,
    PromptBlockedError,
    RecitationError,
    RequestError,
    SafetyError,
)
from label_studio_gemini.gemini import GeminiRequest, Usage, connect_gemini
from label_studio_gemini.gemini.generate_content import read_response

if TYPE_CHECKING:
    from pathlib import Path


def response(reason: str | None = "STOP", *parts: object, **more: object) -> str:
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": reason, "index": 0}
    return json.dumps({"candidates": [candidate], **more})


def text(said: str) -> dict[str, object]:
    return {"text": said}


THOUGHT = {"text": "Hm.", "thought": True}
CODE = {"executableCode": {"language": "PYTHON", "code": "crop()"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "[9]"}}
DRAWN = {"inlineData": {"mimeType": "image/png", "data": "++//"}}


def test_the_modelled_answer_is_read(shared: Path) -> None:
    wire = json.loads((shared / "gemini" / "wire" / "gc_text_inline.json").read_text("utf-8"))
    reply = read_response(json.dumps(wire[0]["response"]["body"]), CALL)
    assert reply.text == '[{"box_2d":[100,200,500,600],"label":"cat"}]'
    assert reply.usage == Usage(1100, 30, 70, 0, image_tokens=1080)
    assert not reply.truncated


TEXTS = [
    Text("one part", response("STOP", text("[1]")), "[1]"),
    Text("several parts", response("STOP", text("[1"), text("]")), "[1]"),
    Text("thoughts", response("STOP", THOUGHT, text("[1]"), THOUGHT), "[1]"),
    Text("after code", response("STOP", text("[0]"), CODE, RESULT, text("[1"), text("]")), "[1]"),
    Text("after a picture", response("STOP", text("[0]"), CODE, RESULT, DRAWN, text("[1]")), "[1]"),
    Text("a thought between", response("STOP", CODE, text("[1"), THOUGHT, text("]")), "[1]"),
    Text("nothing after code", response("STOP", text("[1]"), CODE, RESULT), "[1]"),
    Text("a signature", response("STOP", text("[1"), {"thoughtSignature": "c"}, text("]")), "[1]"),
    Text("empty code", response("STOP", {"executableCode": {}}, text("[1]")), "[1]"),
    Text(
        "cut after code",
        response("MAX_TOKENS", text("[0]"), CODE, RESULT, text("[1,")),
        "[1,",
        truncated=True,
    ),
    Text("no reason", response(None, text("[1]")), "[1]"),
    Text("out of tokens", response("MAX_TOKENS", text("[1,")), "[1,", truncated=True),
    Text("to continue", response("CONTINUATION", text("[1,")), "[1,", truncated=True),
    Text("malformed", response("MALFORMED_RESPONSE", text("[1,")), "[1,", truncated=True),
    Text("a new reason", response("BORED", text("[1]")), "[1]", truncated=True),
    Text("lower case", response("stop", text("[1]")), "[1]"),
    Text(
        "snake case",
        '{"candidates": [{"content": {"parts": [{"text": "[1]"}]}, "finish_reason": "STOP"}]}',
        "[1]",
    ),
]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.name)
def test_the_text_without_thoughts_is_the_answer(case: Text) -> None:
    reply = read_response(case.body, CALL)
    assert (reply.text, reply.truncated) == (case.expected, case.truncated)


STOPS = [
    Stop("an empty answer", "{}", IncompleteError, "no reason given"),
    Stop("no candidates", '{"candidates": []}', IncompleteError),
    Stop("no content", '{"candidates": [{"finishReason": "OTHER"}]}', IncompleteError, "OTHER"),
    Stop("no parts", '{"candidates": [{"content": {"parts": null}}]}', IncompleteError),
    Stop("white space", response("STOP", text(" ")), IncompleteError, "STOP"),
    Stop("a thought only", response("MAX_TOKENS", THOUGHT), OutOfTokensError, hint="hinking"),
    Stop("malformed", response("MALFORMED_FUNCTION_CALL"), IncompleteError, "MALFORMED"),
    Stop("a new reason", response("BORED"), IncompleteError, "BORED"),
    Stop("code ate it", response("MAX_TOKENS", text("I zoom in."), CODE), OutOfTokensError),
    Stop("safety with text", response("SAFETY", text("[1")), SafetyError, "SAFETY", "safety sett"),
    Stop("recitation", response("RECITATION"), RecitationError, "RECITATION", "temperature"),
    Stop("prohibited", response("PROHIBITED_CONTENT"), BlockedError, hint="again"),
    Stop(
        "blocked prompt",
        '{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}',
        PromptBlockedError,
        "PROHIBITED_CONTENT",
        "prompt",
    ),
    Stop("blocked anew", '{"promptFeedback": {"blockReason": "RUDE"}}', PromptBlockedError, "RUDE"),
    Stop(
        "a message",
        '{"candidates": [{"finishReason": "SPII", "finishMessage": "As AIzaSyA-secret."}]}',
        BlockedError,
        "SPII: As [key].",
    ),
]


@pytest.mark.parametrize("case", STOPS, ids=lambda case: case.name)
def test_no_answer_is_an_error_that_says_why(case: Stop) -> None:
    error = stopped(case, read_response)
    assert CALL.secret not in str(error)


def test_each_reason_of_the_sdk_is_a_block_a_stop_or_an_answer() -> None:
    """The whole enum, so that a reason which a new SDK brings is looked at."""
    kinds: dict[type[GeminiError] | None, set[str]] = {None: set()}
    for reason in FinishReason:
        try:
            read_response(response(reason.value), CALL)
        except GeminiError as error:
            kinds.setdefault(type(error), set()).add(reason.value)
    assert kinds == {
        None: set(),
        SafetyError: {"SAFETY", "IMAGE_SAFETY"},
        RecitationError: {"RECITATION", "IMAGE_RECITATION"},
        BlockedError: {
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_OTHER",
            "ESCALATION",
            "MODEL_ARMOR",
            "PUP_LIMITED_DISABLED",
        },
        OutOfTokensError: {"MAX_TOKENS", "CONTINUATION"},
        IncompleteError: {
            "FINISH_REASON_UNSPECIFIED",
            "STOP",
            "LANGUAGE",
            "OTHER",
            "MALFORMED_FUNCTION_CALL",
            "NO_IMAGE",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE",
        },
    }


@pytest.mark.parametrize("reason", BlockedReason)
def test_each_block_of_a_prompt_is_a_block(reason: BlockedReason) -> None:
    with pytest.raises(PromptBlockedError, match=reason.value):
        read_response(json.dumps({"promptFeedback": {"blockReason": reason.value}}), CALL)


@pytest.mark.parametrize(
    "usage", [None, {}, {"promptTokenCount": None}, {"promptTokenCount": "many", "new": []}]
)
def test_odd_usage_costs_no_answer(usage: Any) -> None:
    reply = read_response(response("STOP", text("[]"), usageMetadata=usage), CALL)
    assert reply.usage == Usage()


def test_every_kind_of_token_is_counted() -> None:
    """What tools returned was read by the model: it is billed as input, and so are its crops."""
    usage = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 2,
        "thoughtsTokenCount": 3,
        "cachedContentTokenCount": 4,
        "toolUsePromptTokenCount": 50,
        "totalTokenCount": 155,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 10},
            {"modality": "IMAGE", "tokenCount": 90},
            {"modality": "IMAGE"},
            7,
        ],
        "toolUsePromptTokensDetails": [{"modality": "IMAGE", "tokenCount": 5}],
    }
    reply = read_response(response("STOP", text("[]"), usageMetadata=usage), CALL)
    assert reply.usage == Usage(150, 2, 3, 4, 95)
    assert reply.usage.total == usage["totalTokenCount"]


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SAFETY", "OTHER"])
def test_an_attempt_without_an_answer_says_what_it_cost(reason: str) -> None:
    usage = {"promptTokenCount": 100, "thoughtsTokenCount": 3}
    with pytest.raises(GeminiError) as caught:
        read_response(response(reason, usageMetadata=usage), CALL)
    assert caught.value.bill == Usage(100, 0, 3)


def test_a_blocked_prompt_says_what_it_cost() -> None:
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    with pytest.raises(PromptBlockedError) as caught:
        read_response(json.dumps(body), CALL)
    assert caught.value.bill == Usage(9)


@given(reason=st.text(), said=st.text(st.characters(codec="utf-8")))
def test_any_reason_gives_a_reply_or_an_error(reason: str, said: str) -> None:
    try:
        reply = read_response(response(reason, text(said)), CALL)
    except GeminiError:
        return
    assert reply.text == said
    assert said.strip()


def test_what_is_no_response_is_refused() -> None:
    for body in ("", "[]", "null", '{"candidates": 1}', "<html>"):
        with pytest.raises(ValidationError):
            read_response(body, CALL)


@pytest.mark.parametrize("said", ["9" * 5000, "[" * 100_000, '{"a":' * 50_000])
async def test_what_a_model_repeats_without_end_is_still_a_reply(said: str) -> None:
    """The SDK would parse it too, and raise ValueError or RecursionError on a paid answer."""
    async with recording(Answer(response("MAX_TOKENS", text(said)))) as recorder:
        gemini = connect_gemini(
            api="generate_content", api_key="demo", base_url=recorder.url, timeout=9
        )
        reply = await gemini.generate(PLAIN)
        await gemini.aclose()
    assert reply.text == said
    assert reply.truncated


async def test_a_new_reason_goes_without_a_warning() -> None:
    """The SDK's enum warns of values that it does not know; here that would be an error."""
    async with recording(Answer(response("BORED", text("[1]")))) as recorder:
        gemini = connect_gemini(
            api="generate_content", api_key="demo", base_url=recorder.url, timeout=9
        )
        reply = await gemini.generate(PLAIN)
        await gemini.aclose()
    assert reply.text == "[1]"


async def test_a_model_that_is_no_name_is_refused_before_it_is_sent() -> None:
    async with recording(Answer("{}")) as recorder:
        gemini = connect_gemini(
            api="generate_content", api_key="demo", base_url=recorder.url, timeout=9
        )
        for model in ("", "../files", "m?key=x"):
            with pytest.raises(RequestError, match="cannot be sent"):
                await gemini.generate(GeminiRequest(model, "hi", (), SCHEMA))
        await gemini.aclose()
    assert not recorder.requests
