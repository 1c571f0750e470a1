"""Brush masks as Label Studio stores them, read: from its editor, its SDK or this package.

`rle` describes the layout, and writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from label_studio_gemini.errors import MaskError
from label_studio_gemini.masks.rle import CHANNELS, COUNT_BITS, SIZE_BITS, SIZES, WORD_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def mask_from_rle(rle: Sequence[int], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Decode a brush mask: height by width, whether a pixel is of the object.

    It is where its opacity (A) is not 0, as the editor draws it. Word and run sizes may be any;
    what follows the last run is not looked at. Time and memory are bounded by the list and the
    image, whatever the header claims.

    Args:
        rle: Bytes as numbers.
        size: Width and height of the upright image.

    Raises:
        MaskError: It is not of bytes, ends too early, or is not of an image of this size.
    """
    width, height = size
    bits = _Bits(_bytes(rle))
    words = bits.read(COUNT_BITS)
    if words != width * height * CHANNELS:
        raise MaskError(
            f"A brush mask of {words} words is not of an image of {width} by {height} pixels, "
            f"which has {width * height * CHANNELS}.",
            hint="see whether the image of the task is still the one that was labelled.",
        )
    word_size = bits.read(WORD_BITS) + 1
    sizes = [bits.read(SIZE_BITS) + 1 for _ in range(SIZES)]
    mask = np.zeros(width * height, np.bool_)
    begin = 0
    while begin < words:
        is_repeated = bits.read(1)
        end = begin + 1 + bits.read(sizes[bits.read(2)])
        if end > words:
            raise _broken("its runs are longer than its header says")
        # A is the last of a pixel's words: a run sets it where it reaches the pixel's end.
        pixels = slice(begin // CHANNELS, end // CHANNELS)
        if not is_repeated:
            mask[pixels] = bits.read_nonzero(end - begin, word_size)[-begin - 1 & 3 :: CHANNELS]
        elif bits.read(word_size):
            mask[pixels] = True
        begin = end
    return mask.reshape(height, width)


def _bytes(rle: Sequence[int]) -> bytes:
    try:
        return bytes(rle)
    except (TypeError, ValueError) as error:
        raise _broken(f"it is no list of bytes ({error})") from error


def _broken(why: str) -> MaskError:
    return MaskError(
        f"A brush mask cannot be read: {why}.",
        hint="take the region's `rle` whole, as Label Studio exports it.",
    )


class _Bits:
    """Bytes, read as numbers of any number of bits."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, width: int) -> int:
        """Read a number of `width` bits, the highest first."""
        begin, end = self._advance(width)
        window = self._data[begin >> 3 : (end + 7) >> 3]
        return int.from_bytes(window) >> (-end & 7) & (1 << width) - 1

    def read_nonzero(self, count: int, width: int) -> npt.NDArray[np.bool_]:
        """Read `count` numbers, and return which are not 0."""
        begin, end = self._advance(count * width)
        window = np.frombuffer(self._data, np.uint8)[begin >> 3 : (end + 7) >> 3]
        bits = np.unpackbits(window)[begin & 7 :][: end - begin]
        return np.logical_or.reduceat(bits, np.arange(0, bits.size, width))

    def _advance(self, width: int) -> tuple[int, int]:
        begin, end = self._at, self._at + width
        if end > len(self._data) * 8:
            raise _broken("it ends before its last run does")
        self._at = end
        return begin, end
