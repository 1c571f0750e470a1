"""Brush masks as Label Studio stores them: run lengths of an RGBA picture, packed into bits.

The layout is `@thi.ng/rle-pack`'s, which the editor packs and unpacks with: 32 bits for the number
of words (four for each pixel: R, G, B and A), 5 for the size of a word less one, four times 4 for
the sizes of a run's length less one; then the runs. A run is a bit (1: one word repeated, 0: words
as they are), 2 bits that choose the size of its length, the length less one, and the word or words.
Source: https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack

Only runs are worked on. A mask is known by its flips: the ascending positions, counted row by row,
at which an object begins, ends, begins again …; an even number of them, the last at most the number
of pixels.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Integers: TypeAlias = npt.NDArray[np.int64]

CHANNELS = 4
"""Words for each pixel: R, G, B and A."""

SIZES = 4
"""Sizes that a run's length can have in one mask."""

COUNT_BITS, WORD_BITS, SIZE_BITS = 32, 5, 4
"""The fields of the header; it has `SIZES` of the last."""

_WORD_SIZE = 8
_OBJECT = 255  # the editor takes A as opacity: 1 would be invisible
_USUAL_SIZES = (3, 4, 8, 16)
_LARGEST_SIZE = 1 << SIZE_BITS
_SMALLEST_SIZE = 2  # what a pixel needs, a run of four
_ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF
_RUN_OVERHEAD = 3 + _WORD_SIZE
_REPEATED = 0b100


def rle_from_mask(mask: npt.NDArray[Any], *, compact: bool = False) -> list[int]:
    """Encode the mask of a whole image, to the byte as label-studio-sdk's `mask2rle` does.

    Args:
        mask: Height by width, of any numbers; what is not 0 is the object.
        compact: Choose the run sizes that make this mask's list shortest, instead of the usual
            ones. Decoders read them from the list, so that all can read it.

    Returns:
        Bytes as numbers. The words in them are 0, and 255 for the object.

    Raises:
        ValueError: The mask is not two-dimensional, is empty, or has 2**30 pixels or more.
    """
    if mask.ndim != 2 or not mask.size:  # noqa: PLR2004 - a plane
        raise ValueError(f"A mask is height by width, each at least 1, not {mask.shape}.")
    return rle_from_flips(_flips(mask), mask.size, compact=compact)


def rle_from_crop(
    crop: npt.NDArray[Any],
    box: Sequence[float],
    size: tuple[int, int],
    *,
    compact: bool = False,
) -> list[int]:
    """Encode the mask of a part of an image, without building the image.

    Args:
        crop: Height by width of the box, of any numbers; what is not 0 is the object.
        box: Left, top, right, bottom in whole pixels, the last two exclusive, as of a `PixelBox`.
        size: Width and height of the image.
        compact: As of `rle_from_mask`.

    Returns:
        What `rle_from_mask` returns for the whole image.

    Raises:
        ValueError: The box is not of whole pixels within the image or not of the crop's shape, or
            the image has 2**30 pixels or more.
    """
    width, height = size
    left, top, right, bottom = _checked(box, crop.shape, width, height)
    rows = crop
    if right - left < width:  # else what touches the right edge goes on in the next row
        rows = np.zeros((bottom - top, right - left + 1), np.bool_)
        rows[:, :-1] = crop
    stride = rows.shape[1]
    flips = _flips(rows)
    flips += flips // stride * (width - stride) + top * width + left
    return rle_from_flips(flips, width * height, compact=compact)


def _checked(
    box: Sequence[float], shape: tuple[int, ...], width: int, height: int
) -> tuple[int, int, int, int]:
    """Return the box as whole numbers that fit the crop and the image."""
    if any(edge % 1 for edge in box):
        raise ValueError(f"The box of a mask is of whole pixels, not {tuple(box)}.")
    left, top, right, bottom = (int(edge) for edge in box)
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ValueError(f"The box {tuple(box)} is not within an image of {width} by {height}.")
    if shape != (bottom - top, right - left):
        raise ValueError(f"A crop of shape {shape} does not fill the box {tuple(box)}.")
    return left, top, right, bottom


