"""The bytes of an image file -> an upright image that Gemini takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.errors import ImageFormatError
from label_studio_gemini.geometry import ImageSize
from label_studio_gemini.images.convert import (
    file_from_picture,
    is_worth_png,
    open_image,
    reading,
    upright_from_file,
)
from label_studio_gemini.images.exif import UPRIGHT
from label_studio_gemini.images.formats import Format, format_from_bytes, other_kind
from label_studio_gemini.images.heif import is_turned, mime_type_of_heif
from label_studio_gemini.images.layouts import Layout, read_jpeg, read_png, read_webp
from label_studio_gemini.images.types import UprightCrop, UprightImage

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from label_studio_gemini.geometry import PixelArea
    from label_studio_gemini.images.types import ImageLimits

_MIME_TYPES = {
    Format.PNG: "image/png",
    Format.JPEG: "image/jpeg",  # MPO too: its first picture is a whole JPEG
    Format.WEBP: "image/webp",
}
_READERS = {Format.PNG: read_png, Format.JPEG: read_jpeg, Format.WEBP: read_webp}


def read_upright(
    data: bytes, *, limits: ImageLimits, name: str, public: bool = False
) -> UprightImage:
    """Read an image file; its first picture, where it has several.

    What Gemini takes passes through byte for byte, its pixels not decoded, if it is upright, whole
    and not too large. The rest is decoded, turned, and encoded again. This takes the processor for
    a while: call it in a thread.

    Args:
        data: The file.
        limits: The most pixels, and the largest file that is sent.
        name: What to call the image in an error: an address without its secrets.
        public: Whether anybody gets these bytes from the image's address.

    Raises:
        ImageFormatError: It is no image, is damaged, or too large to be opened.
    """
    kind, layout = _read_kind(data, limits, name)
    is_upright = layout is not None and layout.plain and layout.orientation == UPRIGHT
    if layout is not None and is_upright and len(data) <= limits.inline_bytes:
        mime_type = _mime_type(data, kind)
        return UprightImage(data, mime_type, layout.size, untouched=True, public=public)
    return _convert(data, kind, layout, limits=limits, name=name)


def read_crop(
    data: bytes,
    choose: Callable[[ImageSize], PixelArea],
    *,
    limits: ImageLimits,
    name: str,
    public: bool = False,
) -> UprightCrop:
    """Read a part of an image file at full detail: whatever the size of the whole.

    The part that is the whole is read by `read_upright`. Call this in a thread, too.

    Args:
        data: The file.
        choose: Says, of an image of that upright size, which part is wanted.
        limits: The most pixels of the whole, and the largest file that is sent.
        name: What to call the image in an error.
        public: As in `read_upright`.

    Raises:
        ImageFormatError: As `read_upright`.
    """
    kind, layout = _read_kind(data, limits, name)
    picture = _decoded(data, kind, layout, limits, name)
    size = ImageSize(*picture.size)
    area = choose(size)
    if area == (0, 0, *size):
        return UprightCrop(read_upright(data, limits=limits, name=name, public=public), area)
    part = picture.crop(area)
    lossless = layout is not None and layout.lossless
    with reading(name):
        png = is_worth_png(part, kind, lossless=lossless, fits=True)
        sent, mime_type = file_from_picture(part, png=png, most_bytes=limits.inline_bytes)
    return UprightCrop(UprightImage(sent, mime_type, size), area)


def _read_kind(data: bytes, limits: ImageLimits, name: str) -> tuple[Format, Layout | None]:
    """Return what kind of file it is, and its structure where it is one that Gemini takes.

    Raises:
        ImageFormatError: It is no image, or too large to be opened.
    """
    kind = format_from_bytes(data)
    if kind is None:
        what, hint = other_kind(data)
        raise ImageFormatError(f"`{name}` is no usable image: {what}.", hint=hint)
    with reading(name):
        layout = _read_layout(data, kind)
    if layout is not None:
        _check_size(layout.size, limits, name)
    return kind, layout


def _read_layout(data: bytes, kind: Format) -> Layout | None:
    """Read the structure of a kind that Gemini takes; None for the others."""
    if kind is Format.HEIF:
        return _read_heif(data)
    reader = _READERS.get(kind)
    return None if reader is None else reader(data)


def _read_heif(data: bytes) -> Layout:
    turned = is_turned(data)
    with open_image(data, Format.HEIF) as image:
        # pillow-heif has put EXIF to rights here; what stood there is what others may yet obey
        said = image.info.get("original_orientation") or UPRIGHT
        single = mime_type_of_heif(data) is not None
        return Layout(ImageSize(*image.size), plain=single and not turned and said == UPRIGHT)


def _mime_type(data: bytes, kind: Format) -> str:
    if kind is Format.HEIF:
        mime_type = mime_type_of_heif(data)
        assert mime_type is not None  # else it would not be plain
        return mime_type
    return _MIME_TYPES[kind]


def _convert(
    data: bytes, kind: Format, layout: Layout | None, *, limits: ImageLimits, name: str
) -> UprightImage:
    lossless = layout is not None and layout.lossless
    picture = _decoded(data, kind, layout, limits, name)
    with reading(name):
        fits = len(data) <= limits.inline_bytes
        png = is_worth_png(picture, kind, lossless=lossless, fits=fits)
        sent, mime_type = file_from_picture(picture, png=png, most_bytes=limits.inline_bytes)
    return UprightImage(sent, mime_type, ImageSize(*picture.size))


def _decoded(
    data: bytes, kind: Format, layout: Layout | None, limits: ImageLimits, name: str
) -> Image.Image:
    orientation = UPRIGHT if layout is None else layout.orientation
    with reading(name), open_image(data, kind) as image:
        _check_size(ImageSize(*image.size), limits, name)
        picture = upright_from_file(image, kind, orientation)
        _check_size(ImageSize(*picture.size), limits, name)
    return picture


def _check_size(size: ImageSize, limits: ImageLimits, name: str) -> None:
    if size.width < 1 or size.height < 1:
        raise ImageFormatError(
            f"`{name}` has no pixels: {size.width} x {size.height}.",
            hint="upload or export the image again.",
        )
    if size.width * size.height > limits.pixels:
        raise ImageFormatError(
            f"`{name}` is {size.width:,} x {size.height:,} pixels; at most "
            f"{limits.pixels:,} are opened (a decompression bomb looks like this).",
            hint="shrink the image, or raise `images: max_megapixels` in the config.",
        )
