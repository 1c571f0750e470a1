"""Text in pictures: a font that can draw it, its size, and shortening it to a width."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from PIL import ImageDraw

_BUNDLED_GLYPHS = frozenset(map(chr, range(32, 127))) | frozenset("©«°±·»\u2018\u2019“”…™")
"""What Pillow's own font (a part of Aileron) can draw."""

_WIDER_FONTS = ("DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")
"""Fonts that many systems have, for text in other scripts; Pillow knows where to look."""

_LONGEST_LINE = 1000  # characters, far more than any picture is wide; Pillow refuses a million
_BOLD_STROKE = 0.45  # pixels around each glyph at size 20: the bundled font has one weight


def text_width(text: str, size: int) -> int:
    """Return how wide a line of text is, in pixels, at a font size in pixels."""
    return round(_font(text, size).getlength(text))


def write_text(
    draw: ImageDraw.ImageDraw,
    position: tuple[float, float],
    text: str,
    *,
    size: int,
    colour: str,
    bold: bool = False,
) -> None:
    """Draw a line of text whose left end, at half its height, is at `position`, in pixels.

    Characters that no font at hand can draw show as its replacement glyph.
    """
    draw.text(
        position,
        text,
        fill=colour,
        font=_font(text, size),
        anchor="lm",
        stroke_width=_BOLD_STROKE * size / 20 if bold else 0,
        stroke_fill=colour,
    )


def fitted_text(text: str, size: int, width: int) -> str:
    """Return the text on one line, cut with an ellipsis to `width` pixels; empty if none fits."""
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:_LONGEST_LINE]
    if text_width(line, size) <= width:
        return line
    kept = bisect_right(
        range(len(line)), width, key=lambda length: text_width(line[:length] + "…", size)
    )
    start = line[: max(kept - 1, 0)].rstrip()
    return start + "…" if start else ""


def wrapped_text(text: str, size: int, width: int) -> list[str]:
    """Break text between words into lines of at most `width` pixels; a longer word is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitted_text(word, size, width))
    return lines


def _font(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return _bundled_font(size) if _BUNDLED_GLYPHS.issuperset(text) else _wider_font(size)


@lru_cache
def _bundled_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache
def _wider_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _WIDER_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:  # not installed here
            continue
    return _bundled_font(size)
