"""The Interactions API: what goes out, and what is read of what comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapter_cases import CALL, Stop, Text, stopped
from gemini_features import PLAIN
from gemini_recorder import Answer, recording
from label_studio_gemini.errors import (
    BlockedError,
    FailedError,
    GeminiError,
    IncompleteError,
    OutOfTokensError,
    PromptBlockedError,
    RecitationError,
    RequestError,
    SafetyError,
)
from label_studio_gemini.gemini import Usage, connect_gemini
from label_studio_gemini.gemini.interactions import read_interaction

if TYPE_CHECKING:
    from pathlib import Path


def output(*texts: str, **more: object) -> dict[str, object]:
    content = [{"type": "text", "text": text} for text in texts]
    return {"type": "model_output", "content": content, **more}


THOUGHT = {"type": "thought", "summary": [{"type": "text", "text": "Hm."}]}
TOOL = {"type": "code_execution_call", "id": "c", "arguments": {"code": "crop()"}}
RESULT = {"type": "code_execution_result", "call_id": "c", "result": "[9]"}
ASKED = {"type": "user_input", "content": [{"type": "text", "text": "Detect."}]}
PICTURE = {"type": "model_output", "content": [{"type": "image", "data": "++//"}]}


def interaction(status: str = "completed", *steps: object, **more: object) -> str:
    return json.dumps({"id": "v1_1", "status": status, "steps": steps, **more})


def test_the_modelled_answer_is_read(shared: Path) -> None:
    wire = json.loads((shared / "gemini" / "wire" / "inter_text_inline.json").read_text("utf-8"))
    reply = read_interaction(json.dumps(wire[0]["response"]["body"]), CALL)
    assert reply.text == '[{"box_2d":[100,200,500,600],"label":"cat"}]'
    assert reply.usage == Usage(1100, 30, 70, 0, image_tokens=1080)
    assert not reply.truncated


TEXTS = [
    Text("one step", interaction("completed", output("[1]")), "[1]"),
    Text("a last thought", interaction("completed", output("[1]"), THOUGHT), "[1]"),
    Text("a thought between", interaction("completed", output("[1"), THOUGHT, output("]")), "[1]"),
    Text("several parts", interaction("completed", output("[1", ",2]")), "[1,2]"),
    Text("after a tool", interaction("completed", output("Look."), TOOL, output("[1]")), "[1]"),
    Text("before a tool", interaction("completed", output("[1]"), TOOL), "[1]"),
    Text(
        "after code",
        interaction("completed", THOUGHT, output("[0]"), TOOL, RESULT, output("[1"), output("]")),
        "[1]",
    ),
    Text(
        "after a picture", interaction("completed", output("Look."), PICTURE, output("[1]")), "[1]"
    ),
    Text("code, then a blank", interaction("completed", output("[1]"), TOOL, output(" ")), "[1]"),
    Text(
        "after the question",
        interaction("completed", ASKED, output("[0]"), ASKED, output("[1]")),
        "[1]",
    ),
    Text("a new step", interaction("completed", {"type": "new", "x": 1}, output("[1]")), "[1]"),
    Text("incomplete", interaction("incomplete", output("[1,")), "[1,", truncated=True),
    Text("to continue", interaction("requires_continuation", output("[")), "[", truncated=True),
    Text("a new state", interaction("resting", output("[1]")), "[1]", truncated=True),
    Text("budget", interaction("budget_exceeded", output("[1,")), "[1,", truncated=True),
]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.name)
def test_the_last_text_of_the_model_is_the_answer(case: Text) -> None:
    reply = read_interaction(case.body, CALL)
    assert (reply.text, reply.truncated) == (case.expected, case.truncated)


def blocked(said: str) -> str:
    return interaction("failed", errors=[{"code": "blocked", "message": said}])


FAULT = {"code": "internal", "message": "It broke, AIzaSyA-secret."}
STOPS = [
    Stop("nothing at all", interaction(), IncompleteError, "completed"),
    Stop("white space", interaction("completed", output(" \n")), IncompleteError),
    Stop("a thought only", interaction("completed", THOUGHT), IncompleteError),
    Stop("thinking ate it", interaction("incomplete", THOUGHT), OutOfTokensError, hint="thinking"),
    Stop("failed", interaction("failed", errors=[FAULT]), FailedError, "It broke, [key]."),
    Stop("failed with text", interaction("failed", output("[1,")), FailedError, "failed"),
    Stop("cancelled", interaction("cancelled"), FailedError, "cancelled"),
    Stop("budget", interaction("budget_exceeded"), IncompleteError, hint="budget"),
    Stop("a tool's turn", interaction("requires_action", TOOL), IncompleteError, hint="tools"),
    Stop(
        "code ate it",
        interaction("incomplete", output("I zoom in."), TOOL, RESULT),
        OutOfTokensError,
        hint="output tokens",
    ),
    Stop("to continue", interaction("requires_continuation"), OutOfTokensError),
    Stop("an example only", interaction("completed", output("[0]"), ASKED), IncompleteError),
    Stop(
        "blocked prompt", blocked("The prompt was blocked: X."), PromptBlockedError, hint="prompt"
    ),
    Stop("safety", blocked("The response was blocked: SAFETY."), SafetyError, hint="safety setti"),
    Stop("recitation", blocked("RECITATION"), RecitationError, hint="temperature"),
    Stop("queued", interaction("queued"), IncompleteError, "queued"),
    Stop("a new state", interaction("resting"), IncompleteError, "resting"),
    Stop(
        "blocked by code",
        interaction("failed", errors=[{"code": "content_blocked", "message": "No."}]),
        BlockedError,
        "No.",
    ),
    Stop(
        "blocked by a step's error",
        interaction("completed", output(error={"code": 3, "message": "Prohibited content."})),
        BlockedError,
        "Prohibited content.",
    ),
    Stop("null everywhere", '{"status": "failed", "steps": null, "errors": null}', FailedError),
]


@pytest.mark.parametrize("case", STOPS, ids=lambda case: case.name)
def test_no_answer_is_an_error_that_says_why(case: Stop) -> None:
    error = stopped(case, read_interaction)
    assert CALL.secret not in str(error)


@pytest.mark.parametrize(
    "usage", [None, {}, {"total_input_tokens": None}, {"total_input_tokens": "many", "new": []}]
)
def test_odd_usage_costs_no_answer(usage: Any) -> None:
    reply = read_interaction(interaction("completed", output("[]"), usage=usage), CALL)
    assert reply.usage == Usage()


def test_every_kind_of_token_is_counted() -> None:
    """What tools returned was read by the model: it is billed as input, and so are its crops."""
    usage = {
        "total_input_tokens": 100,
        "total_output_tokens": 2,
        "total_thought_tokens": 3,
        "total_cached_tokens": 4,
        "total_tool_use_tokens": 50,
        "total_tokens": 155,
        "input_tokens_by_modality": [
            {"modality": "text", "tokens": 10},
            {"modality": "image", "tokens": 90},
            {"modality": "image", "tokens": "many"},
            {"modality": None},
            None,
        ],
        "tool_use_tokens_by_modality": [{"modality": "IMAGE", "tokens": 5}],
    }
    reply = read_interaction(interaction("completed", output("[]"), usage=usage), CALL)
    assert reply.usage == Usage(150, 2, 3, 4, 95)
    assert reply.usage.total == usage["total_tokens"]


@pytest.mark.parametrize("status", ["failed", "incomplete", "completed"])
def test_an_attempt_without_an_answer_says_what_it_cost(status: str) -> None:
    usage = {"total_input_tokens": 100, "total_thought_tokens": 3}
    with pytest.raises(GeminiError) as caught:
        read_interaction(interaction(status, usage=usage), CALL)
    assert caught.value.bill == Usage(100, 0, 3)


STEP = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["model_output", "thought", "new"]), "error": st.none()}
)


@given(status=st.text(), steps=st.lists(STEP), text=st.text(st.characters(codec="utf-8")))
def test_any_state_gives_a_reply_or_an_error(status: str, steps: list[Any], text: str) -> None:
    try:
        reply = read_interaction(interaction(status, *steps, output(text)), CALL)
    except GeminiError:
        return
    assert text in reply.text
    assert reply.text.strip()


def test_what_is_no_interaction_is_refused() -> None:
    for body in ("", "[]", "{}", "null", '{"status": 1}', "<html>"):
        with pytest.raises(ValidationError):
            read_interaction(body, CALL)


async def test_a_long_answer_is_not_continued_by_itself() -> None:
    """Each continuation would be another paid request: the part that came is the answer."""
    body = interaction("requires_continuation", output("[1,"), continuation_token="more")
    async with recording(Answer(body)) as recorder:
        gemini = connect_gemini(
            api="interactions", api_key="demo", base_url=recorder.url, timeout=9
        )
        reply = await gemini.generate(PLAIN)
        await gemini.aclose()
    assert (reply.text, reply.truncated) == ("[1,", True)
    assert len(recorder.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    """The header with the key would go along, to whatever host."""
    elsewhere = Answer(status=307, headers={"Location": "/elsewhere"})
    async with recording(elsewhere) as recorder:
        gemini = connect_gemini(
            api="interactions", api_key="demo", base_url=recorder.url, timeout=9
        )
        with pytest.raises(RequestError, match="307"):
            await gemini.generate(PLAIN)
        await gemini.aclose()
    assert len(recorder.requests) == 1
