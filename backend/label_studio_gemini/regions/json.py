"""The JSON of Label Studio's results: what leaves, and what a file of earlier results holds.

Geometry is in percent of the upright image, x to the right and y down. A shape has its labels under
`<shape>labels`, or under `labels` in the second item of a region whose labels come of a `<Labels>`
tag. Source: https://labelstud.io/guide/predictions
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias

# pydantic reads these where a file is read back, and takes those of `typing` from 3.12 on only.
from typing_extensions import TypedDict


class RectangleValue(TypedDict):
    """The upper left corner and the size; turned clockwise about that corner, in degrees."""

    x: float
    y: float
    width: float
    height: float
    rotation: float
    rectanglelabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class PolygonValue(TypedDict):
    """The points of an outline, each `[x, y]`, three at least."""

    points: list[list[float]]
    closed: bool
    polygonlabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class EllipseValue(TypedDict):
    """The centre, and the radii in percent of the width and of the height; turned as a box."""

    x: float
    y: float
    radiusX: float
    radiusY: float
    rotation: float
    ellipselabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class KeyPointValue(TypedDict):
    """A point, and how large it is drawn, in percent of the width: without that it is not shown."""

    x: float
    y: float
    width: float
    keypointlabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class BrushValue(TypedDict):
    """A mask of the whole image, as its run-length encoding: bytes, as numbers."""

    format: Literal["rle"]
    rle: list[int]
    brushlabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class BitmaskValue(TypedDict):
    """A mask of the whole image, as a PNG with transparency in a data URL."""

    imageDataURL: str
    bitmasklabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class VertexJson(TypedDict):
    """A point of a path, and the id of the one before it; the first has none before it."""

    id: str
    x: float
    y: float
    prevPointId: str | None
    isBezier: bool


class VectorValue(TypedDict):
    """A path through its vertices, in their order; a closed one is an outline."""

    vertices: list[VertexJson]
    closed: bool
    vectorlabels: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class ChoicesValue(TypedDict):
    """What was chosen: the alias of a choice where it has one."""

    choices: list[str]


class TaxonomyValue(TypedDict):
    """What was chosen: each a path from the root."""

    taxonomy: list[list[str]]


class TextAreaValue(TypedDict):
    """One text or several."""

    text: list[str]


class RatingValue(TypedDict):
    """How many stars."""

    rating: int


class NumberValue(TypedDict):
    """A number."""

    number: float


class DateTimeValue(TypedDict):
    """A date, a time or both, in the tag's own format."""

    datetime: str


class PairwiseValue(TypedDict):
    """Which of two images was chosen."""

    selected: str


ShapeValue: TypeAlias = (
    RectangleValue
    | PolygonValue
    | EllipseValue
    | KeyPointValue
    | BrushValue
    | BitmaskValue
    | VectorValue
)
AnswerValue: TypeAlias = (
    ChoicesValue
    | TaxonomyValue
    | TextAreaValue
    | RatingValue
    | NumberValue
    | DateTimeValue
    | PairwiseValue
)


class RegionJson(TypedDict):
    """One result item: a shape on an image, or the value of an answer, which needs no sizes.

    An answer about a region has that region's `id`. `item_index` is the page, where an Image tag
    has several.
    """

    id: str
    from_name: str
    to_name: str
    type: str
    original_width: NotRequired[int]
    original_height: NotRequired[int]
    image_rotation: NotRequired[int]
    value: ShapeValue | AnswerValue
    item_index: NotRequired[int]


class RelationJson(TypedDict):
    """One result item: what one region is to another, by their ids."""

    type: Literal["relation"]
    from_id: str
    to_id: str
    direction: Literal["left", "right", "bi"]
    labels: list[str]


ResultJson: TypeAlias = RegionJson | RelationJson


class PredictionJson(TypedDict):
    """One prediction as Label Studio stores it; a score is given only where it was earned."""

    result: list[ResultJson]
    model_version: NotRequired[str]
