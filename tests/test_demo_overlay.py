"""The demo's pictures, the photos it bundles and the project it makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageColor

import label_studio_gemini.demo.text as text_module
from label_studio_gemini.demo.overlay import draw_overlay, label_colours
from label_studio_gemini.demo.photos import (
    answer_key_path,
    sample_folder,
    sample_label_config,
    sample_labels,
    sample_photos,
    sample_truth,
)
from label_studio_gemini.demo.scores import LabelledBox, read_truth
from label_studio_gemini.demo.sheet import Tile, build_contact_sheet, png_from_image
from label_studio_gemini.demo.text import fitted_text, text_width, wrapped_text
from label_studio_gemini.geometry import PixelBox

if TYPE_CHECKING:
    from pathlib import Path

GREY = (128, 128, 128)


def rgb(colour: str) -> tuple[int, ...]:
    return ImageColor.getrgb(colour)


def changed(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the pixel box in which two images differ."""
    return ImageChops.difference(before.convert("RGB"), after).getbbox()


def test_a_box_is_drawn_in_its_colour_on_its_edges() -> None:
    photo = Image.new("RGB", (400, 300), GREY)
    drawn = draw_overlay(photo, [LabelledBox("cup", PixelBox(100, 80, 300, 220))])
    (colour,) = label_colours(["cup"]).values()
    for edge in ((100, 150), (299, 150), (200, 80), (200, 219)):
        assert drawn.getpixel(edge) == rgb(colour), edge
    assert drawn.getpixel((200, 150)) != rgb(colour), "the inside shows the photo"
    assert drawn.getpixel((50, 250)) == GREY, "the outside is left alone"
    assert photo.getcolors() == [(400 * 300, GREY)], "the image given is left as it is"


@dataclass(frozen=True)
class Chip:
    name: str
    box: PixelBox
    where: PixelBox
    """Where chip-coloured pixels are looked for."""


CHIPS = [
    Chip("above the box", PixelBox(100, 80, 300, 220), PixelBox(100, 67, 125, 78)),
    Chip("inside a box at the top", PixelBox(100, 0, 300, 220), PixelBox(104, 4, 125, 12)),
    Chip("inside the image", PixelBox(395, 80, 400, 220), PixelBox(375, 67, 394, 78)),
]


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_a_chip_goes_where_there_is_room(chip: Chip) -> None:
    photo = Image.new("RGB", (400, 300), GREY)
    drawn = draw_overlay(photo, [LabelledBox("cup", chip.box)])
    (colour,) = label_colours(["cup"]).values()
    crop = drawn.crop(tuple(int(edge) for edge in chip.where))  # type: ignore[arg-type]
    seen = {pixel for _, pixel in crop.getcolors(10_000) or ()}
    assert rgb(colour) in seen
    assert any(sum(pixel) < 90 for pixel in seen if isinstance(pixel, tuple)), "its text is there"


def test_a_box_outside_the_image_draws_nothing_and_a_partial_one_its_part() -> None:
    photo = Image.new("RGB", (400, 300), GREY)
    outside = [PixelBox(-90, -90, -10, -10), PixelBox(400, 0, 500, 300), PixelBox(50, 50, 50, 90)]
    assert changed(photo, draw_overlay(photo, [LabelledBox("x", box) for box in outside])) is None
    partial = draw_overlay(photo, [LabelledBox("x", PixelBox(350, 250, 900, 900))])
    area = changed(photo, partial)
    assert area is not None
    assert area[2:] == (400, 300)
    assert area[0] >= 340


def test_a_large_box_hides_no_small_one_whatever_their_order() -> None:
    photo = Image.new("RGB", (400, 300), GREY)
    large = LabelledBox("saucer", PixelBox(10, 30, 390, 290))
    small = LabelledBox("spoon", PixelBox(10, 100, 60, 150))
    colours = label_colours(["saucer", "spoon"])
    for order in ([large, small], [small, large]):
        drawn = draw_overlay(photo, order, colours=colours)
        assert drawn.getpixel((10, 125)) == rgb(colours["spoon"])


def test_chips_of_one_place_do_not_cover_each_other() -> None:
    """Two labels on the same box: both colours are seen as a chip's area."""
    photo = Image.new("RGB", (400, 300), GREY)
    box = PixelBox(50, 100, 350, 250)
    colours = label_colours(["cup", "mug"])
    drawn = draw_overlay(photo, [LabelledBox("cup", box), LabelledBox("mug", box)], colours=colours)
    left, right = drawn.crop((50, 84, 100, 98)), drawn.crop((300, 84, 350, 98))
    found = {
        name
        for name in ("cup", "mug")
        for part in (left, right)
        for count, pixel in part.getcolors(10_000) or ()
        if pixel == rgb(colours[name]) and count > 50
    }
    assert found == {"cup", "mug"}


