"""What a refusal is about, in the words that were met, and what is sent instead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_fakes import request
from label_studio_gemini.gemini.keywords import schema_keywords, schema_without
from label_studio_gemini.gemini.lessons import (
    BUDGET,
    IMAGE_RESOLUTION,
    LEVEL,
    NOTHING,
    SCHEMA,
    SCHEMA_BESIDE_TOOLS,
    Refused,
    build_allowed,
    guess_refusal,
    optional_parts,
    read_refusal,
)
from label_studio_gemini.gemini.thinking import nearest_thinking
from label_studio_gemini.gemini.types import (
    Example,
    GeminiRequest,
    InlineImage,
    LeastThinking,
    MediaResolution,
    Options,
    ServiceTier,
    Thinking,
    ThinkingLevel,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MINIMAL, LOW, MEDIUM, HIGH = ThinkingLevel
BOXES: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "format": {"type": "string", "description": "A name that is a keyword too."},
        "boxes": {
            "type": "array",
            "maxItems": 900,
            "items": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 4},
        },
        "kind": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
    },
    "required": ["boxes"],
}
SHARP = InlineImage(b"", "image/png", resolution=MediaResolution.ULTRA_HIGH)
FULL = replace(
    request(
        schema=BOXES,
        options=Options(
            system="Be exact.",
            temperature=2.5,
            top_p=0.5,
            seed=7,
            max_output_tokens=100_000,
            thinking=MINIMAL,
            resolution=MediaResolution.LOW,
            tier=ServiceTier.FLEX,
            safety=(("harassment", "off"), ("civic_integrity", "off")),
            code_execution=True,
        ),
    ),
    images=(SHARP,),
)


def thinking(wanted: Thinking) -> GeminiRequest:
    return request(options=Options(thinking=wanted))


def names(*refused: str) -> Refused:
    return Refused(names=frozenset(refused))


def value(name: str, refused: object) -> Refused:
    return Refused(values=frozenset({(name, refused)}))


@dataclass(frozen=True)
class Case:
    said: str
    sent: GeminiRequest
    expected: Refused | None


CASES = [
    Case("Thinking level is not supported for this model.", thinking(LOW), names(LEVEL)),
    Case(
        "Thinking level MINIMAL is not supported for this model. Please retry with other thinking "
        "level.",
        thinking(MINIMAL),
        value(LEVEL, MINIMAL),
    ),
    Case("THINKING_LEVEL_MINIMAL is unsupported", thinking(MINIMAL), value(LEVEL, MINIMAL)),
    Case("thinking_level must be LOW or HIGH", thinking(MEDIUM), value(LEVEL, MEDIUM)),
    Case(
        "Unable to submit request because thinking_level MEDIUM is not supported by this model.",
        thinking(MEDIUM),
        value(LEVEL, MEDIUM),
    ),
    Case(
        "The value 'minimal' is not supported for 'thinking_level' at 'generation_config'.",
        thinking(MINIMAL),
        value(LEVEL, MINIMAL),
    ),
    Case("Thinking is not enabled for models/gemini-2.0-flash", thinking(LOW), names(LEVEL)),
    Case("thinking_config is not supported", thinking(0), names(BUDGET)),
    Case(
        "Budget 0 is invalid. This model only works in thinking mode.",
        thinking(0),
        value(BUDGET, 0),
    ),
    Case("The thinking budget (52428) is invalid.", thinking(52_428), value(BUDGET, 52_428)),
    Case("The model does not support setting thinking_budget to 0", thinking(0), value(BUDGET, 0)),
    Case(
        "thinking_budget is out of range; supported values are integers from 512 to 24576",
        thinking(256),
        Refused(values=frozenset({(BUDGET, 256)}), budgets=(512, 24_576)),
    ),
    Case("Unknown parameter 'thinking_budget' at 'generation_config'.", thinking(0), names(BUDGET)),
    Case(
        "The Interactions API takes no `thinking_budget` (here 0 tokens).",
        thinking(0),
        names(BUDGET),
    ),
    Case("`temperature` must be in the range [0, 2], got 2.5.", FULL, value("temperature", 2.5)),
    Case("Unknown parameter 'top_p' at 'generation_config'.", FULL, names("top_p")),
    Case('Unknown name "topP": Cannot find field.', FULL, names("top_p")),
    Case('Unknown name "seed": Cannot find field.', FULL, names("seed")),
    Case(
        "maxOutputTokens must be in [1, 65537), but 100000 was given",
        FULL,
        value("max_output_tokens", 100_000),
    ),
    Case(
        "Media resolution is not enabled for models/gemma-3-27b-it",
        FULL,
        names("resolution", IMAGE_RESOLUTION),
    ),
    Case(
        "Invalid value at 'generation_config.media_resolution', \"MEDIA_RESOLUTION_LOW\"",
        FULL,
        value("resolution", MediaResolution.LOW),
    ),
    Case(
        "Unknown name \"mediaResolution\" at 'contents[0].parts[0]': Cannot find field.",
        FULL,
        names(IMAGE_RESOLUTION),
    ),
    Case(
        "The value 'ultra_high' is not supported for 'resolution' at 'input[0].content[1]'.",
        FULL,
        value(IMAGE_RESOLUTION, MediaResolution.ULTRA_HIGH),
    ),
    Case("Service tier is not supported for this model.", FULL, names("tier")),
    Case("The service_tier flex is not available.", FULL, value("tier", ServiceTier.FLEX)),
    Case(
        "* GenerateContentRequest.safety_settings[1]: element predicate failed: $.category in "
        "(HarmCategory.HARM_CATEGORY_HATE_SPEECH, HarmCategory.HARM_CATEGORY_HARASSMENT)",
        FULL,
        names("safety.civic_integrity"),
    ),
    Case("Code execution is not enabled for models/gemma-3-27b-it", FULL, names("code_execution")),
    Case(
        "The value 'code_execution' is not supported for 'type' at 'tools[0]'.",
        FULL,
        names("code_execution"),
    ),
    Case(
        "Tool use with a response mime type: 'application/json' is unsupported",
        FULL,
        names(SCHEMA_BESIDE_TOOLS),
    ),
    Case("Developer instruction is not enabled for models/gemma-3", FULL, names("system")),
    Case("JSON mode is not enabled for models/gemma-3-1b-it", FULL, names(SCHEMA)),
    Case("The response schema is invalid: it is too deep.", FULL, names(SCHEMA)),
    Case(
        "The specified schema produces a constraint that has too many states for serving. Typical "
        "causes of this error are schemas with lots of text, or integers with minimum bounds",
        FULL,
        names("schema.minItems", "schema.maxItems", "schema.minimum"),
    ),
    Case(
        "The specified schema produces a constraint that has too many states for serving.",
        request(schema={"type": "string", "enum": ["a"]}),
        names(SCHEMA),
    ),
    Case(
        "Unknown name \"maxItems\" at 'generation_config.x': Cannot find field.",
        FULL,
        names("schema.maxItems"),
    ),
    Case(
        "GenerateContentRequest.generation_config.response_schema.properties[boxes].max_items: no",
        FULL,
        names("schema.maxItems"),
    ),
    Case("`enum` is not supported in a response_format.", FULL, names("schema.enum")),
    # What is about nothing that could be left out.
    Case("Unable to process input image. Please retry.", FULL, None),
    Case("The image has an unknown format; a minimum of 1 pixel is needed.", FULL, None),
    Case("The value 'x' is not supported for 'type' at 'input[0]'.", FULL, None),
    Case("Request contains an invalid argument.", FULL, None),
    Case("", FULL, None),
    # What was not sent cannot be what is wrong.
    Case("Thinking level is not supported for this model.", request(), None),
    Case("`temperature` must be in the range [0, 2], got 2.5.", request(), None),
    Case("Thinking level is not supported for this model.", thinking(0), names(BUDGET)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.said[:60])
def test_a_refusal_is_about_this(case: Case) -> None:
    assert read_refusal(f"Gemini answered 400: {case.said}", case.sent) == case.expected


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.expected], ids=lambda case: case.said[:60]
)
def test_what_was_refused_is_not_sent_again(case: Case) -> None:
    assert case.expected
    allowed = build_allowed(case.sent, case.expected)
    assert allowed != case.sent
    again = read_refusal(f"Gemini answered 400: {case.said}", allowed)
    assert again != case.expected


def test_bounds_are_what_a_refusal_without_a_reason_may_mean() -> None:
    said = "Gemini answered 400: Request contains an invalid argument."
    bounds = names("schema.minItems", "schema.maxItems", "schema.minimum")
    assert guess_refusal(said, FULL) == bounds
    assert guess_refusal("Gemini answered 400: Unable to process input image.", FULL) is None
    assert guess_refusal(said, request(schema={"type": "string"})) is None


def test_lessons_add_up_and_the_latest_limits_hold() -> None:
    both = (names("seed") | Refused(budgets=(1, 2))) | (value("top_p", 2.0) | NOTHING)
    assert both == Refused(frozenset({"seed"}), frozenset({("top_p", 2.0)}), (1, 2))
    assert (both | Refused(budgets=(3, 4))).budgets == (3, 4)
    assert str(both) == "seed, top_p 2.0, a thinking_budget outside 1 to 2"


def test_nothing_refused_changes_nothing() -> None:
    assert build_allowed(FULL, NOTHING) == FULL
    assert optional_parts(request()) == {}


def test_all_that_is_optional_can_be_refused_and_the_rest_stays() -> None:
    example = Example("Where?", (SHARP,), "[]")
    everything = names(*optional_parts(FULL), BUDGET)
    allowed = build_allowed(replace(FULL, examples=(example,)), everything)
    bare = InlineImage(b"", "image/png")
    assert allowed == replace(
        FULL,
        prompt="Be exact.\n\nDetect.",
        images=(bare,),
        schema=None,
        options=Options(),
        examples=(replace(example, images=(bare,)),),
    )


def test_an_image_of_an_example_counts_too() -> None:
    said = "Media resolution is not enabled for this model"
    asked = replace(request(), examples=(Example("Where?", (SHARP,), "[]"),))
    lesson = read_refusal(said, asked)
    assert lesson == names(IMAGE_RESOLUTION)
    [example] = build_allowed(asked, lesson).examples
    assert example.images == (InlineImage(b"", "image/png"),)


def test_a_schema_stays_where_the_tool_beside_it_goes() -> None:
    refused = names(SCHEMA_BESIDE_TOOLS)
    assert build_allowed(FULL, refused).schema is None
    alone = replace(FULL, options=replace(FULL.options, code_execution=False))
    assert build_allowed(alone, refused).schema == BOXES
    assert build_allowed(FULL, refused | names("code_execution")).schema == BOXES


def test_a_keyword_goes_wherever_it_stands_and_a_property_of_its_name_stays() -> None:
    assert schema_keywords(BOXES) == {"description", "maxItems", "minItems", "minimum", "enum"}
    thinned = schema_without(BOXES, {"minItems", "maxItems", "minimum", "format", "enum"})
    assert thinned == {
        "type": "object",
        "properties": {
            "format": {"type": "string", "description": "A name that is a keyword too."},
            "boxes": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "integer"}},
            },
            "kind": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["boxes"],
    }
    assert schema_without(BOXES, schema_keywords(BOXES) - {"description"}) == thinned


@dataclass(frozen=True)
class Ladder:
    wanted: Thinking
    expected: list[ThinkingLevel | int]


LADDERS = [
    Ladder(LeastThinking(), [MINIMAL, LOW, 0, 128, 512]),
    Ladder(MINIMAL, [MINIMAL, LOW, MEDIUM, HIGH, 0, 128, 512]),
    Ladder(LOW, [LOW, MINIMAL, MEDIUM, HIGH, 1_024]),
    Ladder(MEDIUM, [MEDIUM, LOW, HIGH, MINIMAL, 8_192]),
    Ladder(HIGH, [HIGH, MEDIUM, LOW, MINIMAL, 24_576]),
    Ladder(0, [0, 128, 512, MINIMAL, LOW, MEDIUM, HIGH]),
    Ladder(600, [600, LOW, MINIMAL, MEDIUM, HIGH]),
    Ladder(50_000, [50_000, 32_768, 24_576, HIGH, MEDIUM, LOW, MINIMAL]),
    Ladder(-1, [-1, HIGH, MEDIUM, LOW, MINIMAL]),
]


@pytest.mark.parametrize("case", LADDERS, ids=lambda case: f"{case.expected[0]}-{case.expected[2]}")
def test_the_nearest_thinking_comes_first(case: Ladder) -> None:
    assert list(nearest_thinking(case.wanted)) == case.expected
    refused = NOTHING
    for expected in [*case.expected, None]:
        got = build_allowed(thinking(case.wanted), refused).options.thinking
        assert got == expected
        assert type(got) is type(expected)
        name = LEVEL if isinstance(expected, ThinkingLevel) else BUDGET
        refused |= value(name, expected)


@dataclass(frozen=True)
class Limit:
    wanted: int
    expected: int


@pytest.mark.parametrize(
    "case", [Limit(300, 512), Limit(30_000, 24_576), Limit(600, 600), Limit(0, 0), Limit(-1, -1)]
)
def test_a_budget_is_brought_within_the_limits_that_were_named(case: Limit) -> None:
    refused = Refused(values=frozenset({(BUDGET, 256)}), budgets=(512, 24_576))
    assert build_allowed(thinking(case.wanted), refused).options.thinking == case.expected
    assert build_allowed(thinking(256), refused).options.thinking == 512


@given(said=st.text() | st.lists(st.sampled_from([c.said for c in CASES])).map(" ".join))
def test_whatever_is_said_less_is_sent_or_nothing_is_learnt(said: str) -> None:
    """However often it is said, it comes to an end."""
    sent = FULL
    refused = NOTHING
    for _ in range(100):
        lesson = read_refusal(said, sent)
        if lesson is None:
            return
        refused |= lesson
        changed = build_allowed(FULL, refused)
        if changed == sent:
            return
        sent = changed
    raise AssertionError("it never ends")