def _flips(mask: npt.NDArray[Any]) -> Integers:
    """Return the flips of a mask: as bits, 64 pixels are compared with their neighbours at once.

    Only words that are mixed, or differ from the one before, are looked at; memory is what takes
    time here, and all but the bits themselves stays small.
    """
    small = mask.dtype in (np.bool_, np.uint8)
    packed = np.packbits(mask if small else mask != 0, bitorder="little")
    packed.resize(packed.size // 8 * 8 + 8, refcheck=False)  # zeros end what is still open
    words = packed.view("<u8")
    mixed = (words != 0) & (words != _ALL_ONES)
    mixed[1:] |= words[1:] != words[:-1]
    mixed[0] = True
    at = mixed.nonzero()[0]
    here, before = words[at], words[at - 1]  # of the first the last, which ends in zeros
    flipped = here ^ (here << 1 | before >> 63)
    bits = np.unpackbits(flipped.view(np.uint8), bitorder="little").view(np.bool_)
    positions = bits.nonzero()[0]
    flips: Integers = at[positions >> 6] * 64 + (positions & 63)
    return flips


def rle_from_flips(flips: Integers, pixels: int, *, compact: bool = False) -> list[int]:
    """Encode a mask of which only the flips are known.

    Args:
        flips: Where the object begins, ends, begins again …, counted row by row: in ascending
            order, an even number of them, the last at most `pixels`.
        pixels: Of the whole image.
        compact: As of `rle_from_mask`.

    Raises:
        ValueError: There are 2**30 pixels or more.
    """
    words = pixels * CHANNELS
    if words >= 1 << COUNT_BITS:
        raise ValueError(f"An image of {pixels} pixels is too large for a brush mask.")
    runs = np.diff(flips, prepend=0, append=pixels)
    real = runs > 0  # an object that begins or ends with the image leaves an empty run
    lengths = runs[real] * CHANNELS
    values = (np.arange(runs.size) % 2 * _OBJECT)[real]
    sizes = _fitting_sizes(lengths) if compact else _USUAL_SIZES
    header = _WORD_SIZE - 1
    for size in sizes:
        header = header << SIZE_BITS | (size - 1)
    codes, widths = _run_codes(lengths, values, np.array(sizes))
    return _bits(
        np.concatenate(([words, header], codes)),
        np.concatenate(([COUNT_BITS, WORD_BITS + SIZES * SIZE_BITS], widths)),
    )


def _run_codes(lengths: Integers, values: Integers, sizes: Integers) -> tuple[Integers, Integers]:
    """Return the bits of each run as a number, and how many they are.

    A run that no size holds becomes several, the rest in the largest size too.
    """
    chosen = np.searchsorted(1 << sizes[:-1], lengths)
    largest = 1 << sizes[-1]
    pieces = (lengths - 1 >> sizes[-1]) + 1
    ends = pieces.cumsum() - 1
    counts = np.full(ends[-1] + 1, largest)
    counts[ends] = lengths - (pieces - 1) * largest
    chosen, values = chosen.repeat(pieces), values.repeat(pieces)
    widths = sizes[chosen]
    codes = ((_REPEATED | chosen) << widths | (counts - 1)) << _WORD_SIZE | values
    return codes, widths + _RUN_OVERHEAD


def _bits(codes: Integers, widths: Integers) -> list[int]:
    """Write numbers of at most 32 bits one after the other, and zeros up to the next byte.

    Each reaches at most two words of 32 bits. No two share a bit, so words are sums, and small
    enough to be exact in the floats of `bincount`. Where nothing is left to fill, label-studio-sdk
    adds a whole byte of zeros, and so does this.
    """
    ends = widths.cumsum()
    begins = ends - widths
    word = begins >> 5
    placed = codes.astype(np.uint64) << (64 - widths - (begins & 31)).astype(np.uint64)
    length = int(ends[-1])
    words = np.bincount(word, placed >> np.uint64(32), length // 32 + 2)
    words += np.bincount(word + 1, placed & np.uint64(0xFFFFFFFF), length // 32 + 2)
    return list(words.astype(">u4").tobytes()[: length // 8 + 1])


def _fitting_sizes(lengths: Integers) -> tuple[int, ...]:
    """Return the four run sizes that make the list of these runs shortest, the last being 16.

    What is too long for 16 bits is so for every choice, and counts for none.
    """
    needed = np.frexp(lengths - 1)[1]  # the bits of each length less one
    counts = np.bincount(needed, minlength=_LARGEST_SIZE + 1)[: _LARGEST_SIZE + 1]
    choices, taken = _choices()
    best: list[int] = choices[(taken @ counts).argmin()].tolist()
    return (*best, _LARGEST_SIZE)


@cache
def _choices() -> tuple[Integers, Integers]:
    """Return each choice of three run sizes, and the size that it gives to a length by its bits."""
    choices = np.array(list(combinations(range(_SMALLEST_SIZE, _LARGEST_SIZE), SIZES - 1)))
    needed = np.arange(_LARGEST_SIZE + 1)
    holds = choices[:, :, None] >= needed
    return choices, np.where(holds, choices[:, :, None], _LARGEST_SIZE).min(axis=1)
