"""Projects that have every control tag between them, and the tasks to look at in each."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from real_tags_key import LARGE, TURNED
from real_tags_masks import Form
from real_tags_projects import Drawn, Project, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLOURS: Mapping[str, str] = {
    "cup": "#ff00ff",
    "saucer": "#00d000",
    "spoon": "#0030ff",
    "person": "#ff00ff",
    "helmet": "#ffe000",
    "flag": "#00e0ff",
    "space shuttle model": "#00d000",
    "cat eye": "#ff00ff",
    "rocket": "#00d000",
}


def _tag(kind: str, name: str, *labels: str, to: str = "image", **attributes: str) -> str:
    said = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    inner = "".join(
        f"<Label value={quoteattr(label)} background={quoteattr(_COLOURS[label])}/>"
        for label in labels
    )
    return f'<{kind} name="{name}" toName="{to}"{said}>{inner}</{kind}>'


def _choices(kind: str, name: str, *choices: str, to: str = "image", **attributes: str) -> str:
    said = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    inner = "".join(f"<Choice value={quoteattr(one)}/>" for one in choices)
    return f'<{kind} name="{name}" toName="{to}"{said}>{inner}</{kind}>'


def _view(*tags: str) -> str:
    return f"<View>{''.join(tags)}</View>"


def _abreast(*tags: str) -> str:
    """Return tags that stand beside each other, as templates with two images have them."""
    columns = "".join(f'<View style="width: 49%">{tag}</View>' for tag in tags)
    return f'<View style="display: flex; justify-content: space-between">{columns}</View>'


_IMAGE = '<Image name="image" value="$image"/>'

_LABELS_TAGS = Project(
    name="labels tags",
    config=_view(
        _IMAGE,
        _tag("RectangleLabels", "rectangle", "spoon", "flag"),
        _tag("PolygonLabels", "polygon", "spoon"),
        _tag("BrushLabels", "brush", "saucer"),
        _tag("BitmaskLabels", "bitmask", "cup"),
        _tag("EllipseLabels", "ellipse", "helmet"),
        _tag("VectorLabels", "path", "space shuttle model", closable="true"),
        _tag("VectorLabels", "line", "person"),
        _tag("KeyPointLabels", "point", "cup", "helmet"),
    ),
    tasks=tuple(
        Task(f"labels-tags-{photo.removesuffix('.jpg')}", {"image": photo})
        for photo in ("coffee.jpg", "astronaut.jpg", TURNED, LARGE)
    ),
    drawn=(
        Drawn("rectangle", ("spoon", "flag"), Form.BOX, 0.95),
        Drawn("polygon", ("spoon",), Form.MASK, 0.9),
        Drawn("brush", ("saucer",), Form.MASK, 0.95),
        Drawn("bitmask", ("cup",), Form.MASK, 0.95),
        Drawn("ellipse", ("helmet",), Form.MASK, 0.84),
        Drawn("path", ("space shuttle model",), Form.MASK, 0.93),
        Drawn("line", ("person",), Form.EDGE, 0.6),
        Drawn("point", ("cup", "helmet"), Form.CENTRE, 0.5),
    ),
)

_RECIPES = """
recipes:
  - {name: boxes, target: rectangle, labels: [spoon, flag], relations: [next to]}
  - {name: outlines, target: polygon, labels: [cup]}
  - {name: brushes, target: brush, labels: [saucer], masks: png}
  - {name: bitmasks, target: bitmask, labels: [person], masks: png}
  - {name: ellipses, target: ellipse, labels: [helmet]}
  - {name: paths, target: path, labels: [space shuttle model]}
  - {name: points, target: point, labels: [spoon, helmet]}
