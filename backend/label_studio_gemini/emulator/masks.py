"""An object's outline in each of the forms in which models have been seen to write a mask."""

from __future__ import annotations

import base64
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from label_studio_gemini.emulator.geometry import Point, Ring, thousandths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

_SIDE = 256
_FINER = 4
_THOUSAND = 1000
PLACEHOLDER = "gimme_mask_for_this"
SEGMENT_TOKENS = "<start_of_mask>" + "".join(
    f"<seg_{number}>" for number in (35, 65, 4, 66, 3, 94, 77, 34, 42, 51, 27, 3, 73, 50, 42, 22)
)
"""Sixteen tokens of a real reply (github.com/google-gemini/cookbook/issues/798)."""
ENDLESS_LENGTH = 4000


class MaskDialect(StrEnum):
    """How a mask is written."""

    PNG = "png"
    """`data:image/png;base64,…`: a grey probability map of the box."""
    BASE64 = "base64"
    """The same picture without the `data:` prefix."""
    POLYGON_XY = "polygon_xy"
    """`[[x, y], …]` over the whole picture."""
    POLYGON_YX = "polygon_yx"
    """`[[y, x], …]`."""
    FLAT_YX = "flat_yx"
    """`[y, x, y, x, …]`."""
    CHUNKED_YX = "chunked_yx"
    """`[[y, x, y, x, …], …]`, a list for each outline."""
    STRING_YX = "string_yx"
    """`"y,x,y,x"`."""
    SEGMENT_TOKENS = "segment_tokens"
    """`"<start_of_mask><seg_35>…"`, which nobody outside can decode."""
    SEGMENT_TOKENS_BARE = "segment_tokens_bare"
    """The same without quotes, so that the reply is not even JSON."""
    PLACEHOLDER = "placeholder"
    """A word in place of the mask."""
    ENDLESS = "endless"
    """`[true, true, …` until the reply is cut off."""


def build_mask(
    rings: Sequence[Ring], box: tuple[int, int, int, int], dialect: MaskDialect
) -> JsonValue:
    """Return an object's mask as a model would write it.

    Args:
        rings: The outlines; their union is the object.
        box: The box as it is answered, [ymin, xmin, ymax, xmax] in thousandths: a picture of the
            mask covers exactly this.
        dialect: The form.
    """
    if dialect in {MaskDialect.PNG, MaskDialect.BASE64}:
        text = base64.b64encode(_png(rings, box)).decode("ascii")
        return f"data:image/png;base64,{text}" if dialect is MaskDialect.PNG else text
    constant: dict[MaskDialect, JsonValue] = {
        MaskDialect.SEGMENT_TOKENS: SEGMENT_TOKENS,
        MaskDialect.SEGMENT_TOKENS_BARE: SEGMENT_TOKENS,
        MaskDialect.PLACEHOLDER: PLACEHOLDER,
    }
    if dialect in constant:
        return constant[dialect]
    if dialect is MaskDialect.ENDLESS:
        return [True] * ENDLESS_LENGTH
    return _polygon(rings, dialect)


def _polygon(rings: Sequence[Ring], dialect: MaskDialect) -> JsonValue:
    if dialect is MaskDialect.CHUNKED_YX:
        return [[*_flat_yx(ring)] for ring in rings]
    ring = joined(rings)
    if dialect is MaskDialect.POLYGON_XY:
        return [[thousandths(p.across), thousandths(p.down)] for p in ring]
    if dialect is MaskDialect.POLYGON_YX:
        return [[thousandths(p.down), thousandths(p.across)] for p in ring]
    flat = _flat_yx(ring)
    return [*flat] if dialect is MaskDialect.FLAT_YX else ",".join(str(n) for n in flat)


def _flat_yx(ring: Ring) -> list[int]:
    return [n for point in ring for n in (thousandths(point.down), thousandths(point.across))]


def joined(rings: Sequence[Ring]) -> Ring:
    """Return several outlines as one, joined by bridges that enclose nothing.

    A form with room for one outline only can hold an object in several parts no other way.
    """
    if len(rings) == 1:
        return rings[0]
    start = rings[0][0]
    parts = (point for ring in rings for point in (*ring, ring[0], start))
    return tuple(parts)


def _png(rings: Sequence[Ring], box: tuple[int, int, int, int]) -> bytes:
    """Draw the box's part of the object: 255 inside, 0 outside, greys where an edge runs."""
    top, left, bottom, right = (side / _THOUSAND for side in box)
    # A box of no width or height is still a picture.
    across = _FINER * _SIDE / max(right - left, 1 / _THOUSAND)
    down = _FINER * _SIDE / max(bottom - top, 1 / _THOUSAND)
    large = Image.new("L", (_FINER * _SIDE, _FINER * _SIDE))
    pen = ImageDraw.Draw(large)
    for ring in rings:
        pen.polygon([_pixel(p, left, top, across, down) for p in ring], fill=255)
    out = BytesIO()
    large.resize((_SIDE, _SIDE), Image.Resampling.BOX).save(out, "PNG")
    return out.getvalue()


def _pixel(
    point: Point, left: float, top: float, across: float, down: float
) -> tuple[float, float]:
    # Pillow's whole coordinates are the centres of pixels.
    return ((point.across - left) * across - 0.5, (point.down - top) * down - 0.5)
