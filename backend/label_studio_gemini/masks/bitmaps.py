"""Masks as Label Studio's BitmaskLabels keep them: a PNG of the whole image in a data URL.

The editor draws the picture on a canvas and looks at its alpha alone; what it writes itself is
RGBA, black where the object is. One bit a pixel, with a palette of clear and opaque black, decodes
to exactly those pixels in Chromium and OpenCV (and in Pillow by `convert("RGBA")`), and is far
fewer bytes: 12 megapixels are 1.5 MB before they are compressed, not 48.
Source: https://github.com/HumanSignal/label-studio/blob/develop/web/libs/editor/src/regions/BitmaskRegion.jsx
"""

from __future__ import annotations

import binascii
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from label_studio_gemini.errors import MaskError
from label_studio_gemini.masks.pictures import MIDPOINT

if TYPE_CHECKING:
    import numpy.typing as npt

    from label_studio_gemini.geometry import ImageSize
    from label_studio_gemini.masks.crops import MaskCrop

_PREFIX = "data:image/png;base64,"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ONE_BIT, _PALETTE = 1, 3
_BLACK_TWICE = bytes(6)
_CLEAR_AND_OPAQUE = bytes([0, 255])
_BITS = 8
# What Pillow was seen to raise about bytes that are no PNG.
_UNREADABLE = (OSError, SyntaxError, ValueError, TypeError, IndexError, struct.error, zlib.error)


def bitmap_from_crop(crop: MaskCrop, size: ImageSize) -> str:
    """Return a mask as the data URL of a PNG of `size`: opaque black where it is true, else clear.

    The image is never built but as one bit a pixel.
    """
    header = struct.pack(">IIBBBBB", *size, _ONE_BIT, _PALETTE, 0, 0, 0)
    # Only runs are looked for: as few bytes as at level 6, in a third of its time.
    compressor = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    pixels = compressor.compress(_packed(crop, size)) + compressor.flush()
    chunks = (
        (b"IHDR", header),
        (b"PLTE", _BLACK_TWICE),
        (b"tRNS", _CLEAR_AND_OPAQUE),
        (b"IDAT", pixels),
        (b"IEND", b""),
    )
    png = _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)
    return _PREFIX + binascii.b2a_base64(png, newline=False).decode("ascii")


def mask_from_bitmap(url: str, size: ImageSize) -> npt.NDArray[np.bool_]:
    """Return the pixels, height by width, that a data URL of a PNG draws: those mostly opaque.

    Args:
        url: As the editor or `bitmap_from_crop` wrote it.
        size: The image's, which the picture must have.

    Raises:
        MaskError: It is no such URL, no such picture, of another size, or without alpha.
    """
    if not url.startswith(_PREFIX):
        raise _unreadable(f"it begins with {url[: len(_PREFIX)]!r}")
    try:
        with PngImageFile(BytesIO(binascii.a2b_base64(url[len(_PREFIX) :]))) as picture:
            if picture.size != size:
                raise _unreadable("{} by {} pixels".format(*picture.size))
            if not picture.has_transparency_data:
                raise _unreadable(f"mode {picture.mode} has no alpha")
            alpha = picture.convert("RGBA").getchannel("A")
    except _UNREADABLE as error:
        raise _unreadable(str(error)) from error
    return np.asarray(alpha) > MIDPOINT


def _packed(crop: MaskCrop, size: ImageSize) -> bytes:
    """Return the rows of a PNG: a byte 0 (not filtered), and one bit a pixel from the left."""
    rows = np.zeros((size.height, 1 + -(-size.width // _BITS)), np.uint8)
    area = crop.area
    before = area.left % _BITS
    bits = np.packbits(np.pad(crop.mask, ((0, 0), (before, 0))), axis=1)
    start = 1 + area.left // _BITS
    rows[area.top : area.bottom, start : start + bits.shape[1]] = bits
    return rows.tobytes()


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def _unreadable(why: str) -> MaskError:
    return MaskError(
        f"A bitmask cannot be read: {why}.",
        hint="it must be a PNG of the image's own size, with alpha, in a data URL.",
    )
