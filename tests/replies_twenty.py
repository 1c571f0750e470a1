"""Twenty objects, as a model may write them where nobody expects it."""

from __future__ import annotations

import json
import re

THINGS = [{"box_2d": [10 * n, 20, 10 * n + 40, 90], "label": f"thing {n}"} for n in range(20)]
EACH = [json.dumps(thing) for thing in THINGS]
ALL = json.dumps(THINGS)
CODE = "```python\nresults = []\n```\n"
FORMAT = 'As asked:\n```json\n[{"box_2d": [ymin, xmin, ymax, xmax], "label": "label"}]\n```\n'


def fenced(text: str) -> str:
    return f"```json\n{text}\n```\n"


def keyed(box: str = "box_2d", label: str = "label") -> str:
    return ALL.replace('"box_2d"', f'"{box}"').replace('"label"', f'"{label}"')


def quoted(opening: str, closing: str) -> str:
    return re.sub(r'"([^"]*)"', rf"{opening}\1{closing}", ALL)


TWENTY = {
    "code in a fence": CODE + json.dumps({"boxes": THINGS}),
    "code in a fence, the answer in another": CODE + fenced(ALL),
    "code in a fence, in a string": json.dumps({"answer": CODE + ALL}),
    "code that prints": f'```python\nd = {{"a": 1}}\nprint(d["a"])\n```\n{ALL}',
    "nineteen fences and one in the open": "".join(map(fenced, EACH[:19])) + EACH[19],
    "one in the open and nineteen fences": EACH[0] + "\n" + "".join(map(fenced, EACH[1:])),
    "a format in the open": f"{FORMAT.replace('```', '')}\n{fenced(ALL)}",
    **{
        f"box under {key}": keyed(key)
        for key in (
            *("box2d", "bbox_2d", "bbox2D", "boundingBox", "bounding_box_2d", "BoundingBox2D"),
            *("bounding-box", "Bounding Box", "coordinates", "Coordinates"),
        )
    },
    **{
        f"label under {key}": keyed(label=key)
        for key in ("class_name", "className", "Class Name", "labels", "object", "categoryName")
    },
    "unknown keys for both": keyed("coordinates", "object"),
    "labels in lists": json.dumps([{**one, "label": [one["label"]]} for one in THINGS]),
    "labels in lists under labels": json.dumps(
        [{"box_2d": one["box_2d"], "labels": [one["label"]]} for one in THINGS]
    ),
    "tuples": str([{**one, "box_2d": tuple(one["box_2d"])} for one in THINGS]),
    "a tuple of tuples": str(tuple({**one, "box_2d": tuple(one["box_2d"])} for one in THINGS)),
    "typographic quotes": quoted("\u201c", "\u201d"),
    "typographic quotes of one side": quoted("\u201d", "\u201d"),
    "typographic and straight quotes": quoted("\u201c", '"'),
    "single typographic quotes": quoted("\u2018", "\u2019"),
    "tuples and typographic quotes": re.sub(r"\[(\d[^]]*)\]", r"(\1)", quoted("\u201c", "\u201d")),
    "a forgotten quote in an answer": json.dumps(
        [{**one, "answers": {"text": f"no {n}"}} for n, one in enumerate(THINGS)]
    ).replace('no 3"', "no 3"),
    "a forgotten quote in an attribute": json.dumps(
        [{**one, "text": f"no {n}"} for n, one in enumerate(THINGS)]
    ).replace('no 3"', "no 3"),
    "a forgotten quote in a list": json.dumps(
        [{**one, "tags": ["a", f"no {n}"]} for n, one in enumerate(THINGS)]
    ).replace('no 3"', "no 3"),
    "numbered objects": json.dumps({str(n): one for n, one in enumerate(THINGS, 1)}),
}
"""Texts that hold all of them whole, by what is special about each."""
