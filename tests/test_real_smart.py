"""Smart tools in the editor of a real Label Studio, as an annotator uses them in a real browser."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from gates import await_condition
from real_smart_studio import (
    AROUND_ONE,
    ASK,
    BOXES,
    COINS,
    DISHES,
    DOTS,
    IMAGE,
    Studio,
    around,
    assert_tight,
    boxes_of,
    running_studio,
    tag,
    thing,
)
from real_tags_key import Album, write_album
from real_tags_masks import Form, covered, share
from services import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from editor_tasks import Item
    from real_editor import Editor
    from real_smart import Annotator

pytestmark = pytest.mark.label_studio

CONCURRENCY, BATCH = 4, 200
UPLOADED = 50  # files at once; Label Studio takes 100


@pytest.fixture(scope="module")
def album(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Album:
    return write_album(photos, tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="module")
def studio(
    editor: Editor, album: Album, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("backend")
    with running_studio(editor.tasks, album, folder, f"concurrency: {CONCURRENCY}") as studio:
        yield studio


@pytest.mark.parametrize("way", ["the button below it", "the tick for all"])
def test_a_loose_rectangle_becomes_a_tight_one(
    way: str, annotator: Annotator, studio: Studio, album: Album
) -> None:
    """What was drawn is gone once the suggestion is accepted, whichever tick is pressed."""
    cup, spoon = thing(album, "cup"), thing(album, "spoon")

    def accept() -> list[Item]:
        (box,) = boxes_of(annotator.state().suggestions)
        state = annotator.accept_all() if way == "the tick for all" else annotator.tick(box)
        assert (state.prompts, state.suggestions) == ([], [])
        return state.regions

    annotator.open(*studio.create(IMAGE, BOXES, image="coffee.jpg"))
    annotator.choose("cup")
    state = annotator.drag(around(cup))
    assert_tight(state.suggestions, cup)
    assert [item["id"] for item in state.regions] == state.prompts
    annotator.look("rectangle")
    assert_tight(accept(), cup)
    annotator.choose("spoon")
    assert_tight(annotator.drag(around(spoon), over=True).suggestions, spoon)
    assert_tight(accept(), cup, spoon)
    annotator.look("rectangle-accepted")


def test_what_was_accepted_is_not_suggested_again_and_the_same_again_is_free(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    """Label Studio sends all rectangles of a label with the newest."""
    one, two = album.things["coins.jpg"][1:3]
    annotator.open(*studio.create(IMAGE, COINS, image="coins.jpg"))
    for coin, before in ((one, []), (two, [one])):
        annotator.choose("coin")
        state = annotator.drag(around(coin))
        assert_tight(state.suggestions, coin)
        assert_tight(annotator.accept_all().regions, *before, coin)
    with studio.asking(0):
        for _ in range(2):
            annotator.choose("coin")
            annotator.drag(around(one), over=True)
            annotator.undo()
    assert_tight(annotator.state().regions, one, two)
    third = album.things["coins.jpg"][3]
    for count in (1, 0):
        annotator.choose("coin")
        with studio.asking(count):
            assert_tight(annotator.drag(around(third)).suggestions, third)
        annotator.reject_all()


@dataclass(frozen=True)
class Shape:
    """A tag beside the smart rectangle, what it draws, and how well that must fit (IoU)."""

    kind: str
    least: float


@pytest.mark.parametrize(
    "shape",
    [
        Shape("BrushLabels", 0.95),
        Shape("BitmaskLabels", 0.95),
        Shape("PolygonLabels", 0.93),
        Shape("EllipseLabels", 0.8),
    ],
    ids=lambda shape: shape.kind,
)
def test_a_finer_shape_comes_where_the_project_has_one(
    shape: Shape,
    *,
    annotator: Annotator,
    studio: Studio,
    album: Album,
    editor: Editor,
    measured: Callable[[str], None],
) -> None:
    finer = tag(shape.kind, "finer", *DISHES)
    annotator.open(*studio.create(IMAGE, BOXES, finer, image="coffee.jpg"))
    cup = thing(album, "cup")
    annotator.choose("cup")
    state = annotator.drag(around(cup))
    assert {item["from_name"] for item in state.suggestions} == {"finer"}
    annotator.look(shape.kind)
    state = annotator.accept_all()
    assert state.prompts == []
    assert [item["type"] for item in state.regions] == [shape.kind.lower()]
    annotator.look(f"{shape.kind}-accepted")
    (painted,) = editor.painted(["finer"])["finer"]
    height, width = painted.shape
    found = share(painted, covered([cup], Form.MASK, (width, height)))
    measured(f"smart {shape.kind}: IoU {found:.3f} of what is painted")
    assert found > shape.least
    state = annotator.undo()
    assert [item["id"] for item in state.regions] == state.prompts


def test_points_say_what_is_meant_and_what_is_not(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    boxes = tag("RectangleLabels", "box", *DISHES)
    tags = ('<KeyPoint name="dot" toName="image" smart="true"/>', boxes)
    annotator.open(*studio.create(IMAGE, *tags, image="coffee.jpg"))
    annotator.choose()
    assert_tight(annotator.click(50, 60).suggestions, thing(album, "cup"))
    annotator.look("point")
    state = annotator.click(45, 25, meant=False)
    assert_tight(state.suggestions, thing(album, "saucer"))
    annotator.look("point-not-meant")
    state = annotator.accept_all()
    assert state.prompts == []
    assert_tight(state.regions, thing(album, "saucer"))


def test_a_point_on_an_object_becomes_its_own(annotator: Annotator, studio: Studio) -> None:
    annotator.open(*studio.create(IMAGE, DOTS, image="coffee.jpg"))
    annotator.choose("cup")
    state = annotator.click(40, 20)
    assert len(state.suggestions) == 1
    state = annotator.accept_all()
    assert (state.prompts, len(state.regions)) == ([], 1)


def test_words_find_the_rest(annotator: Annotator, studio: Studio, album: Album) -> None:
    """What is on the image already is told, and not suggested again."""
    coins = album.things["coins.jpg"]
    annotator.open(*studio.create(IMAGE, COINS, ASK, image="coins.jpg"))
    for coin in coins[1:3]:
        annotator.choose("coin")
        annotator.drag(around(coin))
        annotator.accept_all()
    annotator.await_draft(2)
    state = annotator.write("Find the rest like these")
    rest = [coin for at, coin in enumerate(coins) if at not in {1, 2}]
    assert_tight(state.suggestions, *rest)
    annotator.look("words")
    prompt = studio.asked()[-1].prompt
    assert "Find the rest like these" in prompt
    assert "found already" in prompt
    state = annotator.accept_all()
    assert len(boxes_of([item for item in state.regions if item["type"] != "textarea"])) == 24


def test_words_draw_with_the_labels_of_the_project(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    """Gemini's answer to the words is a scripted one: the emulator knows no colours."""
    annotator.open(*studio.create(IMAGE, BOXES, ASK, image="coffee.jpg"))
    left, top, right, bottom = (round(edge * 10) for edge in thing(album, "saucer").box)
    said = json.dumps([{"box_2d": [top, left, bottom, right], "label": "saucer"}])
    with faults(studio.emulator, {"text": said}):
        state = annotator.write("find the red thing below the cup")
    assert_tight(state.suggestions, thing(album, "saucer"))
    assert "find the red thing below the cup" in studio.asked()[-1].prompt


