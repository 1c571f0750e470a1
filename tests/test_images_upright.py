"""Bytes -> an upright image: what passes through, what is turned, what is converted."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageOps

from label_studio_gemini.geometry import ImageSize
from label_studio_gemini.images import ImageLimits, read_upright
from label_studio_gemini.images.exif import orientation_from_exif

if TYPE_CHECKING:
    from pathlib import Path

from images_samples import PASSING, Kind, assert_alike, decoded, encoded, exif, photo, read

# -- passing through -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PASSING, ids=lambda case: case.why)
def test_what_is_upright_passes_through_without_decoding_its_pixels(
    case: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(photo(case.mode), case.form, **case.options)

    def refuse(*_: object) -> None:
        raise AssertionError("pixels are decoded")

    monkeypatch.setattr(Image.Image, "load", refuse)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    monkeypatch.setattr(pillow_heif.HeifImageFile, "load", refuse)
    monkeypatch.setattr(pillow_heif.HeifImage, "load", refuse)
    image = read(data)
    assert image.data is data
    assert (image.mime_type, image.size) == (case.mime_type, ImageSize(60, 40))


def test_bytes_after_the_end_do_no_harm() -> None:
    for form in ("PNG", "JPEG", "WEBP"):
        data = encoded(photo(), form) + b"trailer"
        assert read(data).data is data


def test_a_file_is_known_by_its_first_bytes_whatever_it_is_called() -> None:
    image = read_upright(encoded(photo(), "PNG"), limits=ImageLimits(), name="photo.jpg")
    assert image.mime_type == "image/png"


def test_the_digest_is_that_of_what_is_sent() -> None:
    first, second = read(encoded(photo(), "PNG")), read(encoded(photo("L"), "PNG"))
    assert first.digest != second.digest
    assert len(first.digest) == 64
    assert first.digest == read(first.data).digest


def test_every_photo_of_the_collection_passes_through(shared: Path) -> None:
    files = sorted((shared / "photos").glob("*/images/*.jpg"))
    assert len(files) > 30
    for file in files:
        data = file.read_bytes()
        image = read(data)
        assert image.data is data
        with Image.open(file) as opened:
            assert image.size == opened.size


# -- turning ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_what_exif_turns_is_sent_turned(form: str, orientation: int) -> None:
    """The pixels, the size and the absence of EXIF agree: nobody can turn it twice."""
    stored = photo()
    image = read(encoded(stored, form, exif=exif(orientation)))
    stored.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(stored)
    assert image.size == expected.size
    assert_alike(decoded(image), expected)
    assert image.mime_type == {"JPEG": "image/jpeg", "AVIF": "image/jpeg"}.get(
        form, "image/jpeg" if form == "WEBP" else "image/png"
    )


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_heic_that_is_turned_is_sent_as_an_upright_jpeg(orientation: int) -> None:
    """pillow-heif writes the orientation as irot/imir and as EXIF; libheif obeys the former."""
    data = encoded(photo(), "HEIF", exif=exif(orientation))
    assert b"irot" in data or b"imir" in data
    image = read(data)
    stored = photo()
    stored.getexif()[0x0112] = orientation
    assert image.mime_type == "image/jpeg"
    assert image.size == decoded(image).size
    assert_alike(decoded(image), ImageOps.exif_transpose(stored))


def test_a_heic_turned_by_exif_alone_is_shown_as_stored_and_sent_without_it() -> None:
    """A reader of HEIF leaves EXIF's orientation alone; one that does not shall not see it."""
    data = encoded(photo(), "HEIF", exif=exif(1))
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 1, 0)
    assert data.count(entry) == 1
    image = read(data.replace(entry, struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)))
    assert (image.mime_type, image.size) == ("image/jpeg", (60, 40))
    assert_alike(decoded(image), photo())


@pytest.mark.parametrize("orientation", [2, 3, 6])
def test_a_heic_turned_by_its_boxes_alone_is_turned(orientation: int) -> None:
    """As phones write it that set EXIF to 1."""
    data = encoded(photo(), "HEIF", exif=exif(orientation))
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    assert data.count(entry) == 1
    image = read(data.replace(entry, struct.pack(">HHIHH", 0x0112, 3, 1, 1, 0)))
    stored = photo()
    stored.getexif()[0x0112] = orientation
    assert image.mime_type == "image/jpeg"
    assert_alike(decoded(image), ImageOps.exif_transpose(stored))


def test_a_heif_of_the_general_brand_is_sent_as_heif() -> None:
    data = encoded(photo(), "HEIF")
    image = read(data[:8] + b"mif1" + data[12:])
    assert image.mime_type == "image/heif"


def test_the_colour_profile_is_kept_when_a_photo_is_turned() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(photo(), "JPEG", exif=exif(6), icc_profile=profile)
    assert decoded(read(data)).info["icc_profile"] == profile


def test_transparency_survives_turning() -> None:
    stored = photo("RGBA")
    stored.putalpha(Image.linear_gradient("L").resize(stored.size))
    image = read(encoded(stored, "PNG", exif=exif(3)))
    turned = stored.transpose(Image.Transpose.ROTATE_180)
    assert decoded(image).mode == "RGBA"
    assert decoded(image).tobytes() == turned.tobytes()


# -- EXIF ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exif:
    why: str
    block: bytes
    orientation: int


def entry(order: str, *values: int) -> bytes:
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}IH", 8, 1) + struct.pack(f"{order}HHIHH", *values)


EXIFS = [
    Exif("little endian", entry("<", 0x0112, 3, 1, 6, 0), 6),
    Exif("big endian", entry(">", 0x0112, 3, 1, 8, 0), 8),
    Exif("with its prefix", b"Exif\0\0" + entry(">", 0x0112, 3, 1, 8, 0), 8),
    Exif("as a long", entry("<", 0x0112, 4, 1, 5, 0), 5),
    Exif("another tag", entry("<", 0x0110, 3, 1, 6, 0), 1),
    Exif("0 is no orientation", entry("<", 0x0112, 3, 1, 0, 0), 1),
    Exif("nor is 9", entry("<", 0x0112, 3, 1, 9, 0), 1),
    Exif("cut", entry("<", 0x0112, 3, 1, 6, 0)[:15], 1),
    Exif("leading nowhere", b"II*\0\xff\xff\xff\xff", 1),
    Exif("empty", b"", 1),
    Exif("none", b"hello world", 1),
]


@pytest.mark.parametrize("case", EXIFS, ids=lambda case: case.why)
def test_orientation(case: Exif) -> None:
    assert orientation_from_exif(case.block) == case.orientation


def test_a_png_s_text_is_not_unpacked_to_pass_it_through() -> None:
    """A compressed text can be a bomb of its own; nobody reads it here."""
    body = b"k\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + body))
    data = encoded(photo(), "PNG")
    assert read(data[:33] + chunk + data[33:]).size == (60, 40)
