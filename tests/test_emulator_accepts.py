"""What the real service takes is taken: spellings, alphabets, forms of input, keys."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from emulator_kit import (
    MODEL,
    generate,
    generate_body,
    generated_text,
    interact,
    interaction_body,
    interaction_text,
    picture_file,
    post,
    serving_key,
    write_key,
)
from label_studio_gemini.emulator import (
    EmulatorSettings,
    RunningEmulator,
    read_answer_key,
    run_emulator,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARK = picture_file(1)
GOOD = generate_body(PARK)
FINE = interaction_body(PARK)


running_emulator = serving_key(write_key)


def first_part(body: dict[str, Any]) -> Any:
    return body["contents"][0]["parts"][0]


@dataclass(frozen=True)
class Accepted:
    name: str
    change: Callable[[dict[str, Any]], object]
    generate: bool = True
    found: int = 2


ACCEPTED = [
    Accepted("the standard alphabet", lambda b: first_part(b)["inlineData"].update(
        data=base64.b64encode(PARK).decode())),
    Accepted("no padding", lambda b: first_part(b)["inlineData"].update(
        data=base64.b64encode(PARK).decode().rstrip("="))),
    Accepted("snake case", lambda b: b.update(
        safety_settings=[], generation_config={"top_k": 40.0, "max_output_tokens": "8192"})),
    Accepted("a small level", lambda b: b.update(
        generationConfig={"thinkingConfig": {"thinkingLevel": "low"}})),
    Accepted("a tool", lambda b: b.update(tools=[{"codeExecution": {}}])),
    Accepted("a bare text", lambda b: b.update(input="Detect"), generate=False, found=0),
    Accepted("bare contents", lambda b: b.update(input=b["input"][0]["content"]), generate=False),
    Accepted("one content", lambda b: b.update(input=b["input"][0]["content"][1]), generate=False),
    Accepted("history", lambda b: b["input"].insert(0, {
        "type": "model_output", "content": [{"type": "text", "text": "Hi"}]}), generate=False),
    Accepted("a full name", lambda b: b.update(model=f"models/{MODEL}"), generate=False),
    Accepted("a list of formats", lambda b: b.update(response_format=[{"type": "text"}]),
             generate=False),
]  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_what_the_real_service_takes_is_taken(case: Accepted, gemini: RunningEmulator) -> None:
    body = json.loads(json.dumps(GOOD if case.generate else FINE))
    case.change(body)
    if case.generate:
        text = generated_text(generate(gemini.url, body))
    else:
        text = interaction_text(interact(gemini.url, body))
    assert text.count("box_2d") == case.found


def test_a_missing_key_is_refused(gemini: RunningEmulator) -> None:
    generate_url = f"{gemini.url}/v1/models/{MODEL}:generateContent"
    by_generate = post(generate_url, json=GOOD, headers={})
    by_interaction = post(f"{gemini.url}/v1/interactions", json=FINE, headers={})
    assert by_generate.status_code == 403
    assert by_generate.json()["error"]["status"] == "PERMISSION_DENIED"
    assert by_interaction.status_code == 401
    assert by_interaction.json()["error"]["code"] == "authentication"


def test_a_wrong_key_is_refused(gemini: RunningEmulator) -> None:
    wrong = {"x-goog-api-key": "wrong-key"}
    error = post(
        f"{gemini.url}/v1/models/{MODEL}:generateContent", json=GOOD, headers=wrong
    ).json()["error"]
    assert (error["code"], error["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_a_key_may_stand_in_the_address(gemini: RunningEmulator) -> None:
    url = f"{gemini.url}/v1/models/{MODEL}:generateContent?key=any"
    assert post(url, json=GOOD, headers={}).status_code == 200


def test_only_the_keys_that_are_set_are_valid(tmp_path: Path) -> None:
    key = read_answer_key(*write_key(tmp_path))
    with run_emulator(key, EmulatorSettings(keys=frozenset({"mine"}))) as strict:
        assert generate(strict.url, GOOD).status_code == 400
        url = f"{strict.url}/v1/models/{MODEL}:generateContent"
        assert post(url, json=GOOD, headers={"x-goog-api-key": "mine"}).status_code == 200


def test_a_key_is_asked_for_everywhere(gemini: RunningEmulator) -> None:
    assert post(f"{gemini.url}/upload/v1/files", json={}, headers={}).status_code == 403


@pytest.mark.parametrize("model", ["gemini-robotics-er-2-preview", "gemini-4-argon"])
def test_models_without_a_rule_take_the_least_level(model: str, gemini: RunningEmulator) -> None:
    body = generate_body(PARK, thinkingConfig={"thinking_level": "MINIMAL"})
    assert generate(gemini.url, body, model=model).status_code == 200
