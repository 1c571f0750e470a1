"""What cannot be filled is named with the reason, and all else is filled."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.errors import LabelConfigError
from label_studio_gemini.labels import read_label_config

IMAGE = '<Image name="i" value="$i"/>'
TWO = '<Image name="a" value="$a"/><Image name="b" value="$b"/>'
CHOICE = '<Choice value="A"/>'


@dataclass(frozen=True)
class Unfilled:
    id: str
    xml: str
    expected: list[str]
    targets: list[str] = field(default_factory=list)


DYNAMIC = "lets choose from is in the data of each task"
SERVED = "lets choose from is on another server"


@pytest.mark.parametrize(
    "case",
    [
        Unfilled(
            "text",
            f'{IMAGE}<Text name="t" value="$t"/><RectangleLabels name="r" toName="t">'
            '<Label value="A"/></RectangleLabels><Rating name="n" toName="i"/>',
            ["<RectangleLabels name='r'>: it annotates <Text name='t'>, not an image"],
            ["n"],
        ),
        Unfilled(
            "nothing",
            f'{IMAGE}<Rating name="n" toName="z"/><Number name="m"/>'
            '<Rectangle name="r" toName=""/>',
            [
                "<Rating name='n'>: toName='z' is the name of no tag",
                "<Number name='m'>: it has no toName",
                "<Rectangle name='r'>: it has no toName",
            ],
        ),
        Unfilled(
            "an image without an address",
            '<Image name="i"/><Rating name="n" toName="i"/>',
            ["<Rating name='n'>: <Image name='i'> has no value=… of its own"],
        ),
        Unfilled(
            "labels from the data",
            f'{IMAGE}<PolygonLabels name="r" toName="i" value="$l"/>'
            '<EllipseLabels name="e" toName="i"><Label value="$dynamic"/></EllipseLabels>'
            '<Labels name="l" toName="i" value="$l"/><Brush name="b" toName="i"/>',
            [
                f"<PolygonLabels name='r'>: what <PolygonLabels> {DYNAMIC} (value='$l')",
                "<EllipseLabels name='e'>: <EllipseLabels> has no <Label value=…> of its own",
                "<Labels name='l'>: no <Rectangle> or other such tag takes its labels from it",
                f"<Brush name='b'>: what <Labels> {DYNAMIC} (value='$l')",
            ],
        ),
        Unfilled(
            "choices from elsewhere",
            f'{IMAGE}<Choices name="c" toName="i" value="$o"/><Choices name="d" toName="i"/>'
            f'<Taxonomy name="t" toName="i" apiUrl="/x">{CHOICE}</Taxonomy>',
            [
                f"<Choices name='c'>: what <Choices> {DYNAMIC} (value='$o')",
                "<Choices name='d'>: <Choices> has no <Choice value=…> of its own",
                f"<Taxonomy name='t'>: what <Taxonomy> {SERVED} (apiUrl='/x')",
            ],
        ),
        Unfilled(
            "choices that are stored as paths",
            f'{IMAGE}<Choices name="c" toName="i" allowNested="true">{CHOICE}</Choices>',
            [
                "<Choices name='c'>: with allowNested it is not filled, while <Taxonomy> is",
            ],
        ),
        Unfilled(
            "a geometry alone",
            f'{IMAGE}<Rectangle name="r" toName="i"/>',
            ["<Rectangle name='r'>: there is no <Labels> tag with the same toName"],
        ),
        Unfilled(
            "no number",
            f'{IMAGE}<Number name="n" toName="i" min="3" max="1"/>',
            ["<Number name='n'>: no number is between min=3 and max=1"],
        ),
        Unfilled(
            "not two images",
            f'{TWO}<Text name="t" value="$t"/><Pairwise name="p" toName="a,t"/>'
            '<Pairwise name="q" toName="a,b,t"/><Pairwise name="r" toName="a,a"/>',
            [
                "<Pairwise name='p'>: toName='a,t' is not two <Image> tags to compare",
                "<Pairwise name='q'>: toName='a,b,t' is not two <Image> tags to compare",
                "<Pairwise name='r'>: toName='a,a' is not two <Image> tags to compare",
            ],
        ),
        Unfilled(
            "regions that are not there",
            f'{TWO}<BrushLabels name="l" toName="b"><Label value="A"/></BrushLabels>'
            '<TextArea name="t" toName="a" perRegion="true"/>'
            '<Number name="n" toName="b" perRegion="true" whenTagName="x"/>'
            '<Number name="m" toName="b" perRegion="true" whenLabelValue="B"/>',
            [
                "<TextArea name='t'>: it is perRegion, and no region there can be filled",
                "<Number name='n'>: its whenTagName or whenLabelValue fits no region",
                "<Number name='m'>: its whenTagName or whenLabelValue fits no region",
            ],
            ["l"],
        ),
        Unfilled(
            "repeated",
            f'{IMAGE}<Rating name="n" toName="i"/><Repeater on="$images">'
            '<Image name="i_{{idx}}" value="$images[{{idx}}]"/>'
            '<BrushLabels name="b_{{idx}}" toName="i_{{idx}}">'
            '<Label value="A"/></BrushLabels></Repeater>',
            [
                "<BrushLabels name='b_{{idx}}'>: tags in a <Repeater> are not filled",
            ],
            ["n"],
        ),
        Unfilled(
            "of another kind",
            f'{IMAGE}<Cube name="c" toName="i"/><OcrLabels name="o" toName="i"/>',
            [
                "<Cube name='c'>: tags of this kind are not filled",
                "<OcrLabels name='o'>: tags of this kind are not filled",
            ],
        ),
        Unfilled(
            "no controls",
            f'{IMAGE}<BrushLabels name="b" toName="i"><Label value="A"/></BrushLabels>'
            '<MagicWand name="w" toName="i"/>'
            '<Filter name="f" toName="b"/>'
            '<TextArea name="prompt" toName="i" smart="true"/>',
            [],
            ["b"],
        ),
    ],
    ids=lambda case: case.id,
)
def test_what_is_left_to_people_says_why(case: Unfilled) -> None:
    config = read_label_config(f"<View>{case.xml}</View>")
    assert [str(tag) for tag in config.unfilled] == case.expected
    assert [target.name for target in config.targets] == case.targets


TAGS = (
    *("View", "Image", "Text", "Repeater", "Labels", "Label", "Choices", "Choice", "Taxonomy"),
    *("TextArea", "Rating", "Number", "DateTime", "Pairwise", "Rectangle", "BrushLabels", "Ranker"),
)
ATTRIBUTES = (
    *("value", "valueList", "alias", "perRegion", "perItem", "whenTagName", "whenLabelValue"),
    *("visibleWhen", "leafsOnly", "maxUsages", "maxRating", "min", "max", "step", "only", "smart"),
)
NAMES = ("a", "b", " b ", "c", "d")
VALUES = (*NAMES, "", "$x", "a,b", "true", "-1", "1e999", "nan", "date,time", "region-selected")


def built(tag: str, attributes: dict[str, str], below: list[Element]) -> Element:
    element = Element(tag, attributes)
    element.extend(below)
    return element


def elements(below: st.SearchStrategy[list[Element]]) -> st.SearchStrategy[Element]:
    to_name = st.sampled_from((*NAMES, "a,b", "c,d"))
    others = dict.fromkeys(ATTRIBUTES, st.sampled_from(VALUES))
    attributes = st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES)}, optional={"toName": to_name, **others}
    )
    return st.builds(built, st.sampled_from(TAGS), attributes, below)


@given(
    st.recursive(
        elements(st.just([])), lambda child: elements(st.lists(child, max_size=4)), max_leaves=20
    )
)
def test_any_config_is_read_and_every_control_tag_accounted_for(root: Element) -> None:
    config = read_label_config(tostring(root, encoding="unicode"))
    told = {name for target in config.targets for name in target.names}
    told |= {tag.name for tag in config.unfilled}
    assert {one.get("name") for one in root.iter() if is_control(one)} <= told
    images = {tag.name for tag in config.images}
    assert all(target.image_names for target in config.targets)
    assert all(set(target.image_names) <= images for target in config.targets)


def is_control(tag: Element) -> bool:
    is_prompt_box = tag.tag == "TextArea" and tag.get("smart") == "true"
    return "toName" in tag.attrib and not is_prompt_box


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(LabelConfigError):
        read_label_config(text)
