"""Control tags that take a value are read with the values and limits that Label Studio keeps to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from label_studio_gemini.labels import (
    AnswerKind,
    AnswerTarget,
    Label,
    NumberLimits,
    Scope,
    read_label_config,
)

IMAGE = '<Image name="i" value="$i"/>'
TWO = '<Image name="a" value="$a"/><Image name="b" value="$b"/>'
PAGES = '<Image name="p" valueList="$pages"/>'
BOXES = (
    '<RectangleLabels name="box" toName="i"><Label value="Car" alias="c"/><Label value="Van"/>'
    '</RectangleLabels><PolygonLabels name="poly" toName="i"><Label value="Lake, pond"/>'
    '<Label value="Sea"/></PolygonLabels>'
)
CHOICE = '<Choice value="A"/>'


def read_one(xml: str) -> AnswerTarget:
    """Return the only answer target of a config."""
    config = read_label_config(f"<View>{xml}</View>")
    assert config.unfilled == ()
    (target,) = (one for one in config.targets if isinstance(one, AnswerTarget))
    return target


@dataclass(frozen=True)
class Case:
    id: str
    tag: str
    expected: AnswerTarget


def answer(kind: AnswerKind, **fields: object) -> AnswerTarget:
    return AnswerTarget("n", kind, ("i",), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case",
    [
        Case(
            "choices",
            '<Choices name="n" toName="i" gemini_prompt="What?"><View>'
            '<Choice value="Day" hint="h"/></View><Choice value="Day"/>'
            '<Choice value="Night" alias="N" predicted_values="dark"/>'
            '<Choice value="$x"/><Choice value=""/></Choices>',
            answer(
                AnswerKind.CHOICES,
                labels=(
                    Label("Day", hint="h"),
                    Label("Night", alias="N", predicted_values=("dark",)),
                ),
                prompt="What?",
            ),
        ),
        Case(
            "single-radio",
            f'<Choices name="n" toName="i" choice="single-radio">{CHOICE}</Choices>',
            answer(AnswerKind.CHOICES, labels=(Label("A"),)),
        ),
        Case(
            "multiple",
            f'<Choices name="n" toName="i" choice="multiple" value="$more">{CHOICE}</Choices>',
            answer(AnswerKind.CHOICES, labels=(Label("A"),), many=True),
        ),
        Case(  # the editor does not show the inner one
            "nested, and not allowed to be",
            '<Choices name="n" toName="i"><Choice value="A"><Choice value="B"/></Choice></Choices>',
            answer(AnswerKind.CHOICES, labels=(Label("A"),)),
        ),
        Case(
            "taxonomy",
            '<Taxonomy name="n" toName="i"><Choice value="A" alias="a"><Choice value="B"/>'
            '<Choice value="B"><Choice value="lost"/></Choice></Choice><Choice value="B"/>'
            "</Taxonomy>",
            answer(
                AnswerKind.TAXONOMY,
                labels=(
                    Label("A", alias="a", path=("a",)),
                    Label("B", parents=("A",), path=("a", "B")),
                    Label("B", path=("B",)),
                ),
                many=True,
            ),
        ),
        Case(
            "taxonomy of leaves, one",
            '<Taxonomy name="n" toName="i" leafsOnly="true" maxUsages="1"><Choice value="A">'
            '<Choice value="B" alias="b"/></Choice><Choice value="C"/></Taxonomy>',
            answer(
                AnswerKind.TAXONOMY,
                labels=(
                    Label("B", alias="b", parents=("A",), path=("A", "b")),
                    Label("C", path=("C",)),
                ),
                most=1,
            ),
        ),
        Case(
            "taxonomy, three at most",
            f'<Taxonomy name="n" toName="i" maxUsages="3">{CHOICE}</Taxonomy>',
            answer(AnswerKind.TAXONOMY, labels=(Label("A", path=("A",)),), many=True, most=3),
        ),
        Case("text", '<TextArea name="n" toName="i" smart="false"/>', answer(AnswerKind.TEXTAREA)),
        Case(
            "rating",
            '<Rating name="n" toName="i"/>',
            answer(AnswerKind.RATING, limits=NumberLimits(1, 5, 1)),
        ),
        Case(
            "rating of ten",
            '<Rating name="n" toName="i" maxRating="10"/>',
            answer(AnswerKind.RATING, limits=NumberLimits(1, 10, 1)),
        ),
        Case(
            "rating that is none",
            '<Rating name="n" toName="i" maxRating="many"/>',
            answer(AnswerKind.RATING, limits=NumberLimits(1, 5, 1)),
        ),
        Case("number", '<Number name="n" toName="i"/>', answer(AnswerKind.NUMBER)),
        Case(
            "number with limits",
            '<Number name="n" toName="i" min="-1.5" max="1e3" step=".5"/>',
            answer(AnswerKind.NUMBER, limits=NumberLimits(-1.5, 1000, 0.5)),
        ),
        Case(
            "number with limits that are none",
            '<Number name="n" toName="i" min="low" max="inf" step="0"/>',
            answer(AnswerKind.NUMBER),
        ),
        Case("date and time", '<DateTime name="n" toName="i"/>', answer(AnswerKind.DATETIME)),
        Case(
            "date",
            '<DateTime name="n" toName="i" only="date,month" format="%d.%m.%Y" min="2020-01-01"'
            ' max="today"/>',
            answer(
                AnswerKind.DATETIME,
                date_format="%d.%m.%Y",
                date_only=("date",),
                earliest="2020-01-01",
            ),
        ),
        Case(
            "month",
            '<DateTime name="n" toName="i" only="month, year" min="1990" max="2030"/>',
            answer(
                AnswerKind.DATETIME,
                date_only=("month", "year"),
                earliest="1990",
                latest="2030",
            ),
        ),
        Case(
            "time",
            '<DateTime name="n" toName="i" only="time" max="18:00"/>',
            answer(AnswerKind.DATETIME, date_only=("time",), latest="18:00"),
        ),
        Case(
            "shown for a choice",
            '<Choices name="n" toName="i" visibleWhen="choice-selected" whenTagName="other">'
            f"{CHOICE}</Choices>",
            answer(AnswerKind.CHOICES, labels=(Label("A"),)),
        ),
    ],
    ids=lambda case: case.id,
)
def test_values_and_limits(case: Case) -> None:
    assert read_one(IMAGE + case.tag) == case.expected


def test_pairwise_compares_two_images() -> None:
    target = read_one(TWO + '<Pairwise name="n" toName="b,a" perRegion="true"/>')
    assert target == AnswerTarget(
        "n", AnswerKind.PAIRWISE, ("b", "a"), Scope.TASK, labels=(Label("left"), Label("right"))
    )


@dataclass(frozen=True)
class About:
    id: str
    xml: str
    scope: Scope
    images: tuple[str, ...]
    per_item: bool = False


@pytest.mark.parametrize(
    "case",
    [
        About("one image", f'{IMAGE}<Rating name="n" toName="i"/>', Scope.IMAGE, ("i",)),
        About("two images", f'{TWO}<Rating name="n" toName="a,b"/>', Scope.TASK, ("a", "b")),
        About("one of two", f'{TWO}<Rating name="n" toName="b"/>', Scope.IMAGE, ("b",)),
        About("pages", f'{PAGES}<Rating name="n" toName="p"/>', Scope.TASK, ("p",)),
        About(
            "each page",
            f'{PAGES}<Rating name="n" toName="p" perItem="true"/>',
            Scope.IMAGE,
            ("p",),
            per_item=True,
        ),
        About(
            "each item of one",
            f'{IMAGE}<Rating name="n" toName="i" perItem="true"/>',
            Scope.IMAGE,
            ("i",),
            per_item=True,
        ),
        About(
            "each region",
            f'{IMAGE}{BOXES}<Rating name="n" toName="i" perRegion="true" perItem="true"/>',
            Scope.REGION,
            ("i",),
        ),
        About(  # the editor takes no other word for it
            "not each region",
            f'{IMAGE}<Rating name="n" toName="i" perRegion="True"/>',
            Scope.IMAGE,
            ("i",),
        ),
        About(
            "an image and a text",
            f'{IMAGE}<Text name="t" value="$t"/><Rating name="n" toName="t,i"/>',
            Scope.IMAGE,
            ("i",),
        ),
    ],
    ids=lambda case: case.id,
)
def test_what_a_value_is_about(case: About) -> None:
    target = read_one(case.xml)
    assert (target.scope, target.image_names) == (case.scope, case.images)
    assert target.per_item == case.per_item


@dataclass(frozen=True)
class When:
    id: str
    attributes: str
    expected: set[str] | None
    view: str = "<View>"


@pytest.mark.parametrize(
    "case",
    [
        When("all", "", None),
        When("selected", 'visibleWhen="region-selected"', None),
        When("a label as it is stored", 'whenLabelValue="c"', {"Car"}),
        When("several labels", 'whenLabelValue="c,Sea"', {"Car", "Sea"}),
        When("a label with a comma", 'whenLabelValue="Lake, pond"', {"Lake, pond"}),
        When("a tag", 'whenTagName="poly"', {"Lake, pond", "Sea"}),
        When("the image", 'whenTagName="i" whenLabelValue="Sea"', {"Sea"}),
        When("both", 'whenTagName="box" whenLabelValue="Van,Sea"', {"Van"}),
        When(
            "another choice",
            'visibleWhen="choice-selected" whenTagName="x" whenLabelValue="Van"',
            {"Van"},
        ),
        When(
            "what is around it",
            'whenLabelValue="Van,Sea"',
            {"Van"},
            '<View visibleWhen="region-selected" whenTagName="box">',
        ),
        When("no condition around it", "", None, '<View whenTagName="box">'),
    ],
    ids=lambda case: case.id,
)
def test_which_regions_a_value_is_about(case: When) -> None:
    """The labels of the regions for which the editor would show the tag."""
    tag = f'{case.view}<Choices name="n" toName="i" perRegion="true" {case.attributes}>'
    target = read_one(f"{IMAGE}{BOXES}{tag}{CHOICE}</Choices></View>")
    assert target.region_labels == (case.expected and frozenset(case.expected))
