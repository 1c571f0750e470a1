"""Masks as a reply gives them; reading one's pixels is another module's, which loads numpy.

A mask comes as a picture of its box (Gemini 2.5: a grey map of probabilities), or as a polygon over
the whole image (Gemini 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from label_studio_gemini.geometry import GeminiPoint

MAX_PIXELS = 4096 * 4096
"""The largest picture that is opened. Gemini's own masks are 256 by 256."""


@dataclass(frozen=True, slots=True)
class MaskPng:
    """A mask that is drawn: the file of a picture that covers exactly its box.

    Attributes:
        png: A PNG, JPEG or WEBP of any size and mode.
        decoded: What `probabilities_from_png` gives, where it was decoded before.
    """

    png: bytes = field(repr=False)
    decoded: npt.NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class MaskPolygon:
    """A mask that is outlined: its rings on the 0-1000 grid over the whole image.

    Attributes:
        rings: Each at least three points, not closed by a repeated one. Where they overlap the
            object is their union.
    """

    rings: tuple[tuple[GeminiPoint, ...], ...]


Mask: TypeAlias = MaskPng | MaskPolygon
