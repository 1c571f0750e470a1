"""The labelling config is read as Label Studio reads it, and nothing in it is trusted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from label_studio_gemini.errors import LabelConfigError
from label_studio_gemini.labels import (
    AnswerTarget,
    ImageTag,
    Label,
    RegionTarget,
    Scope,
    Shape,
    match_label,
    read_label_config,
)

BOXES = """<View>
  <Header value="Draw"/>
  <View style="display:flex"><Image name="image" value="$image"/></View>
  <RectangleLabels name="label" toName="image" gemini_prompt="Find vehicles.">
    <Label value="Car" background="red"/>
    <View><Label value="Person" alias="ped" hint="anyone on foot"/></View>
    <Label value="Truck" predicted_values="lorry, big truck"/>
  </RectangleLabels>
  <Ranker name="order" toName="image"/>
</View>"""

SPLIT = """<View><Image name="img" value="$photo"/>
<Labels name="lab" toName="img"><Label value="L1"/><Label value="L2"/></Labels>
<Rectangle name="rect" toName="img"/></View>"""

_LABELS = '<Labels name="{}" toName="i"><Label value="{}"/></Labels>'


def test_rectangle_labels() -> None:
    """Names, labels in nested Views, aliases, hints and the tag's own prompt are all there."""
    config = read_label_config(BOXES)
    assert config.images == (ImageTag("image", "$image"),)
    assert config.targets == (
        RegionTarget(
            name="label",
            shape=Shape.RECTANGLE,
            image_names=("image",),
            labels=(
                Label("Car"),
                Label("Person", alias="ped", hint="anyone on foot"),
                Label("Truck", predicted_values=("lorry", "big truck")),
            ),
            prompt="Find vehicles.",
        ),
    )
    assert config.targets[0].type == "rectanglelabels"
    assert [(tag.tag, tag.name) for tag in config.unfilled] == [("Ranker", "order")]


def test_labels_and_rectangle_are_one_target() -> None:
    (target,) = read_label_config(SPLIT).targets
    assert isinstance(target, RegionTarget)
    assert (target.name, target.labels_name, target.type) == ("rect", "lab", "rectangle")
    assert target.names == ("rect", "lab")
    assert [label.value for label in target.labels] == ["L1", "L2"]
    assert read_label_config(SPLIT).unfilled == ()


def test_several_images() -> None:
    """Each control tag keeps the images it is for; one tag may be for two."""
    config = read_label_config(
        '<View><Image name="a" value="$a"/><Image name="b" value="$b"/>'
        '<RectangleLabels name="one" toName="b"><Label value="X"/></RectangleLabels>'
        '<RectangleLabels name="two" toName="a, b"><Label value="Y"/></RectangleLabels></View>'
    )
    assert [target.image_names for target in config.targets] == [("b",), ("a", "b")]
    assert config.image("b").value == "$b"


BOMB = (
    '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><View>&b;</View>'
)
EXTERNAL = '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><View>&x;</View>'


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("", "not valid XML"),
        ("<View>", "not valid XML"),
        ("<View><Image name='a' value=$x/></View>", "not valid XML"),
        ("\ud800", "not valid XML"),
        (BOMB, "DTD or entities"),
        (EXTERNAL, "DTD or entities"),
        (
            '<View><Choices toName="x"/></View>',
            "<Choices> tag of the labelling config has no `name`",
        ),
        ('<View><Image value="$x"/></View>', "<Image> tag of the labelling config has no `name`"),
    ],
)
def test_a_bad_config_is_a_clear_error(xml: str, message: str) -> None:
    with pytest.raises(LabelConfigError) as caught:
        read_label_config(xml)
    assert message in caught.value.message
    assert caught.value.hint


def test_an_encoding_in_the_xml_head_does_no_harm() -> None:
    assert read_label_config('<?xml version="1.0" encoding="UTF-16"?>' + SPLIT).targets


def test_white_space_is_a_part_of_what_is_stored() -> None:
    """Label Studio keeps it, and validates against it; matching does not mind it."""
    xml = (
        '<View><Image name=" img " value="$image"/><RectangleLabels name=" box " toName=" img ">'
        '<Label value=" car "/><Label value="van" alias=" v "/></RectangleLabels></View>'
    )
    (target,) = read_label_config(xml).targets
    assert (target.name, target.image_names) == (" box ", (" img ",))
    assert [label.stored for label in target.labels] == [" car ", " v "]
    assert match_label("Car", target.labels) is target.labels[0]


def test_labels_are_given_only_where_both_tags_are_for_the_image() -> None:
    config = read_label_config(
        '<View><Image name="a" value="$a"/><Image name="b" value="$b"/>'
        '<Labels name="l" toName="a"><Label value="X"/></Labels>'
        '<Labels name="m" toName="a"><Label value="Y"/></Labels>'
        '<Rectangle name="r" toName="a,b"/></View>'
    )
    assert config.targets[0].image_names == ("a",)
    assert [str(tag) for tag in config.unfilled] == [
        "<Labels name='m'>: no <Rectangle> or other such tag takes its labels from it"
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Car", "Car"),
        ("car", "Car"),
        (" CAR ", "Car"),
        ("ped", "Person"),
        ("PED", "Person"),
        ("lorry", "Truck"),
        ("Big Truck", "Truck"),
        ("cart", None),
        ("", None),
    ],
)
def test_matching_never_guesses(said: str, expected: str | None) -> None:
    (target,) = read_label_config(BOXES).targets
    label = match_label(said, target.labels)
    assert (label and label.value) == expected


