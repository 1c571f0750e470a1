"""What kind of file some bytes are, by their first ones: never by a name or a server's word."""

from __future__ import annotations

import re
from enum import Enum

from label_studio_gemini.images.heif import is_avif, is_heif, read_brands
from label_studio_gemini.images.layouts import PNG_SIGNATURE

_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:svg\b|(?:\?xml|!--|!doctype).{0,4000}?<svg\b)",
    re.IGNORECASE | re.DOTALL,
)
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


class Format(Enum):
    """The kinds that are read. The first four go to Gemini as they are, the others converted."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    HEIF = "HEIF"
    AVIF = "AVIF"
    BMP = "BMP"
    GIF = "GIF"
    TIFF = "TIFF"
    JPEG2000 = "JPEG 2000"
    PPM = "PPM"


_SIGNATURES = (
    (PNG_SIGNATURE, Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"BM", Format.BMP),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00", Format.TIFF),  # BigTIFF
    (b"MM\x00+", Format.TIFF),
    (b"\xff\x4f\xff\x51", Format.JPEG2000),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Format.JPEG2000),
)
_PPM = re.compile(rb"P[1-6]\s")


def format_from_bytes(data: bytes) -> Format | None:
    """Return the kind of file, or None where it is no image that can be read."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    if is_heif(data):
        return Format.HEIF
    if is_avif(data):
        return Format.AVIF
    return Format.PPM if _PPM.match(data) else None


def is_web_page(data: bytes) -> bool:
    """Whether this is HTML."""
    return _HTML.match(data) is not None


def other_kind(data: bytes) -> tuple[str, str]:
    """Say what some bytes are that are no image, and what would help."""
    if not data:
        return "it is empty", "upload or export the image again."
    if _SVG.match(data):
        return (
            "it is an SVG drawing, which Gemini does not take",
            "convert it to PNG, as in `rsvg-convert drawing.svg -o drawing.png`.",
        )
    if is_web_page(data):
        return (
            "it is a web page",
            "give the address of the image itself, not of a page that shows it or wants a login.",
        )
    if b"%PDF-" in data[:1024]:
        return (
            "it is a PDF",
            "convert its pages to images, as in `pdftoppm -png document.pdf page`.",
        )
    if read_brands(data):
        return "it is a video or a sound", "take single frames of it, as PNG or JPEG."
    return (
        "it is no image of a kind that can be read",
        f"use one of {', '.join(kind.value for kind in Format)}.",
    )
