"""What the real service would refuse is refused, in the form of each family of endpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from emulator_kit import (
    MODEL,
    generate,
    generate_body,
    get,
    interact,
    interaction_body,
    picture_file,
    post,
    serving_key,
    write_key,
)
from label_studio_gemini.emulator import (
    EmulatorSettings,
    Problem,
    RunningEmulator,
)
from label_studio_gemini.emulator.api import Api
from label_studio_gemini.emulator.refusals import refusal_from_problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARK = picture_file(1)
GOOD = generate_body(PARK)
FINE = interaction_body(PARK)


running_emulator = serving_key(write_key, EmulatorSettings(largest_body=2**20))


@dataclass(frozen=True)
class Case:
    """A good body, spoiled, and what is said about it."""

    name: str
    spoil: Callable[[dict[str, Any]], object]
    says: str
    status: int = 400
    code: str = "INVALID_ARGUMENT"
    model: str = MODEL


def first_part(body: dict[str, Any]) -> Any:
    return body["contents"][0]["parts"][0]


def config(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body.update(generationConfig=fields)


GENERATE = [
    Case("unknown name", lambda b: b.update(prompt=1), 'Unknown name "prompt": Cannot find field.'),
    Case(
        "unknown name inside",
        lambda b: b["contents"][0].update(text="x"),
        """Unknown name "text" at 'contents[0]': Cannot find field.""",
    ),
    Case("no contents", lambda b: b.pop("contents"), "contents is not specified"),
    Case("no parts", lambda b: b["contents"][0].pop("parts"), "parts must not be empty"),
    Case("an empty part", lambda b: b["contents"][0].update(parts=[{}]), "oneof field 'data'"),
    Case("two kinds in a part", lambda b: first_part(b).update(text="x"), "already set"),
    Case(
        "a wrong type",
        lambda b: b["contents"][0].update(parts=[{"text": 5}]),
        "Invalid value at 'contents[0].parts[0].text'",
    ),
    Case("a wrong role", lambda b: b["contents"][0].update(role="user_input"), "valid role"),
    Case(
        "no base64",
        lambda b: first_part(b)["inlineData"].update(data="*"),
        "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64",
    ),
    Case(
        "another type of image",
        lambda b: first_part(b)["inlineData"].update(mime_type="image/bmp"),
        "Unsupported MIME type: image/bmp",
    ),
    Case(
        "no image",
        lambda b: first_part(b)["inlineData"].update(data="bm8gaW1hZ2U="),
        "Unable to process input image.",
    ),
    Case(
        "an unknown file",
        lambda b: first_part(b).update(
            inlineData=None, fileData={"fileUri": "https://google.example/v1beta/files/abc"}
        ),
        "You do not have permission to access the File abc or it may not exist.",
        403,
        "PERMISSION_DENIED",
    ),
    Case(
        "an address that cannot be reached",
        lambda b: first_part(b).update(
            inlineData=None, fileData={"fileUri": "https://example.com/a.jpg"}
        ),
        "Cannot fetch content from the provided URL.",
    ),
    Case("an unknown model", lambda _: None, "models/gpt is not found", 404, "NOT_FOUND", "gpt"),
    Case("a hot temperature", config(temperature=3), "[0, 2], got 3"),
    Case("no tokens", config(maxOutputTokens=0), "`max_output_tokens` must be"),
    Case("a flag for a number", config(seed=True), "generation_config.seed"),
    Case("a wrong level", config(thinkingConfig={"thinkingLevel": "NONE"}), '"NONE"'),
    Case(
        "a level and a budget",
        config(thinkingConfig={"thinking_level": "LOW", "thinking_budget": 9}),
        "only one of thinking budget and thinking level",
    ),
    Case(
        "the least level of a model without it",
        config(thinkingConfig={"thinking_level": "MINIMAL"}),
        "Thinking level MINIMAL is not supported",
        model="gemini-3.7-flash",
    ),
    Case(
        "the least level of a pro model",
        config(thinkingConfig={"thinking_level": "MINIMAL"}),
        "Thinking level MINIMAL is not supported",
        model="gemini-3.1-pro-preview",
    ),
    Case(
        "a level of a model that has budgets",
        config(thinkingConfig={"thinking_level": "LOW"}),
        "Thinking level is not supported",
        model="gemini-2.5-flash",
    ),
    Case(
        "no thoughts of a pro model",
        config(thinkingConfig={"thinking_budget": 0}),
        "Budget 0 is invalid.",
        model="gemini-2.5-pro",
    ),
    Case("a small resolution", config(mediaResolution="high"), "media_resolution"),
    Case(
        "ultra for all", config(mediaResolution="MEDIA_RESOLUTION_ULTRA_HIGH"), "media_resolution"
    ),
    Case(
        "half a setting",
        lambda b: b.update(safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT"}]),
        "safety_settings[0].threshold is not specified",
    ),
    Case(
        "too many images",
        lambda b: b["contents"][0].update(parts=[{"fileData": {"fileUri": "files/a"}}] * 3601),
        "may have 3600 images, this one 3601",
    ),
    Case("a wrong tier", lambda b: b.update(serviceTier="cheap"), "service_tier"),
    Case(
        "a wrong threshold",
        lambda b: b.update(
            safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "NEVER"}]
        ),
        "safety_settings[0].threshold",
    ),
    Case(
        "a schema without its type of answer",
        config(responseJsonSchema={"type": "string"}),
        "requires `response_mime_type`",
    ),
    Case(
        "two schemas",
        config(
            responseMimeType="application/json",
            responseSchema={"type": "STRING"},
            responseJsonSchema={"type": "string"},
        ),
        "Only one of response_schema",
    ),
    Case(
        "JSON Schema words in a Schema",
        config(responseMimeType="application/json", responseSchema={"$ref": "#/$defs/a"}),
        'Unknown name "$ref"',
    ),
    Case(
        "a schema without end",
        config(responseMimeType="application/json", responseJsonSchema={"items": {"$ref": "#"}}),
        "refers to itself",
    ),
    Case("a cache that is not there", lambda b: b.update(cachedContent="cachedContents/c"),
         "CachedContent not found", 403, "PERMISSION_DENIED"),
    Case("too much", lambda b: b["contents"][0].update(parts=[{"text": "x" * 2**20}]),
         "Request payload size exceeds the limit: 1048576 bytes."),
]  # fmt: skip


@pytest.mark.parametrize("case", GENERATE, ids=lambda case: case.name)
def test_generate_content_refuses(case: Case, gemini: RunningEmulator) -> None:
    body = json.loads(json.dumps(GOOD))
    case.spoil(body)
    response = generate(gemini.url, body, model=case.model)
    error = response.json()["error"]
    assert response.status_code == error["code"] == case.status
    assert error["status"] == case.code
    assert case.says in error["message"]


def content(number: int, **fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["input"][0]["content"][number].update(fields)


def generation(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body.update(generation_config=fields)


INTERACTIONS = [
    Case("unknown name", lambda b: b.update(contents=[]), "Unknown parameter 'contents'.",
         code="parameter_unknown"),
    Case("a thinking budget", generation(thinking_budget=0),
         "Unknown parameter 'thinking_budget' at 'generation_config'.", code="parameter_unknown"),
    Case("a general resolution", generation(media_resolution="high"), "'media_resolution'",
         code="parameter_unknown"),
    Case("camelCase", generation(thinkingLevel="low"), "'thinkingLevel'", code="parameter_unknown"),
    Case("no model", lambda b: b.pop("model"), "'model' is missing."),
    Case("no input", lambda b: b.pop("input"), "'input' is missing."),
    Case("an empty input", lambda b: b.update(input=[]), "must not be empty"),
    Case("a wrong kind of content", content(1, type="picture"),
         "The value 'picture' is not supported for 'type' at 'input[0].content[1]'."),
    Case("a wrong tool", lambda b: b.update(tools=[{"type": "hammer"}]),
         "The value 'hammer' is not supported for 'type' at 'tools[0]'."),
    Case("capitals", generation(thinking_level="LOW"),
         "The value 'LOW' is not supported for 'thinking_level' at 'generation_config'."),
    Case("a long resolution", content(1, resolution="MEDIA_RESOLUTION_HIGH"),
         "'resolution' at 'input[0].content[1]'"),
    Case("a text that is none", content(0, text=5), "Invalid value for 'input[0].content[0].text'"),
    Case("the other alphabet", content(1, data="-_-_"), "Invalid base64"),
    Case("base64 without padding", content(1, data="YWJjZA"), "Invalid base64"),
    Case("no type of image", content(1, mime_type=None), "'mime_type' is missing"),
    Case("bytes and an address", content(1, uri="https://example.com"), "Exactly one of"),
    Case("another type of image", content(1, mime_type="image/gif"), "Unsupported MIME type"),
    Case("no image", content(1, data="bm8gaW1hZ2U="), "Unable to process input image."),
    Case("an unknown model", lambda b: b.update(model="gpt"), "models/gpt is not found", 404,
         "model_not_found"),
    Case("an unknown file", content(1, data=None, uri="https://google.example/v1/files/no"),
         "do not have permission", 403, "permission_denied"),
    Case("an unknown interaction", lambda b: b.update(previous_interaction_id="v1_0"),
         "Interaction v1_0 is not found.", 404, "not_found"),
    Case("a schema for text", lambda b: b.update(response_format={
        "type": "text", "mime_type": "text/plain", "schema": {"type": "string"}}), "mime_type"),
    Case("a bad schema", lambda b: b.update(response_format={
        "type": "text", "mime_type": "application/json", "schema": {"type": "thing"}}),
         "'thing' is no type"),
    Case("streaming", lambda b: b.update(stream=True), "does not offer streaming", 501,
         "unimplemented"),
]  # fmt: skip


@pytest.mark.parametrize("case", INTERACTIONS, ids=lambda case: case.name)
def test_interactions_refuse(case: Case, gemini: RunningEmulator) -> None:
    body = json.loads(json.dumps(FINE))
    case.spoil(body)
    code = "invalid_request" if case.code == "INVALID_ARGUMENT" else case.code
    response = interact(gemini.url, body)
    error = response.json()["error"]
    assert response.status_code == case.status, error
    assert [*error] == ["code", "message"]
    assert error["code"] == code
    assert case.says in error["message"]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"3", b'{"contents": NaN}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes, gemini: RunningEmulator) -> None:
    for path in (f"models/{MODEL}:generateContent", "interactions"):
        response = post(f"{gemini.url}/v1beta/{path}", content=body)
        assert response.status_code == 400
        assert response.json()["error"]["message"]


@pytest.mark.parametrize("method", ["streamGenerateContent", "batchGenerateContent"])
def test_what_is_not_offered_is_said(method: str, gemini: RunningEmulator) -> None:
    response = post(f"{gemini.url}/v1/models/{MODEL}:{method}", json=GOOD)
    assert response.status_code == 501
    assert response.json()["error"]["status"] == "UNIMPLEMENTED"


def test_any_other_address_is_not_found(gemini: RunningEmulator) -> None:
    for response in (get(f"{gemini.url}/v1/caches"), post(f"{gemini.url}/v1/x", json={})):
        assert response.status_code == 404
        assert response.json()["error"]["status"] == "NOT_FOUND"


def test_counting_is_as_strict(gemini: RunningEmulator) -> None:
    response = post(f"{gemini.url}/v1/models/{MODEL}:countTokens", json={"content": []})
    assert response.status_code == 400
    assert 'Unknown name "content"' in response.json()["error"]["message"]


RECORDED = {
    Problem.RATE_LIMIT: "generateContent_429_minute",
    Problem.BAD_KEY: "generateContent_400_bad_key",
}


@pytest.mark.parametrize("problem", RECORDED)
def test_refusals_are_as_recorded(problem: Problem, shared: Path) -> None:
    known = json.loads((shared / "replies" / "errors.json").read_text(encoding="utf-8"))
    recorded = known[RECORDED[problem]]
    refusal = refusal_from_problem(problem, model="gemini-3-flash", retry_seconds=47)
    body: Any = json.loads(json.dumps(refusal.body(Api.GENERATE_CONTENT)))
    message, expected = body["error"].pop("message"), recorded["body"]["error"].pop("message")
    assert refusal.status == recorded["status"]
    assert body == recorded["body"]
    assert message.split("Please retry in ")[0] == expected.split("Please retry in ")[0]


def test_a_daily_quota_carries_a_delay_too() -> None:
    refusal = refusal_from_problem(Problem.QUOTA, model="m", retry_seconds=47)
    assert "PerDay" in json.dumps(refusal.details)
    assert refusal.details[-1]["retryDelay"] == "47s"
    assert refusal.code == "quota_exceeded"
