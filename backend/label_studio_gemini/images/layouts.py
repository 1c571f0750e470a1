"""The structure of the image files that Gemini takes: enough to pass one through unopened.

Each reader walks its file's segments from the first byte to the last. It learns the size, the
orientation, and whether the file is whole, without decoding a pixel.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from label_studio_gemini.geometry import ImageSize
from label_studio_gemini.images.exif import UPRIGHT, orientation_from_exif

if TYPE_CHECKING:
    from collections.abc import Iterator


class DamagedError(ValueError):
    """A file ends too early, or its structure is broken; the message says how."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the structure of a file says.

    Attributes:
        size: Width and height in pixels, as stored: before the orientation is applied.
        orientation: As in EXIF, 1 to 8; 1 is upright.
        plain: Whether any reader shows this file alike: one picture, in common coding.
        lossless: Whether the coding loses nothing.
    """

    size: ImageSize
    orientation: int = UPRIGHT
    plain: bool = True
    lossless: bool = False


# -- PNG: http://www.w3.org/TR/png-3/ --------------------------------------------------------------

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK_OVERHEAD = 12  # length, type and checksum
_CRITICAL = 0x20  # this bit of the type's first letter is 0 in chunks that no reader may skip


def read_png(data: bytes) -> Layout:
    """Walk a PNG, its checksums included.

    Raises:
        DamagedError: It is cut short or broken.
    """
    size, orientation, has_pixels = None, UPRIGHT, False
    for kind, body in _png_chunks(data):
        if size is None:
            if kind != b"IHDR":
                raise DamagedError("it does not begin with its header")
            size = ImageSize(*_unpack(">II", body, 0))
        elif kind == b"eXIf":
            orientation = orientation_from_exif(bytes(body))
        has_pixels = has_pixels or kind == b"IDAT"
    if size is None or not has_pixels:
        raise DamagedError("it has no pixels")
    return Layout(size, orientation, lossless=True)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Walk the chunks up to the end mark; what follows that is not looked at."""
    place, view, kind = len(PNG_SIGNATURE), memoryview(data), b""
    while kind != b"IEND":
        length, kind = _unpack(">I4s", data, place)
        end = place + _CHUNK_OVERHEAD + length
        if end > len(data):
            raise DamagedError(f"it ends inside a {_name(kind)} chunk")
        (checksum,) = _unpack(">I", data, end - 4)
        if not kind[0] & _CRITICAL and zlib.crc32(view[place + 4 : end - 4]) != checksum:
            raise DamagedError(f"a {_name(kind)} chunk has a wrong checksum")
        yield kind, view[place + 8 : end - 4]
        place = end


# -- JPEG: ITU-T T.81, annex B; MPO (CIPA DC-007) is several of them, one after the other ----------

# Neither stuffing nor a restart. Not `\xff+`: what begins with one plain byte is found 50 times
# as fast, and of several the last is the marker's own.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_EOI, _SOS, _APP1 = 0xD9, 0xDA, 0xE1
_ALONE = frozenset({0x01, 0xD8})  # markers without a length
_COMMON_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive: Huffman coded
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_USUAL_DEPTH = 8
_CMYK = 4
_EXIF = b"Exif\x00\x00"


def read_jpeg(data: bytes) -> Layout:
    """Walk a JPEG up to its end marker; what follows it (MPO, padding) is not looked at.

    Raises:
        DamagedError: It is cut short or broken.
    """
    place, size, orientation, plain, has_scan = 2, None, None, True, False
    while True:
        found = _MARKER.search(data, place)
        if found is None:
            raise DamagedError("it has no end marker")
        marker, place = found[1][0], found.end()
        if marker == _EOI:
            break
        if marker in _ALONE:
            continue
        (length,) = _unpack(">H", data, place)
        segment = data[place + 2 : place + length]
        place += max(length, 2)
        if marker in _FRAMES and size is None:
            depth, height, width, components = _unpack(">BHHB", segment, 0)
            size = ImageSize(width, height)
            common = marker in _COMMON_FRAMES and depth == _USUAL_DEPTH
            plain = common and components != _CMYK  # readers disagree about inverted CMYK
        elif marker == _APP1 and orientation is None and segment.startswith(_EXIF):
            orientation = orientation_from_exif(segment)
        has_scan = has_scan or marker == _SOS
    if size is None or not has_scan:
        raise DamagedError("it has no picture before its end marker")
    return Layout(size, orientation or UPRIGHT, plain)


# -- WEBP: https://developers.google.com/speed/webp/docs/riff_container ----------------------------

_ANIMATED = 0x02
_VP8L_SIGNATURE = 0x2F
_VP8_START = b"\x9d\x01\x2a"


def read_webp(data: bytes) -> Layout:
    """Walk a WEBP.

    Raises:
        DamagedError: It is cut short or broken.
    """
    (length,) = _unpack("<I", data, 4)
    end = 8 + length
    if end > len(data):
        raise DamagedError(f"it has {len(data):,} of {end:,} bytes")
    chunks: dict[bytes, bytes] = {}
    place = 12
    while place + 8 <= end:
        kind, length = _unpack("<4sI", data, place)
        if place + 8 + length > end:
            raise DamagedError(f"it ends inside a {_name(kind)} chunk")
        chunks.setdefault(kind, data[place + 8 : place + 8 + length])
        place += 8 + length + length % 2
    animated = b"VP8X" in chunks and bool(_unpack("<B", chunks[b"VP8X"], 0)[0] & _ANIMATED)
    if not animated and not chunks.keys() & {b"VP8 ", b"VP8L"}:
        raise DamagedError("it has no picture")
    orientation = orientation_from_exif(chunks.get(b"EXIF", b""))
    return Layout(_webp_size(chunks), orientation, not animated, b"VP8L" in chunks)


def _webp_size(chunks: dict[bytes, bytes]) -> ImageSize:
    if (extended := chunks.get(b"VP8X")) is not None:
        _unpack("<10x", extended, 0)
        width, height = extended[4:7], extended[7:10]
        return ImageSize(int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1)
    if (lossless := chunks.get(b"VP8L")) is not None:
        signature, bits = _unpack("<BI", lossless, 0)
        if signature != _VP8L_SIGNATURE:
            raise DamagedError("its picture does not begin as it should")
        return ImageSize((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    start, width_bits, height_bits = _unpack("<3x3sHH", chunks[b"VP8 "], 0)
    if start != _VP8_START:
        raise DamagedError("its picture does not begin as it should")
    return ImageSize(width_bits & 0x3FFF, height_bits & 0x3FFF)


def _unpack(form: str, data: bytes | memoryview, place: int) -> tuple[Any, ...]:
    """Unpack what `form` says: the types of what comes out are the form's."""
    try:
        return struct.unpack_from(form, data, place)
    except struct.error as error:
        raise DamagedError("it ends too early") from error


def _name(kind: bytes) -> str:
    return repr(kind.decode("latin-1"))
