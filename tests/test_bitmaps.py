"""The PNG of BitmaskLabels: the whole image, its alpha the mask."""

from __future__ import annotations

import base64
import io
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from label_studio_gemini.errors import MaskError
from label_studio_gemini.geometry import ImageSize, PixelArea
from label_studio_gemini.masks.bitmaps import bitmap_from_crop, mask_from_bitmap
from label_studio_gemini.masks.crops import MaskCrop

PREFIX = "data:image/png;base64,"
SIZE = ImageSize(3, 2)


@st.composite
def crops(draw: st.DrawFn) -> tuple[MaskCrop, ImageSize]:
    size = ImageSize(draw(st.integers(1, 40)), draw(st.integers(1, 20)))
    left, top = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
    right = draw(st.integers(left + 1, size.width))
    bottom = draw(st.integers(top + 1, size.height))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random((bottom - top, right - left)) < draw(st.sampled_from([0.1, 0.5, 1]))
    return MaskCrop(PixelArea(left, top, right, bottom), mask), size


def full(crop: MaskCrop, size: ImageSize) -> npt.NDArray[np.bool_]:
    image = np.zeros((size.height, size.width), np.bool_)
    left, top, right, bottom = crop.area
    image[top:bottom, left:right] = crop.mask
    return image


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.removeprefix(PREFIX), validate=True)))


def url_of(picture: Image.Image, file_format: str = "PNG") -> str:
    file = io.BytesIO()
    picture.save(file, file_format)
    return PREFIX + base64.b64encode(file.getvalue()).decode()


@given(crops())
def test_other_readers_see_black_where_the_mask_is_and_nothing_elsewhere(
    drawn: tuple[MaskCrop, ImageSize],
) -> None:
    """To the pixel what the editor writes itself: RGBA, black, alpha 0 or 255."""
    crop, size = drawn

    with opened(bitmap_from_crop(crop, size)) as picture:
        assert picture.size == size
        pixels = np.asarray(picture.convert("RGBA"))

    assert not pixels[..., :3].any()
    assert np.array_equal(pixels[..., 3], full(crop, size) * np.uint8(255))


@given(crops())
def test_a_bitmap_comes_back(drawn: tuple[MaskCrop, ImageSize]) -> None:
    crop, size = drawn

    assert np.array_equal(mask_from_bitmap(bitmap_from_crop(crop, size), size), full(crop, size))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(
    "alpha",
    [
        pytest.param([[0, 127, 128], [255, 1, 254]], id="soft edges, as a brush leaves them"),
        pytest.param([[255] * 3] * 2, id="all"),
        pytest.param([[0] * 3] * 2, id="nothing"),
    ],
)
def test_what_the_editor_wrote_is_read(mode: str, alpha: list[list[int]]) -> None:
    """The alpha alone decides, even where it is the same everywhere."""
    opacity = np.array(alpha, np.uint8)
    bands = [*[Image.new("L", SIZE)] * (len(mode) - 1), Image.fromarray(opacity)]

    assert np.array_equal(mask_from_bitmap(url_of(Image.merge(mode, bands)), SIZE), opacity > 127)


RIGHT = url_of(Image.new("RGBA", SIZE))
BROKEN = base64.b64encode(base64.b64decode(RIGHT.removeprefix(PREFIX))[:45]).decode()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "begins with ''"),
        ("https://example.org/mask.png", "begins with 'https://example.org/ma'"),
        (PREFIX + "a", "base64"),
        (PREFIX, "cannot be read"),
        (PREFIX + BROKEN, "cannot be read"),
        (url_of(Image.new("RGB", SIZE), "JPEG"), "cannot be read"),
        (url_of(Image.new("RGBA", (2, 3))), "2 by 3 pixels"),
        (url_of(Image.new("L", SIZE)), "mode L has no alpha"),
    ],
)
def test_anything_else_is_an_error(url: str, why: str) -> None:
    with pytest.raises(MaskError, match=why):
        mask_from_bitmap(url, SIZE)


def test_twelve_megapixels_take_little_memory_and_few_bytes() -> None:
    size = ImageSize(4000, 3000)
    x, y = np.meshgrid(np.arange(300) - 150, np.arange(400) - 200)
    crop = MaskCrop(PixelArea(1001, 801, 1301, 1201), (x / 150) ** 2 + (y / 200) ** 2 < 1)

    tracemalloc.start()
    url = bitmap_from_crop(crop, size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 5_000_000
    assert len(url) < 10_000
