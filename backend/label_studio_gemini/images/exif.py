"""The one thing that is read in EXIF: the orientation, 1 to 8.

Pillow's reader is not used: it takes XMP for EXIF too, which browsers do not, it warns about broken
tags, and damage raises whatever its parser happened to trip over.
Source: Exif 2.32, section 4.6.4; the values: https://www.impulseadventure.com/photo/exif-orientation.html
"""

from __future__ import annotations

import struct

UPRIGHT = 1

_ORIENTATION_TAG = 0x0112
_SHORT = 3
_LONG = 4
_HIGHEST = 8
_PREFIX = b"Exif\x00\x00"
_ENTRY_SIZE = 12


def orientation_from_exif(exif: bytes) -> int:
    """Return the orientation that an EXIF block gives, or 1 where it is absent or broken."""
    tiff = exif.removeprefix(_PREFIX)
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for number in range(entries):
            place = directory + 2 + number * _ENTRY_SIZE
            tag, kind = struct.unpack_from(f"{order}HH", tiff, place)
            if tag == _ORIENTATION_TAG:
                return _value(tiff, place + 8, order, kind)
    except struct.error:  # an offset that leads beyond the end
        pass
    return UPRIGHT


def _value(tiff: bytes, place: int, order: str, kind: int) -> int:
    form = {_SHORT: "H", _LONG: "I"}.get(kind, "H")
    (value,) = struct.unpack_from(f"{order}{form}", tiff, place)
    return int(value) if UPRIGHT <= value <= _HIGHEST else UPRIGHT
