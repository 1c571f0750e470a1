"""What a smart tool suggests: what is meant, as the project draws it, and nothing else."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from label_studio_gemini.config import Config
from label_studio_gemini.masks.rle_decode import mask_from_rle
from smart_kit import (
    ASK,
    BOX,
    BRUSH,
    DOT,
    SPLIT_SMART,
    ask,
    context,
    items_of,
    point,
    project,
    rectangle,
    sent_to,
    smart_tools,
    suggested,
    text,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.smart import SmartTools

# The photo's cup is at 173-409, 17-307 of 600 x 400; these are drawn loosely around it.
LOOSE = (27, 2, 44, 78)
CUP_BOX = {"x": 28.83, "y": 4.25, "width": 39.33, "height": 72.5}


@pytest.fixture
async def tools(gemini: RunningEmulator, photos: Path, tmp_path: Path) -> AsyncIterator[SmartTools]:
    async with smart_tools(gemini, photos, tmp_path) as opened:
        yield opened


@pytest.fixture
def coffee(photos: Path) -> dict[str, Any]:
    return {"id": 7, "data": {"image": str(photos / "coffee.jpg")}, "drafts": [], "annotations": []}


def box_of(item: dict[str, Any]) -> dict[str, float]:
    return {key: item["value"][key] for key in ("x", "y", "width", "height")}


@dataclass(frozen=True)
class Drawn:
    """What draws the object in a box, by the tags that the project has."""

    id: str
    tags: tuple[str, ...]
    labels: tuple[str, ...]
    types: tuple[str, ...]


ELLIPSE = BRUSH.replace("BrushLabels", "EllipseLabels").replace("brush", "oval")
POLYGON = BRUSH.replace("BrushLabels", "PolygonLabels").replace("brush", "poly")


@pytest.mark.parametrize(
    "case",
    [
        Drawn("the same tag alone: a tight box", (BOX,), ("cup",), ("rectanglelabels",)),
        Drawn("a brush", (BOX, BRUSH), ("cup",), ("brushlabels",)),
        Drawn("a brush that is a smart tool too", (BRUSH, BOX), ("cup",), ("brushlabels",)),
        Drawn("a polygon", (BOX, POLYGON), ("cup",), ("polygonlabels",)),
        Drawn("an ellipse", (BOX, ELLIPSE), ("cup",), ("ellipselabels",)),
        Drawn(
            "masks of two tags, as for every image",
            (BOX, BRUSH, POLYGON),
            ("cup",),
            ("brushlabels", "polygonlabels"),
        ),
        Drawn("no label: Gemini's, in two items", (SPLIT_SMART,), (), ("rectangle", "labels")),
    ],
    ids=lambda case: case.id,
)
async def test_a_box_is_drawn_by_the_tags_that_the_project_has(
    case: Drawn, tools: SmartTools, coffee: dict[str, Any]
) -> None:
    items = await suggested(tools, project(*case.tags), coffee, rectangle(*LOOSE, *case.labels))
    assert tuple(item["type"] for item in items) == case.types
    labels = {label for one in items for label in one["value"].get(one["type"], [])}
    assert labels == {"cup"}


async def test_a_box_comes_back_to_where_it_is_in_the_whole_image(
    tools: SmartTools, coffee: dict[str, Any], gemini: RunningEmulator
) -> None:
    (item,) = await suggested(tools, project(BOX), coffee, rectangle(*LOOSE, "cup"))
    assert box_of(item) == pytest.approx(CUP_BOX, abs=0.1)
    assert (item["original_width"], item["original_height"]) == (600, 400)
    (sent,) = sent_to(gemini)
    assert sent.photos == ("coffee.jpg",)
    (image,) = sent.images
    assert Image.open(io.BytesIO(image)).size == (
        370,
        383,
    )  # 53 and 63 pixels more on each side, to the edge


@pytest.mark.parametrize("masks", ["polygon", "png"])
async def test_a_mask_comes_back_too(
    masks: Any,
    gemini: RunningEmulator,
    photos: Path,
    tmp_path: Path,
    coffee: dict[str, Any],
) -> None:
    xml, sent = project(BOX, BRUSH), context(rectangle(*LOOSE, "cup"))
    config = Config(masks=masks)
    async with smart_tools(gemini, photos, tmp_path, config) as tools:
        (item,) = items_of(await ask(tools, xml, coffee, sent, config), xml, sent)
    mask = mask_from_rle(item["value"]["rle"], (600, 400))
    assert mask.sum() == pytest.approx(50_584, rel=0.02), "the key's area"
    assert mask[17:307, 173:409].sum() >= 0.99 * mask.sum()


async def test_of_several_objects_the_one_that_fills_the_box(
    tools: SmartTools, coffee: dict[str, Any]
) -> None:
    """The spoon's and the saucer's middle are in the box too."""
    _, label = await suggested(tools, project(SPLIT_SMART), coffee, rectangle(54, 16, 17, 66))
    assert label["value"]["labels"] == ["spoon"]


async def test_several_boxes_are_one_call(
    tools: SmartTools, photos: Path, gemini: RunningEmulator
) -> None:
    xml = project(
        '<RectangleLabels name="rect" toName="img"><Label value="coin"/></RectangleLabels>'
    )
    task = {"data": {"image": str(photos / "coins.jpg")}}
    items = await suggested(
        tools,
        xml,
        task,
        rectangle(20, 11, 13, 15, "coin", id="one"),
        rectangle(33, 8, 15, 18, "coin", id="two"),
    )
    assert sorted(round(item["value"]["x"]) for item in items) == [21, 35]
    assert len({item["id"] for item in items}) == 2
    (sent,) = sent_to(gemini)
    assert "at most 2 objects." in sent.prompt


async def test_accepted_regions_are_not_suggested_again(tools: SmartTools, photos: Path) -> None:
    """The first rectangle is what was suggested before; it is sent again with the second."""
    xml = project(
        '<RectangleLabels name="rect" toName="img"><Label value="coin"/></RectangleLabels>'
    )
    task = {"data": {"image": str(photos / "coins.jpg")}}
    (first,) = await suggested(tools, xml, task, rectangle(20, 11, 13, 15, "coin", id="one"))
    again = await suggested(tools, xml, task, first, rectangle(33, 8, 15, 18, "coin", id="two"))
    assert [round(item["value"]["x"]) for item in again] == [35]
    assert again[0]["id"] != first["id"]
    saved = {**task, "drafts": [{"result": [first]}]}
    again = await suggested(tools, xml, saved, first, rectangle(33, 8, 15, 18, "coin", id="two"))
    assert [round(item["value"]["x"]) for item in again] == [35]


async def test_the_same_request_has_the_same_ids_and_another_one_others(
    tools: SmartTools, coffee: dict[str, Any]
) -> None:
    """Else the second suggestion would take the place of the first in the editor."""
    xml = project(BOX)
    ids = [
        (await suggested(tools, xml, coffee, rectangle(*LOOSE, "cup", id=name)))[0]["id"]
        for name in ("a", "a", "b")
    ]
    assert ids[0] == ids[1] != ids[2]


@dataclass(frozen=True)
class Pointed:
    id: str
    prompts: tuple[dict[str, Any], ...]
    labels: list[str]


ON_CUP, ON_SPOON, BESIDE_SPOON = (45, 30), (68.3, 25), (70.5, 20)


@pytest.mark.parametrize(
    "case",
    [
        Pointed("on the cup, which lies on the saucer", (point(*ON_CUP),), ["cup"]),
        Pointed("on the spoon", (point(*ON_SPOON),), ["spoon"]),
        Pointed("a little beside it", (point(*BESIDE_SPOON),), ["spoon"]),
        Pointed(
            "beside it, and not the spoon",
            (point(*BESIDE_SPOON, id="a"), point(*ON_SPOON, positive=False, id="b")),
            ["saucer"],
        ),
        Pointed(
            "not the cup",
            (point(20, 57, id="a"), point(*ON_CUP, positive=False, id="b")),
            ["saucer"],
        ),
        Pointed("two on one", (point(*ON_CUP, id="a"), point(44, 25, id="b")), ["cup"]),
        Pointed(
            "two objects", (point(*ON_CUP, id="a"), point(*ON_SPOON, id="b")), ["cup", "spoon"]
        ),
        Pointed("all but the cup", (point(*ON_CUP, positive=False),), ["saucer", "spoon"]),
    ],
    ids=lambda case: case.id,
)
async def test_points_mean_what_they_are_on(
    case: Pointed, tools: SmartTools, coffee: dict[str, Any]
) -> None:
    split = BRUSH.replace("BrushLabels", "Labels").replace("brush", "lab")
    xml = project(split, '<Brush name="brush" toName="img"/>')
    items = await suggested(tools, xml, coffee, *case.prompts)
    labels = [item["value"]["labels"][0] for item in items if item["type"] == "labels"]
    assert sorted(labels) == case.labels


async def test_points_are_told_on_the_grid(
    tools: SmartTools, coffee: dict[str, Any], gemini: RunningEmulator
) -> None:
    xml = project(DOT, BRUSH)
    items = await suggested(
        tools,
        xml,
        coffee,
        point(*ON_CUP, "cup", id="a"),
        point(10, 90, "cup", positive=False, id="b"),
    )
    assert [item["from_name"] for item in items] == ["brush"]
    (sent,) = sent_to(gemini)
    assert "the object at the point [300, 450], which is [y, x] normalized to 0-1000" in sent.prompt
    assert "Not meant is what is at [900, 100]: leave that out." in sent.prompt


COINS = project(
    ASK,
    '<RectangleLabels name="rect" toName="img"><Label value="coin"/></RectangleLabels>',
    '<BrushLabels name="brush" toName="img"><Label value="cup"/></BrushLabels>',
)


async def test_a_text_finds_the_rest(
    tools: SmartTools, photos: Path, gemini: RunningEmulator
) -> None:
    """What is in the draft is told, and not suggested again."""
    task: dict[str, Any] = {"data": {"image": str(photos / "coins.jpg")}}
    found = await suggested(tools, COINS, task, text("find the coins"))
    assert len(found) == 24
    task["drafts"] = [
        {"updated_at": "2026-01-01T00:00:00Z", "result": []},
        {"updated_at": "2026-01-02T00:00:00Z", "result": found[:3]},
    ]
    rest = await suggested(tools, COINS, task, text("find the rest like these"))
    assert len(rest) == 21
    assert not {json.dumps(box_of(one)) for one in found[:3]} & {
        json.dumps(box_of(one)) for one in rest
    }
    assert not {one["id"] for one in found} & {one["id"] for one in rest}
    first, second = (one.prompt for one in sent_to(gemini))
    assert "find the rest like these" in second
    assert "found already" not in first
    assert "They are not wanted again:\n- [54, 796, 236, 949]: coin\n" in second


async def test_of_annotations_the_newest_that_is_no_skip_counts(
    tools: SmartTools, photos: Path
) -> None:
    task: dict[str, Any] = {"data": {"image": str(photos / "coins.jpg")}}
    found = await suggested(tools, COINS, task, text("coins"))
    task["annotations"] = [
        {"updated_at": "2026-01-01", "result": found[:9]},
        {"updated_at": "2026-01-02", "result": found[:5]},
        {"updated_at": "2026-01-03", "result": [], "was_cancelled": True},
    ]
    assert len(await suggested(tools, COINS, task, text("coins"))) == 19
