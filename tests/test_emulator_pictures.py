"""Pictures are found by what they show, however they were turned, resized or re-encoded."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from emulator_kit import encoded, picture, picture_file
from label_studio_gemini.emulator import read_answer_key
from label_studio_gemini.emulator.geometry import LAYS, Lay
from label_studio_gemini.emulator.pictures import (
    Gallery,
    Match,
    PictureError,
    decode,
    thumbnail,
)

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import AnswerKey


def gallery(*images: Image.Image) -> Gallery:
    return Gallery([(image.size, thumbnail(image)) for image in images])


def laid(image: Image.Image, lay: Lay) -> Image.Image:
    pixels = lay.pixels(np.asarray(image.convert("RGB"), np.float32))
    return Image.fromarray(np.ascontiguousarray(pixels).astype(np.uint8))


def client_like(image: Image.Image) -> Image.Image:
    """Return what is left of a picture at half size and JPEG quality 60."""
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return decode(encoded(half, "JPEG", quality=60))


@pytest.mark.parametrize("lay", LAYS)
def test_a_picture_is_found_however_it_lies(lay: Lay) -> None:
    known = gallery(picture(1), picture(2), picture(3))
    assert known.find(client_like(laid(picture(2), lay))) == Match(1, lay)


def test_another_picture_is_not_found() -> None:
    assert gallery(picture(1), picture(2)).find(picture(9)) is None


def test_an_empty_key_knows_nothing() -> None:
    assert gallery().find(picture(1)) is None


def test_another_shape_is_another_picture() -> None:
    assert gallery(picture(1, (320, 200))).find(picture(1, (200, 200))) is None


def test_plain_pictures_are_told_apart_by_their_colour_and_lie_upright() -> None:
    red, blue = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    known = gallery(red, blue)
    assert known.find(blue) == Match(1, Lay())
    assert known.find(Image.new("RGB", (40, 30), "green")) is None


def test_twins_of_another_shape_do_not_hide_each_other() -> None:
    wide, high = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (30, 40), "red")
    assert gallery(wide, high).find(high) == Match(1, Lay())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF"])
def test_each_type_is_decoded(kind: str) -> None:
    if kind == "HEIF":
        out = BytesIO()
        pillow_heif.from_pillow(picture(1)).save(out, quality=90)
        data = out.getvalue()
    else:
        data = encoded(picture(1), kind)
    assert gallery(picture(1)).find(decode(data)) == Match(0, Lay())


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_each_mode_is_decoded(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert decode(encoded(picture(1).convert(mode), kind)).mode == "RGB"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no image",
        picture_file(1)[:-200],
        encoded(picture(1), "JPEG")[:400],
        encoded(picture(1), "GIF"),
        encoded(picture(1), "BMP"),
        b"\0\0\0\x18ftypheic" + b"\0" * 40,
    ],
    ids=["nothing", "text", "cut png", "cut jpeg", "gif", "bmp", "broken heic"],
)
def test_what_is_no_usable_image_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode(data)


def test_a_picture_of_too_many_pixels_is_refused_undecoded() -> None:
    bomb = encoded(Image.new("1", (16_000, 16_000)))
    with pytest.raises(PictureError):
        decode(bomb)


def test_exif_is_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(picture(1), "JPEG", exif=exif)).size == (320, 200)


@pytest.fixture(scope="module")
def photos(shared: Path) -> tuple[AnswerKey, list[Image.Image]]:
    folder = shared / "photos" / "coco"
    key = read_answer_key(folder / "instances.json", folder / "images")
    return key, [decode((folder / "images" / p.file_name).read_bytes()) for p in key.photos]


@pytest.mark.parametrize("lay", [Lay(), Lay(True, True), Lay(False, True)], ids=str)  # noqa: FBT003
def test_every_real_photo_is_found(photos: tuple[AnswerKey, list[Image.Image]], lay: Lay) -> None:
    """As it is, turned by a quarter, and mirrored; each at half size and JPEG quality 60."""
    key, images = photos
    found = [key.gallery.find(client_like(laid(image, lay))) for image in images]
    assert found == [Match(number, lay) for number in range(31)]
