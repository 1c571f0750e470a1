"""The Interactions API: what goes out, and what is read of what comes back."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from google import genai
from google.genai.types import HttpOptions
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gemini_recorder import Answer, recording
from label_studio_gemini.errors import BlockedError, GeminiError, IncompleteError, RequestError
from label_studio_gemini.gemini import GeminiRequest, InlineImage, Usage, connect_gemini
from label_studio_gemini.gemini.interactions import build_body, read_interaction
from label_studio_gemini.gemini.refusals import Call

if TYPE_CHECKING:
    from pathlib import Path

CALL = Call(model="gemini-9", timeout=30, secret="AIzaSyA-secret")
# Bytes whose base64 tells the two alphabets apart: "++//" and "--__".
PIXELS = b"\xfb\xef\xff"
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"boxes": {"type": "array", "items": {"type": "integer"}}},
    "required": ["boxes"],
}
REQUEST = GeminiRequest(
    model="gemini-3-flash-preview",
    prompt="Detect the größten cars.",
    images=(InlineImage(PIXELS, "image/png"), InlineImage(b"second", "image/jpeg")),
    schema=SCHEMA,
)


def output(*texts: str, **more: object) -> dict[str, object]:
    content = [{"type": "text", "text": text} for text in texts]
    return {"type": "model_output", "content": content, **more}


THOUGHT = {"type": "thought", "summary": [{"type": "text", "text": "Hm."}]}
TOOL = {"type": "code_execution_call", "arguments": {"code": "crop()"}}


def interaction(status: str = "completed", *steps: object, **more: object) -> str:
    return json.dumps({"id": "v1_1", "status": status, "steps": steps, **more})


async def test_the_request_is_the_recorded_one(shared: Path) -> None:
    """Text before the images, standard base64, the schema in `response_format`, nothing stored."""
    wire = json.loads((shared / "gemini" / "wire" / "inter_full.json").read_text("utf-8"))[0]
    async with recording(Answer(interaction("completed", output("[]")))) as recorder:
        gemini = connect_gemini(
            api="interactions", api_key="K-secret-key", base_url=recorder.url, timeout=9
        )
        await gemini.generate(REQUEST)
        await gemini.aclose()
    [sent] = recorder.requests
    assert sent.line == wire["request_line"]
    assert sent.headers["x-goog-api-key"] == "K-secret-key"
    assert "authorization" not in sent.headers
    assert sent.body == {
        "model": "gemini-3-flash-preview",
        "input": [
            {
                "type": "user_input",
                "content": [
                    {"type": "text", "text": "Detect the größten cars."},
                    {"type": "image", "data": "++//", "mime_type": "image/png"},
                    {
                        "type": "image",
                        "data": base64.b64encode(b"second").decode(),
                        "mime_type": "image/jpeg",
                    },
                ],
            }
        ],
        "response_format": {"type": "text", "mime_type": "application/json", "schema": SCHEMA},
        "store": False,
    }
    recorded = wire["body"]
    assert set(sent.body) <= set(recorded)
    assert set(sent.body["response_format"]) == set(recorded["response_format"])
    first, second = recorded["input"][0]["content"][:2]
    assert set(sent.body["input"][0]["content"][0]) == set(first)
    assert set(sent.body["input"][0]["content"][1]) == set(second) - {"resolution"}


async def test_the_request_is_what_the_sdk_would_send() -> None:
    """The adapter passes over the SDK's own method, which is slow; both must say the same."""
    async with recording(Answer(interaction("completed", output("[]")))) as recorder:
        options = HttpOptions(base_url=recorder.url)
        sdk = genai.Client(api_key="K-secret-key", http_options=options)
        body: Any = build_body(REQUEST)
        await sdk.aio.interactions.create(**body)
        await sdk.aio.aclose()
        sdk.close()
        gemini = connect_gemini(
            api="interactions", api_key="K-secret-key", base_url=recorder.url, timeout=9
        )
        await gemini.generate(REQUEST)
        await gemini.aclose()
    theirs, ours = recorder.requests
    assert (ours.line, ours.body) == (theirs.line, theirs.body)
    own = {"accept", "content-length"}  # JSON's white space; `*/*`
    assert set(theirs.headers.items()) - set(ours.headers.items()) == {
        (name, theirs.headers[name]) for name in own
    }


def test_the_modelled_answer_is_read(shared: Path) -> None:
    wire = json.loads((shared / "gemini" / "wire" / "inter_text_inline.json").read_text("utf-8"))
    reply = read_interaction(json.dumps(wire[0]["response"]["body"]), CALL)
    assert reply.text == '[{"box_2d":[100,200,500,600],"label":"cat"}]'
    assert reply.usage == Usage(1100, 30, 70, 0)
    assert not reply.truncated


@dataclass(frozen=True)
class Text:
    name: str
    body: str
    expected: str
    truncated: bool = False


TEXTS = [
    Text("one step", interaction("completed", output("[1]")), "[1]"),
    Text("a last thought", interaction("completed", output("[1]"), THOUGHT), "[1]"),
    Text("a thought between", interaction("completed", output("[1"), THOUGHT, output("]")), "[1]"),
    Text("several parts", interaction("completed", output("[1", ",2]")), "[1,2]"),
    Text("after a tool", interaction("completed", output("Look."), TOOL, output("[1]")), "[1]"),
    Text("before a tool", interaction("completed", output("[1]"), TOOL), "[1]"),
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


@dataclass(frozen=True)
class Stop:
    name: str
    body: str
    expected: type[GeminiError]
    said: str = ""
    hint: str = ""


FAULT = {"code": "internal", "message": "It broke, AIzaSyA-secret."}
STOPS = [
    Stop("nothing at all", interaction(), IncompleteError, "completed"),
    Stop("white space", interaction("completed", output(" \n")), IncompleteError),
    Stop("a thought only", interaction("completed", THOUGHT), IncompleteError),
    Stop("thinking ate it", interaction("incomplete", THOUGHT), IncompleteError, hint="thinking"),
    Stop("failed", interaction("failed", errors=[FAULT]), IncompleteError, "It broke, [key]."),
    Stop("failed with text", interaction("failed", output("[1,")), IncompleteError, "failed"),
    Stop("cancelled", interaction("cancelled"), IncompleteError, "cancelled"),
    Stop("budget", interaction("budget_exceeded"), IncompleteError, hint="budget"),
    Stop("a tool's turn", interaction("requires_action", TOOL), IncompleteError, hint="tools"),
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
    Stop("null everywhere", '{"status": "failed", "steps": null, "errors": null}', IncompleteError),
]


@pytest.mark.parametrize("case", STOPS, ids=lambda case: case.name)
def test_no_answer_is_an_error_that_says_why(case: Stop) -> None:
    with pytest.raises(GeminiError) as caught:
        read_interaction(case.body, CALL)
    assert type(caught.value) is case.expected
    assert case.said in caught.value.message
    assert case.hint in caught.value.hint
    assert "AIzaSyA-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "usage", [None, {}, {"total_input_tokens": None}, {"total_input_tokens": "many", "new": []}]
)
def test_odd_usage_costs_no_answer(usage: Any) -> None:
    reply = read_interaction(interaction("completed", output("[]"), usage=usage), CALL)
    assert reply.usage == Usage()


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
        reply = await gemini.generate(REQUEST)
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
            await gemini.generate(REQUEST)
        await gemini.aclose()
    assert len(recorder.requests) == 1
