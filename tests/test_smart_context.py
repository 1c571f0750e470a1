"""The context of an interactive request: what an annotator means, and nothing that breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.errors import TaskError
from label_studio_gemini.geometry import GeminiPoint, PercentBox
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.smart import BoxPrompt, PointPrompt, TextPrompt, read_context
from label_studio_gemini.smart.prompts import LONGEST_TEXT, MOST_PROMPTS
from smart_kit import context, point, rectangle, text

CONFIG = read_label_config("""<View><Image name="img" value="$image"/>
<Image name="scan" valueList="$pages"/>
<Labels name="lab" toName="img"><Label value="Car"/><Label value="Bus" alias="b"/></Labels>
<Rectangle name="rect" toName="img" smart="true"/>
<KeyPointLabels name="dot" toName="img" smart="true"><Label value="Car"/></KeyPointLabels>
<TextArea name="ask" toName="img" smart="true"/><TextArea name="plain" toName="img"/></View>""")


@dataclass(frozen=True)
class Case:
    id: str
    items: tuple[Any, ...]
    prompts: tuple[Any, ...]
    accepted: int = 0
    saved: frozenset[str] = frozenset()
    page: int | None = None


OLD, NEW = rectangle(1, 2, 3, 4, id="old"), rectangle(10, 20, 30, 40, id="new")
OLD_BOX = BoxPrompt(PercentBox(1, 2, 3, 4), tool="rect")
NEW_BOX = BoxPrompt(PercentBox(10, 20, 30, 40), tool="rect")
SUGGESTED = rectangle(5, 6, 7, 8, id="suggested", origin="prediction")
TWIN = {
    **NEW,
    "type": "labels",
    "from_name": "lab",
    "value": {**NEW["value"], "labels": ["Car"]},
}


@pytest.mark.parametrize(
    "case",
    [
        Case("a box without label", (NEW,), (NEW_BOX,)),
        Case(
            "a box with its label",
            (rectangle(10, 20, 30, 40, "Car"),),
            (BoxPrompt(PercentBox(10, 20, 30, 40), tool="rect", labels=("Car",)),),
        ),
        Case(
            "twins with one id",
            (NEW, TWIN),
            (BoxPrompt(PercentBox(10, 20, 30, 40), tool="rect", labels=("Car",)),),
        ),
        Case(
            "twins the other way round",
            (TWIN, NEW),
            (BoxPrompt(PercentBox(10, 20, 30, 40), tool="rect", labels=("Car",)),),
        ),
        Case(
            "a turned box",
            (rectangle(10, 20, 30, 40) | {"value": {**NEW["value"], "rotation": 30}},),
            (BoxPrompt(PercentBox(10, 20, 30, 40), 30, tool="rect"),),
        ),
        Case("two open boxes", (OLD, NEW), (OLD_BOX, NEW_BOX)),
        Case("an accepted box", (OLD, NEW), (NEW_BOX,), 1, frozenset({"old"})),
        Case("a suggestion that was accepted", (OLD, SUGGESTED), (OLD_BOX,), 1),
        Case("a suggestion that came in the place of a prompt", (SUGGESTED, NEW), (NEW_BOX,), 1),
        Case("saved while it is open", (NEW,), (NEW_BOX,), 0, frozenset({"new"})),
        Case(
            "a negative point",
            (point(50, 25, "Car", positive=False),),
            (PointPrompt(GeminiPoint(250, 500), positive=False, tool="dot", labels=("Car",)),),
        ),
        Case(
            "points, saved or not",
            (point(0, 0, id="a"), point(100, 100, positive=False, id="b")),
            (
                PointPrompt(GeminiPoint(0, 0), tool="dot"),
                PointPrompt(GeminiPoint(1000, 1000), positive=False, tool="dot"),
            ),
            0,
            frozenset({"a", "b"}),
        ),
        Case(
            "an accepted point says nothing of itself",
            (point(1, 1, is_positive=None), point(2, 2)),
            (PointPrompt(GeminiPoint(20, 20), tool="dot"),),
            1,
        ),
        Case("a text", (text(" find the red box "),), (TextPrompt("find the red box"),)),
        Case("the newest of several texts", (text("one", "two", ""),), (TextPrompt("two"),)),
        Case("a text that is no list", (text() | {"value": {"text": "x"}},), (TextPrompt("x"),)),
        Case("an answer is no prompt", (text("a", from_name="plain"), NEW), (NEW_BOX,), accepted=1),
        Case("garbage beside", (7, {}, {"type": "x"}, NEW, None), (NEW_BOX,)),
        Case(
            "another image's are left",
            (rectangle(1, 2, 3, 4, to_name="other", id="o"), NEW),
            (NEW_BOX,),
        ),
        Case(
            "a page",
            (
                rectangle(1, 2, 3, 4, to_name="scan", item_index=0, id="first"),
                rectangle(10, 20, 30, 40, to_name="scan", item_index=3, id="fourth"),
            ),
            (NEW_BOX,),
            page=3,
        ),
        Case("the first page", (rectangle(10, 20, 30, 40, to_name="scan"),), (NEW_BOX,), page=0),
    ],
    ids=lambda case: case.id,
)
def test_what_is_meant(case: Case) -> None:
    prompts = read_context(context(*case.items), CONFIG, case.saved)
    assert prompts is not None
    assert prompts.prompts == case.prompts
    assert len(prompts.accepted) == case.accepted
    assert prompts.page == case.page


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "has no list `result`"),
        ([], "has no list `result`"),
        ({}, "has no list `result`"),
        ({"result": {"type": "rectangle"}}, "has no list `result`"),
        ({"result": [{"type": "keypointlabels"}]}, "nothing in it has a `type`"),
        (
            context(rectangle(1, 2, 3, 4) | {"value": {"x": "1"}}),
            "has no prompt: the place of its 'rect",
        ),
        (context(rectangle(1, 2, -3, 4)), "has no prompt"),
        (context(rectangle(float("nan"), 2, 3, 4)), "has no prompt"),
        (context(rectangle(10**400, 2, 3, 4)), "has no prompt"),
        (context(rectangle(True, 2, 3, 4)), "has no prompt"),  # noqa: FBT003
        (context(point(101, 0)), "has no prompt"),
        (context(text("x" * (LONGEST_TEXT + 1))), "has 4,001 characters"),
        (context(rectangle(1, 2, 3, 4, to_name="nowhere")), "'nowhere', which is no <Image>"),
        (context({**NEW, "type": "choices", "value": {}}, point(101, 0)), "of its 'keypoint'"),
    ],
)
def test_what_cannot_be_understood_is_told(value: object, says: str) -> None:
    with pytest.raises(TaskError) as caught:
        read_context(value, CONFIG)
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "items",
    [
        pytest.param((), id="the last prompt is gone"),
        pytest.param((SUGGESTED,), id="what was suggested for it has taken its place"),
        pytest.param(({**SUGGESTED, "origin": "prediction-changed"},), id="and was moved"),
        pytest.param((text("", "  "),), id="the words were deleted"),
        pytest.param((text("a cat", from_name="plain"),), id="an answer was written"),
        pytest.param(({**NEW, "type": "choices", "value": {"choices": ["a"]}},), id="a choice"),
        pytest.param(({**NEW, "type": "polygon", "value": {"points": [[1, 2]]}},), id="an outline"),
        pytest.param(({**TWIN, "to_name": "words"},), id="a label of a text"),
    ],
)
def test_nothing_is_asked(items: tuple[Any, ...]) -> None:
    """With auto-annotation on, Label Studio sends a caption as well as a prompt."""
    assert read_context(context(*items), CONFIG) is None


def test_of_too_many_prompts_the_newest_count() -> None:
    items = [rectangle(n % 90, 1, 2, 2, id=str(n)) for n in range(10_000)]
    prompts = read_context(context(*items), CONFIG)
    assert prompts is not None
    assert len(prompts.prompts) == MOST_PROMPTS
    assert prompts.boxes[-1].box.x == 9_999 % 90
    assert len(prompts.ids) == MOST_PROMPTS


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = """result type value x y width height rotation labels text id to_name from_name is_positive
item_index rectanglelabels keypointlabels"""
keys = st.sampled_from(KEYS.split())
kinds = st.sampled_from(["rectangle", "keypoint", "keypointlabels", "labels", "textarea", "img"])
junk = st.recursive(
    leaves | kinds,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=8),
    max_leaves=12,
)


def is_read_or_refused(value: object) -> bool:
    try:
        prompts = read_context(value, CONFIG)
        return prompts is None or bool(prompts.prompts)
    except TaskError as error:
        return bool(error.hint)


@given(value=junk | st.fixed_dictionaries({"result": st.lists(junk)}))
def test_nothing_but_its_own_error_is_raised(value: object) -> None:
    assert is_read_or_refused(value)


@given(changes=st.dictionaries(keys, junk, max_size=3), place=st.dictionaries(keys, junk))
def test_a_prompt_with_anything_in_it_is_a_prompt_or_an_error(
    changes: dict[str, Any], place: dict[str, Any]
) -> None:
    value = {**NEW, "value": {**NEW["value"], **place}, **changes}
    assert is_read_or_refused(context(value))
