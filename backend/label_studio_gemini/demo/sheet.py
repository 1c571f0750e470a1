"""A contact sheet: several photos and what was found on them, in one picture."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from label_studio_gemini.demo.overlay import Style, draw_overlay, label_colours
from label_studio_gemini.demo.scores import LabelledBox
from label_studio_gemini.demo.text import fitted_text, wrapped_text, write_text
from label_studio_gemini.geometry import PixelBox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PAPER = "#FAF8F4"
_INK = "#1F2328"
_SOFT_INK = "#5F6871"
_MARGIN = 32
_GAP = 16
_HEADER_SIZE = 30
_TITLE_SIZE = 20
_CAPTION_SIZE = 17
_FOOTER_SIZE = 14
_TALLEST_ROW = 0.4  # of the sheet's width, so that one photo alone does not fill it
_SIX_BITS = [round(round(value * 63 / 255) * 255 / 63) for value in range(256)]
_STYLE = Style(line=3, font=17)


class Tile(NamedTuple):
    """A photo on a contact sheet.

    Attributes:
        title: The first line under it.
        caption: The second, in a softer tone.
        image: The photo, upright.
        boxes: What the sheet draws on it, in pixels of `image`. They are drawn at the sheet's
            scale, so that lines and text are alike on all photos, and sharp.
    """

    title: str
    caption: str
    image: Image.Image
    boxes: Sequence[LabelledBox] = ()


class _Row(NamedTuple):
    """Photos side by side, and their height in pixels: as they fill the width, not rounded."""

    tiles: Sequence[Tile]
    exact_height: float

    @property
    def height(self) -> int:
        return max(1, round(self.exact_height))


def build_contact_sheet(
    tiles: Sequence[Tile],
    columns: int,
    *,
    header: str,
    footer: str = "",
    width: int = 1400,
    colours: Mapping[str, str] | None = None,
) -> Image.Image:
    """Build one picture of all tiles: rows that fill the width, each of one height.

    Args:
        tiles: The photos, in reading order.
        columns: The most tiles in a row, at least 1; rows are filled evenly.
        header: The line above all.
        footer: Small print below all, such as credits; broken into lines where it is long.
        width: Of the picture, in pixels; its height follows.
        colours: As for `draw_overlay`; without it, the labels of all tiles take them in order.
    """
    if colours is None:
        colours = label_colours(box.label for tile in tiles for box in tile.boxes)
    inner = width - 2 * _MARGIN
    rows = [_row(chunk, inner) for chunk in _even_chunks(tiles, columns)]
    small_print = wrapped_text(footer, _FOOTER_SIZE, inner)
    text_height = _TITLE_SIZE + _CAPTION_SIZE + 2 * _GAP
    header_height = _HEADER_SIZE + _GAP
    footer_step = round(_FOOTER_SIZE * 1.5)
    body = sum(row.height + text_height for row in rows)
    height = 2 * _MARGIN + header_height + body + footer_step * len(small_print)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    title = fitted_text(header, _HEADER_SIZE, inner)
    middle = _MARGIN + _HEADER_SIZE // 2 - 4  # optically level with the margin
    write_text(draw, (_MARGIN, middle), title, size=_HEADER_SIZE, colour=_INK, bold=True)
    top = _MARGIN + header_height
    for row in rows:
        _paste_row(sheet, row, top, colours)
        top += row.height + text_height
    for line in small_print:
        position = (_MARGIN, top + footer_step // 2)
        write_text(draw, position, line, size=_FOOTER_SIZE, colour=_SOFT_INK)
        top += footer_step
    return sheet


def png_from_image(image: Image.Image, *, compact: bool = False) -> bytes:
    """Encode an image as PNG; `compact` keeps 6 bits a channel, which saves a third of the bytes.

    That is hardly seen: on photos a palette of 256 colours shows more, and a JPEG blurs the text.
    """
    if compact:
        image = image.convert("RGB").point(_SIX_BITS * 3)
    buffer = BytesIO()
    image.save(buffer, format="PNG")  # `optimize` takes five times as long for 4% less
    return buffer.getvalue()


def _even_chunks(tiles: Sequence[Tile], columns: int) -> Iterator[Sequence[Tile]]:
    rows = ceil(len(tiles) / columns)
    for row in range(rows):
        yield tiles[ceil(len(tiles) * row / rows) : ceil(len(tiles) * (row + 1) / rows)]


def _row(tiles: Sequence[Tile], inner: int) -> _Row:
    """Choose the height at which the photos fill the width side by side."""
    aspects = sum(tile.image.width / tile.image.height for tile in tiles)
    height = (inner - _GAP * (len(tiles) - 1)) / aspects
    return _Row(tiles, min(height, inner * _TALLEST_ROW))


def _paste_row(sheet: Image.Image, row: _Row, top: int, colours: Mapping[str, str]) -> None:
    draw = ImageDraw.Draw(sheet)
    left = float(_MARGIN)
    for tile in row.tiles:
        right = left + row.exact_height * tile.image.width / tile.image.height
        width = max(1, round(right) - round(left))
        sheet.paste(_scaled(tile, width, row.height, colours), (round(left), top))
        y = top + row.height + _GAP - 2
        for text, size, colour in (
            (tile.title, _TITLE_SIZE, _INK),
            (tile.caption, _CAPTION_SIZE, _SOFT_INK),
        ):
            line = fitted_text(text, size, width)
            write_text(draw, (round(left), y), line, size=size, colour=colour, bold=colour == _INK)
            y += size + 4
        left = right + _GAP


def _scaled(tile: Tile, width: int, height: int, colours: Mapping[str, str]) -> Image.Image:
    x, y = width / tile.image.width, height / tile.image.height
    boxes = [
        LabelledBox(label, PixelBox(box.left * x, box.top * y, box.right * x, box.bottom * y))
        for label, box in tile.boxes
    ]
    photo = tile.image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return draw_overlay(photo, boxes, colours=colours, style=_STYLE)
