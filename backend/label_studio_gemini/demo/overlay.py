"""A photo with boxes drawn on it, and chips that name them."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageColor, ImageDraw

from label_studio_gemini.demo.text import fitted_text, text_width, write_text
from label_studio_gemini.geometry import ImageSize, PixelBox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from label_studio_gemini.demo.scores import LabelledBox

_PALETTE = (
    # Okabe and Ito's colours for all kinds of colour vision, without black:
    # https://jfly.uni-koeln.de/color/
    *("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
    # then seven more, no two closer in OKLab than two of those are, as seen with normal, protan,
    # deutan and tritan vision
    *("#4BFFF0", "#C300FF", "#96D296", "#C3F0B4", "#9687FF", "#0FD2D2", "#B41E3C"),
)
_STRANGER = "#C8C8C8"  # a label that the caller's colours lack
_EDGE = (20, 20, 20, 150)  # sets a line off from any background
_LIGHT = 118  # of 255: the grey on which black and white contrast alike (WCAG 2)
_FILL_ALPHA = 20  # of 255: the region is seen as one, and the photo through it


class Style(NamedTuple):
    """How heavy an overlay is: the width of its lines and the size of its text, in pixels."""

    line: int
    font: int


class _Item(NamedTuple):
    """A box as it is drawn: its text, whole pixels within the image, and its colour."""

    label: str
    box: PixelBox
    colour: str


def label_colours(labels: Iterable[str]) -> dict[str, str]:
    """Give each label a colour: case-folded label -> `#RRGGBB`.

    Labels take them in order, and those that differ in case alone share one. The 14 colours differ
    for every kind of colour vision; a fifteenth label begins anew.
    """
    distinct = dict.fromkeys(label.casefold() for label in labels)
    return {label: _PALETTE[i % len(_PALETTE)] for i, label in enumerate(distinct)}


def draw_overlay(
    image: Image.Image,
    boxes: Sequence[LabelledBox],
    *,
    colours: Mapping[str, str] | None = None,
    style: Style | None = None,
) -> Image.Image:
    """Return a copy of an upright image, as RGB, with boxes and the chips that name them.

    What of a box reaches outside the image is cut off. A chip stays inside, above its box where
    there is room; it is left out where the image is too small for any text.

    Args:
        image: The image, of any mode; it is left as it is.
        boxes: The objects, in its pixels.
        colours: Of `label_colours`, to have the same ones on several images; without it, the
            labels of `boxes` take them in order.
        style: How heavy lines and text are; without it, in proportion to the image.
    """
    if colours is None:
        colours = label_colours(box.label for box in boxes)
    style = style or _style_of_size(ImageSize(*image.size))
    canvas = image.copy() if image.mode == "RGB" else image.convert("RGB")
    draw = ImageDraw.Draw(canvas, "RGBA")  # in this mode it blends
    # Large objects come first, so that they hide neither the lines nor the chips of small ones.
    items = sorted(_items(boxes, ImageSize(*image.size), colours), key=lambda i: -_area(i.box))
    for item in items:
        rgb = ImageColor.getrgb(item.colour)[:3]
        draw.rectangle(_inclusive(item.box), fill=(*rgb, _FILL_ALPHA))
    for item in items:
        draw.rectangle(_inclusive(item.box, grown=1), outline=_EDGE, width=style.line + 2)
        draw.rectangle(_inclusive(item.box), outline=item.colour, width=style.line)
    _draw_chips(draw, items, ImageSize(*image.size), style)
    return canvas


def _style_of_size(size: ImageSize) -> Style:
    scale = sqrt(size.width * size.height)
    return Style(line=max(2, round(scale * 0.006)), font=max(11, round(scale * 0.03)))


def _items(
    boxes: Iterable[LabelledBox], size: ImageSize, colours: Mapping[str, str]
) -> Iterator[_Item]:
    for label, box in boxes:
        shown = PixelBox(
            left=max(0, round(box.left)),
            top=max(0, round(box.top)),
            right=min(size.width, round(box.right)),
            bottom=min(size.height, round(box.bottom)),
        )
        if shown.left < shown.right and shown.top < shown.bottom:
            yield _Item(label, shown, colours.get(label.casefold(), _STRANGER))


def _draw_chips(
    draw: ImageDraw.ImageDraw, items: Sequence[_Item], size: ImageSize, style: Style
) -> None:
    pad = max(2, style.font // 3)
    height = round(style.font * 1.3)
    taken: list[PixelBox] = []
    for item in reversed(items):  # a small object has the fewest places for its chip
        text = fitted_text(item.label, style.font, size.width - 2 * pad)
        if not text or height > size.height:
            continue
        chip = _chip_place(
            item.box, ImageSize(text_width(text, style.font) + 2 * pad, height), size, taken
        )
        taken.append(chip)
        draw.rounded_rectangle(
            _inclusive(chip), radius=max(2, style.font // 5), fill=item.colour, outline=_EDGE
        )
        ink = _ink_on(item.colour)
        middle = (chip.left + pad, (chip.top + chip.bottom) / 2)
        write_text(draw, middle, text, size=style.font, colour=ink)


def _chip_place(
    box: PixelBox, chip: ImageSize, size: ImageSize, taken: Sequence[PixelBox]
) -> PixelBox:
    """Choose where a chip hides the least of the chips that are there already.

    It goes above its box, else inside it, else below; at the left corner, else at the right one.
    """
    lowest, rightmost = size.height - chip.height, size.width - chip.width
    tops = [box.top - chip.height, box.top, box.bottom, box.bottom - chip.height]
    tops = [top for top in tops if 0 <= top <= lowest] or [min(box.top, lowest)]
    lefts = [min(left, rightmost) for left in (box.left, max(box.right - chip.width, 0))]
    places = [
        PixelBox(left, top, left + chip.width, top + chip.height) for top in tops for left in lefts
    ]
    return min(places, key=lambda place: sum(_overlap(place, other) for other in taken))


def _overlap(a: PixelBox, b: PixelBox) -> float:
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(width, 0) * max(height, 0)


def _area(box: PixelBox) -> float:
    return (box.right - box.left) * (box.bottom - box.top)


def _inclusive(box: PixelBox, *, grown: int = 0) -> tuple[float, float, float, float]:
    """Return Pillow's rectangle, whose right and bottom pixels are part of it."""
    return (box.left - grown, box.top - grown, box.right - 1 + grown, box.bottom - 1 + grown)


def _ink_on(colour: str) -> str:
    """Return black or white, whichever is read better on a colour."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601, of 255
    return "#000000" if luma > _LIGHT else "#FFFFFF"
