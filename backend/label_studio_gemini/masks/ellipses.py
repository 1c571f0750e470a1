"""Ellipses: fitted to a mask, or inscribed in a box, and as Label Studio stores them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from label_studio_gemini.geometry import ImageSize, PixelBox
    from label_studio_gemini.masks.crops import MaskCrop

_FULL_TURN = 360.0
_QUARTER_TURN = 90.0
_BAND = 64  # rows that are made numbers of eight bytes at a time
_PIXEL_VARIANCE = 1 / 12  # of a square of side 1 about its centre


class PixelEllipse(NamedTuple):
    """An ellipse in pixels of the image: centre, radii, and how it is turned.

    Attributes:
        cx: The centre, from the left edge.
        cy: The centre, from the top edge.
        rx: The radius along the axis that is nearer to the horizontal.
        ry: The other radius.
        rotation: Degrees clockwise about the centre, 0 to 360.
    """

    cx: float
    cy: float
    rx: float
    ry: float
    rotation: float


class PercentEllipse(NamedTuple):
    """An ellipse as Label Studio stores it.

    Each number but the rotation is in percent of the image, 0-100. The radii are so before the
    turn: `radius_x` always of the width and `radius_y` of the height, whichever way they point.

    Attributes:
        x: The centre, from the left edge.
        y: The centre, from the top edge.
        radius_x: Label Studio's `radiusX`.
        radius_y: Label Studio's `radiusY`.
        rotation: Degrees clockwise about the centre, 0 to 360, on the image as it is drawn.
    """

    x: float
    y: float
    radius_x: float
    radius_y: float
    rotation: float


def ellipse_from_crop(crop: MaskCrop) -> PixelEllipse:
    """Return the ellipse whose centre, size and direction are the mask's, by its second moments.

    A filled ellipse of radius r has a variance of r²/4 along it: of a mask that is one, exactly
    that ellipse comes back, and of another shape the one that weighs the same about every axis.
    """
    rows, columns = (crop.mask.sum(axis=axis, dtype=np.float64) for axis in (1, 0))
    x = crop.area.left + 0.5 + np.arange(len(columns))
    y = crop.area.top + 0.5 + np.arange(len(rows))
    count = float(rows.sum())
    cx, cy = float(columns @ x / count), float(rows @ y / count)
    xx = float(columns @ (x - cx) ** 2 / count) + _PIXEL_VARIANCE
    yy = float(rows @ (y - cy) ** 2 / count) + _PIXEL_VARIANCE
    xy = sum(
        float((y[band] - cy) @ (crop.mask[band] @ (x - cx))) / count
        for band in (slice(top, top + _BAND) for top in range(0, len(y), _BAND))
    )
    # The principal axes of a symmetric 2 by 2 matrix. With y downwards the angle runs clockwise.
    angle = math.atan2(2 * xy, xx - yy) / 2
    spread = math.hypot(xx - yy, 2 * xy) / 2
    longer = 2 * math.sqrt((xx + yy) / 2 + spread)
    shorter = 2 * math.sqrt(max((xx + yy) / 2 - spread, 0.0))
    return _turned(cx, cy, longer, shorter, math.degrees(angle))


def ellipse_from_box(box: PixelBox) -> PixelEllipse:
    """Return the ellipse that touches all four sides of a box."""
    return PixelEllipse(
        cx=(box.left + box.right) / 2,
        cy=(box.top + box.bottom) / 2,
        rx=(box.right - box.left) / 2,
        ry=(box.bottom - box.top) / 2,
        rotation=0.0,
    )


def percent_from_ellipse(ellipse: PixelEllipse, size: ImageSize) -> PercentEllipse:
    """Convert an ellipse into Label Studio's percent of an image of `size`.

    The rotation stays as it is: the editor scales the radii to the image as shown, by the same
    factor on both axes, and turns the ellipse then.
    Source: https://github.com/HumanSignal/label-studio/blob/develop/web/libs/editor/src/regions/EllipseRegion.jsx
    """
    return PercentEllipse(
        x=ellipse.cx * 100 / size.width,
        y=ellipse.cy * 100 / size.height,
        radius_x=ellipse.rx * 100 / size.width,
        radius_y=ellipse.ry * 100 / size.height,
        rotation=ellipse.rotation,
    )


def _turned(cx: float, cy: float, longer: float, shorter: float, degrees: float) -> PixelEllipse:
    """Name the axes so that the turn is the smallest: rx is what a person calls its width."""
    if abs(degrees) > _QUARTER_TURN / 2:
        longer, shorter = shorter, longer
        degrees -= math.copysign(_QUARTER_TURN, degrees)
    return PixelEllipse(cx, cy, longer, shorter, degrees % _FULL_TURN)
