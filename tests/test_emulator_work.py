"""Work with code, numbered pictures and examples, as the emulator takes and answers them."""

from __future__ import annotations

import json
from typing import Any

from google.genai import types
from google.genai.interactions import Interaction

from emulator_kit import (
    BOX_SCHEMA,
    generate,
    generate_body,
    generated_text,
    interact,
    interaction_body,
    picture_file,
    schema_config,
    serving_key,
    unfenced,
    write_key,
)
from label_studio_gemini.emulator import (
    Fault,
    RunningEmulator,
    Stop,
)

PARK, EMPTY = picture_file(1), picture_file(3)
TOOL: dict[str, Any] = {"tools": [{"codeExecution": {}}]}


running_emulator = serving_key(write_key)


def test_code_and_its_result_come_before_the_answer(gemini: RunningEmulator) -> None:
    """And the SDK's own types can read them."""
    answer = generate(gemini.url, generate_body(PARK) | TOOL).json()
    response = types.GenerateContentResponse.model_validate(answer)
    assert response.parts is not None
    kinds = [set(part.model_dump(exclude_none=True)) for part in response.parts]
    assert kinds == [{"text"}, {"executable_code"}, {"code_execution_result"}, {"text"}]
    assert response.code_execution_result
    usage = response.usage_metadata
    assert usage is not None
    assert usage.tool_use_prompt_token_count
    assert usage.total_token_count == sum(
        (
            usage.prompt_token_count or 0,
            usage.candidates_token_count or 0,
            usage.thoughts_token_count or 0,
            usage.tool_use_prompt_token_count,
        )
    )


def test_code_and_its_result_are_steps_of_an_interaction(gemini: RunningEmulator) -> None:
    body = interaction_body(PARK, tools=[{"type": "code_execution"}])
    interaction = Interaction.model_validate(interact(gemini.url, body).json())
    assert interaction.steps is not None
    kinds: list[Any] = [step.type for step in interaction.steps]
    assert kinds == [
        "thought",
        "model_output",
        "code_execution_call",
        "code_execution_result",
        "model_output",
    ]
    assert "guess" not in (interaction.output_text or "")
    assert interaction.usage is not None
    assert interaction.usage.total_tool_use_tokens


def test_tokens_may_run_out_in_the_middle_of_the_work(gemini: RunningEmulator) -> None:
    gemini.script(Fault(stop=Stop.OUT_OF_TOKENS, times=2))
    candidate = generate(gemini.url, generate_body(PARK) | TOOL).json()["candidates"][0]
    assert candidate["finishReason"] == "MAX_TOKENS"
    assert "codeExecutionResult" in candidate["content"]["parts"][-1]
    body = interaction_body(PARK, tools=[{"type": "code_execution"}])
    interaction = interact(gemini.url, body).json()
    assert interaction["status"] == "incomplete"
    assert interaction["steps"][-1]["type"] == "code_execution_result"


def test_the_tool_has_nothing_to_set(gemini: RunningEmulator) -> None:
    refused = generate(gemini.url, generate_body(PARK) | {"tools": [{"codeExecution": {"x": 1}}]})
    assert 'Unknown name "x"' in refused.json()["error"]["message"]
    refused = interact(
        gemini.url, interaction_body(PARK, tools=[{"type": "code_execution", "x": 1}])
    )
    assert "Unknown parameter 'x'" in refused.json()["error"]["message"]


def two(first: bytes, second: bytes, names: tuple[str, str]) -> dict[str, Any]:
    """Two pictures, each after a text."""
    body = generate_body(first)
    [one, text] = body["contents"][0]["parts"]
    [other, _] = generate_body(second)["contents"][0]["parts"]
    body["contents"][0]["parts"] = [{"text": names[0]}, one, {"text": names[1]}, other, text]
    return body


def test_an_item_names_the_picture_by_its_number(gemini: RunningEmulator) -> None:
    body = two(EMPTY, PARK, ("Image 7:", "Image 9:"))
    items = unfenced(generated_text(generate(gemini.url, body)))
    assert [item["image"] for item in items] == [9, 9]


def test_pictures_without_numbers_are_not_named(gemini: RunningEmulator) -> None:
    body = two(EMPTY, PARK, ("One", "Another"))
    items = unfenced(generated_text(generate(gemini.url, body)))
    assert [set(item) for item in items] == [{"box_2d", "label"}] * 2


def test_a_schema_may_ask_for_the_picture_s_place(gemini: RunningEmulator) -> None:
    schema = json.loads(json.dumps(BOX_SCHEMA))
    schema["items"]["properties"]["image"] = {"type": "integer"}
    body = two(EMPTY, PARK, ("One", "Another")) | {"generationConfig": schema_config(schema)}
    items = json.loads(generated_text(generate(gemini.url, body)))
    assert [item["image"] for item in items] == [2, 2]


def test_what_an_example_says_is_not_asked_for(gemini: RunningEmulator) -> None:
    """Only the last question counts, by both APIs."""
    body = generate_body(PARK, prompt="Detect every person.")
    example = generate_body(PARK, prompt="Detect every dog.")["contents"]
    answer = {"role": "model", "parts": [{"text": "[]"}]}
    body["contents"] = [*example, answer, *body["contents"]]
    items = unfenced(generated_text(generate(gemini.url, body)))
    assert [item["label"] for item in items] == ["person"]

    talk = interaction_body(PARK, prompt="Detect every person.")
    example = interaction_body(PARK, prompt="Detect every dog.")["input"]
    step = {"type": "model_output", "content": [{"type": "text", "text": "[]"}]}
    talk["input"] = [*example, step, *talk["input"]]
    answered = interact(gemini.url, talk).json()
    items = unfenced(answered["steps"][-1]["content"][0]["text"])
    assert [item["label"] for item in items] == ["person"]
    assert answered["usage"]["input_tokens_by_modality"][1]["tokens"] == 2 * 1120


def test_the_pictures_of_examples_count(gemini: RunningEmulator) -> None:
    part = {"fileData": {"fileUri": "files/a"}}
    turn = {"role": "user", "parts": [part] * 1801}
    refused = generate(gemini.url, {"contents": [turn, turn]})
    assert "may have 3600 images, this one 3602" in refused.json()["error"]["message"]
