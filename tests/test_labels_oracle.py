"""What is read of a labelling config agrees with label-studio-sdk, which Label Studio reads by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from label_studio_sdk.label_interface import LabelInterface

from label_studio_gemini.labels import AnswerTarget, RegionTarget, Scope, read_label_config

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.labels import LabelConfig, Target

NOT_TOLD = {"magicwand", "chatmessage"}  # they have no results, or no toName

IMAGE = '<Image name="img" value="$image"/>'
LABELS = '<Label value="Car" alias="car"/><Label value="Van" background="red"/>'
SPLIT = f'<Labels name="lab" toName="img">{LABELS}</Labels>'
BOXES = f'<RectangleLabels name="box" toName="img">{LABELS}</RectangleLabels>'
CHOICES = '<Choice value="Yes" alias="y"/><Choice value="No"/>'
TREE = (
    '<Choice value="Animal"><Choice value="Cat"/><Choice value="Dog" alias="canine"/></Choice>'
    '<Choice value="Plant"/>'
)


@dataclass(frozen=True)
class Case:
    """A config in the like of Label Studio's templates, and what is filled of it."""

    id: str
    xml: str
    targets: tuple[str, ...]
    unfilled: tuple[str, ...] = ()


def labelled(kind: str) -> Case:
    tag = f'<{kind}Labels name="own" toName="img" strokeWidth="3">{LABELS}</{kind}Labels>'
    split = f'{SPLIT}<{kind} name="split" toName="img"/>'
    return Case(kind, f"{IMAGE}{tag}{split}", ("own", "split"))


