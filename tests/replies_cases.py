"""Replies written in the like of the public ones, and what a person finds in each."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from typing import TypeAlias

from PIL import Image, ImageDraw

Thing: TypeAlias = tuple[str, tuple[float, ...]]
"""A label, and a box (four numbers) or a point (two) in Gemini's order."""

SOCK: Thing = ("light blue sock", (46, 246, 385, 526))
CUP: Thing = ("pink cupcake", (376, 253, 539, 365))
SPOON: Thing = ("wooden spoon", (265, 702, 433, 812))
ALL = (SOCK, CUP, SPOON)


@dataclass(frozen=True)
class ReplyCase:
    """A reply, and what stands whole in it.

    Attributes:
        id: What is special about it.
        text: The reply.
        things: Its objects.
        masks: How many of them have a mask that can be used.
        unreadable: How many have one that cannot.
        truncated: Whether it is cut short.
    """

    id: str
    text: str
    things: tuple[Thing, ...] = ALL
    masks: int = 0
    unreadable: int = 0
    truncated: bool = False


def png(mode: str = "L", side: int = 256) -> str:
    """Return the base64 of a picture of a disc."""
    picture = Image.new("L", (side, side))
    ImageDraw.Draw(picture).ellipse((0, 0, side, side), fill=255)
    file = io.BytesIO()
    picture.convert(mode).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


PNG = png()
URI = f"data:image/png;base64,{PNG}"


def item(thing: Thing, mask: object = None) -> dict[str, object]:
    """Return an object in the order of Google's documents: box, mask, label."""
    place = {"box_2d": list(thing[1])}
    return {**place, **({} if mask is None else {"mask": mask}), "label": thing[0]}


def listed(*things: Thing) -> str:
    return json.dumps([item(thing) for thing in things])


def masked(mask: str, *, last: bool = False) -> str:
    """Return the three objects, with `mask` in the second one exactly as it is written."""
    sock, cup, spoon = (json.dumps(item(thing)) for thing in ALL)
    if last:
        cup = f'{cup[:-1]}, "mask": {mask}}}'
    else:
        cup = cup.replace(', "label"', f', "mask": {mask}, "label"')
    return f"[\n  {sock},\n  {cup},\n  {spoon}\n]"


def cut(text: str, at: str) -> str:
    """Return `text` up to `at`, and with it."""
    return text[: text.rindex(at) + len(at)]


def outline(thing: Thing, *, y_first: bool = False) -> list[list[float]]:
    """Return an octagon that fills a box."""
    ymin, xmin, ymax, xmax = thing[1]
    high, wide = (ymax - ymin) / 3, (xmax - xmin) / 3
    points = [
        *([xmin, ymin + high], [xmin + wide, ymin], [xmax - wide, ymin], [xmax, ymin + high]),
        *([xmax, ymax - high], [xmax - wide, ymax], [xmin + wide, ymax], [xmin, ymax - high]),
    ]
    return [[y, x] for x, y in points] if y_first else points


def flat(points: list[list[float]]) -> list[float]:
    return [number for point in points for number in point]


XY, YX = outline(CUP), outline(CUP, y_first=True)
SEGMENTS = "<start_of_mask>" + "".join(f"<seg_{n}>" for n in (35, 65, 4, 66, 3, 94, 77, 34))
BOOLEANS = "[" + "true, " * 400
REPEATED = ", ".join(json.dumps(item(("button", (500, 500, 520, 520)))) for _ in range(300))
DRIFTING = ", ".join(
    json.dumps(item(("bottle", (100 + n / 10, 500, 400 + n / 10, 600)))) for n in range(300)
)
NUMBERED = ", ".join(json.dumps(item((f"bottle {n}", (100, 500, 400, 600)))) for n in range(1, 300))
POINTS: tuple[Thing, ...] = (("screw", (412, 88)), ("screw", (415, 790)), ("nut", (620, 455)))
POINTED = json.dumps([{"point": list(p), "label": label} for label, p in POINTS])

