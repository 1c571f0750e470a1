"""Bytes that are no usable image: refused with a reason and a hint, never with a traceback."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from label_studio_gemini.errors import ImageFormatError
from label_studio_gemini.images import ImageLimits, read_upright

LIMITS = ImageLimits(pixels=1_000_000)


def encoded(
    form: str, size: tuple[int, int] = (24, 16), mode: str = "RGB", **options: Any
) -> bytes:
    buffer = io.BytesIO()
    image = Image.radial_gradient("L").resize(size).convert(mode)
    if form == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, form, **options)
    return buffer.getvalue()


def turned() -> bytes:
    block = Image.Exif()
    block[0x0112] = 6
    return block.tobytes()


def png_header(width: int, height: int) -> bytes:
    """Return a whole PNG that claims a size, and has next to no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )


@dataclass(frozen=True)
class Case:
    why: str
    data: bytes
    match: str
    hint: str = "again"


GIF = encoded("GIF")
BMP = encoded("BMP")
SMALL = png_header(5, 5)
BOMB = ("50,000 x 50,000 pixels", "max_megapixels")
CASES = [
    Case("nothing", b"", "it is empty"),
    Case("text", b"hello", "no image of a kind", "PNG, JPEG, WEBP, HEIF"),
    Case("zeros", bytes(1000), "no image of a kind", "PNG"),
    Case("svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG", "rsvg-convert"),
    Case("svg with a prolog", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!--a-->\n<svg/>", "SVG", "PNG"),
    Case("html", b"  <!DOCTYPE html><html>", "web page", "image itself"),
    Case("pdf", b"%PDF-1.7\n", "PDF", "pdftoppm"),
    Case("video", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "video", "frames"),
    Case("no width", png_header(0, 5), "no pixels: 0 x 5"),
    Case("no height", png_header(5, 0), "no pixels: 5 x 0"),
    Case("a bomb", png_header(50_000, 50_000), *BOMB),
    Case("a bmp bomb", BMP[:18] + struct.pack("<ii", 50_000, 50_000) + BMP[26:], *BOMB),
    Case("a gif bomb", GIF[:6] + struct.pack("<HH", 50_000, 50_000) + GIF[10:], *BOMB),
    Case("a cut gif", GIF[:-30], "damaged"),
    Case("a cut bmp", BMP[:-30], "damaged"),
    Case("png without pixels", SMALL[:33] + SMALL[-12:], "no pixels"),
    Case("png that begins in the middle", SMALL[:8] + SMALL[33:], "its header"),
    Case("jpeg without a scan", b"\xff\xd8\xff\xe0\0\x02\xff\xd9", "no picture"),
    Case("webp of no known coding", b"RIFF\x04\0\0\0WEBP", "no picture"),
    Case("heic cut in a box's header", b"\0\0\0\x10ftypheic\0\0\0\0\0\0", "header of a box"),
    Case("heic of a long box", b"\0\0\0\x10ftypheic\0\0\0\0\0\0\0\x01mdat" + bytes(7), "header of"),
    Case("webp cut early", b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0", "it ends too early"),
    Case("webp with wrong pixels", b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0" + bytes(10), "begin as it"),
    Case("lossless webp too", b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0" + bytes(6), "begin as it"),
    Case("heic of boxes only", b"\0\0\0\x10ftypheic\0\0\0\0", "no picture"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_each_is_refused_with_a_reason_and_a_hint(case: Case) -> None:
    with pytest.raises(ImageFormatError, match=case.match) as caught:
        read_upright(case.data, limits=LIMITS, name="photo")
    assert "`photo`" in caught.value.message
    assert case.hint in caught.value.hint


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "HEIF", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(form: str, part: float) -> None:
    """Also where it would pass through, and nobody decodes its pixels."""
    data = encoded(form, (200, 100))
    with pytest.raises(ImageFormatError):
        read_upright(data[: int(len(data) * part)], limits=LIMITS, name="photo")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "HEIF"])
def test_a_file_that_lacks_its_last_byte_is_truncated(form: str) -> None:
    with pytest.raises(ImageFormatError, match=r"it ends|no end|bytes"):
        read_upright(encoded(form)[:-1], limits=LIMITS, name="photo")


def test_an_mpo_that_is_cut_in_its_second_picture_is_whole_in_its_first() -> None:
    data = encoded("MPO", save_all=True, append_images=[Image.new("RGB", (24, 16))])
    assert read_upright(data[:-20], limits=LIMITS, name="photo").size == (24, 16)


def test_a_damaged_chunk_of_a_png_is_found() -> None:
    data = bytearray(encoded("PNG"))
    data[data.index(b"IDAT") + 8] ^= 1
    with pytest.raises(ImageFormatError, match="'IDAT' chunk has a wrong checksum"):
        read_upright(bytes(data), limits=LIMITS, name="photo")


def test_what_cannot_be_made_small_enough_is_refused() -> None:
    with pytest.raises(ImageFormatError, match="does not fit into 50 bytes"):
        read_upright(encoded("PNG"), limits=ImageLimits(inline_bytes=50), name="photo")


SAMPLES = [
    encoded("PNG"), encoded("PNG", mode="P"), encoded("PNG", exif=turned()),
    encoded("JPEG"), encoded("JPEG", exif=turned()), encoded("JPEG", mode="CMYK"),
    encoded("JPEG", progressive=True, exif=turned()),
    encoded("MPO", save_all=True, append_images=[Image.new("RGB", (24, 16))], exif=turned()),
    encoded("WEBP"), encoded("WEBP", lossless=True, exif=turned()), encoded("WEBP", exif=turned()),
    encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (24, 16))]),
    encoded("HEIF"), encoded("HEIF", exif=turned()), encoded("AVIF", exif=turned()),
    encoded("GIF"), encoded("GIF", save_all=True, append_images=[Image.new("RGB", (24, 16))]),
    encoded("BMP"), encoded("BMP", mode="1"), encoded("PPM"), encoded("JPEG2000"),
    encoded("TIFF", exif=turned()), encoded("TIFF", compression="tiff_lzw"),
    encoded("TIFF", compression="jpeg"), encoded("TIFF", mode="F"), encoded("TIFF", mode="CMYK"),
]  # fmt: skip

SIZES = {(24, 16), (16, 24)}


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a sample with some bytes changed, mostly in its header, and perhaps cut or doubled."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, min(len(data), draw(st.sampled_from([64, 400, 5000]))) - 1))
        data[place] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    if draw(st.booleans()):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data[start:end] = data[start:end] * 2 if draw(st.booleans()) else b""
    if draw(st.integers(0, 3)) == 0:
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_pillow_s_own_limit_is_not_asked(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It warns from 89 million pixels on (here: 200), where a warning is an error."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    assert read_upright(SAMPLES[number], limits=LIMITS, name="photo").size in SIZES


@settings(max_examples=150)
@given(damaged())
def test_whatever_happened_to_a_file_it_is_an_image_or_refused(data: bytes) -> None:
    try:
        image = read_upright(data, limits=LIMITS, name="photo")
    except ImageFormatError:
        return
    assert min(image.size) >= 1
    assert image.size.width * image.size.height <= LIMITS.pixels


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"II*\0", b"BM"):
        with suppress(ImageFormatError):
            read_upright(start + data, limits=LIMITS, name="photo")