"""
"""One Labels tag for several geometry tags: only recipes can say which label goes to which."""

_GEOMETRY_TAGS = Project(
    name="Labels and geometry tags",
    config=_view(
        _IMAGE,
        _tag(
            "Labels",
            "label",
            *("spoon", "flag", "cup", "saucer", "person", "helmet", "space shuttle model"),
        ),
        _tag("Rectangle", "rectangle"),
        _tag("Polygon", "polygon"),
        _tag("Brush", "brush"),
        _tag("Bitmask", "bitmask"),
        _tag("Ellipse", "ellipse"),
        _tag("Vector", "path", closable="true"),
        _tag("KeyPoint", "point"),
        '<Relations><Relation value="next to"/><Relation value="part of"/></Relations>',
    ),
    tasks=(
        Task("geometry-tags-coffee", {"image": "coffee.jpg"}, relations=1),
        Task("geometry-tags-astronaut", {"image": "astronaut.jpg"}, relations=2),
    ),
    drawn=(
        Drawn("rectangle", ("spoon", "flag"), Form.BOX, 0.95),
        Drawn("polygon", ("cup",), Form.MASK, 0.95),
        Drawn("brush", ("saucer",), Form.MASK, 0.95),
        Drawn("bitmask", ("person",), Form.MASK, 0.95),
        Drawn("ellipse", ("helmet",), Form.MASK, 0.84),
        Drawn("path", ("space shuttle model",), Form.MASK, 0.93),
        Drawn("point", ("spoon", "helmet"), Form.CENTRE, 0.5),
    ),
    recipes=_RECIPES,
)

_ANSWERS = Project(
    name="answers",
    config=_view(
        '<Image name="image" value="$image" maxWidth="400px"/>',  # all tags fit the page
        _choices("Choices", "animal", "dog", "cat", "horse"),
        _choices("Choices", "features", "wings", "eyes", "nose", choice="multiple"),
        '<Taxonomy name="kind" toName="image"><Choice value="Animal"><Choice value="Cat"/>'
        '<Choice value="Dog"/></Choice><Choice value="Plant"/></Taxonomy>',
        _tag("TextArea", "caption", editable="true"),
        _tag("Rating", "sharpness", maxRating="5"),
        _tag("Number", "whiskers", min="0", max="40", step="0.5"),
        _tag("DateTime", "taken", only="date", format="%d.%m.%Y"),
    ),
    tasks=(
        Task(
            "answers",
            {"image": "chelsea.jpg"},
            {
                "animal": [{"choices": ["cat"]}],
                "features": [{"choices": ["eyes", "nose"]}],
                "kind": [{"taxonomy": [["Animal", "Cat"]]}],
                "caption": [{"text": ["A ginger cat looks past the camera."]}],
                "sharpness": [{"rating": 4}],
                "whiskers": [{"number": 12.5}],
                "taken": [{"datetime": "31.01.2026"}],
            },
        ),
    ),
)

_ATTRIBUTES = Project(
    name="attributes of regions",
    config=_view(
        _IMAGE,
        _tag("RectangleLabels", "box", "cup", "saucer"),
        _tag("TextArea", "written", perRegion="true", editable="true", displayMode="region-list"),
        _choices("Choices", "material", "wood", "china", "metal", perRegion="true"),
        _tag("Rating", "cleanness", perRegion="true"),
    ),
    tasks=(
        Task(
            "attributes-of-regions",
            {"image": "coffee.jpg"},
            {
                "written": [{"text": ["ESPRESSO"]}, {"text": ["No 7"]}],
                "material": [{"choices": ["china"]}, {"choices": ["china"]}],
                "cleanness": [{"rating": 2}, {"rating": 5}],
            },
        ),
    ),
    drawn=(Drawn("box", ("cup", "saucer"), Form.BOX, 0.95),),
)

_PAIRWISE = Project(
    name="Pairwise",
    config=_view(
        '<Pairwise name="better" toName="left,right"/>',
        _abreast('<Image name="left" value="$left"/>', '<Image name="right" value="$right"/>'),
    ),
    tasks=(
        Task(
            "pairwise",
            {"left": "coffee.jpg", "right": "flower.jpg"},
            {"better": [{"selected": "right"}]},
        ),
    ),
)

_TWO_IMAGES = Project(
    name="two Image tags",
    config=_view(
        _abreast('<Image name="first" value="$first"/>', '<Image name="second" value="$second"/>'),
        _tag("RectangleLabels", "rectangle", "cup", to="first"),
        _tag("PolygonLabels", "polygon", "helmet", to="second"),
        _tag("BrushLabels", "brush", "saucer", "flag", to="first,second"),
    ),
    tasks=(Task("two-images", {"first": "coffee.jpg", "second": "astronaut.jpg"}),),
    drawn=(
        Drawn("rectangle", ("cup",), Form.BOX, 0.95),
        Drawn("polygon", ("helmet",), Form.MASK, 0.95, images=(1,)),
        Drawn("brush", ("saucer", "flag"), Form.MASK, 0.95, images=(0, 1)),
    ),
)

_PAGES = Project(
    name="valueList",
    config=_view(
        '<Image name="image" valueList="$images"/>',
        _tag("RectangleLabels", "rectangle", "cup", "rocket"),
        _tag("BrushLabels", "brush", "cat eye", "saucer"),
        _choices("Choices", "scene", "launch", "kitchen", "animal", perItem="true"),
        _choices("Choices", "story", "plain", "mixed"),
    ),
    tasks=(
        Task(
            "pages",
            {"images": ["coffee.jpg", "chelsea.jpg", "rocket.jpg"]},
            {
                "scene": [
                    {"choices": ["kitchen"]},
                    {"choices": ["animal"]},
                    {"choices": ["launch"]},
                ],
                "story": [{"choices": ["mixed"]}],
            },
        ),
    ),
    drawn=(
        Drawn("rectangle", ("cup", "rocket"), Form.BOX, 0.95),
        Drawn("brush", ("cat eye", "saucer"), Form.MASK, 0.94),
    ),
)

PROJECTS = (
    _LABELS_TAGS,
    _GEOMETRY_TAGS,
    _ANSWERS,
    _ATTRIBUTES,
    _PAIRWISE,
    _TWO_IMAGES,
    _PAGES,
)