WRAPPED = [
    ReplyCase("indented", json.dumps([item(thing) for thing in ALL], indent=2)),
    ReplyCase("four backticks", f"````json\n{listed(*ALL)}\n````"),
    ReplyCase("JSON in capitals", f"```JSON\n{listed(*ALL)}\n```"),
    ReplyCase("a fence that ends in a tuple", f"```json\n{listed(*ALL)}\n```\n(640, 482)\n"),
    ReplyCase(
        "prose, a fence and a numbered list",
        f"Here are the bounding box detections:\n```json\n{listed(*ALL)}\n```\nHere's how to "
        "clean:\n\n1.  **Grab [it]**: use the sock.\n2.  **Rinse**: {well}.\n",
    ),
    ReplyCase("an ellipsis", listed(*ALL).replace("}]", "}, ...]")),
    ReplyCase("a heading", f"**Detections:**\n\n{listed(*ALL)}"),
    ReplyCase("Python's repr of the text", repr(f"```json\n{listed(*ALL)}\n```")[1:-1]),
    ReplyCase("a string in a string", json.dumps(json.dumps({"boxes": listed(*ALL)}))),
    ReplyCase("escaped line ends", listed(*ALL).replace(", {", r",\n{")),
    ReplyCase("a wrapper with a summary", f'{{"summary": "3 found", "objects": {listed(*ALL)}}}'),
    ReplyCase("an object for each line", "\n".join(json.dumps(item(thing)) for thing in ALL)),
    ReplyCase("the draft before the answer", f"Draft: [0, 0]\n```json\n{listed(*ALL)}\n```"),
    ReplyCase("a byte order mark", f"\ufeff{listed(*ALL)}"),
    ReplyCase(
        "line ends of Windows", json.dumps([item(t) for t in ALL], indent=1).replace("\n", "\r\n")
    ),
]

SPELLED = [
    ReplyCase("bbox and name", listed(*ALL).replace("box_2d", "bbox").replace("label", "name")),
    ReplyCase(
        "bounding_box and class",
        listed(*ALL).replace("box_2d", "bounding_box").replace("label", "class"),
    ),
    ReplyCase("label first", json.dumps([{"label": t[0], "box_2d": t[1]} for t in ALL])),
    ReplyCase(
        "company", listed(*ALL).replace("{", '{"id": 7, "confidence": 0.9, "attributes": {}, ')
    ),
    ReplyCase("numbers as strings", json.dumps([item((n, tuple(map(str, b)))) for n, b in ALL])),  # type: ignore[arg-type]
    ReplyCase(
        "boxes as strings", json.dumps([{"box_2d": str(list(b)), "label": n} for n, b in ALL])
    ),
    ReplyCase(
        "boxes as objects",
        json.dumps(
            [
                {"box": dict(zip(("y1", "x1", "y2", "x2"), b, strict=True)), "label": n}
                for n, b in ALL
            ]
        ),
    ),
    ReplyCase("nested boxes", json.dumps([{"box_2d": [b], "label": n} for n, b in ALL])),
    ReplyCase(
        "duplicate keys",
        listed(*ALL).replace("{", '{"box_2d": [1, 2, 3, 4], "label": "?", ', 1),
        (("?", (1, 2, 3, 4)), *ALL),
    ),
    ReplyCase("single quotes in one line", str([item(thing) for thing in ALL])),
    ReplyCase(
        "single quotes, a stray double one",
        str([item(t) for t in ALL]).replace("'label'", "\"'label'", 1),
        ALL[1:],
    ),
    ReplyCase(
        "single quotes, mixed quotes",
        str([item(t) for t in ALL]).replace(": 'pink", ': "pink'),
        (SOCK, SPOON),
    ),
    ReplyCase(
        "a quote too many", listed(*ALL).replace('"label"', '""label"', 1), (SOCK, CUP, SPOON)[1:]
    ),
    ReplyCase(
        "unquoted keys", listed(*ALL).replace('"box_2d"', "box_2d").replace('"label"', "label")
    ),
    ReplyCase("comments", listed(*ALL).replace("}, ", "}, // next\n ")),
    ReplyCase("trailing commas", listed(*ALL).replace("]", ",]").replace("}", ",}")),
    ReplyCase("a bad escape", listed(*ALL).replace("box_2d", r"box\_2d")),
    ReplyCase("a missing brace", listed(*ALL).replace('sock"}', 'sock"'), ALL[1:]),
    ReplyCase("a missing bracket", listed(*ALL).replace("385, 526]", "385, 526"), ALL[1:]),
    ReplyCase("no value for the box", listed(*ALL).replace("[46, 246, 385, 526]", ""), ALL[1:]),
    ReplyCase("no value for something else", listed(*ALL).replace("{", '{"score": , ')),
]