def test_a_smart_tool_goes_ahead_of_a_batch(
    annotator: Annotator, studio: Studio, album: Album, measured: Callable[[str], None]
) -> None:
    """Of 200 tasks four at a time are asked about; whoever uses a smart tool is the next."""
    project, task = studio.create(IMAGE, BOXES, image="coffee.jpg")
    addresses = upload_copies(studio, album.photos["coffee.jpg"])
    data = json.dumps([{"image": address} for address in addresses]).encode()
    studio.tasks.import_tasks(project, data)
    annotator.open(project, task)
    annotator.choose("cup")
    before = len(studio.asked())
    batch = threading.Thread(target=studio.tasks.retrieve_predictions, args=(project,))
    with faults(studio.emulator, {"delay": 1.0, "times": None}):
        batch.start()
        await_condition(lambda: len(studio.asked()) - before >= CONCURRENCY, "the batch runs")
        started = len(studio.asked())
        state = annotator.drag(around(thing(album, "cup"), 3))
        asked = studio.asked()
    batch.join()
    assert_tight(state.suggestions, thing(album, "cup"))
    (place,) = (at for at, one in enumerate(asked) if at >= before and AROUND_ONE in one.prompt)
    measured(f"a smart tool in a batch: asked as number {place - before} of {BATCH + 2}")
    assert place - started <= 2 * CONCURRENCY
    assert len(studio.asked()) - before == BATCH + 2, "each task once, and the smart tool"


def upload_copies(studio: Studio, photo: bytes) -> list[str]:
    """Upload a photo as often as the batch has tasks, each with a comment of its own."""
    comments = [b"\xff\xfe\x00\x05%03d" % number for number in range(BATCH)]
    addresses: list[str] = []
    for start in range(0, BATCH, UPLOADED):
        some = range(start, start + UPLOADED)
        copies = {f"{n}.jpg": photo[:2] + comments[n] + photo[2:] for n in some}
        addresses += studio.tasks.upload_files(copies).values()
    return addresses
