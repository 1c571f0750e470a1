"""The labelling config is read as Label Studio reads it, and nothing in it is trusted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from label_studio_sdk.label_interface import LabelInterface

from label_studio_gemini.errors import LabelConfigError, TaskError
from label_studio_gemini.labels import (
    ImageTag,
    Label,
    TargetKind,
    match_label,
    read_image_address,
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
  <Choices name="weather" toName="image"><Choice value="sunny"/></Choices>
</View>"""

SPLIT = """<View><Image name="img" value="$photo"/>
<Labels name="lab" toName="img"><Label value="L1"/><Label value="L2"/></Labels>
<Rectangle name="rect" toName="img"/></View>"""


def test_rectangle_labels() -> None:
    """Names, labels in nested Views, aliases, hints and the tag's own prompt are all there."""
    config = read_label_config(BOXES)
    (target,) = config.targets
    assert config.images == (ImageTag("image", "$image"),)
    assert (target.name, target.kind, target.image_names) == (
        "label",
        TargetKind.RECTANGLE_LABELS,
        ("image",),
    )
    assert target.prompt == "Find vehicles."
    assert target.labels == (
        Label("Car"),
        Label("Person", alias="ped", hint="anyone on foot"),
        Label("Truck", predicted_values=("lorry", "big truck")),
    )
    assert [(tag.tag, tag.name) for tag in config.unfilled] == [("Choices", "weather")]


def test_stored_labels_are_those_that_label_studio_validates() -> None:
    (target,) = read_label_config(BOXES).targets
    theirs = LabelInterface(BOXES).get_control("label").labels
    assert {label.stored for label in target.labels} == set(theirs)


def test_labels_and_rectangle_are_one_target() -> None:
    (target,) = read_label_config(SPLIT).targets
    assert (target.name, target.labels_name, target.kind) == ("rect", "lab", TargetKind.RECTANGLE)
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


@dataclass(frozen=True)
class Unfilled:
    id: str
    xml: str
    reason: str


@pytest.mark.parametrize(
    "case",
    [
        Unfilled(
            "text",
            '<View><Text name="t" value="$t"/><RectangleLabels name="r" toName="t">'
            '<Label value="A"/></RectangleLabels></View>',
            "no <Image",
        ),
        Unfilled(
            "no labels of its own",
            '<View><Image name="i" value="$i"/><RectangleLabels name="r" toName="i">'
            '<Label value="$dynamic"/></RectangleLabels></View>',
            "no <Label",
        ),
        Unfilled(
            "rectangle alone",
            '<View><Image name="i" value="$i"/><Rectangle name="r" toName="i"/></View>',
            "no <Labels>",
        ),
        Unfilled(
            "several pages",
            '<View><Image name="i" valueList="$pages"/><RectangleLabels name="r" toName="i">'
            '<Label value="A"/></RectangleLabels></View>',
            "no <Image",
        ),
    ],
    ids=lambda case: case.id,
)
def test_what_is_left_to_people_says_why(case: Unfilled) -> None:
    config = read_label_config(case.xml)
    assert config.targets == ()
    assert case.reason in str(config.unfilled[0])


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
        "<Labels name='m'>: no <Rectangle> tag takes its labels from it"
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


def test_address_is_taken_from_the_data() -> None:
    assert read_image_address(ImageTag("i", "$photo"), {"photo": " /a.jpg "}) == "/a.jpg"
    tag = ImageTag("i", "https://host/$folder/$name.jpg")
    assert read_image_address(tag, {"folder": "f", "name": "n"}) == "https://host/f/n.jpg"


@pytest.mark.parametrize("data", [{}, {"photo": None}, {"photo": ""}, {"photo": ["a"]}])
def test_missing_data_names_the_key(data: dict[str, object]) -> None:
    with pytest.raises(TaskError, match=r"`data\.photo`"):
        read_image_address(ImageTag("i", "$photo"), data)
