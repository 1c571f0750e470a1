"""How both adapters end against the emulator: stops, work with code, several images, examples."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from gemini_features import APIS, KEY, Api, asked
from label_studio_gemini.emulator import Fault, Stop
from label_studio_gemini.errors import (
    FailedError,
    GeminiError,
    IncompleteError,
    OutOfTokensError,
    PromptBlockedError,
    RecitationError,
    SafetyError,
)
from label_studio_gemini.gemini import connect_gemini
from label_studio_gemini.gemini.types import Example, InlineImage

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.gemini import GeminiReply, GeminiRequest


async def answered(api: Api, url: str, request: GeminiRequest) -> GeminiReply:
    gemini = connect_gemini(api=api, api_key=KEY, base_url=url, timeout=20)
    try:
        return await gemini.generate(request)
    finally:
        await gemini.aclose()


def photo(photos: Path, name: str) -> InlineImage:
    return InlineImage((photos / name).read_bytes(), "image/jpeg")


@dataclass(frozen=True)
class Case:
    stop: Stop
    expected: type[GeminiError]
    generate_content: type[GeminiError] | None = None
    code: bool = False


CASES = [
    Case(Stop.PROMPT_BLOCKED, PromptBlockedError),
    Case(Stop.SAFETY, SafetyError),
    Case(Stop.SAFETY_WITH_TEXT, SafetyError),
    Case(Stop.RECITATION, RecitationError),
    Case(Stop.OUT_OF_TOKENS, OutOfTokensError),
    Case(Stop.OUT_OF_TOKENS, OutOfTokensError, code=True),
    Case(Stop.FAILED, FailedError, generate_content=IncompleteError),
]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.stop}{' in code' * case.code}")
async def test_each_stop_is_an_error_of_its_own(
    case: Case, api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    """With what it cost: a blocked answer is paid for."""
    gemini.script(Fault(stop=case.stop))
    request = replace(asked(code_execution=case.code), images=(photo(photos, "chelsea.jpg"),))
    with pytest.raises(GeminiError) as caught:
        await answered(api, gemini.url, request)
    other = case.generate_content if api == "generate_content" else None
    assert type(caught.value) is (other or case.expected)
    assert caught.value.bill
    assert caught.value.bill.image_tokens == 1120


@pytest.mark.parametrize("api", APIS)
async def test_a_cut_answer_is_given_as_far_as_it_goes(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(Fault(stop=Stop.INCOMPLETE))
    request = replace(asked(), images=(photo(photos, "chelsea.jpg"),))
    reply = await answered(api, gemini.url, request)
    assert reply.truncated
    assert "box_2d" in reply.text


@pytest.mark.parametrize("api", APIS)
async def test_of_work_with_code_only_the_final_answer_is_read(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    """The first guess before the code looks like an answer, and is none."""
    request = replace(
        asked(code_execution=True),
        images=(photo(photos, "chelsea.jpg"),),
        schema={"type": "array", "items": {"type": "object", "properties": {
            "box_2d": {"type": "array"}, "label": {"type": "string"}}}},
    )  # fmt: skip
    plain = await answered(api, gemini.url, replace(request, options=asked().options))
    reply = await answered(api, gemini.url, request)
    assert reply.text == plain.text
    assert [item["label"] for item in json.loads(reply.text)] == ["cat eye", "cat eye", "cat nose"]
    assert reply.usage.input_tokens > plain.usage.input_tokens


@pytest.mark.parametrize("api", APIS)
async def test_each_answer_names_its_image(api: Api, gemini: RunningEmulator, photos: Path) -> None:
    """Examples are numbered for themselves, and what they show is no part of the answer."""
    cat, cup = photo(photos, "chelsea.jpg"), photo(photos, "coffee.jpg")
    properties: Any = {"image": {"type": "integer"}, "label": {"type": "string"},
                       "box_2d": {"type": "array"}}  # fmt: skip
    request = replace(
        asked(),
        prompt="Detect every cat nose and every cup.",
        images=(cup, cat),
        examples=(Example("Detect every spoon.", (cat, cat), '[{"label": "flag"}]'),),
        schema={"type": "array", "items": {"type": "object", "properties": properties}},
    )
    reply = await answered(api, gemini.url, request)
    found = {(item["image"], item["label"]) for item in json.loads(reply.text)}
    assert found == {(1, "cup"), (2, "cat nose")}
    assert reply.usage.image_tokens == 4 * 1120
    assert gemini.requests[-1].photos == ("coffee.jpg", "chelsea.jpg")
