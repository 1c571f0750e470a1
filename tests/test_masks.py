"""Drawn masks: any mode and size becomes probabilities, and nothing but a picture does."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from label_studio_gemini.errors import MaskError
from label_studio_gemini.masks.pictures import mask_from_png, probabilities_from_png, size_from_png
from label_studio_gemini.masks.types import MAX_PIXELS, MaskPng

GREYS = [[0, 100, 127], [128, 200, 255]]
DRAWN = [[False, False, False], [True, True, True]]


@dataclass(frozen=True)
class Case:
    """A picture, and the probabilities that it draws."""

    id: str
    picture: Image.Image
    expected: list[list[int]]


def picture(values: object, mode: str | None = None, dtype: type = np.uint8) -> Image.Image:
    made = Image.fromarray(np.array(values, dtype=dtype))
    return made if mode is None else made.convert(mode)


def png(of: Image.Image, file_format: str = "PNG", **options: object) -> MaskPng:
    file = io.BytesIO()
    of.save(file, file_format, **options)
    return MaskPng(file.getvalue())


def rgba(pixels: list[tuple[int, int, int, int]]) -> Image.Image:
    return picture([pixels])


BLACK, WHITE, RED = (0, 0, 0), (255, 255, 255), (255, 0, 0)
MODES = [
    Case("grey", picture(GREYS), GREYS),
    Case(
        "one bit",
        picture(GREYS).point(lambda v: 255 * (v > 127)).convert("1"),
        [[0] * 3, [255] * 3],
    ),
    Case("colour", picture(GREYS, "RGB"), GREYS),
    Case("palette", picture(GREYS, "P"), GREYS),
    Case("grey, opaque", picture(GREYS, "LA"), GREYS),
    Case("colour, opaque", picture(GREYS, "RGBA"), GREYS),
    Case("16 bits", picture([[0, 32767, 32768, 65535]], dtype=np.uint16), [[0, 127, 128, 255]]),
    Case("red on black", picture([[BLACK, RED]]), [[0, 255]]),
    Case("white on nothing", rgba([(*BLACK, 0), (*WHITE, 255), (*WHITE, 100)]), [[0, 255, 100]]),
    Case("black on nothing", rgba([(*BLACK, 0), (*BLACK, 255)]), [[0, 255]]),
    Case("red on nothing", rgba([(*WHITE, 0), (*RED, 200)]), [[0, 200]]),
    Case("greys on nothing", rgba([(*BLACK, 0), (*BLACK, 255), (*WHITE, 255)]), [[0, 0, 255]]),
    Case("faint", rgba([(*WHITE, 0), (*WHITE, 100)]), [[0, 100]]),
]


@pytest.mark.parametrize("case", MODES, ids=lambda case: case.id)
def test_any_mode_becomes_probabilities(case: Case) -> None:
    """Full is 255 and nothing 0, whatever the mode calls them."""
    probabilities = probabilities_from_png(png(case.picture))

    assert probabilities.dtype == np.uint8
    assert probabilities.tolist() == case.expected


@pytest.mark.parametrize("transparent", [0, 1])
def test_a_transparent_colour_of_the_palette_is_not_the_object(transparent: int) -> None:
    drawn = Image.new("P", (2, 1))
    drawn.putpalette([255] * 6)
    drawn.putdata([0, 1])

    (row,) = probabilities_from_png(png(drawn, transparency=transparent)).tolist()

    assert row == [255 * (transparent != 0), 255 * (transparent != 1)]


def test_the_midpoint_is_the_threshold() -> None:
    """127 is not the object, 128 is."""
    assert mask_from_png(png(picture(GREYS))).tolist() == DRAWN


@pytest.mark.parametrize(("file_format", "options"), [("JPEG", {}), ("WEBP", {"lossless": True})])
def test_other_formats_of_a_mask(file_format: str, options: dict[str, object]) -> None:
    halves = picture([[0] * 16 + [255] * 16] * 32)

    mask = png(halves, file_format, **options)

    assert (mask_from_png(mask) == mask_from_png(png(halves))).all()
    assert size_from_png(mask) == (32, 32)


def test_a_cmyk_jpeg_is_read() -> None:
    assert mask_from_png(png(Image.new("CMYK", (8, 8)), "JPEG")).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (1024, 5)])
def test_any_size(size: tuple[int, int]) -> None:
    mask = png(Image.new("L", size, 255))

    assert size_from_png(mask) == size
    assert probabilities_from_png(mask).shape == (size[1], size[0])


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge() -> bytes:
    header = struct.pack(">IIBBBBB", 4097, 4096, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(4098 * 4096))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


GOOD = png(picture(np.arange(4096).reshape(64, 64) % 256)).png
BROKEN = {
    "nothing": b"",
    "text": b"gimme_mask_for_this",
    "another format": png(picture(GREYS), "BMP").png,
    "only the beginning": GOOD[:8],
    "cut in the pixels": GOOD[: len(GOOD) // 2],
    "a wrong checksum": GOOD.replace(b"IDAT", b"IDAT\x00", 1),
    "no pixels": GOOD[:33] + chunk(b"IEND", b""),
    "too large": huge(),
    "a progressive JPEG": png(picture(GREYS), "JPEG", progressive=True).png,
    "half a JPEG": png(picture(GREYS), "JPEG").png[:-40],
    "half a WEBP": png(picture(GREYS), "WEBP").png[:-20],
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_no_whole_picture_is_an_error_with_a_hint(data: bytes) -> None:
    with pytest.raises(MaskError) as caught:
        probabilities_from_png(MaskPng(data))

    assert "polygons" in caught.value.hint


def test_the_largest_that_is_opened() -> None:
    side = int(MAX_PIXELS**0.5)

    assert probabilities_from_png(png(Image.new("1", (side, side)))).shape == (side, side)


def test_a_bomb_beside_the_pixels_does_not_go_off() -> None:
    """Compressed texts and profiles are not even looked at."""
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000)))

    mask = MaskPng(GOOD[:33] + bomb + GOOD[33:])

    assert (probabilities_from_png(mask) == probabilities_from_png(MaskPng(GOOD))).all()


@given(st.one_of(st.binary(), st.binary().map(lambda end: GOOD[:40] + end)), st.data())
def test_no_bytes_raise_anything_but_a_mask_error(data: bytes, draw: st.DataObject) -> None:
    """Bytes of any kind, and a PNG with some of its bytes changed."""
    at = draw.draw(st.integers(0, len(GOOD)))
    for changed in (data, GOOD[:at] + data + GOOD[at + len(data) :]):
        with suppress(MaskError):
            assert probabilities_from_png(MaskPng(changed)).size <= MAX_PIXELS


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_what_was_drawn_is_read(width: int, height: int, data: st.DataObject) -> None:
    """The grey map of any size comes back as it is, in every lossless format."""
    size = width * height
    values = data.draw(st.lists(st.integers(0, 255), min_size=size, max_size=size))
    drawn = np.array(values, dtype=np.uint8).reshape(height, width)

    assert (probabilities_from_png(png(Image.fromarray(drawn))) == drawn).all()
    mask = png(Image.fromarray(drawn), "WEBP", lossless=True)
    assert (probabilities_from_png(mask) == drawn).all()
