"""How many tokens a request is said to take, by the published rules and the stated assumptions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.gemini.estimate import (
    BOX_TOKENS,
    MASK_TOKENS,
    estimate_tokens,
    image_tokens,
    text_tokens,
    thought_tokens,
    time_factor,
)
from label_studio_gemini.gemini.types import (
    Example,
    GeminiRequest,
    InlineImage,
    LeastThinking,
    MediaResolution,
    Options,
    Thinking,
    ThinkingLevel,
    UriImage,
    Usage,
)
from label_studio_gemini.geometry import ImageSize

LOW, MEDIUM, HIGH, ULTRA = MediaResolution
PHOTO = ImageSize(4000, 3000)


@dataclass(frozen=True)
class Case:
    """An image, and what it becomes."""

    model: str
    size: tuple[int, int]
    tokens: int
    resolution: MediaResolution | None = None


CASES = [
    *(Case(f"gemini-{n}-flash", (4000, 3000), 1120) for n in ("3", "3.8", "4-argon")),
    Case("models/gemini-3-flash-preview", (1, 1), 280, LOW),
    Case("gemini-3-flash-preview", (1, 9999), 560, MEDIUM),
    Case("gemini-3-flash-preview", (640, 480), 1120, HIGH),
    Case("gemini-3.1-pro-preview", (640, 480), 2240, ULTRA),
    Case("gemini-2.5-flash", (384, 384), 258),
    Case("gemini-2.5-flash", (385, 384), 4 * 258),  # unit 256: 2 x 2
    Case("gemini-2.5-flash", (960, 540), 6 * 258),  # Google's own example: unit 360, 3 x 2
    Case("gemini-2.5-flash", (540, 960), 6 * 258),
    Case("gemini-2.0-flash", (4000, 3000), 4 * 258, LOW),  # unit 2000
    Case("gemini-1.5-pro", (3000, 1000), 10 * 258),  # unit 666: 5 x 2
    Case("gemini-2.5-pro", (1000, 1), 1000 * 258),  # a unit of one pixel, at least
    Case("gemini-9-flash", (4000, 3000), 1120),  # the larger of both
    Case("gemini-9-flash", (3000, 1000), 2580),
    Case("gemini-robotics-er-2-preview", (960, 540), 2240, ULTRA),
    Case("gemini-flash-latest", (960, 540), 1548),
    Case("anything", (960, 540), 1548, LOW),
    Case("", (10, 10), 1120),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_images(case: Case) -> None:
    assert image_tokens(case.model, ImageSize(*case.size), case.resolution) == case.tokens


@given(
    model=st.one_of(
        st.text(), st.sampled_from(["gemini-1", "gemini-2.5-x", "gemini-3", "gemini-7"])
    ),
    width=st.integers(1, 10**6),
    height=st.integers(1, 10**6),
    resolution=st.sampled_from([None, *MediaResolution]),
)
def test_any_image_has_tokens_lying_or_standing(
    model: str, width: int, height: int, resolution: MediaResolution | None
) -> None:
    tokens = image_tokens(model, ImageSize(width, height), resolution)
    assert tokens >= 258
    assert tokens == image_tokens(model, ImageSize(height, width), resolution)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("猫犬", 2), ("\ud800", 1)]
)
def test_texts(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


def test_thoughts_grow_with_the_level() -> None:
    levels = [thought_tokens(level) for level in ThinkingLevel]
    assert levels == sorted(set(levels))


@pytest.mark.parametrize(
    ("thinking", "like"),
    [
        (None, ThinkingLevel.HIGH),
        (-1, ThinkingLevel.HIGH),
        (LeastThinking(), ThinkingLevel.MINIMAL),
    ],
)
def test_what_is_left_open_counts_as_a_level(thinking: Thinking | None, like: Thinking) -> None:
    assert thought_tokens(thinking) == thought_tokens(like)


@pytest.mark.parametrize("budget", [0, 1024])
def test_a_budget_is_counted_in_full(budget: int) -> None:
    assert thought_tokens(budget) == budget


PLAIN = GeminiRequest(
    "gemini-3-flash-preview",
    "x" * 400,
    (InlineImage(b"", "image/png"),),
    None,
    Options(thinking=0),
)


def test_a_plain_request() -> None:
    assert estimate_tokens(PLAIN, [PHOTO], objects=5) == Usage(1220, 160, 0, image_tokens=1120)


def test_all_text_is_input_the_schema_too() -> None:
    full = replace(
        PLAIN,
        schema={"type": "array"},  # 17 characters as JSON
        options=Options(thinking=0, system="s" * 40),
        examples=(Example("p" * 8, (UriImage("u", "image/png"),), "a" * 12),),
    )
    usage = estimate_tokens(full, [PHOTO, PHOTO])
    assert usage.image_tokens == 2 * 1120
    assert usage.input_tokens == 2 * 1120 + 100 + 10 + 5 + 2 + 3


def test_each_image_has_its_own_size_and_resolution() -> None:
    """Those of examples come first; the request's resolution is for those that have none."""
    request = replace(
        PLAIN,
        model="gemini-9",
        images=(InlineImage(b"", "image/png", resolution=ULTRA), InlineImage(b"", "image/png")),
        options=Options(resolution=LOW),
        examples=(Example("", (UriImage("u", "image/png"),), ""),),
    )
    sizes = [ImageSize(960, 540), ImageSize(10, 10), ImageSize(20, 20)]
    assert estimate_tokens(request, sizes).image_tokens == 6 * 258 + 2240 + 280


def test_objects_are_expected_in_each_image() -> None:
    two = replace(PLAIN, images=PLAIN.images * 2)
    usage = estimate_tokens(two, [PHOTO] * 2, objects=3, object_tokens=MASK_TOKENS)
    assert usage.output_tokens == 2 * 3 * MASK_TOKENS
    assert estimate_tokens(replace(PLAIN, images=()), [], objects=3).output_tokens == 3 * BOX_TOKENS


@pytest.mark.parametrize(("most", "thoughts", "output"), [(1000, 1000, 0), (1600, 1500, 100)])
def test_the_limit_of_output_holds_for_thoughts_and_answer(
    most: int, thoughts: int, output: int
) -> None:
    options = Options(thinking=ThinkingLevel.MEDIUM, max_output_tokens=most)
    usage = estimate_tokens(replace(PLAIN, options=options), [PHOTO])
    assert (usage.thought_tokens, usage.output_tokens) == (thoughts, output)


def test_code_execution_takes_four_times_as_long_and_more_tokens() -> None:
    options = Options(thinking=ThinkingLevel.LOW)
    agentic = replace(options, code_execution=True)
    plain = estimate_tokens(replace(PLAIN, options=options), [PHOTO])
    more = estimate_tokens(replace(PLAIN, options=agentic), [PHOTO])
    assert (time_factor(options), time_factor(agentic)) == (1.0, 4.0)
    assert more.output_tokens == 4 * plain.output_tokens
    assert more.thought_tokens == 4 * plain.thought_tokens
    assert more.input_tokens == 2 * plain.input_tokens
    assert more.image_tokens == 2 * plain.image_tokens


def test_a_size_too_few_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zip"):
        estimate_tokens(PLAIN, [])
