"""Decoding with Pillow: an image that cannot go as it is becomes an upright PNG or JPEG.

Pillow's file classes are opened directly, never by `Image.open`: that tries formats that nobody
asked for, takes an MPO's index seriously, and warns by its own idea of a decompression bomb.
"""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from label_studio_gemini.errors import ImageFormatError
from label_studio_gemini.images.exif import orientation_from_exif
from label_studio_gemini.images.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile


class _LargeTiffFile(TiffImageFile):
    """A TIFF whose pixels are allocated without a look at Pillow's own limit (89 million).

    Ours has been checked by then.
    """

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        super().load_prepare()


_CLASSES: dict[Format, type[ImageFile]] = {
    Format.PNG: PngImageFile,
    Format.JPEG: JpegImageFile,
    Format.WEBP: WebPImageFile,
    Format.HEIF: HeifImageFile,
    Format.AVIF: AvifImageFile,
    Format.BMP: BmpImageFile,
    Format.GIF: GifImageFile,
    Format.TIFF: _LargeTiffFile,
    Format.JPEG2000: Jpeg2KImageFile,
    Format.PPM: PpmImageFile,
}

# Whatever Pillow's readers trip over in a damaged file: it promises no single class. A Warning is
# among them where warnings are errors.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUALITY, _LOWER_QUALITY = 95, 85
_LONGEST_JPEG_SIDE = 65_500
_SMALL = 2_000_000  # pixels: up to here a lossless original stays lossless
_LARGEST_PROFILE = 1_000_000
_WHITE = (255, 255, 255)
_PROFILE_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}
_DEEP_MODES = ("I", "F")  # and I;16 with its byte orders: more than 8 bits a pixel


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises over a damaged file into ImageFormatError."""
    try:
        yield
    except _PILLOW_ERRORS as error:
        raise ImageFormatError(
            f"`{name}` is damaged, or of a form that cannot be read: {_first_line(error)}.",
            hint="see whether an image viewer opens it; upload or export it again.",
        ) from error


def open_image(data: bytes, kind: Format) -> ImageFile:
    """Open a file by its header, without decoding its pixels; to be used within `reading`."""
    return _CLASSES[kind](io.BytesIO(data))


def upright_from_file(image: ImageFile, kind: Format, orientation: int) -> Image.Image:
    """Decode the first picture of a file as a browser shows it: upright, 8 bits, L, RGB or RGBA.

    Args:
        image: The open file; to be used within `reading`.
        kind: What kind of file it is.
        orientation: What EXIF says, where the kind has a reader of ours; else 1.
    """
    image.load()
    if kind is Format.AVIF:
        orientation = orientation_from_exif(image.info.get("exif", b""))
    # a TIFF has been turned by Pillow in `load`, a HEIF by libheif
    turn = None if kind in (Format.TIFF, Format.HEIF) else _TURNS.get(orientation)
    picture = _without_depth(image, kind)
    profile = image.info.get("icc_profile")
    picture = _without_palette(picture)
    picture = picture if turn is None else picture.transpose(turn)
    picture.info = {}
    if _fits(profile, picture.mode):
        picture.info["icc_profile"] = profile
    return picture


def file_from_picture(picture: Image.Image, *, png: bool, most_bytes: int) -> tuple[bytes, str]:
    """Encode an upright picture as JPEG, or first as PNG.

    Returns:
        At most `most_bytes` and their type. A picture too large for that is a JPEG, scaled down
        as far as it takes.

    Raises:
        ValueError: No size fits.
    """
    if png:
        data = _encode(picture, "PNG")
        if len(data) <= most_bytes:
            return data, "image/png"
    return _small_jpeg(_on_white(picture), most_bytes), "image/jpeg"


def is_worth_png(picture: Image.Image, kind: Format, *, lossless: bool, fits: bool) -> bool:
    """Whether a picture is to be sent without loss: for its alpha, or because it came so.

    Args:
        picture: The picture.
        kind: The kind of file that it came in.
        lossless: Whether a file of a kind that can be either was without loss.
        fits: Whether that file was small enough to be sent. A PNG that was not will not be.
    """
    if kind is Format.PNG:
        return fits
    without_loss = lossless or kind in (Format.BMP, Format.GIF, Format.TIFF, Format.PPM)
    small = picture.width * picture.height <= _SMALL
    return picture.mode == "RGBA" or (without_loss and small)


def _small_jpeg(picture: Image.Image, most_bytes: int) -> bytes:
    scale = min(1.0, _LONGEST_JPEG_SIDE / max(picture.size))
    smaller = _scaled(picture, scale)
    for quality in (_QUALITY, _LOWER_QUALITY):
        data = _encode(smaller, "JPEG", quality=quality)
        if len(data) <= most_bytes:
            return data
    while smaller.size != (1, 1):
        # a little under what the ratio says: smaller pictures compress less well
        scale *= min(0.9, 0.95 * (most_bytes / len(data)) ** 0.5)
        smaller = _scaled(picture, scale)
        data = _encode(smaller, "JPEG", quality=_LOWER_QUALITY)
        if len(data) <= most_bytes:
            return data
    raise ValueError(f"it does not fit into {most_bytes:,} bytes at any size")


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    smaller = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    smaller.info = dict(picture.info)
    return smaller


def _encode(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, icc_profile=picture.info.get("icc_profile"), **options)
    return buffer.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, _WHITE)
    ground.paste(picture, mask=picture.getchannel("A"))
    ground.info = dict(picture.info)
    return ground


def _without_palette(picture: Image.Image) -> Image.Image:
    """Return a picture in L, RGB or, if anything of it is transparent, RGBA."""
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        lowest, _ = picture.getchannel("A").getextrema()
        return picture if lowest != 255 else picture.convert("RGB")  # noqa: PLR2004 - opaque
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture.convert("RGB")


def _without_depth(image: Image.Image, kind: Format) -> Image.Image:
    """Return a picture with 8 bits for each value.

    Browsers show the upper 8 bits of a 16-bit PNG. For other files nobody has decided: whole
    numbers of 0 to 255 stay, the rest is stretched from the least to the greatest value, as
    viewers for scientific images do; what is no number is black.
    """
    if not image.mode.startswith(_DEEP_MODES):
        return image
    import numpy as np  # noqa: PLC0415 - 13 MB in each process, for pictures that are rare

    values = np.asarray(image)
    if kind is Format.PNG:
        return Image.fromarray((values >> 8).clip(0, 255).astype(np.uint8))
    values = values.astype(np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if image.mode == "F" or low < 0 or high > 255:  # noqa: PLR2004 - the highest of 8 bits
        with np.errstate(all="ignore"):  # infinities and NaN, which are black in the end
            values = (values - low) * (255 / (high - low) if high > low else 0.0)
    black = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return Image.fromarray(black.clip(0, 255).round().astype(np.uint8))


def _fits(profile: object, mode: str) -> bool:
    """Whether a colour profile is one for pictures of this mode (ICC.1:2022, 7.2.6)."""
    return (
        isinstance(profile, bytes)
        and len(profile) <= _LARGEST_PROFILE
        and profile[16:20] == _PROFILE_SPACES.get(mode)
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200].rstrip(".") if text else type(error).__name__