def test_lines_and_text_grow_with_the_image() -> None:
    def line(width: int, height: int) -> int:
        photo = Image.new("RGB", (width, height), GREY)
        box = PixelBox(width // 4, height // 4, width // 2, height // 2)
        drawn = draw_overlay(photo, [LabelledBox("x", box)])
        colour, y = rgb(label_colours(["x"])["x"]), height * 3 // 8
        return sum(drawn.getpixel((x, y)) == colour for x in range(width)) // 2

    assert line(200, 150) == 2
    assert line(640, 480) == 3
    assert line(4000, 3000) == 21


def test_colours_are_distinct_and_the_same_whatever_the_case() -> None:
    colours = label_colours(["Cup", "spoon", "CUP", *map(str, range(12))])
    assert list(colours)[:3] == ["cup", "spoon", "0"]
    assert len(colours) == len(set(colours.values())) == 14
    assert label_colours(["Cup", "spoon"]) == {key: colours[key] for key in ("cup", "spoon")}
    assert label_colours(map(str, range(15)))["14"] == label_colours(["a"])["a"]


def test_a_label_without_a_colour_is_drawn_grey() -> None:
    photo = Image.new("RGB", (400, 300), "black")
    boxes = [LabelledBox("stranger", PixelBox(100, 80, 300, 220))]
    drawn = draw_overlay(photo, boxes, colours=label_colours(["cup"]))
    pixel = drawn.getpixel((100, 150))
    assert isinstance(pixel, tuple)
    assert len(set(pixel)) == 1


edges = st.floats(-500, 500, allow_nan=False)


@given(
    size=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    mode=st.sampled_from(["RGB", "L", "RGBA", "P", "1", "I;16", "CMYK"]),
    boxes=st.lists(st.tuples(st.text(), edges, edges, edges, edges), max_size=4),
)
def test_any_image_with_any_box_and_any_label_is_drawn(
    size: tuple[int, int],
    mode: str,
    boxes: list[tuple[str, float, float, float, float]],
) -> None:
    drawn = draw_overlay(
        Image.new(mode, size), [LabelledBox(label, PixelBox(*box)) for label, *box in boxes]
    )
    assert (drawn.size, drawn.mode) == (size, "RGB")


@pytest.mark.parametrize("label", ["猫", "кошка", "🙂", "cat\nnose", "\ud800", "", "w" * 500])
def test_a_label_of_any_script_is_drawn(label: str) -> None:
    photo = Image.new("RGB", (400, 300), GREY)
    box = PixelBox(100, 80, 300, 220)
    area = changed(photo, draw_overlay(photo, [LabelledBox(label, box)]))
    assert area is not None
    assert area[3] <= 222, "what is drawn reaches down to the box's edge and no further"
    assert (area[1] < 79) == bool(label), "an empty label has no chip"


def test_without_another_font_the_bundled_one_draws_what_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo, boxes = Image.new("RGB", (99, 99)), [LabelledBox("кошка", PixelBox(9, 40, 90, 90))]
    monkeypatch.setattr(text_module, "_WIDER_FONTS", ("no-such-font.ttf",))
    text_module._wider_font.cache_clear()
    try:
        area = changed(photo, draw_overlay(photo, boxes))
    finally:
        text_module._wider_font.cache_clear()
    assert area is not None
    assert area[1] < 39


def test_a_chip_stays_inside_an_image_hardly_taller_than_itself() -> None:
    photo = Image.new("RGB", (200, 16), GREY)
    drawn = draw_overlay(photo, [LabelledBox("cup", PixelBox(50, 8, 120, 10))])
    (colour,) = label_colours(["cup"]).values()
    rows = {y for y in range(16) if drawn.getpixel((52, y)) == rgb(colour)}
    assert len(rows) >= 10


@given(text=st.text(), size=st.integers(8, 30), width=st.integers(0, 300))
def test_fitted_and_wrapped_text_keeps_within_its_width(text: str, size: int, width: int) -> None:
    assert text_width(fitted_text(text, size, width), size) <= width
    assert all(text_width(line, size) <= width for line in wrapped_text(text, size, width))


def test_text_is_wrapped_between_words_and_none_is_lost() -> None:
    text = "Photos: NASA, SpaceX, vultilion (CC BY 2.0) and others; boxes and labels were added."
    lines = wrapped_text(text, 14, 200)
    assert len(lines) > 2
    assert " ".join(lines) == text
    assert wrapped_text("", 14, 200) == []


def tiles() -> list[Tile]:
    truth = sample_truth()
    return [
        Tile(
            photo.name,
            f"{len(truth[photo.name].boxes)} objects · IoU 0.98",
            Image.open(BytesIO(photo.data)),
            truth[photo.name].boxes,
        )
        for photo in sample_photos()
    ]


def test_the_sheet_of_the_sample_photos_fits_a_readme() -> None:
    colours = label_colours(sample_labels())
    sheet = build_contact_sheet(tiles(), 4, header="Seven photos", footer="x", colours=colours)
    data = png_from_image(sheet, compact=True)
    assert sheet.width == 1400
    assert len(data) <= 900_000
    with Image.open(BytesIO(data)) as png:
        assert (png.format, png.size) == ("PNG", sheet.size)
        difference = ImageChops.difference(png.convert("RGB"), sheet)
    assert max(high for _, high in difference.getextrema()) <= 2  # type: ignore[misc]


def test_the_rows_of_a_sheet_fill_its_width_and_each_has_one_height() -> None:
    """Photos of one colour on the paper: their pixels are measured."""
    sizes = [(300, 200), (307, 200), (400, 401), (500, 100)]
    photos = [Tile("", "", Image.new("RGB", size, "red")) for size in sizes]
    sheet = build_contact_sheet(photos, 2, header="", width=800)
    columns = [
        [sheet.getpixel((x, y)) == (255, 0, 0) for y in range(sheet.height)] for x in (32, 767)
    ]
    assert columns[0] == columns[1], "photos of a row have one height, from edge to edge"
    assert sum(a and not b for a, b in zip(columns[0], columns[0][1:], strict=False)) == 2
    assert sheet.getpixel((31, 150)) == sheet.getpixel((768, 150)) == rgb("#FAF8F4")


def test_boxes_are_drawn_at_the_scale_of_the_sheet() -> None:
    boxes = (LabelledBox("cup", PixelBox(25, 25, 75, 75)),)
    photo = Tile("", "", Image.new("RGB", (100, 100), GREY), boxes)
    sheet = build_contact_sheet([photo], 1, header="", width=864)  # 800 inside, 320 high
    colour = rgb(label_colours(["cup"])["cup"])
    y = next(y for y in range(sheet.height) if sheet.getpixel((32, y)) == GREY) + 160
    xs = [x - 32 for x in range(sheet.width) if sheet.getpixel((x, y)) == colour]
    assert (min(xs), max(xs)) == (80, 239)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("columns", [1, 3])
def test_a_sheet_of_any_number_of_photos_has_the_width_asked_for(count: int, columns: int) -> None:
    photo = Tile("a very long name " * 20, "caption " * 50, Image.new("L", (1, 700)))
    sheet = build_contact_sheet([photo] * count, columns, header="h " * 200, footer="f " * 300)
    assert sheet.width == 1400


def test_the_bundled_photos_are_those_of_the_answer_key() -> None:
    truth = sample_truth()
    photos = sample_photos()
    assert [photo.name for photo in photos] == list(truth)
    assert len(photos) == 7
    for photo in photos:
        with Image.open(BytesIO(photo.data)) as image:
            assert image.format == "JPEG"
            assert image.size == truth[photo.name].size
    assert sum(len(photo.boxes) for photo in truth.values()) == 39


def test_the_bundled_files_are_unchanged(shared: Path) -> None:
    source = shared / "photos" / "sample"
    for photo in sample_photos():
        assert photo.data == (source / "images" / photo.name).read_bytes()
    with sample_folder() as folder:
        key = answer_key_path(folder).read_bytes()
    assert key == (source / "instances.json").read_bytes()


def test_the_folder_has_photos_key_and_licences_as_files() -> None:
    with sample_folder() as folder:
        truth = read_truth(answer_key_path(folder).read_bytes())
        licences = (folder / "LICENSES.md").read_text(encoding="utf-8")
        assert {path.name for path in folder.glob("*.jpg")} == set(truth)
    for name in truth:
        assert f"| {name} |" in licences


def test_the_labelling_config_has_the_labels_of_the_key_in_the_overlays_colours() -> None:
    config = sample_label_config()
    view = fromstring(config)
    image, control = view
    assert (image.tag, image.attrib) == (
        "Image",
        {"name": "image", "value": "$image", "zoom": "true"},
    )
    assert (control.tag, control.attrib) == (
        "RectangleLabels",
        {"name": "label", "toName": "image"},
    )
    found = {label.attrib["value"]: label.attrib["background"] for label in control}
    assert found == label_colours(sample_labels())
    assert {box.label for truth in sample_truth().values() for box in truth.boxes} <= set(found)
    assert config.startswith("<View>\n  <Image ")
    assert config.endswith("</View>\n")
