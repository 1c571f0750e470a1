"""Of the safety settings, a model is sent all but those that it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from gemini_fakes import request
from gemini_features import ANSWERS, APIS, Api
from gemini_recorder import Answer, recording
from label_studio_gemini.gemini.connect import connect_gemini
from label_studio_gemini.gemini.learning import LearningGemini
from label_studio_gemini.gemini.lessons import Refused, build_allowed, read_refusal
from label_studio_gemini.gemini.types import GeminiRequest, Options

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator

CIVIC, HARASSMENT, HATE = SETTINGS = (
    ("civic_integrity", "off"),
    ("harassment", "off"),
    ("hate_speech", "block_none"),
)
TAKEN = "(HarmCategory.HARM_CATEGORY_HATE_SPEECH, HarmCategory.HARM_CATEGORY_HARASSMENT)"


def asked(*settings: tuple[str, str], model: str = "gemini-2.0-flash") -> GeminiRequest:
    return request(model=model, options=Options(safety=settings))


@dataclass(frozen=True)
class Case:
    """What is said of `SETTINGS`, and what is learnt from it: categories, or one at a threshold."""

    said: str
    names: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()


CASES = [
    Case(
        f"* GenerateContentRequest.safety_settings[0]: element predicate failed: $.category in "
        f"{TAKEN}\n",
        names=("safety.civic_integrity",),
    ),
    Case(
        f"* GenerateContentRequest.safety_settings[0]: element predicate failed: $.category in "
        f"{TAKEN}\n* GenerateContentRequest.safety_settings[2]: element predicate failed: …",
        names=("safety.civic_integrity", "safety.hate_speech"),
    ),
    Case(
        "Invalid value at 'safety_settings[0].category' (HarmCategory), \"X\"",
        names=("safety.civic_integrity",),
    ),
    Case(
        "The value 'civic_integrity' is not supported for 'type' at 'safety_settings[0]'.",
        names=("safety.civic_integrity",),
    ),
    Case("Unsupported HARM_CATEGORY_HARASSMENT.", names=("safety.harassment",)),
    Case(
        "HARM_CATEGORY_CIVIC_INTEGRITY threshold cannot be 5",
        values=(("safety.civic_integrity", "off"),),
    ),
    Case(
        "Invalid value at 'safety_settings[2].threshold' (HarmBlockThreshold), \"BLOCK_NONE\"",
        values=(("safety.hate_speech", "block_none"),),
    ),
    Case(
        "The value 'off' is not supported for 'threshold' at 'safety_settings[1]'.",
        values=(("safety.harassment", "off"),),
    ),
    Case(
        "User has requested a restricted HarmBlockThreshold setting OFF.",
        values=(("safety.civic_integrity", "off"), ("safety.harassment", "off")),
    ),
    Case("Safety settings are not supported for this model.", names=("safety",)),
    Case('Unknown name "safetySettings": Cannot find field.', names=("safety",)),
    Case("HARM_CATEGORY_IMAGE_HARASSMENT is no HarmCategory.", names=("safety",)),
    Case("GenerateContentRequest.safety_settings[9] is one too many.", names=("safety",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.said[:70])
def test_a_refusal_is_about_these_settings(case: Case) -> None:
    learnt = read_refusal(f"Gemini answered 400: {case.said}", asked(*SETTINGS))
    assert learnt == Refused(frozenset(case.names), frozenset(case.values))


@dataclass(frozen=True)
class Kept:
    refused: Refused
    expected: tuple[tuple[str, str], ...]


KEPT = [
    Kept(Refused(frozenset({"safety"})), ()),
    Kept(Refused(frozenset({"safety.civic_integrity"})), (HARASSMENT, HATE)),
    Kept(Refused(values=frozenset({("safety.harassment", "off")})), (CIVIC, HATE)),
    Kept(Refused(values=frozenset({("safety.harassment", "block_none")})), SETTINGS),
]


@pytest.mark.parametrize("case", KEPT, ids=lambda case: str(case.refused))
def test_what_is_not_refused_stays(case: Kept) -> None:
    assert build_allowed(asked(*SETTINGS), case.refused).options.safety == case.expected


# Through the adapters: what was really sent.


def sent(body: Any) -> tuple[tuple[str, str], ...]:
    settings = body.get("safetySettings", body.get("safety_settings", []))
    return tuple(
        (
            str(one.get("category", one.get("type"))).removeprefix("HARM_CATEGORY_").lower(),
            str(one["threshold"]).lower(),
        )
        for one in settings
    )


@pytest.mark.parametrize("api", APIS)
async def test_a_refused_threshold_is_sent_once_and_another_one_still(
    api: Api, gemini: RunningEmulator
) -> None:
    """A model of version 2.0 refuses `off` for one category, by name."""
    inner = connect_gemini(api=api, api_key="any", base_url=gemini.url, timeout=30)
    learning = LearningGemini(inner)
    looser = ("civic_integrity", "block_none")
    await learning.generate(asked(*SETTINGS))
    await learning.generate(asked(*SETTINGS))
    await learning.generate(asked(looser, HARASSMENT))
    await learning.generate(replace(asked(*SETTINGS), model="gemini-3-flash-preview"))
    await learning.aclose()
    assert [(one.status, sent(one.body)) for one in gemini.requests] == [
        (400, SETTINGS),
        (200, (HARASSMENT, HATE)),
        (200, (HARASSMENT, HATE)),
        (200, (looser, HARASSMENT)),
        (200, SETTINGS),
    ]


@dataclass(frozen=True)
class Wire:
    said: str
    left: tuple[tuple[str, str], ...]


WIRES = [
    Wire(CASES[0].said, (HARASSMENT, HATE)),
    Wire(CASES[3].said, (HARASSMENT, HATE)),
    Wire(CASES[7].said, (CIVIC, HATE)),
    Wire(CASES[8].said, (HATE,)),
    Wire(CASES[9].said, ()),
]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("case", WIRES, ids=lambda case: case.said[:70])
async def test_only_what_a_refusal_names_is_left_out(case: Wire, api: Api) -> None:
    refused = Answer({"error": {"message": case.said}}, 400)
    async with recording(refused, Answer(ANSWERS[api])) as recorder:
        inner = connect_gemini(api=api, api_key="any", base_url=recorder.url, timeout=30)
        learning = LearningGemini(inner)
        await learning.generate(asked(*SETTINGS))
        await learning.aclose()
    assert [sent(one.body) for one in recorder.requests] == [SETTINGS, case.left]
