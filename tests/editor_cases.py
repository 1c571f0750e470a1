"""Predictions whose looks are known, and photos that show what each should cover.

Confirmed predictions come from `controls.json` of the recorded facts, by the name they have there;
the others stand here.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from math import cos, pi, sin, tau
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from label_studio_gemini.masks.rle import rle_from_mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from editor_tasks import Item

Points: TypeAlias = "Sequence[tuple[float, float]]"
"""A polygon in percent of its image."""


def _box(x: float, y: float, width: float, height: float) -> Points:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _ellipse(x: float, y: float, across: float, down: float) -> Points:
    return [
        (x + across * cos(tau * step / 90), y + down * sin(tau * step / 90)) for step in range(90)
    ]


def _turned(points: Points, about: tuple[float, float], degrees: float, aspect: float) -> Points:
    """Turn clockwise in pixels, of an image this many times as wide as high."""
    x0, y0 = about
    c, s = cos(degrees * pi / 180), sin(degrees * pi / 180)
    return [
        (x0 + (x - x0) * c - (y - y0) / aspect * s, y0 + (x - x0) * aspect * s + (y - y0) * c)
        for x, y in points
    ]


@dataclass(frozen=True)
class Photo:
    """A grey photo on which these shapes are outlined; perhaps stored on its side."""

    width: int
    height: int
    shapes: Mapping[str, Points]
    on_its_side: bool = False

    def pixels(self, shape: str) -> list[tuple[float, float]]:
        return [(x * self.width / 100, y * self.height / 100) for x, y in self.shapes[shape]]

    def jpeg(self) -> bytes:
        picture = Image.new("RGB", (self.width, self.height), (215, 215, 215))
        draw = ImageDraw.Draw(picture)
        for shape in self.shapes:
            draw.polygon(self.pixels(shape), outline=(120, 120, 120), width=self.width // 300)
        exif = Image.Exif()
        if self.on_its_side:
            picture = picture.transpose(Image.Transpose.ROTATE_90)
            exif[0x0112] = 6
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90, exif=exif)
        return file.getvalue()

    def mask(self, *shapes: str, size: tuple[int, int] | None = None) -> NDArray[np.bool_]:
        """Return which pixels these shapes cover, of the photo or of one shown in another size."""
        mask = Image.new("1", size or (self.width, self.height))
        for shape in shapes:
            points = [(x * mask.width / 100, y * mask.height / 100) for x, y in self.shapes[shape]]
            ImageDraw.Draw(mask).polygon(points, fill=1)
        return np.asarray(mask)


PHOTOS: Mapping[str, Photo] = {
    "scene.jpg": Photo(
        640,
        480,
        {
            "box": _box(10, 10, 20, 20),
            "far box": _box(65, 50, 30, 30),
            "tilted box": _turned(_box(70, 10, 20, 10), (70, 10), 30, 640 / 480),
            "triangle": [(50, 10), (40, 40), (60, 40)],
            "block": _box(66, 56, 28, 18),
            "circle": _ellipse(28.125, 77.083, 12.5, 16.667),
            "disc": _ellipse(80, 65, 15, 15),
            "dot": _ellipse(28.125, 77.083, 0.5, 0.5 * 640 / 480),
            "tilted ellipse": _turned(_ellipse(50, 50, 30, 10), (50, 50), 30, 640 / 480),
        },
    ),
    "second.jpg": Photo(512, 512, {"body": _box(35, 10, 20, 30)}),
    "turned.jpg": Photo(
        300,
        450,
        {
            "corner": _box(0, 0, 30, 20),
            "far corner": _box(70, 80, 30, 20),
            "peak": [(50, 22.2), (63.4, 40.1), (36.6, 40.1)],
        },
        on_its_side=True,
    ),
    "large.jpg": Photo(
        4000, 3000, {"box": _box(10, 10, 30, 40), "circle": _ellipse(75, 70, 15, 20)}
    ),
}


@dataclass(frozen=True)
class Case:
    """A prediction, and what the labelling page should make of it.

    Attributes:
        control: its name, in `controls.json` where it comes from there.
        shapes: the shapes of the first photo that should be painted over.
        data: the task, with names of photos for addresses.
        least: how much of the painted pixels and the shapes must be shared (IoU).
        given: the labelling config, result and number of regions, if not in `controls.json`.
    """

    control: str
    shapes: tuple[str, ...] = ()
    data: Mapping[str, str | list[str]] = field(default_factory=lambda: {"image": "scene.jpg"})
    least: float = 0.95
    given: tuple[str, Sequence[Item], int] | None = None

    def names(self) -> list[str]:
        """Return the photos of the task, the first first."""
        values = [[value] if isinstance(value, str) else value for value in self.data.values()]
        return [name for names in values for name in names]


_TWO = {"image": "scene.jpg", "image2": "second.jpg"}
_TURNED = {"image": "turned.jpg"}

CONFIRMED = (
    Case("rectanglelabels", ("box", "tilted box")),
    Case("rectangle+labels", ("box",)),
    Case("polygonlabels", ("triangle", "block")),
    Case("polygon+labels", ("triangle",)),
    Case("brushlabels", ("circle", "triangle")),
    Case("brush+labels", ("circle",)),
    Case("bitmasklabels rgba-black", ("circle",)),
    Case("bitmask+labels", ("circle",)),
    Case("keypointlabels", ("dot",), least=0.6),
    Case("keypoint+labels", ("dot",), least=0.6),
    Case("ellipselabels", ("disc", "circle")),
    Case("ellipse+labels", ("disc",)),
    Case("vectorlabels", ("triangle",), least=0.9),
    Case("choices"),
    Case("taxonomy"),
    Case("textarea"),
    Case("rating number datetime"),
    Case("perregion", ("box", "far box")),
    Case("relation", ("box", "far box"), least=0.85),
    Case("multi image tags", ("box",), data=_TWO),
    Case("one control two images", ("box",), data=_TWO),
    Case("valueList", ("box",), data={"images": ["scene.jpg", "second.jpg"]}),
    Case("pairwise", data=_TWO),
    Case("exif6 oriented", ("corner", "far corner"), data=_TURNED),
    Case("exif6 brush", ("peak",), data=_TURNED),
    Case("exif6 bitmask", ("peak",), data=_TURNED),
)
"""What was once confirmed by hand; the page must still make the same of it."""


def _config(*controls: str) -> str:
    labels = '<Label value="Shape" background="red"/>'
    tags = "".join(
        f'<{tag} name="{tag}" toName="img" closable="true">{labels}</{tag}>'
        if tag.endswith("Labels")
        else f'<{tag} name="{tag}" toName="img" closable="true"/>'
        for tag in controls
    )
    return f'<View><Image name="img" value="$image"/>{tags}</View>'


def _item(control: str, photo: str, value: Item) -> Item:
    shown = PHOTOS[photo]
    return {
        "id": "r1",
        "from_name": control,
        "to_name": "img",
        "type": control.lower(),
        "original_width": shown.width,
        "original_height": shown.height,
        "image_rotation": 0,
        "value": value,
    }


def _labelled(control: str, photo: str, value: Item) -> tuple[str, Sequence[Item], int]:
    value = value | {control.lower(): ["Shape"]}
    return _config(control), [_item(control, photo, value)], 1


def _vector() -> Item:
    """Return the triangle as a closed line; a control without `closable` opens it again."""
    points = PHOTOS["scene.jpg"].shapes["triangle"]
    names = ["a", "b", "c"]
    vertices: list[Item] = [
        {"id": name, "x": x, "y": y, "prevPointId": before, "isBezier": False}
        for name, before, (x, y) in zip(names, [None, *names], points, strict=False)
    ]
    return {"vertices": [*vertices], "closed": True}


def _rle(photo: str, *shapes: str, compact: bool = False) -> Item:
    mask = PHOTOS[photo].mask(*shapes)
    return {"format": "rle", "rle": [*rle_from_mask(mask, compact=compact)]}


def _palette_png(photo: str, *shapes: str) -> Item:
    """Return a mask of one bit a pixel, whose palette makes 0 transparent."""
    picture = Image.fromarray(PHOTOS[photo].mask(*shapes).astype(np.uint8), "P")
    picture.putpalette(bytes(6))
    file = io.BytesIO()
    picture.save(file, "PNG", bits=1, transparency=b"\x00\xff")
    return {"imageDataURL": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"}


_LARGE = {"image": "large.jpg"}
_ELLIPSE: Item = {"x": 50, "y": 50, "radiusX": 30, "radiusY": 10, "rotation": 30}

FOUND = (
    Case(
        "vector+labels",
        ("triangle",),
        least=0.9,
        given=(
            _config("Labels", "Vector"),
            [
                _item("Vector", "scene.jpg", _vector()),
                _item("Labels", "scene.jpg", _vector() | {"labels": ["Shape"]}),
            ],
            1,
        ),
    ),
    Case(
        "ellipse turned clockwise in pixels",
        ("tilted ellipse",),
        given=_labelled("EllipseLabels", "scene.jpg", _ELLIPSE),
    ),
    Case(
        "brush with run sizes of its own",
        ("circle", "triangle"),
        given=_labelled(
            "BrushLabels", "scene.jpg", _rle("scene.jpg", "circle", "triangle", compact=True)
        ),
    ),
    Case(
        "bitmask of one bit with a transparent colour",
        ("circle", "triangle"),
        given=_labelled(
            "BitmaskLabels", "scene.jpg", _palette_png("scene.jpg", "circle", "triangle")
        ),
    ),
    Case(
        "large brush",
        ("box", "circle"),
        data=_LARGE,
        given=_labelled("BrushLabels", "large.jpg", _rle("large.jpg", "box", "circle")),
    ),
    Case(
        "large bitmask",
        ("box", "circle"),
        data=_LARGE,
        given=_labelled("BitmaskLabels", "large.jpg", _palette_png("large.jpg", "box", "circle")),
    ),
)
"""What no list confirms: found by trying, each drawn right and kept as it was."""
