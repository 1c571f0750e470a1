"""How long the reply reader takes for 10 MB of the most hostile text of each kind.

Prints the kind, the CPU seconds (the best of three), and how many objects were found. The promise
is under a second, whatever the text. `python tests/benchmarks/reading.py [part of a kind's name]`
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import sys
import time
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies import read_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SIZE = 10_000_000
ROUNDS = 3
ITEM = '{"box_2d": [100, 200, 300, 400], "label": "cat"}'


def boxes_in_row(top: int) -> list[list[int]]:
    return [[top, i * 7 % 900, top + 9, i * 7 % 900 + 9] for i in range(900)]


def filled(unit: str, head: str = "", tail: str = "") -> str:
    """Repeat `unit` between `head` and `tail`, 10 MB in all."""
    return head + unit * ((SIZE - len(head) - len(tail)) // len(unit)) + tail


def joined(units: Iterator[str], head: str = "[", tail: str = "]") -> str:
    """Write units one after another until there are 10 MB."""
    parts, left = [head], SIZE - len(head) - len(tail)
    for unit in units:
        left -= len(unit) + 1
        if left < 0:
            break
        parts.append(unit + ",")
    return "".join(parts) + tail


def item(number: int, label: str = "cat", **more: object) -> str:
    """Return an item unlike any of another number."""
    y, x = number // 990 % 990, number * 7 % 990
    return json.dumps({"box_2d": [y, x, y + 9, x + 9], "label": label, **more})


def drifting(label: Callable[[int], str] = lambda _: "cat") -> Iterator[str]:
    """Yield boxes of which each lies a ten-thousandth off the one before."""
    for n in itertools.count():
        at = n / 10 % 500
        yield f'{{"box_2d": [{at:.1f}, {at:.1f}, {at + 400:.1f}, {at + 400:.1f}], "label": ' + (
            json.dumps(label(n)) + "}"
        )


def picture(size: int) -> str:
    """Return the base64 of a PNG of noise."""
    out = BytesIO()
    Image.frombytes("L", (size, size), random.Random(0).randbytes(size * size)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def masked(mask: str) -> str:
    return f'{{"box_2d": [1, 2, 30, 40], "mask": {mask}, "label": "cat"}}'


def polygon(points: int, pair: Callable[[int, int], str] = lambda a, b: f"[{a},{b}]") -> str:
    return "[" + ",".join(pair(n % 997, n * 7 % 991) for n in range(points)) + "]"


def nested_strings(times: int) -> str:
    """Return JSON in a string in a string, so many times."""
    text = "[" + ",".join(item(n) for n in range(SIZE // (65, 73, 90)[times - 1])) + "]"
    for _ in range(times):
        text = json.dumps(text)
    return text


def strings_of_json() -> Iterator[str]:
    for n in itertools.count():
        yield json.dumps(json.dumps([json.loads(item(n))]))


BOX = '{"box_2d": [1, 2, 3, 4], "label": "'

KINDS: Mapping[str, Callable[[], str]] = {
    "only [": lambda: "[" * SIZE,
    "only {": lambda: "{" * SIZE,
    "[{": lambda: filled("[{"),
    "[]": lambda: filled("[]"),
    "{}": lambda: filled("{}"),
    "[] in a list": lambda: filled("[],", "["),
    "{} in a list": lambda: filled("{},", "["),
    "only double quotes": lambda: '"' * SIZE,
    "double quotes in a list": lambda: filled('"', "["),
    "forgotten quotes": lambda: filled('{"box_2d": [1, 2, 3, 4], "label": "cat}, ', "["),
    "forgotten quotes of keys": lambda: filled('{"a}, ', "["),
    "braces in a string": lambda: filled("} , {", '["', '": 1'),
    "braces in keys": lambda: filled('"' + "}{a" * 40 + '":', "[{"),
    "typographic quotes": lambda: filled("\u201c", "["),
    "typographic quotes that open": lambda: filled("\u201ca,", "["),
    "typographic quotes in a string": lambda: filled("a\u201db", "[\u201c"),
    "typographic strings": lambda: filled("\u201ca\u201d,", "["),
    "tuples": lambda: filled("(1),", "["),
    "tuples that open": lambda: filled("(", "["),
    "tuples that close": lambda: filled(")", "["),
    "tuples in lists": lambda: filled("[(1],", "["),
    "quoted nothings": lambda: filled('"",', "["),
    "one letter strings": lambda: filled('"a",', "["),
    "single quotes in a list": lambda: filled("'", "["),
    "apostrophes": lambda: filled("'a'a", "["),
    "inner quotes": lambda: filled('a"', '["a"'),
    "inner quotes and spaces": lambda: filled('a "b ', '["'),
    "stray quotes": lambda: filled("\"a','b' :", "[{"),
    "almost stray quotes": lambda: filled('"' + "a" * 79 + "'", "["),
    "keys without values": lambda: filled('"a":', "{"),
    "objects that open": lambda: filled('{"a":'),
    "boxes that open": lambda: filled('{"box_2d":['),
    "lists of numbers that a key breaks": lambda: filled('[1,"a":', "[{"),
    "only backslashes": lambda: "\\" * SIZE,
    "backslashes in a list": lambda: filled("\\", "["),
    "backslashes in a string": lambda: filled("\\", '["'),
    "backslashes in a label": lambda: filled("\\\\", "[" + BOX, '"}]'),
    "bad escapes in a label": lambda: filled("\\_", "[" + BOX, '"}]'),
    "bad escapes in labels": lambda: filled(BOX + "\\_" * 140 + '"},', "["),
    "bad escapes in a key": lambda: filled("\\_", '[{"', '": 1}]'),
    "bad escapes in a JSON string": lambda: filled("\\_", '{"answer": "[', '"}'),
    "escaped quotes": lambda: filled('\\"', '"['),
    "escaped JSON": lambda: filled('{\\"a\\":', '"['),
    "escaped white space": lambda: filled("\\n ", "[1"),
    "unicode escapes": lambda: filled("\\u00e9", "[" + BOX, '"}]'),
    "surrogate escapes": lambda: filled("\\ud83e", "[" + BOX, '"}]'),
    "only fences": lambda: filled("```"),
    "fenced nothings": lambda: filled("```json\n[]\n```\n"),
    "fences that only open": lambda: filled("```json\n[{"),
    "fences in a list": lambda: filled("`", "["),
    "fenced and open items": lambda: joined(
        (f"{item(n)}\n```json\n{item(n, 'dog')}\n```\n" for n in itertools.count()), "", ""
    ),
    "fenced items": lambda: filled(f"```json\n[{ITEM}]\n```\n"),
    "the same item": lambda: filled(ITEM + ",", "[", ITEM + "]"),
    "the same item on lines": lambda: filled(ITEM + "\n"),
    "different items": lambda: joined(item(n) for n in itertools.count()),
    "different labels": lambda: joined(item(n, f"cat {n}") for n in itertools.count()),
    "uncertain keys": lambda: joined(
        item(n).replace("box_2d", "coordinates").replace("label", "object")
        for n in itertools.count()
    ),
    "keys of images": lambda: joined(
        (f'"image {n}": [{item(n)}]' for n in itertools.count()), "{", "}"
    ),
    "lists of images": lambda: joined(f"[{item(n)}]" for n in itertools.count()),
    "long labels": lambda: joined(item(n, "cat " * 70) for n in itertools.count()),
    "labels of digits": lambda: joined(item(n, "1 " * 140) for n in itertools.count()),
    "drifting items": lambda: joined(drifting()),
    "drifting items, numbered": lambda: joined(drifting(lambda n: f"cat {n}")),
    "drifting items, sixteen by turns": lambda: joined(
        drifting(lambda n: "abcdefghijklmnop"[n % 16])
    ),
    "items of many boxes": lambda: joined(
        f'{{"box_2d": {json.dumps(boxes_in_row(n))}, "label": "a{n}"}}' for n in itertools.count()
    ),
    "one item of many boxes": lambda: filled(
        " ",
        '[{"box_2d": ' + json.dumps([[n, 2, 995, 990] for n in range(900)] * 14) + ', "label": "a"',
        "}]",
    ),
    "one polygon that is read": lambda: filled(" ", "[" + masked(polygon(19_000)), "]"),
    "one flat polygon that is read": lambda: filled(
        " ", "[" + masked(polygon(39_000, "{},{}".format)), "]"
    ),
    "items deep in items": lambda: filled(
        ITEM + ",", "[" + (ITEM[:-1] + ', "parts": [') * 30, "]}" * 30 + "]"
    ),
    "objects deep in objects": lambda: filled(ITEM + ",", '{"a": [' * 31, "]}" * 31),
    "points": lambda: joined(
        f'{{"point": [{n // 999 % 999}, {n % 999}], "label": "a"}}' for n in itertools.count()
    ),
    "keys twice": lambda: filled('"box_2d": [1, 2, 3, 4], "label": "a",', "[{", "}]"),
    "objects of edges": lambda: joined(
        f'{{"bbox": {{"ymin": {n // 900 % 900}, "xmin": {n % 900}, "ymax": 950, "xmax": 951}}, '
        f'"name": "a"}}'
        for n in itertools.count()
    ),
    "answers": lambda: joined(f'{{"answers": {{"q{n}": "a"}}}}' for n in itertools.count()),
    "a mask of base64": lambda: filled("QUJD", '[{"mask": "data:image/png;base64,', '"}]'),
    "a mask of base64 with box": lambda: masked('"iVBORw0KGgo' + "QUJD" * (SIZE // 4) + '"'),
    "a mask of base64 in lines": lambda: masked('"iVBORw0KGgo' + "QUJD\\n" * (SIZE // 6) + '"'),
    "a mask of url-safe base64": lambda: masked('"/9j/' + "Q-_D" * (SIZE // 4) + '"'),
    "a mask of quoted base64": lambda: masked(
        '"data:image/png;base64,' + "%2B" * (SIZE // 3) + '"'
    ),
    "a mask that is a picture": lambda: masked(f'"data:image/png;base64,{picture(2700)}"'),
    "masks of quoted base64": lambda: joined(
        itertools.repeat(masked('"data:image/png;base64,' + "%2B" * 10_000 + '"'))
    ),
    "small masks that are pictures": lambda: joined(
        itertools.repeat(masked(f'"data:image/png;base64,{picture(36)}"'))
    ),
    "masks that are pictures": lambda: joined(
        itertools.repeat(masked(f'"data:image/png;base64,{picture(84)}"'))
    ),
    "mask tokens": lambda: filled("<seg_12>", '[{"box_2d": [1,2,3,4], "mask": "<start_of_mask>'),
    "masks without end": lambda: filled("data:image/png;base64,A", "["),
    "spaces": lambda: filled(" ", "[1"),
    "line ends": lambda: filled("\n", "[1"),
    "line ends in a string": lambda: filled("\n", '["'),
    "lines in a string": lambda: filled("\na", '["'),
    "commas": lambda: filled(",", "["),
    "commas and spaces": lambda: filled(" , ", "["),
    "colons": lambda: filled(":", "[{"),
    "prose with brackets": lambda: filled("see [below] the {ymin}, it's a [1] "),
    "prose in a list": lambda: filled("see below it is a word ", "["),
    "words in a list": lambda: filled("word, ", "["),
    "comments": lambda: filled("/*", "["),
    "comments that end": lambda: filled("/**/", "["),
    "comments of a line": lambda: filled("//\n", "["),
    "slashes": lambda: filled("/ ", "["),
    "noise": lambda: filled("@#", "["),
    "numbers": lambda: filled("1, ", "["),
    "long numbers": lambda: filled("123456789.125, ", "["),
    "one number": lambda: filled("7", '[{"box_2d": [1, 2, 3, ', '], "label": "a"}]'),
    "an exponent": lambda: filled("9", '[{"box_2d": [1, 2, 3, 1e', '], "label": "a"}]'),
    "booleans": lambda: filled("true, ", '[{"mask": ['),
    "JSON in JSON": lambda: nested_strings(1),
    "JSON in JSON in JSON": lambda: nested_strings(2),
    "JSON in JSON, three times": lambda: nested_strings(3),
    "strings of JSON": lambda: joined(strings_of_json()),
    "strings of brackets": lambda: filled('"[[[[[[[[",', "["),
    "keyed strings of brackets": lambda: filled('{"x": "[{[{[{"},', "["),
    "one string of brackets": lambda: filled("[", '[{"x": "', '"}]'),
    "a polygon of a million points": lambda: "[" + masked(polygon(1_000_000)) + "]",
    "polygons": lambda: joined(
        f'{{"box_2d": [{n}, 2, 900, 940], "mask": {polygon(40)}, "label": "a{n}"}}'
        for n in itertools.count()
    ),
    "one flat polygon": lambda: "[" + masked(polygon(1_300_000, lambda a, b: f"{a},{b}")) + "]",
    "a polygon of named points": lambda: (
        "[" + masked(polygon(400_000, lambda a, b: f'{{"x":{a},"y":{b}}}')) + "]"
    ),
    "polygons in strings": lambda: joined(
        f'{{"box_2d": [{n}, 2, 900, 940], "mask": "{polygon(90_000)}", "label": "a{n}"}}'
        for n in itertools.count()
    ),
    "flat polygons in strings": lambda: joined(
        f'{{"box_2d": [{n}, 2, 900, 940], "mask": "{polygon(120_000, "{},{}".format)}", '
        f'"label": "a{n}"}}'
        for n in itertools.count()
    ),
    "short polygons in strings": lambda: joined(
        f'{{"box_2d": [{n % 700}, 2, 900, 940], "mask": "{polygon(100)}", "label": "a{n}"}}'
        for n in itertools.count()
    ),
    "boxes in strings": lambda: joined(
        f'{{"box_2d": "[{n % 700}, {n // 700}, 900, 940]", "label": "a"}}'
        for n in itertools.count()
    ),
    "unicode": lambda: filled("日本語🧩", "[" + BOX, '"}]'),
    "unicode labels": lambda: joined(item(n, "日本語🧩 é") for n in itertools.count()),
    "half surrogates": lambda: filled("\ud800", "[" + BOX, '"}]'),
    "nulls": lambda: filled("\x00", "["),
    "random brackets": lambda: "".join(random.Random(1).choices("[]{},:\"'\\`1a \n", k=SIZE)),
    "random words of JSON": lambda: "".join(
        random.Random(2).choices(
            ['"box_2d"', ":", "[", "]", "{", "}", ",", "1", '"label"', '"a"', "'", "\\", " "],
            k=SIZE * 2 // 5,
        )
    ),
    "prose": lambda: filled("There is nothing to see here, it's only words. "),
}


def seconds(text: str) -> tuple[float, str]:
    """Return the CPU seconds that one reading takes, and what it found."""
    start = time.process_time()
    try:
        found = str(len(read_reply(text).detections))
    except ReplyError:
        found = "no answer"
    return time.process_time() - start, found


def main() -> None:
    wanted = " ".join(sys.argv[1:])
    print(f"| {'10 MB of':<34} | CPU s | objects   |\n|{'-' * 36}|{'-' * 7}|{'-' * 11}|")
    worst = 0.0
    for kind in KINDS:
        if wanted not in kind:
            continue
        text = KINDS[kind]()
        rounds = [seconds(text) for _ in range(ROUNDS)]
        taken, found = min(rounds)
        worst = max(worst, taken)
        print(f"| {kind:<34} | {taken:5.2f} | {found:<9} |", flush=True)
    print(f"the worst of all: {worst:.2f} s")


if __name__ == "__main__":
    main()