CUT = [
    ReplyCase("in a number", cut(listed(*ALL), "26"), (SOCK, CUP), truncated=True),
    ReplyCase("in a key", cut(listed(*ALL), '"lab'), (SOCK, CUP), truncated=True),
    ReplyCase("in a label", cut(listed(*ALL), "woo"), (SOCK, CUP), truncated=True),
    ReplyCase("in an escape", cut(listed(*ALL), "wooden") + "\\u00", (SOCK, CUP), truncated=True),
    ReplyCase(
        "within a fence", f"```json\n{cut(listed(*ALL), '65, ')}\n```", (SOCK, CUP), truncated=True
    ),
    ReplyCase(
        "in single quotes", cut(str([item(t) for t in ALL]), "woo"), (SOCK, CUP), truncated=True
    ),
    ReplyCase(
        "in base64, its label behind it",
        cut(masked(f'"{URI}"'), PNG[:200]),
        (SOCK,),
        truncated=True,
    ),
    ReplyCase(
        "in base64, its label before it",
        cut(masked(f'"{URI}"', last=True), PNG[:200]),
        (SOCK, CUP),
        unreadable=1,
        truncated=True,
    ),
    ReplyCase(
        "in a polygon, its label before it",
        cut(masked(str(XY), last=True), "], ["),
        (SOCK, CUP),
        unreadable=1,
        truncated=True,
    ),
    ReplyCase(
        "behind a polygon",
        cut(masked(str(XY), last=True), "]]"),
        (SOCK, CUP),
        masks=1,
        truncated=True,
    ),
    ReplyCase(
        "in an endless mask",
        cut(masked(BOOLEANS, last=True), "true, "),
        (SOCK, CUP),
        unreadable=1,
        truncated=True,
    ),
    ReplyCase(
        "in an endless mask without label", cut(masked(BOOLEANS), "true, "), (SOCK,), truncated=True
    ),
    ReplyCase(
        "in a number that loops",
        f'{listed(SOCK)[:-1]}, {{"label": "a", "box_2d": [1, 2.{"0" * 14_200}',
        (SOCK,),
        truncated=True,
    ),
    ReplyCase(
        "in a label that loops",
        f'{listed(SOCK)[:-1]}, {{"label": "{"red " * 5000}',
        (SOCK,),
        truncated=True,
    ),
    ReplyCase(
        "in white space that loops", f"{listed(SOCK)[:-1]},{chr(9) * 9000}", (SOCK,), truncated=True
    ),
    ReplyCase(
        "in items that loop",
        f"{listed(SOCK)[:-1]}, {REPEATED}, {{",
        (SOCK, ("button", (500, 500, 520, 520))),
        truncated=True,
    ),
    ReplyCase(
        "in boxes that drift",
        f"{listed(SOCK)[:-1]}, {DRIFTING}, {{",
        (SOCK, ("bottle", (100, 500, 400, 600))),
        truncated=True,
    ),
    ReplyCase(
        "in labels that count",
        f"{listed(SOCK)[:-1]}, {NUMBERED}, {{",
        (SOCK, ("bottle 1", (100, 500, 400, 600))),
        truncated=True,
    ),
]

