"""Which pixels of a photo the regions of its objects should cover."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_tags_key import Thing

DOT = 0.5
"""How far a key point reaches from its middle, in percent of the image's width."""
LINE = 3
"""How wide an outline is on the page, in pixels."""


class Form(Enum):
    """What of an object a region covers."""

    BOX = "box"
    MASK = "mask"
    EDGE = "edge"
    """Its outline alone."""
    CENTRE = "centre"
    """A dot in the middle of its box."""


def covered(things: Sequence[Thing], form: Form, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels regions of these objects cover.

    Args:
        things: Objects of one photo.
        form: What of them is covered.
        size: In which size the photo is shown: width, height.
    """
    mask = Image.new("1", size)
    draw = ImageDraw.Draw(mask)
    across, down = size[0] / 100, size[1] / 100
    for thing in things:
        left, top, right, bottom = thing.box
        rings = [[(x * across, y * down) for x, y in ring] for ring in thing.rings]
        if form is Form.BOX:
            draw.rectangle((left * across, top * down, right * across, bottom * down), fill=1)
        elif form is Form.CENTRE:
            at = (left + right) / 2 * across, (top + bottom) / 2 * down
            draw.circle(at, DOT * across, fill=1)
        elif form is Form.MASK:
            for ring in rings:
                draw.polygon(ring, fill=1)
        else:
            for ring in rings:
                draw.line([*ring, ring[0]], fill=1, width=LINE)
    return np.asarray(mask)


def share(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the intersection of two masks over their union; two empty ones are alike."""
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0
