"""The boxes of a HEIF file: whether it is whole, and whether a reader has to turn its picture.

A HEIF says twice how it is turned: by `irot` and `imir` boxes, which every reader obeys, and in
EXIF, which a reader of HEIF has to leave alone, and some do not. libheif (so pillow-heif) obeys the
boxes: the size it gives and the pixels it decodes are upright, whatever EXIF says.
Sources: ISO/IEC 23008-12 (6.5.10, 6.5.12); https://github.com/strukturag/libheif/issues/227
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.images.layouts import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BRANDS_OF_ONE = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif"}
_BRANDS_OF_MORE = frozenset({b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_FULL_BOX = 4  # version and flags, ahead of the body of a `meta` box
_HEADER = 8


class Box(NamedTuple):
    """A box: its kind, and where its body begins and ends in the file."""

    kind: bytes
    start: int
    end: int


def read_brands(data: bytes) -> list[bytes]:
    """Return the brands of an ISO base media file, the major one first; none if it is no such."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), 256)
    return [data[8:12], *(data[place : place + 4] for place in range(16, end - 3, 4))]


def is_avif(data: bytes) -> bool:
    """Whether this is an AVIF, which shares its container with HEIF."""
    return bool(_AVIF & set(read_brands(data)))


def is_heif(data: bytes) -> bool:
    """Whether this is a HEIF of whatever coding but AVIF's."""
    brands = read_brands(data)
    return bool(brands) and not is_avif(data) and brands[0] in _BRANDS_OF_MORE | set(_BRANDS_OF_ONE)


def mime_type_of_heif(data: bytes) -> str | None:
    """Return the type that Gemini knows this file by; None where it is more than one picture."""
    return _BRANDS_OF_ONE.get(read_brands(data)[0])


def is_turned(data: bytes) -> bool:
    """Walk the boxes and say whether one of the pictures has a rotation or a mirroring.

    Raises:
        DamagedError: The file is cut short or broken.
    """
    top = list(_boxes(data, 0, len(data)))
    meta = [box for box in top if box.kind == b"meta"]
    inner = [box for outer in meta for box in _boxes(data, outer.start + _FULL_BOX, outer.end)]
    if not meta or not any(box.kind in (b"mdat", b"idat") for box in (*top, *inner)):
        raise DamagedError("it has no picture")
    groups = [box for outer in inner if outer.kind == b"iprp" for box in _inside(data, outer)]
    properties = [box for outer in groups if outer.kind == b"ipco" for box in _inside(data, outer)]
    return any(_turns(data, box) for box in properties)


def _turns(data: bytes, box: Box) -> bool:
    angle = data[box.start : box.end][:1]  # in quarters of a turn
    return box.kind == b"imir" or (box.kind == b"irot" and angle != b"\x00")


def _inside(data: bytes, box: Box) -> Iterator[Box]:
    return _boxes(data, box.start, box.end)


def _boxes(data: bytes, place: int, end: int) -> Iterator[Box]:
    while place < end:
        try:
            length, kind = struct.unpack_from(">I4s", data, place)
            start = place + _HEADER
            if length == 1:  # the real length follows
                (length,) = struct.unpack_from(">Q", data, start)
                start += 8
        except struct.error as error:
            raise DamagedError("it ends inside the header of a box") from error
        box_end = end if length == 0 else place + length  # 0: up to the end
        if not start <= box_end <= end:
            raise DamagedError(f"it ends inside a {kind.decode('latin-1')!r} box")
        yield Box(kind, start, box_end)
        place = box_end
