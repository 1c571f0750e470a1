"""A part of an image is cut out upright, of its own pixels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from label_studio_gemini.errors import ImageFormatError, TaskError
from label_studio_gemini.geometry import ImageSize, PixelArea
from label_studio_gemini.images import ImageLimits, ImageReader
from label_studio_gemini.images.upright import read_crop, read_upright

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.images import UprightCrop

LIMITS = ImageLimits()
PART = PixelArea(10, 20, 40, 60)


def picture() -> Image.Image:
    """Return an upright picture, each of whose pixels says where it is."""
    made = Image.new("RGB", (100, 200))
    made.putdata([(x, y, 50) for y in range(200) for x in range(100)])
    return made


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def cut(data: bytes, limits: ImageLimits = LIMITS, part: PixelArea = PART) -> UprightCrop:
    return read_crop(data, lambda _: part, limits=limits, name="a")


def pixels(crop: UprightCrop) -> Image.Image:
    return Image.open(io.BytesIO(crop.image.data)).convert("RGB")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_of_any_kind(kind: str) -> None:
    crop = cut(encoded(picture(), kind))
    assert crop.area == PART
    assert crop.image.size == ImageSize(100, 200)
    assert not crop.image.untouched
    seen = pixels(crop)
    assert seen.size == (30, 40)
    assert seen.getpixel((5, 7)) == pytest.approx((15, 27, 50), abs=6)


def test_upright_first() -> None:
    """Stored lying on its side, shown upright: the part is one of what is shown."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = picture().transpose(Image.Transpose.ROTATE_90)
    crop = cut(encoded(lying, "PNG", exif=exif))
    assert crop.image.size == ImageSize(100, 200)
    assert pixels(crop).getpixel((0, 0)) == (10, 20, 50)


def test_full_detail_even_where_the_whole_is_sent_smaller() -> None:
    noise = Image.effect_noise((600, 600), 80).convert("RGB")
    data = encoded(noise, "PNG")
    limits = ImageLimits(inline_bytes=20_000)
    assert Image.open(io.BytesIO(read_upright(data, limits=limits, name="a").data)).width < 600
    crop = cut(data, limits)
    assert pixels(crop).tobytes() == noise.crop(PART).tobytes()


def test_the_whole_passes_through() -> None:
    data = encoded(picture(), "JPEG")
    crop = cut(data, part=PixelArea(0, 0, 100, 200))
    assert crop.image.data == data
    assert crop.image.untouched


def test_damage_is_told() -> None:
    with pytest.raises(ImageFormatError):
        cut(encoded(picture(), "JPEG")[:900])


async def test_the_reader_cuts_and_lets_pass_what_the_choice_says(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture(), "PNG"))
    reader = ImageReader(allowed_folders=(tmp_path,))
    error = TaskError("No.", hint="no.")

    def refuse(_: ImageSize) -> PixelArea:
        raise error

    try:
        address = str(tmp_path / "a.png")
        crop = await reader.read_crop(address, lambda _: PART, login=None, task_id=None)
        assert pixels(crop).size == (30, 40)
        with pytest.raises(TaskError) as caught:
            await reader.read_crop(address, refuse, login=None, task_id=None)
        assert caught.value is error
    finally:
        await reader.aclose()
