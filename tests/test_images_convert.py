"""What cannot go as it is: converted, scaled to 8 bits, made small enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

from images_samples import (
    CONVERTED,
    GEMINI_TYPES,
    PASSING,
    Kind,
    assert_alike,
    decoded,
    encoded,
    exif,
    photo,
    read,
)

# -- converting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CONVERTED, ids=lambda case: case.why)
def test_other_kinds_are_converted(case: Kind) -> None:
    data = encoded(photo(case.mode), case.form, **case.options)
    if case.why == "heic sequence brand":
        data = data[:8] + b"hevc" + data[12:]
    image = read(data)
    assert (image.mime_type, image.size) == (case.mime_type, (60, 40))
    assert_alike(decoded(image), photo(case.mode), tolerance=20)


def test_what_is_sent_is_always_of_a_type_that_gemini_takes() -> None:
    kinds = [*PASSING, *CONVERTED]
    types = {read(encoded(photo(k.mode), k.form, **k.options)).mime_type for k in kinds}
    assert types <= GEMINI_TYPES


def test_alpha_is_kept_as_png() -> None:
    stored = photo("RGBA")
    stored.putpixel((0, 0), (1, 2, 3, 0))
    for form in ("TIFF", "AVIF"):
        image = read(encoded(stored, form))
        assert image.mime_type == "image/png"
        pixel = decoded(image).getpixel((0, 0))
        assert isinstance(pixel, tuple)
        assert pixel[3] == 0


def test_a_large_bitmap_becomes_a_jpeg() -> None:
    image = read(encoded(photo(size=(2000, 1100)), "BMP"))
    assert (image.mime_type, image.size) == ("image/jpeg", (2000, 1100))


@dataclass(frozen=True)
class Depth:
    why: str
    values: Any
    expected: list[int]
    form: str = "TIFF"


DEPTHS = [
    Depth("16 bits are stretched", np.array([[1000, 1500, 3000]], np.uint16), [0, 64, 255]),
    Depth("8 bits in 16 stay", np.array([[0, 7, 200]], np.uint16), [0, 7, 200]),
    Depth("floats are stretched", np.array([[-1, 0, 1]], np.float32), [0, 128, 255]),
    Depth("no number is black", np.array([[np.nan, 0, 1]], np.float32), [0, 0, 255]),
    Depth("infinity too", np.array([[np.inf, 0, 1]], np.float32), [0, 0, 255]),
    Depth("no number at all", np.array([[np.nan]], np.float32), [0]),
    Depth("all alike", np.array([[500.0, 500.0]], np.float32), [0, 0]),
    Depth("32 bits are stretched", np.array([[0, 70_000, 140_000]], np.int32), [0, 128, 255]),
]


@pytest.mark.parametrize("case", DEPTHS, ids=lambda case: case.why)
def test_more_than_8_bits_are_scaled(case: Depth) -> None:
    image = decoded(read(encoded(Image.fromarray(case.values), case.form)))
    assert np.asarray(image).ravel().tolist() == case.expected


def test_a_turned_16_bit_png_looks_as_in_a_browser() -> None:
    values = np.array([[256 * 7, 256 * 9 + 200]], np.uint16)
    image = read(encoded(Image.fromarray(values), "PNG", exif=exif(6)))
    assert np.asarray(decoded(image)).tolist() == [[7], [9]]


# -- too large to be sent --------------------------------------------------------------------------


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (height, width, len(mode)), np.uint8)
    return Image.fromarray(values, mode) if mode == "RGB" else Image.fromarray(values)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "HEIF"])
def test_what_is_too_large_is_sent_as_a_smaller_jpeg(form: str) -> None:
    """Its size stays that of the original: regions refer to that."""
    data = encoded(noise(400, 300), form)
    assert len(data) > 20_000
    image = read(data, inline_bytes=20_000)
    assert (image.mime_type, image.size) == ("image/jpeg", (400, 300))
    assert len(image.data) <= 20_000
    width, height = decoded(image).size
    assert 100 < width < 400
    assert abs(width / height - 4 / 3) < 0.02


def test_what_fits_at_a_lower_quality_keeps_its_pixels() -> None:
    data = encoded(noise(200, 200), "PNG")
    image = read(data, inline_bytes=45_000)
    assert decoded(image).size == (200, 200)


def test_transparency_that_does_not_fit_is_shown_on_white() -> None:
    stored = noise(300, 300, "RGBA")
    stored.putalpha(0)
    stored.paste((0, 0, 0, 1), (0, 0, 300, 150))
    image = read(encoded(stored, "PNG"), inline_bytes=20_000)
    assert image.mime_type == "image/jpeg"
    pixel = decoded(image).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 230


def test_one_side_may_be_longer_than_a_jpeg_s() -> None:
    data = encoded(noise(70_000, 2).convert("L"), "BMP")
    image = read(data, inline_bytes=100_000)
    assert image.size == (70_000, 2)
    assert decoded(image).width <= 65_500
