"""Parts of pictures, found again by what they show: where a photo was cut out of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from label_studio_gemini.emulator.geometry import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Grey: TypeAlias = npt.NDArray[np.float32]
"""Rows by columns, each value 0-1."""

_LONGEST = 128
"""The longer side, in pixels, of the small copies in which a part is looked for at first."""
_LOOKED_AT = 5  # photos: those whose small copy fits best
_LEAST_SIDE = 16  # pixels: smaller parts could be of anywhere
_LEAST_CONTRAST = 0.02
_ROUGHLY, _EXACTLY = 0.5, 0.1  # of a part's contrast, beside the noise of its encoding
_NOISE = 0.02
_QUICK = 32  # a transform is quick where the sides are multiples of this


class Original:
    """A photo that parts may be cut out of.

    Attributes:
        size: Its (width, height) in pixels.
        small: A small copy.
    """

    def __init__(self, picture: Image.Image, load: Callable[[], Image.Image]) -> None:
        """Keep a small copy.

        Args:
            picture: The photo, upright.
            load: Opens it once more.
        """
        self.size = picture.size
        self.scale = max(max(picture.size) / _LONGEST, 1.0)
        self.small = _grey(picture, self.scale).astype(np.float16)
        self._load = load

    def grey(self) -> Grey:
        """Return the whole photo."""
        return _grey(self._load())

    def holds(self, size: tuple[int, int]) -> bool:
        """Say whether something of this size may be a part of it."""
        return size[0] <= self.size[0] and size[1] <= self.size[1] and size != self.size


class Cutting(NamedTuple):
    """Which photo a part is of, by its number, and what of it it shows."""

    number: int
    frame: Frame


class _Place(NamedTuple):
    """Where a part fits best: how badly all the same, and its upper left corner in pixels."""

    error: float
    left: int
    top: int


class Cuttings:
    """Photos whose parts can be found again, if they are neither turned nor scaled."""

    def __init__(self, originals: Sequence[Original | None]) -> None:
        """Keep the photos; None is one whose parts are not looked for."""
        self._originals = originals

    def find(self, part: Image.Image) -> Cutting | None:
        """Return what `part` was cut out of, or None where it is a part of none of the photos."""
        part = part.convert("L")
        grey = _grey(part)
        contrast = float(grey.std())
        if min(part.size) < _LEAST_SIDE or contrast < _LEAST_CONTRAST:
            return None
        small: dict[float, Grey] = {}
        rough: list[tuple[_Place, int, Original]] = []
        for number, original in enumerate(self._originals):
            if original is None or not original.holds(part.size):
                continue
            if original.scale not in small:
                small[original.scale] = _grey(part, original.scale)
            place = _fitted(original.small.astype(np.float32), small[original.scale])
            if place is not None and place.error <= _NOISE + _ROUGHLY * contrast:
                rough.append((place, number, original))
        rough.sort(key=lambda one: one[0].error)
        for place, number, original in rough[:_LOOKED_AT]:
            frame = _exact_frame(original, grey, place, _NOISE + _EXACTLY * contrast)
            if frame is not None:
                return Cutting(number, frame)
        return None


def _exact_frame(original: Original, part: Grey, rough: _Place, allowed: float) -> Frame | None:
    """Look around a rough place, at full detail."""
    photo = original.grey()
    rows, columns = part.shape
    slack = round(2 * original.scale) + 1
    top = max(round(rough.top * original.scale) - slack, 0)
    left = max(round(rough.left * original.scale) - slack, 0)
    around = photo[top : top + rows + 2 * slack, left : left + columns + 2 * slack]
    place = _fitted(around, part)
    if place is None or place.error > allowed:
        return None
    left, top = left + place.left, top + place.top
    width, height = original.size
    return Frame(left / width, top / height, (left + columns) / width, (top + rows) / height)


def _fitted(photo: Grey, part: Grey) -> _Place | None:
    """Return where a part fits best, by the mean square of all differences; None if nowhere."""
    rows, columns = photo.shape[0] - part.shape[0] + 1, photo.shape[1] - part.shape[1] + 1
    if rows < 1 or columns < 1:
        return None
    shape = tuple(-(-side // _QUICK) * _QUICK for side in photo.shape)
    spectrum = np.fft.rfft2(photo, shape) * np.conj(np.fft.rfft2(part, shape))
    alike = np.fft.irfft2(spectrum, shape)[:rows, :columns]
    sums = np.pad(np.square(photo, dtype=np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    high, wide = part.shape
    squares = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    errors = squares - 2 * alike + float(np.square(part).sum())
    top, left = divmod(int(errors.argmin()), columns)
    return _Place(float(np.sqrt(max(errors[top, left], 0) / part.size)), left, top)


def _grey(picture: Image.Image, scale: float = 1.0) -> Grey:
    """Return a picture without its colours, smaller by `scale`."""
    grey = picture.convert("L")
    if scale > 1:
        size = (max(round(grey.width / scale), 1), max(round(grey.height / scale), 1))
        grey = grey.resize(size, Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.float32) / np.float32(255)
