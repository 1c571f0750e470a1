"""Bytes of a picture to its pixels, and pictures found again by what they show."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pillow_heif
from PIL import Image, UnidentifiedImageError

from label_studio_gemini.emulator.geometry import LAYS, Frame, Lay, Pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

MIME_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_PILLOW_FORMATS = ("PNG", "JPEG", "WEBP")  # MPO opens as the JPEG that it begins with
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_SIDE = 32
"""The side of a thumbnail: on 38 photos at half size and JPEG quality 60, the picture itself is
0.08 of its contrast away or less, its nearest other laying 0.33, any other picture 0.83."""
_NEAR = 0.3
_NOISE = 0.02
_TIE = 0.001
_SAME_ASPECT = 0.05


class PictureError(Exception):
    """Bytes that the service cannot process as an image."""


class Match(NamedTuple):
    """Which picture was recognised, by its number, how it was laid, and the part that was cut out.

    A part is known as such only of a picture that lies as it is; None is the whole.
    """

    number: int
    lay: Lay
    cut: Frame | None = None


def decode(data: bytes) -> Image.Image:
    """Return the pixels as they are stored, in RGB; an EXIF orientation is NOT applied.

    Whether the real model applies it is unknown, so the emulator is the strict one: a client that
    forgets to turn a picture upright gets boxes for the picture as it lies.

    Raises:
        PictureError: If it is no PNG, JPEG, WEBP or HEIF, is cut short, or is too large.
    """
    try:
        return _open(data).convert("RGB")
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,  # raised only where warnings are made errors
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        RuntimeError,
    ) as error:
        raise PictureError(str(error)) from error


def _open(data: bytes) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        image: Image.Image = pillow_heif.open_heif(BytesIO(data)).to_pillow()
        return image
    return Image.open(BytesIO(data), formats=_PILLOW_FORMATS)


def thumbnail(image: Image.Image) -> Pixels:
    """Return a picture as 32 x 32 averaged colours, each 0-1."""
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


class Gallery:
    """Pictures that can be found again after they were turned, mirrored, resized or re-encoded."""

    def __init__(self, pictures: Sequence[tuple[tuple[int, int], Pixels]]) -> None:
        """Keep the pictures.

        Args:
            pictures: Of each its (width, height) and its thumbnail.
        """
        self._sizes = [size for size, _ in pictures]
        rows = [pixels.ravel() for _, pixels in pictures]
        self._rows = np.stack(rows) if rows else np.empty((0, _SIDE * _SIDE * 3), np.float32)
        self._squares = np.einsum("ij,ij->i", self._rows, self._rows)
        self._allowed = _NOISE + _NEAR * self._rows.std(axis=1)

    def find(self, image: Image.Image) -> Match | None:
        """Return which picture `image` is and how it lies, or None where it is none of them.

        Where two layings are equally near, as in a symmetric picture, the plainer one is taken.
        """
        if not self._sizes:
            return None
        seen = thumbnail(image)
        best: tuple[float, Match] | None = None
        for lay in LAYS:
            near = self._nearest(lay.undone(seen).ravel(), lay, image.size)
            if near is not None and (best is None or near[0] < best[0] - _TIE):
                best = near[0], Match(near[1], lay)
        return best[1] if best else None

    def _nearest(self, row: Pixels, lay: Lay, size: tuple[int, int]) -> tuple[float, int] | None:
        squares = self._squares + row @ row - 2 * (self._rows @ row)
        distances = np.sqrt(np.maximum(squares, 0) / row.size)
        for number in np.argsort(distances)[:3]:
            if distances[number] > self._allowed[number]:
                continue
            if _same_aspect(lay.size(*self._sizes[number]), size):
                return float(distances[number]), int(number)
        return None


def _same_aspect(expected: tuple[int, int], seen: tuple[int, int]) -> bool:
    ratio = (expected[0] * seen[1]) / (expected[1] * seen[0])
    # A picture of few pixels cannot keep its ratio exactly.
    slack = _SAME_ASPECT + 1 / min(seen)
    return abs(ratio - 1) <= slack
