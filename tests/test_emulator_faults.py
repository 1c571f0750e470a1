"""Each fault does what it says, to the requests that it names and to no other."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from emulator_kit import (
    BOX_SCHEMA,
    KEY,
    PERSON,
    delete,
    generate,
    generate_body,
    generated_text,
    get,
    interact,
    interaction_body,
    picture_file,
    post,
    schema_config,
    serving_key,
    write_key,
)
from label_studio_gemini.emulator import (
    GARBAGE_TEXT,
    Api,
    Breakage,
    Fault,
    Problem,
    RunningEmulator,
    Stop,
    Wrapping,
)

PARK, OTHER = picture_file(1), picture_file(8)
GOOD, FINE = generate_body(PARK), interaction_body(PARK)


running_emulator = serving_key(write_key)


@dataclass(frozen=True)
class Refused:
    problem: Problem
    status: int
    rpc: str
    code: str


REFUSED = [
    Refused(Problem.BAD_REQUEST, 400, "INVALID_ARGUMENT", "invalid_request"),
    Refused(Problem.BAD_KEY, 400, "INVALID_ARGUMENT", "invalid_request"),
    Refused(Problem.UNAUTHENTICATED, 401, "UNAUTHENTICATED", "authentication"),
    Refused(Problem.FORBIDDEN, 403, "PERMISSION_DENIED", "permission_denied"),
    Refused(Problem.NOT_FOUND, 404, "NOT_FOUND", "model_not_found"),
    Refused(Problem.TIMEOUT, 408, "DEADLINE_EXCEEDED", "timeout"),
    Refused(Problem.RATE_LIMIT, 429, "RESOURCE_EXHAUSTED", "rate_limit_exceeded"),
    Refused(Problem.QUOTA, 429, "RESOURCE_EXHAUSTED", "quota_exceeded"),
    Refused(Problem.INTERNAL, 500, "INTERNAL", "internal"),
    Refused(Problem.OVERLOADED, 503, "UNAVAILABLE", "unavailable"),
]


def test_every_problem_is_tested() -> None:
    assert {case.problem for case in REFUSED} == set(Problem)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.problem.value)
def test_problems(case: Refused, gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=case.problem, times=2))
    by_generate, by_interaction = generate(gemini.url, GOOD), interact(gemini.url, FINE)
    assert by_generate.status_code == by_interaction.status_code == case.status
    assert by_generate.json()["error"]["status"] == case.rpc
    assert by_interaction.json()["error"]["code"] == case.code
    assert generate(gemini.url, GOOD).status_code == 200


@pytest.mark.parametrize("problem", [Problem.RATE_LIMIT, Problem.QUOTA])
def test_a_limit_says_when_to_come_again(problem: Problem, gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=problem, retry_seconds=1.5, times=2))
    details = generate(gemini.url, GOOD).json()["error"]["details"]
    assert details[-1]["retryDelay"] == "1.5s"
    assert interact(gemini.url, FINE).headers["retry-after"] == "2"


def test_any_problem_can_say_when_to_come_again(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.OVERLOADED, retry_seconds=1.5, times=2))
    details = generate(gemini.url, GOOD).json()["error"]["details"]
    assert details[-1]["retryDelay"] == "1.5s"
    assert interact(gemini.url, FINE).headers["retry-after"] == "2"
    gemini.script(Fault(problem=Problem.OVERLOADED, times=2))
    assert "details" not in generate(gemini.url, GOOD).json()["error"]
    assert "retry-after" not in interact(gemini.url, FINE).headers


def test_a_delay(gemini: RunningEmulator) -> None:
    gemini.script(Fault(delay=0.3))
    start = time.monotonic()
    assert generate(gemini.url, GOOD).status_code == 200
    assert time.monotonic() - start >= 0.3
    record = gemini.requests[0]
    assert record.finished is not None
    assert record.finished - record.arrived >= 0.3


@dataclass(frozen=True)
class Stopped:
    stop: Stop
    finish: str | None
    status: str
    text: bool


STOPPED = [
    Stopped(Stop.PROMPT_BLOCKED, None, "failed", text=False),
    Stopped(Stop.SAFETY, "SAFETY", "failed", text=False),
    Stopped(Stop.SAFETY_WITH_TEXT, "SAFETY", "failed", text=True),
    Stopped(Stop.RECITATION, "RECITATION", "failed", text=False),
    Stopped(Stop.OUT_OF_TOKENS, "MAX_TOKENS", "incomplete", text=False),
    Stopped(Stop.FAILED, "OTHER", "failed", text=False),
    Stopped(Stop.INCOMPLETE, "MAX_TOKENS", "incomplete", text=True),
]


def test_every_stop_is_tested() -> None:
    assert {case.stop for case in STOPPED} == set(Stop)


@pytest.mark.parametrize("case", STOPPED, ids=lambda case: case.stop.value)
def test_stops(case: Stopped, gemini: RunningEmulator) -> None:
    gemini.script(Fault(stop=case.stop, times=2))
    generated, interaction = generate(gemini.url, GOOD).json(), interact(gemini.url, FINE).json()
    if case.finish is None:
        assert "candidates" not in generated
        assert generated["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    else:
        candidate = generated["candidates"][0]
        assert candidate["finishReason"] == case.finish
        assert ("parts" in candidate.get("content", {})) is case.text
    assert interaction["status"] == case.status
    assert bool(interaction.get("errors")) is (case.status == "failed")
    written = [step for step in interaction["steps"] if step["type"] == "model_output"]
    assert bool(written) is case.text


@pytest.mark.parametrize("characters", [0, 1, 25])
def test_text_cut_after_so_many_characters(characters: int, gemini: RunningEmulator) -> None:
    whole = generated_text(generate(gemini.url, GOOD))
    gemini.script(Fault(cut_characters=characters))
    response = generate(gemini.url, GOOD)
    assert generated_text(response) == whole[:characters]
    assert response.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_text_cut_in_the_middle_of_an_item(gemini: RunningEmulator) -> None:
    gemini.script(Fault(cut_items=1))
    body = generate_body(PARK, **schema_config(BOX_SCHEMA))
    text = generated_text(generate(gemini.url, body))
    assert text.startswith(f"[{json.dumps(PERSON)}, ")
    assert text.count("{") == text.count("}") + 1


def test_a_cut_after_the_last_item_leaves_the_text_whole(gemini: RunningEmulator) -> None:
    gemini.script(Fault(cut_items=7))
    body = generate_body(PARK, **schema_config(BOX_SCHEMA))
    assert len(json.loads(generated_text(generate(gemini.url, body)))) == 2


@pytest.mark.parametrize("text", ["", "I see no cars.", GARBAGE_TEXT, "\ud800 lone", "[" * 5000])
def test_any_text(text: str, gemini: RunningEmulator) -> None:
    gemini.script(Fault(text=text))
    assert generated_text(generate(gemini.url, GOOD)) == text


def test_a_reset_connection(gemini: RunningEmulator) -> None:
    gemini.script(Fault(breakage=Breakage.RESET))
    with pytest.raises(httpx2.ReadError):
        generate(gemini.url, GOOD)
    assert gemini.requests[0].status is None


def test_a_body_that_ends_early(gemini: RunningEmulator) -> None:
    gemini.script(Fault(breakage=Breakage.CUT_BODY))
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete message body"):
        generate(gemini.url, GOOD)


def test_a_body_that_is_no_json(gemini: RunningEmulator) -> None:
    gemini.script(Fault(breakage=Breakage.NOT_JSON))
    response = generate(gemini.url, GOOD)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_body_that_is_no_text(gemini: RunningEmulator) -> None:
    gemini.script(Fault(breakage=Breakage.GARBAGE))
    response = generate(gemini.url, GOOD)
    assert response.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        response.json()


def test_a_body_that_comes_for_ever(gemini: RunningEmulator) -> None:
    """Each piece is in time; the whole never is. It ends when the client hangs up."""
    gemini.script(Fault(breakage=Breakage.DRIP))
    with (
        httpx2.Client(timeout=10) as client,
        client.stream("POST", f"{gemini.url}/v1/interactions", json=FINE, headers=KEY) as response,
    ):
        pieces = response.iter_raw()
        assert [next(pieces) for _ in range(4)] == [b" "] * 4
    assert interact(gemini.url, FINE).status_code == 200


def test_an_answer_that_never_comes(gemini: RunningEmulator) -> None:
    gemini.script(Fault(breakage=Breakage.HANG))
    with pytest.raises(httpx2.ReadTimeout), httpx2.Client(timeout=0.2) as client:
        client.post(f"{gemini.url}/v1/interactions", json=FINE, headers=KEY)
    assert interact(gemini.url, FINE).status_code == 200


def test_faults_come_in_their_order(gemini: RunningEmulator) -> None:
    gemini.script(
        Fault(problem=Problem.OVERLOADED, times=2),
        Fault(problem=Problem.INTERNAL),
    )
    statuses = [generate(gemini.url, GOOD).status_code for _ in range(4)]
    assert statuses == [503, 503, 500, 200]


def test_a_fault_for_a_photo_leaves_others_alone(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.INTERNAL, images=frozenset({"park.png"}), times=None))
    statuses = [
        generate(gemini.url, generate_body(data)).status_code for data in (OTHER, PARK, OTHER, PARK)
    ]
    assert statuses == [200, 500, 200, 500]


def test_a_fault_for_some_requests(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.INTERNAL, where=lambda r: "cars" in r.prompt))
    assert generate(gemini.url, GOOD).status_code == 200
    assert generate(gemini.url, generate_body(PARK, prompt="Find cars")).status_code == 500


def test_a_fault_for_another_endpoint(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.INTERNAL, on=frozenset({Api.FILES})))
    assert generate(gemini.url, GOOD).status_code == 200
    assert get(f"{gemini.url}/v1/files").status_code == 500
    assert get(f"{gemini.url}/v1/files").status_code == 200


def test_standing_faults_hold_beneath_the_counted_ones(gemini: RunningEmulator) -> None:
    gemini.script(Fault(wrapping=Wrapping.PROSE, text="standing", times=None), Fault(text="once"))
    texts = [generated_text(generate(gemini.url, GOOD)) for _ in range(3)]
    assert texts == ["once", "standing", "standing"]
    gemini.clear_faults()
    assert generated_text(generate(gemini.url, GOOD)).startswith("```json")


def test_a_refused_request_uses_nothing_up(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.OVERLOADED))
    assert generate(gemini.url, {"contents": []}).status_code == 400
    assert generate(gemini.url, GOOD).status_code == 503


@pytest.mark.parametrize(
    "wrong", [{"statuss": 3}, {"times": 0}, {"delay": -1}, {"problem": "tired"}, {"cut_items": -1}]
)
def test_a_fault_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault(**wrong)


def test_faults_are_scripted_by_http(gemini: RunningEmulator) -> None:
    url = f"{gemini.url}/emulator/faults"
    one = {"problem": "overloaded", "images": ["park.png"]}
    assert post(url, json=one).json() == {"scripted": 1}
    assert post(url, json=[{"problem": "internal"}, {"text": "Hi"}]).json() == {"scripted": 2}
    statuses = [generate(gemini.url, GOOD).status_code for _ in range(2)]
    assert statuses == [503, 500]
    assert delete(url).json() == {}
    assert generated_text(generate(gemini.url, GOOD)) != "Hi"


def test_a_fault_that_is_none_is_refused_by_http(gemini: RunningEmulator) -> None:
    response = post(f"{gemini.url}/emulator/faults", json={"problem": "tired"})
    assert response.status_code == 400
    assert response.json()["problems"][0]["loc"] == [0, "problem"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    fault=st.builds(
        Fault,
        stop=st.none() | st.sampled_from(Stop),
        text=st.none() | st.text(),
        cut_characters=st.none() | st.integers(0, 200),
        cut_items=st.none() | st.integers(0, 3),
        wrapping=st.none() | st.sampled_from(Wrapping),
        where=st.none(),
    )
)
def test_any_mixture_of_faults_is_answered(fault: Fault, gemini: RunningEmulator) -> None:
    gemini.clear_faults()
    gemini.script(fault.model_copy(update={"times": None, "problem": None, "breakage": None,
                                           "delay": None, "images": frozenset()}))  # fmt: skip
    assert generate(gemini.url, GOOD).status_code == 200
    assert interact(gemini.url, FINE).status_code == 200
