"""Odd things that annotators do with smart tools, in the editor of a real Label Studio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs playwright, which drives a browser")

from real_smart_studio import (
    AROUND_ONE,
    ASK,
    BOXES,
    COINS,
    DISHES,
    IMAGE,
    Studio,
    around,
    assert_tight,
    boxes_of,
    running_studio,
    tag,
    thing,
)
from real_tags_key import LARGE, TURNED, Album, write_album

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from real_editor import Editor
    from real_smart import Annotator

pytestmark = pytest.mark.label_studio


@pytest.fixture(scope="module")
def album(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Album:
    return write_album(photos, tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="module")
def studio(
    editor: Editor, album: Album, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("backend")
    with running_studio(editor.tasks, album, folder) as studio:
        yield studio


def test_a_missing_object_is_added_to_a_prediction(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    """24 predicted coins, of which one is deleted: what is predicted is no prompt."""
    coin = album.things["coins.jpg"][5]
    annotator.open(*studio.create(IMAGE, COINS, ASK, image="coins.jpg", predicts=True))
    assert len(annotator.state().regions) == 24
    left, top, right, bottom = coin.box
    annotator.delete_at((left + right) / 2, (top + bottom) / 2)
    annotator.choose("coin")
    state = annotator.drag(around(coin))
    assert_tight(state.suggestions, coin)
    assert AROUND_ONE in studio.asked()[-1].prompt
    assert len(annotator.accept_all().regions) == 24
    assert annotator.write("Find the rest like these").suggestions == []


@pytest.mark.parametrize("photo", [TURNED, LARGE])
def test_photos_of_a_phone(photo: str, annotator: Annotator, studio: Studio, album: Album) -> None:
    spoon = thing(album, "spoon", photo)
    annotator.open(*studio.create(IMAGE, BOXES, image=photo))
    annotator.choose("spoon")
    assert_tight(annotator.drag(around(spoon)).suggestions, spoon)
    annotator.look(f"smart-{photo}")


def test_drawn_beyond_the_edge_and_near_by(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    saucer, spoon = thing(album, "saucer"), thing(album, "spoon")
    annotator.open(*studio.create(IMAGE, BOXES, image="coffee.jpg"))
    annotator.choose("saucer")
    left, top, _, _ = saucer.box
    assert_tight(annotator.drag((left - 2, top - 2, 105, 104)).suggestions, saucer)
    annotator.accept_all()
    annotator.zoom_in(60, 50)
    annotator.choose("spoon")
    state = annotator.drag(around(spoon, 1), over=True)
    assert_tight(state.suggestions, spoon)
    annotator.look("zoomed")


def test_where_nothing_is_what_was_drawn_stays(annotator: Annotator, studio: Studio) -> None:
    """Label Studio shows nothing; one undo takes the rectangle away."""
    annotator.open(*studio.create(IMAGE, BOXES, image="coffee.jpg"))
    annotator.choose("cup")
    state = annotator.drag((2, 85, 12, 98))
    assert state.suggestions == []
    assert [item["id"] for item in state.regions] == state.prompts
    annotator.look("nothing")
    assert annotator.undo().regions == []


def test_undo_brings_back_what_was_drawn(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    annotator.open(*studio.create(IMAGE, BOXES, image="coffee.jpg"))
    annotator.choose("cup")
    state = annotator.drag(around(thing(album, "cup")))
    drawn = state.regions
    annotator.accept_all()
    assert annotator.undo().regions == drawn
    assert annotator.undo().regions == []


def test_of_two_images_the_one_that_is_drawn_on(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    images = "".join(
        f'<View style="width: 49%"><Image name="{name}" value="${name}"/></View>'
        for name in ("first", "second")
    )
    tags = (
        f'<View style="display: flex">{images}</View>',
        tag("RectangleLabels", "one", "cup", smart=True, to="first"),
        tag("RectangleLabels", "two", "coin", smart=True, to="second"),
    )
    annotator.open(*studio.create(*tags, first="coffee.jpg", second="coins.jpg"))
    coin = album.things["coins.jpg"][1]
    annotator.choose("coin", image=1)
    state = annotator.drag(around(coin), image=1)
    assert_tight(state.suggestions, coin)
    assert {item["to_name"] for item in state.suggestions} == {"second"}
    annotator.look("two-images")


def test_several_open_prompts_are_all_answered(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    """The editor shows the last answer alone, and saves open prompts as if they were regions."""
    coins = album.things["coins.jpg"][1:4]
    annotator.open(*studio.create(IMAGE, COINS, image="coins.jpg"))
    for count, coin in enumerate(coins, 1):
        annotator.choose("coin")
        state = annotator.drag(around(coin), over=count > 1)
        assert_tight(state.suggestions, *coins[:count])
        annotator.await_draft(count)
    annotator.look("several")
    (_, second, _) = boxes_of(state.suggestions)
    state = annotator.tick(second)
    assert_tight(state.suggestions, coins[0], coins[2])
    state = annotator.accept_all()
    assert state.prompts == []
    assert_tight(state.regions, *coins)


def test_without_a_label_it_is_found_among_forty(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    labels = [*(f"thing {number}" for number in range(37)), *DISHES]
    tags = (tag("Labels", "label", *labels), '<Rectangle name="box" toName="image" smart="true"/>')
    annotator.open(*studio.create(IMAGE, *tags, image="coffee.jpg"))
    cup = thing(album, "cup")
    annotator.choose()
    state = annotator.drag(around(cup))
    assert_tight(state.suggestions, cup)
    annotator.look("forty-labels")
    state = annotator.accept_all()
    assert state.prompts == []
    assert_tight(state.regions, cup)


def test_a_prompt_that_is_moved_is_answered_anew(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    """Without Ctrl a drag that begins on a region moves it; so it does with a smart tool."""
    one, two = album.things["coins.jpg"][1:3]
    annotator.open(*studio.create(IMAGE, COINS, image="coins.jpg"))
    annotator.choose("coin")
    before = annotator.drag(around(one, 4))
    (left, top, *_), (x, y, *_) = one.box, two.box
    after = annotator.drag((left, top, x, y))
    assert after.prompts == before.prompts
    assert_tight(after.suggestions, two)
    assert_tight(annotator.accept_all().regions, two)


def test_auto_accept_leaves_nothing_but_the_answer(
    annotator: Annotator, studio: Studio, album: Album
) -> None:
    annotator.open(*studio.create(IMAGE, BOXES, image="coffee.jpg"))
    annotator.turn("auto-accept")
    for label in ("cup", "spoon"):
        annotator.choose(label)
        state = annotator.drag(around(thing(album, label)), over=True)
        assert (state.prompts, state.suggestions) == ([], [])
    annotator.turn("auto-accept")
    assert_tight(state.regions, thing(album, "cup"), thing(album, "spoon"))


def test_a_caption_asks_for_nothing(annotator: Annotator, studio: Studio) -> None:
    """With auto-annotation on, Label Studio asks the backend at every text that is written."""
    caption = '<TextArea name="caption" toName="image"/>'
    annotator.open(*studio.create(IMAGE, BOXES, caption, image="coffee.jpg"))
    with studio.asking(0):
        state = annotator.write("A cup of coffee", "caption")
    assert [item["type"] for item in state.regions] == ["textarea"]
    assert state.suggestions == []
    assert "no prompt" not in studio.backend.output()