def test_the_exact_label_wins_over_case_and_alias() -> None:
    labels = (Label("x", alias="b"), Label("B"), Label("b"))
    assert match_label("b", labels) is labels[2]
    assert match_label("B", labels) is labels[1]


SIGNS = """<View><Image name="i" value="$i"/><Taxonomy name="t" toName="i">
<Choice value="Sign"><Choice value="Stop" alias="halt"/><Choice value="Other"/></Choice>
<Choice value="Light" alias="lamp" predicted_values="signal"><Choice value="Other"/></Choice>
<Choice value="Stop"/>
</Taxonomy></View>"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Sign > Stop", ("Sign", "halt")),
        ("sign > STOP ", ("Sign", "halt")),
        ("Sign > halt", ("Sign", "halt")),
        ("halt", ("Sign", "halt")),
        ("Light", ("lamp",)),
        ("lamp", ("lamp",)),
        ("Signal", ("lamp",)),
        ("lamp > other", ("lamp", "Other")),
        ("Stop", ("Stop",)),  # a whole path, and the end of another
        ("Other", None),  # two are called so
        ("Stop > Sign", None),
        ("Sign >", None),
    ],
)
def test_a_node_of_a_taxonomy_is_known_by_its_path(
    said: str, expected: tuple[str, ...] | None
) -> None:
    """By its path, in what is shown or stored; without its parents, where none other is meant."""
    (target,) = read_label_config(SIGNS).targets
    label = match_label(said, target.labels)
    assert (label and label.path) == expected


def test_case_does_not_matter_in_the_names_of_tags_and_attributes() -> None:
    """The editor puts them all in lower case; what is stored keeps its case."""
    config = read_label_config(
        '<view><image NAME="Img" Value="$x"/><rectanglelabels name="Box" toname="Img">'
        '<LABEL VALUE="Car"/></rectanglelabels>'
        '<choices name="c" ToName="Img" PERREGION="true"><choice value="New"/></choices></view>'
    )
    box, choices = config.targets
    assert (box.name, box.labels, box.image_names) == ("Box", (Label("Car"),), ("Img",))
    assert isinstance(choices, AnswerTarget)
    assert choices.scope is Scope.REGION


@pytest.mark.parametrize("depth", [101, 50_000])
def test_tags_nested_without_end_are_refused(depth: int) -> None:
    with pytest.raises(LabelConfigError, match="nested more than 100 deep"):
        read_label_config("<View>" * depth + "</View>" * depth)
    assert read_label_config("<View>" * 100 + "</View>" * 100).targets == ()


@dataclass(frozen=True)
class Holder:
    id: str
    labels: str
    expected: tuple[str, str | None]


@pytest.mark.parametrize(
    "case",
    [
        Holder("the first", _LABELS.format("a", "A") + _LABELS.format("b", "B"), ("A", "a")),
        Holder(
            "one that has labels",
            '<Labels name="a" toName="i" value="$x"/>' + _LABELS.format("b", "B"),
            ("B", "b"),
        ),
    ],
    ids=lambda case: case.id,
)
def test_a_geometry_tag_takes_one_labels_tag(case: Holder) -> None:
    xml = f'<View><Image name="i" value="$i"/><Brush name="g" toName="i"/>{case.labels}</View>'
    (target,) = read_label_config(xml).targets
    assert isinstance(target, RegionTarget)
    assert (target.labels[0].value, target.labels_name) == case.expected


def test_each_tool_of_one_labels_tag_is_a_target() -> None:
    """Which of them is filled is not for the config to say."""
    tools = "".join(f'<{kind} name="{kind}" toName="i"/>' for kind in ("Brush", "KeyPoint"))
    xml = f'<View><Image name="i" value="$i"/>{_LABELS.format("l", "A")}{tools}</View>'
    config = read_label_config(xml)
    assert [target.name for target in config.targets] == ["Brush", "KeyPoint"]
    assert config.unfilled == ()


@pytest.mark.parametrize("attribute", ['smart="true"', 'smartOnly="true"'])
def test_tags_of_smart_tools_are_told_apart(attribute: str) -> None:
    xml = (
        '<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i"><Label value="A"/>'
        f'</BrushLabels><KeyPointLabels name="k" toName="i" {attribute}><Label value="A"/>'
        "</KeyPointLabels></View>"
    )
    targets = read_label_config(xml).targets
    assert [isinstance(one, RegionTarget) and one.smart for one in targets] == [False, True]


def test_relations_are_found_anywhere() -> None:
    config = read_label_config(
        '<View><Relations><Relation value="near"/><Relation value=" "/></Relations>'
        '<View><Relations><Relation value="in"/><Relation value="near"/></Relations></View></View>'
    )
    assert config.relations == ("near", "in")
    assert config.unfilled == ()


def test_image_tags_of_one_and_of_several_images() -> None:
    config = read_label_config(
        '<View><Image name="i" value="$i"/><Image name="p" valueList="$pages"/>'
        '<Image name="both" value="$one" valueList="$many"/></View>'
    )
    assert config.images == (
        ImageTag("i", "$i"),
        ImageTag("p", "$pages", pages=True),
        ImageTag("both", "$many", pages=True),
    )