MASKS = [
    ReplyCase("a data URI", masked(f'"{URI}"'), masks=1),
    ReplyCase("bare base64", masked(f'"{PNG}"'), masks=1),
    ReplyCase(
        "the URL-safe alphabet", masked(f'"{PNG.translate(str.maketrans("+/", "-_"))}"'), masks=1
    ),
    ReplyCase("no padding", masked(f'"{URI.rstrip("=")}"'), masks=1),
    ReplyCase("white space in it", masked(f'"{URI[:99]} {URI[99:150]}\n{URI[150:]}\\n"'), masks=1),
    ReplyCase("escaped slashes", masked(f'"{URI.replace("/", chr(92) + "/")}"'), masks=1),
    ReplyCase("no quotes", masked(URI), masks=1),
    ReplyCase("no closing quote", masked(f'"{URI}'), masks=1),
    ReplyCase("cut within the text", masked(f'"{URI[:500]}"'), unreadable=1),
    ReplyCase("cut within the text, no quote", masked(f'"{URI[:500]}'), unreadable=1),
    ReplyCase("in single quotes", str([item(thing, URI) for thing in ALL]), masks=3),
    ReplyCase("a one-bit picture", masked(f'"{png("1")}"'), masks=1),
    ReplyCase("another size", masked(f'"{png(side=20)}"'), masks=1),
    ReplyCase("polygon, x first", masked(str(XY)), masks=1),
    ReplyCase("polygon, y first", masked(str(YX)), masks=1),
    ReplyCase("polygon, flat", masked(str(flat(XY))), masks=1),
    ReplyCase("polygon, flat, y first", masked(str(flat(YX))), masks=1),
    ReplyCase("polygon, chunked", masked(str([flat(YX)])), masks=1),
    ReplyCase("polygon, two rings", masked(str([flat(XY), flat(XY[:4])])), masks=1),
    ReplyCase("polygon, rings of pairs", masked(str([XY, XY[:4]])), masks=1),
    ReplyCase("polygon, a string", masked(f'"{",".join(map(str, flat(YX)))}"'), masks=1),
    ReplyCase("polygon, a string of JSON", masked(f'"{YX}"'), masks=1),
    ReplyCase("polygon, named", masked(json.dumps([{"x": x, "y": y} for x, y in XY])), masks=1),
    ReplyCase(
        "polygon, numbers as strings",
        masked(json.dumps([[str(x), str(y)] for x, y in XY])),
        masks=1,
    ),
    ReplyCase("polygon without its last bracket", masked(str(XY)[:-1]), unreadable=1),
    ReplyCase("polygon with an odd count", masked(str(flat(XY)[:-1])), unreadable=1),
    ReplyCase("polygon of two points", masked(str(XY[:2])), unreadable=1),
    ReplyCase(
        "polygon somewhere else", masked("[[900, 900], [950, 900], [950, 950]]"), unreadable=1
    ),
    ReplyCase("tokens", masked(f'"{SEGMENTS}"'), unreadable=1),
    ReplyCase("tokens without quotes", masked(SEGMENTS), unreadable=1),
    ReplyCase("tokens with half their quotes", masked(f'{SEGMENTS}"'), unreadable=1),
    ReplyCase("tokens with the other half", masked(f'"{SEGMENTS}'), unreadable=1),
    ReplyCase("a placeholder", masked('"gimme_mask_for_this"'), unreadable=1),
    ReplyCase("booleans", masked(f"{BOOLEANS}false]"), unreadable=1),
    ReplyCase("zeros and ones", masked(str([[0, 1] * 64] * 64)), unreadable=1),
    ReplyCase("no value", masked(""), unreadable=1),
    ReplyCase("no value at the end", masked("", last=True), unreadable=1),
    ReplyCase("null", masked("null")),
    ReplyCase("an empty list", masked("[]")),
    ReplyCase("run lengths", masked('{"size": [480, 640], "counts": "PPYo0"}'), unreadable=1),
]

POINTED_OUT = [
    ReplyCase("points", POINTED, POINTS),
    ReplyCase("fenced points", f"```json\n{POINTED}\n```", POINTS),
    ReplyCase("points under points", f'{{"points": {POINTED}}}', POINTS),
    ReplyCase(
        "many points of one label",
        '{"label": "screw", "points": [[412, 88], [415, 790]]}',
        POINTS[:2],
    ),
    ReplyCase("points by name", '[{"point": {"x": 455, "y": 620}, "label": "nut"}]', POINTS[2:]),
    ReplyCase("a point as a string", '[{"point": "620, 455", "label": "nut"}]', POINTS[2:]),
    ReplyCase("points cut short", POINTED[:-30], POINTS[:2], truncated=True),
]

