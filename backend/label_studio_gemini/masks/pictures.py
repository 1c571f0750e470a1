"""The array that a drawn mask holds. Pure: bytes in, arrays out.

Pictures come from outside, so nothing but the pixels is looked at, and no more of them than
`MAX_PIXELS`.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import ImageSize
from label_studio_gemini.masks.types import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from PIL.ImageFile import ImageFile

    from label_studio_gemini.masks.types import MaskPng

MIDPOINT = 127
"""A pixel above this, of 255, belongs to the object.

Source: https://ai.google.dev/gemini-api/docs/image-understanding#segmentation
"""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_CHUNK_OVERHEAD = 12  # length, name and checksum
_DEEP_SHIFT = 8  # 65535 >> 8 is 255, and the midpoint of one the midpoint of the other
# All that Pillow's readers were seen to raise about bytes that are no picture.
_UNREADABLE = (
    *(OSError, SyntaxError, ValueError, TypeError, IndexError, EOFError, OverflowError),
    *(struct.error, zlib.error),
)


def size_from_png(mask: MaskPng) -> ImageSize:
    """Return the size of a drawn mask, from its header alone.

    Raises:
        MaskError: It is no PNG, JPEG or WEBP.
    """
    with _opened(mask) as picture:
        return ImageSize(*picture.size)


def probabilities_from_png(mask: MaskPng) -> npt.NDArray[np.uint8]:
    """Decode a drawn mask: height by width, 0 (not the object) to 255 (surely the object).

    Colours count by their strongest channel, 16 bits as their upper eight. Where transparency
    varies it is what draws: the colour then counts only if that varies too.

    Raises:
        MaskError: It is no PNG, JPEG or WEBP, is broken, or has more than `MAX_PIXELS`.
    """
    if mask.decoded is not None:
        return mask.decoded
    with _opened(mask) as picture:
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise MaskError(
                f"A mask of {width} by {height} pixels is larger than any that Gemini draws.",
                hint="ask for polygons instead, or try another model.",
            )
        try:
            return _probabilities(picture)
        except _UNREADABLE as error:
            raise _broken(error) from error


def mask_from_png(mask: MaskPng) -> npt.NDArray[np.bool_]:
    """Decode a drawn mask: height by width, whether a pixel is more likely the object than not.

    Raises:
        MaskError: As `probabilities_from_png`.
    """
    return probabilities_from_png(mask) > MIDPOINT


def _opened(mask: MaskPng) -> ImageFile:
    """Open a picture by its first bytes. Its class is called, not `Image.open`: that would warn."""
    data = mask.png
    try:
        if data.startswith(_PNG):
            return PngImageFile(BytesIO(_PNG + b"".join(_pixel_chunks(data))))
        if data.startswith(_JPEG):
            return JpegImageFile(BytesIO(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return WebPImageFile(BytesIO(data))
    except _UNREADABLE as error:
        raise _broken(error) from error
    raise _broken(f"it begins with {data[:8]!r}")


def _pixel_chunks(data: bytes) -> Iterator[bytes]:
    """Return the chunks of a PNG that make its pixels; compressed texts can be bombs."""
    at = len(_PNG)
    while at < len(data):
        end = at + int.from_bytes(data[at : at + 4]) + _CHUNK_OVERHEAD
        name = data[at + 4 : at + 8]
        if name in _PIXEL_CHUNKS:
            yield data[at:end]
        at = len(data) if name == b"IEND" else end


def _broken(why: object) -> MaskError:
    return MaskError(
        f"A mask is no picture that can be read: {why}.",
        hint="ask for polygons instead, or try another model.",
    )


def _probabilities(picture: ImageFile) -> npt.NDArray[np.uint8]:
    if picture.info.get("progressive"):
        raise ValueError("a progressive JPEG, whose time to decode has no limit")
    if picture.mode.startswith("I"):
        return (np.asarray(picture) >> _DEEP_SHIFT).astype(np.uint8)
    if not picture.has_transparency_data:
        if picture.mode in {"1", "L"}:
            return np.asarray(picture.convert("L"), np.uint8)
        return _strongest(np.asarray(picture.convert("RGB"), np.uint8))
    pixels = np.asarray(picture.convert("RGBA"), np.uint8)
    values, alpha = _strongest(pixels[..., :3]), pixels[..., 3]
    if alpha.min() == alpha.max():
        return values
    visible = values[alpha > MIDPOINT]
    if not visible.size or visible.min() == visible.max():
        return alpha
    return (values.astype(np.uint16) * alpha // 255).astype(np.uint8)


def _strongest(channels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the largest value of each pixel: red is as much a mask as white."""
    red, green, blue = (channels[..., i] for i in range(3))
    strongest: npt.NDArray[np.uint8] = np.maximum(np.maximum(red, green), blue)
    return strongest