CASES = [
    *map(labelled, ["Rectangle", "Polygon", "Brush", "Bitmask", "Vector", "Ellipse", "KeyPoint"]),
    Case("captioning", f'{IMAGE}<TextArea name="t" toName="img" maxSubmissions="1"/>', ("t",)),
    Case("classification", f'{IMAGE}<Choices name="c" toName="img">{CHOICES}</Choices>', ("c",)),
    Case(
        "multi-label",
        f'{IMAGE}<Choices name="c" toName="img" choice="multiple"><View>{CHOICES}</View></Choices>',
        ("c",),
    ),
    Case("taxonomy", f'{IMAGE}<Taxonomy name="t" toName="img">{TREE}</Taxonomy>', ("t",)),
    Case(
        "medical",
        f'{IMAGE}{BOXES}<Choices name="c" toName="img">{CHOICES}</Choices>',
        ("box", "c"),
    ),
    Case(
        "OCR",
        f'{IMAGE}{SPLIT}<Rectangle name="bbox" toName="img"/><Polygon name="poly" toName="img"/>'
        '<TextArea name="text" toName="img" perRegion="true" displayMode="region-list"/>',
        ("bbox", "poly", "text"),
    ),
    Case(
        "attributes",
        f'{IMAGE}{BOXES}<Number name="n" toName="img" perRegion="true" whenLabelValue="car"/>'
        '<Rating name="r" toName="img" perRegion="true" whenTagName="box"/>'
        f'<Taxonomy name="t" toName="img" perRegion="true">{TREE}</Taxonomy>',
        ("box", "n", "r", "t"),
    ),
    Case("rating", f'{IMAGE}<Rating name="r" toName="img" maxRating="10"/>', ("r",)),
    Case("number", f'{IMAGE}<Number name="n" toName="img" min="0" max="9"/>', ("n",)),
    Case("date", f'{IMAGE}<DateTime name="d" toName="img" only="date"/>', ("d",)),
    Case(
        "multi-page",
        f'<Image name="img" valueList="$pages"/>{BOXES}'
        f'<Choices name="c" toName="img" perItem="true">{CHOICES}</Choices>',
        ("box", "c"),
    ),
    Case(
        "pairwise",
        f'{IMAGE}<Image name="two" value="$b"/><Pairwise name="p" toName="img,two"/>',
        ("p",),
    ),
    Case(
        "likeness",
        f'<Rating name="r" toName="img,two"/>{IMAGE}<Image name="two" value="$b"/>',
        ("r",),
    ),
    Case(
        "mammograms",
        "".join(f'<Image name="view{n}" value="$img{n}"/>' for n in range(4))
        + f'<Choices name="c" toName="view0,view1,view2,view3">{CHOICES}</Choices>'
        '<TextArea name="notes" toName="view0,view1,view2,view3" rows="5"/>'
        '<Text name="legend" value="BI-RADS"/>',
        ("c", "notes"),
    ),
    Case(
        "visual questions",
        f'{IMAGE}<Text name="q" value="$q"/><TextArea name="a" toName="q"/>'
        f'<Labels name="aspect" toName="q">{LABELS}</Labels>',
        (),
        ("a", "aspect"),
    ),
    Case(
        "inventory",
        f'{IMAGE}<PolygonLabels name="objects" toName="img" value="$objects"/>{BOXES}',
        ("box",),
        ("objects",),
    ),
    Case(
        "smart segmentation",
        f'{IMAGE}<BrushLabels name="b" toName="img">{LABELS}</BrushLabels>'
        f'<MagicWand name="m" toName="img"/>'
        f'<KeyPointLabels name="k" toName="img" smart="true">{LABELS}</KeyPointLabels>',
        ("b", "k"),
    ),
    Case(
        "video",
        f'<Video name="v" value="$v"/><Labels name="l" toName="v">{LABELS}</Labels>'
        f'<VideoRectangle name="r" toName="v"/>{IMAGE}{BOXES}<Relations><Relation value="on"/>'
        "</Relations>",
        ("box",),
        ("l", "r"),
    ),
    Case(
        "ranker",
        '<List name="l" value="$images"/><Ranker name="r" toName="l"/>'
        f'{IMAGE}<Choices name="c" toName="img" value="$options"/>',
        (),
        ("r", "c"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_templates(case: Case) -> None:
    """Each is a config that Label Studio takes, and is read as it reads it."""
    xml = f"<View>{case.xml}</View>"
    LabelInterface(xml).validate()
    config = read_label_config(xml)
    assert tuple(target.name for target in config.targets) == case.targets
    assert tuple(tag.name for tag in config.unfilled) == case.unfilled
    check_as_theirs(config, LabelInterface(xml))


def test_every_recorded_config_and_result(shared: Path) -> None:
    """What the real Label Studio took and showed fits the targets that are read of its config."""
    text = (shared / "label-studio" / "controls.json").read_text(encoding="utf-8")
    for name, record in json.loads(text).items():
        if not isinstance(record, dict) or "label_config" not in record:
            continue
        theirs = LabelInterface(record["label_config"])
        config = read_label_config(record["label_config"])
        check_as_theirs(config, theirs)
        is_alone = name == "rectangle only"  # a region without a label is not filled
        assert bool(config.unfilled) == is_alone, name
        if not record["LabelInterface_errors"] and not is_alone:
            for item in record["prediction_result_sent"]:
                assert fits(item, config), (name, item)


def check_as_theirs(config: LabelConfig, theirs: LabelInterface) -> None:
    """Compare all that label-studio-sdk knows of a config."""
    images = {one.name: one for one in theirs.objects if one.tag == "Image"}
    assert {tag.name: (tag.value, tag.pages) for tag in config.images} == {
        name: (image.value, image.is_image_list) for name, image in images.items()
    }
    told = {name for target in config.targets for name in target.names}
    told |= {tag.name for tag in config.unfilled}
    assert told == {one.name for one in theirs.controls if one.tag.lower() not in NOT_TOLD}
    for target in config.targets:
        check_target(target, theirs)


def check_target(target: Target, theirs: LabelInterface) -> None:
    control = theirs.get_control(target.name)
    assert set(target.image_names) == set(control.to_name) & {one.name for one in theirs.objects}
    if isinstance(target, RegionTarget):
        holder = theirs.get_control(target.labels_name or target.name)
        assert control.tag.lower() == target.type
        assert {label.stored for label in target.labels} == set(holder.labels)
        return
    assert control.tag.lower() == target.kind
    assert (target.scope is Scope.REGION) == (control.attr.get("perRegion") == "true")
    stored = {part for label in target.labels for part in label.path or (label.stored,)}
    assert stored == (set(control.labels or ()) or ({"left", "right"} & stored))


def fits(item: dict[str, Any], config: LabelConfig) -> bool:
    """Tell whether a result item is one of a target that is read, with its labels."""
    if item["type"] == "relation":
        return set(item["labels"]) <= set(config.relations)
    target = next(one for one in config.targets if item["from_name"] in one.names)
    stored = {label.stored for label in target.labels}
    if isinstance(target, AnswerTarget):
        chosen = item["value"].get("choices", [])
        paths = [tuple(path) for path in item["value"].get("taxonomy", [])]
        known = {label.path for label in target.labels}
        return item["type"] == target.kind and stored >= set(chosen) and known >= set(paths)
    if item["from_name"] == target.labels_name:
        return item["type"] == "labels" and stored >= set(item["value"]["labels"])
    return item["type"] == target.type and stored >= set(item["value"].get(target.type, []))