SAID = '{"weather": "sunny", "count": 3}'
OF_EACH = json.dumps([{"image": n, "weather": "sunny"} for n in (1, 2)])
ON = '{"from": 1, "to": 2, "label": "on"}'
COUNTED = json.dumps([{"id": n, **item(thing)} for n, thing in enumerate(ALL, 1)])
TOLD = json.dumps([{**item(thing), "answers": {"text": "none", "clean": "yes"}} for thing in ALL])
TOGETHER = f'"boxes": {COUNTED}, "points": {POINTED}, "relations": [{ON}], "answers": {SAID}'

ASKED_AT_ONCE = [
    ReplyCase("everything", f'{{{TOGETHER}, "image_answers": {OF_EACH}}}', (*ALL, *POINTS)),
    ReplyCase(
        "everything, answers first",
        f'{{"image_answers": {OF_EACH}, "answers": {SAID}, "relations": [{ON}], '
        f'"points": {POINTED}, "boxes": {COUNTED}}}',
        (*POINTS, *ALL),
    ),
    ReplyCase("everything in a list", f"[{{{TOGETHER}}}]", (*ALL, *POINTS)),
    ReplyCase("everything in Python", str(json.loads(f"{{{TOGETHER}}}")), (*ALL, *POINTS)),
    ReplyCase("everything in a string", json.dumps(f"{{{TOGETHER}}}"), (*ALL, *POINTS)),
    ReplyCase("only boxes of it", f'{{"boxes": {COUNTED}, "points": [], "relations": []}}'),
    ReplyCase(
        "only points of it", f'{{"boxes": [], "points": {POINTED}, "answers": {{}}}}', POINTS
    ),
    ReplyCase("only answers of it", f'{{"boxes": [], "points": [], "answers": {SAID}}}', ()),
    ReplyCase("null for the rest", f'{{"boxes": {COUNTED}, "points": null, "answers": null}}'),
    ReplyCase("nothing but answers", SAID, ()),
    ReplyCase("answers of the items", f'{{"boxes": {TOLD}}}'),
    ReplyCase("answers of the items, broken", TOLD.replace('"none"', '"none" : 1', 1)),
    ReplyCase("answers of the items, bad", TOLD.replace('"none"', '{"a": [1]}')),
    ReplyCase(
        "answers of the items without their braces",
        TOLD.replace('"answers": {', "").replace("}}", "}"),
    ),
    ReplyCase("answers of the items in single quotes", str(json.loads(TOLD))),
    ReplyCase("answers of the items, a brace missing", TOLD.replace("}}", "}", 1), (CUP, SPOON)),
    ReplyCase("relations among the items", f"{COUNTED[:-1]}, {ON}]"),
    ReplyCase("relations broken", f'{{"boxes": {COUNTED}, "relations": [{ON[:-1]} : 1}}]}}'),
    ReplyCase(
        "relations of nobody", f'{{"boxes": {listed(*ALL)}, "relations": [{{"from": "x"}}]}}'
    ),
    ReplyCase("cut in answers", f'{{"boxes": {COUNTED}, "answers": {SAID[:-9]}', truncated=True),
    ReplyCase("cut in relations", f'{{"boxes": {COUNTED}, "relations": [{ON[:-9]}', truncated=True),
    ReplyCase("cut in points", f'{{"boxes": {COUNTED}, "points": [', truncated=True),
    ReplyCase("cut in an item's answers", cut(TOLD, '"none'), (SOCK, CUP), truncated=True),
    ReplyCase(
        "cut in an item's mask, its answers before it",
        cut(TOLD, '"yes"}') + f', "mask": "{URI[:500]}',
        unreadable=1,
        truncated=True,
    ),
]

CASES = [*WRAPPED, *SPELLED, *CUT, *MASKS, *POINTED_OUT, *ASKED_AT_ONCE]
