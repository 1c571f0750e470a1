"""Small images of every kind, and how to look at what would be sent."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from label_studio_gemini.images import ImageLimits, UprightImage, read_upright
from label_studio_gemini.images.exif import orientation_from_exif

LIMITS = ImageLimits()
GEMINI_TYPES = {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}


def photo(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Return an image whose four corners differ, so that each turn of it differs."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    rgb = np.dstack([x, y, np.where((x < 100) & (y < 100), 255, 0)]).astype(np.uint8)
    return Image.fromarray(rgb).convert(mode)


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if form == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, quality=90, **options)
    else:
        image.save(buffer, form, **options)
    return buffer.getvalue()


def decoded(image: UprightImage) -> Image.Image:
    """Decode what would be sent, as a reader does that knows nothing of orientation."""
    if image.mime_type in ("image/heic", "image/heif"):
        picture: Image.Image = pillow_heif.open_heif(image.data).to_pillow()
        return picture
    with Image.open(io.BytesIO(image.data)) as opened:
        opened.load()
        assert orientation_from_exif(opened.info.get("exif", b"")) == 1
        return opened


def read(data: bytes, **limits: Any) -> UprightImage:
    return read_upright(data, limits=ImageLimits(**limits), name="photo")


def assert_alike(a: Image.Image, b: Image.Image, tolerance: float = 12) -> None:
    assert a.size == b.size
    difference = np.abs(
        np.asarray(a.convert("RGB"), np.int16) - np.asarray(b.convert("RGB"), np.int16)
    )
    assert difference.mean() < tolerance


@dataclass(frozen=True)
class Kind:
    why: str
    form: str
    mime_type: str
    mode: str = "RGB"
    options: dict[str, Any] = field(default_factory=dict)


PASSING = [
    Kind("png", "PNG", "image/png"),
    Kind("png with alpha", "PNG", "image/png", "RGBA"),
    Kind("png with a palette", "PNG", "image/png", "P"),
    Kind("png with eXIf", "PNG", "image/png", options={"exif": exif(1)}),
    Kind("jpeg", "JPEG", "image/jpeg"),
    Kind("grey jpeg", "JPEG", "image/jpeg", "L"),
    Kind("progressive jpeg", "JPEG", "image/jpeg", options={"progressive": True}),
    Kind("jpeg with restarts", "JPEG", "image/jpeg", options={"restart_marker_rows": 1}),
    Kind("jpeg that says upright", "JPEG", "image/jpeg", options={"exif": exif(1)}),
    Kind("jpeg with broken exif", "JPEG", "image/jpeg", options={"exif": b"Exif\0\0MM\0*\xff\xff"}),
    Kind("jpeg with an impossible orientation", "JPEG", "image/jpeg", options={"exif": exif(9)}),
    Kind("mpo", "MPO", "image/jpeg", options={"save_all": True, "append_images": [photo("L")]}),
    Kind("webp", "WEBP", "image/webp"),
    Kind("lossless webp", "WEBP", "image/webp", options={"lossless": True}),
    Kind("webp with alpha", "WEBP", "image/webp", "RGBA"),
    Kind("webp with exif", "WEBP", "image/webp", options={"exif": exif(1)}),
    Kind("heic", "HEIF", "image/heic"),
    Kind("heic that says upright", "HEIF", "image/heic", options={"exif": exif(1)}),
]  # fmt: skip


ANIMATED = {"save_all": True, "append_images": [photo("L")]}
CONVERTED = [
    Kind("bmp", "BMP", "image/png"),
    Kind("grey bmp", "BMP", "image/png", "L"),
    Kind("gif", "GIF", "image/png"),
    Kind("animated gif", "GIF", "image/png", options=ANIMATED),
    Kind("tiff", "TIFF", "image/png"),
    Kind("packed tiff", "TIFF", "image/png", options={"compression": "tiff_lzw"}),
    Kind("cmyk tiff", "TIFF", "image/png", "CMYK"),
    Kind("bilevel tiff", "TIFF", "image/png", "1"),
    Kind("ppm", "PPM", "image/png"),
    Kind("jpeg 2000", "JPEG2000", "image/jpeg"),
    Kind("avif", "AVIF", "image/jpeg"),
    Kind("cmyk jpeg", "JPEG", "image/jpeg", "CMYK"),
    Kind("animated webp", "WEBP", "image/jpeg", options=ANIMATED),
    Kind("heic sequence brand", "HEIF", "image/jpeg"),
]  # fmt: skip
