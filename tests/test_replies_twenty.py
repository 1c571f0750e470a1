"""Twenty objects are twenty, whatever stands around them, however they are written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from label_studio_gemini.detections import RejectReason
from label_studio_gemini.errors import ReplyError
from label_studio_gemini.replies import read_reply
from replies_twenty import ALL, CODE, EACH, FORMAT, THINGS, TWENTY, fenced

if TYPE_CHECKING:
    from label_studio_gemini.detections import Reading

BROKEN = RejectReason.BROKEN
REPEATED = RejectReason.REPEATED


def written(reading: Reading) -> list[dict[str, Any]]:
    return [{"box_2d": list(one.box), "label": one.label} for one in reading.detections if one.box]


@pytest.mark.parametrize("text", TWENTY.values(), ids=TWENTY)
def test_twenty_of_twenty(text: str) -> None:
    """Each with its own box and label, in their order, and none twice."""
    reading = read_reply(text)

    assert written(reading) == THINGS
    assert not reading.truncated
    assert {one.image for one in reading.detections} == {None}


def test_what_stands_in_a_fence_and_in_the_open_is_there_once() -> None:
    reading = read_reply(f"{fenced(ALL)}So there are:\n{ALL}")

    assert written(reading) == THINGS
    assert [one.reason for one in reading.rejects] == [REPEATED] * 20


def test_a_format_in_a_fence_is_refused_and_never_counted_as_the_first_object() -> None:
    """Relations go by the places of the objects."""
    related = f'{{"boxes": {ALL}, "relations": [{{"from": 1, "to": 2, "label": "on"}}]}}'

    reading = read_reply(FORMAT + related)

    assert written(reading) == THINGS
    assert [one.reason for one in reading.rejects] == [RejectReason.BAD_BOX]
    (relation,) = reading.relations
    numbers = {one.number: one.label for one in reading.detections}
    assert (numbers[relation.source], numbers[relation.goal]) == ("thing 0", "thing 1")


def test_an_empty_list_in_a_fence_holds_if_nothing_else_can_be_used() -> None:
    reading = read_reply(f"{FORMAT.replace('```json', '').replace('```', '')}{fenced('[]')}")

    assert reading == read_reply("[]")


def test_answers_in_the_open_are_read_beside_code_in_a_fence() -> None:
    reading = read_reply(CODE + '{"boxes": [], "answers": {"weather": "sunny"}}')

    assert reading.answers == {"weather": "sunny"}
    assert not reading.rejects


def test_what_is_said_in_the_open_is_no_answer_beside_a_fence_that_answers() -> None:
    reading = read_reply(f'I call {{"weather": "rainy"}}.\n{fenced(json.dumps({"boxes": THINGS}))}')

    assert (len(reading.detections), reading.answers) == (20, {})


def test_a_cut_object_in_the_open_behind_fences() -> None:
    reading = read_reply("".join(map(fenced, EACH[:19])) + EACH[19][:-3])

    assert written(reading) == THINGS[:19]
    assert reading.truncated


FORGOTTEN = {
    "in JSON": ALL,
    "compact": json.dumps(THINGS, separators=(",", ":")),
    "in single quotes": str(THINGS).replace("'label': '", "'label': '"),
    "in objects without a list": " ".join(EACH),
    "in a list without commas": ALL.replace("}, {", "} {"),
    "indented": json.dumps(THINGS, indent=1),
    "within braces": json.dumps([{"object": one} for one in THINGS]),
}


@pytest.mark.parametrize("text", FORGOTTEN.values(), ids=FORGOTTEN)
@pytest.mark.parametrize("which", [(3,), (3, 7), (3, 4)], ids=str)
def test_a_forgotten_quote_costs_its_own_object(text: str, which: tuple[int, ...]) -> None:
    """And is counted: one reject for each."""
    for number in which:
        for quote in ("'", '"'):
            text = text.replace(f"thing {number}{quote}", f"thing {number}")

    reading = read_reply(text)

    assert written(reading) == [one for n, one in enumerate(THINGS) if n not in which]
    assert [one.reason for one in reading.rejects] == [BROKEN] * len(which)


ATTRIBUTES = {
    "beside the label": {"object": "toy", "labels": ["a", "b"], "class_name": "x"},
    "a place in words": {"coordinates": "left"},
    "a list": {"coordinates": ["left", "right"]},
    "a page": {"page": 12.0, "image_id": 7.0},
}


@pytest.mark.parametrize("said", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_an_attribute_may_have_the_name_of_a_key(said: dict[str, Any]) -> None:
    """Beside the label and in `answers`, of an object and of the image."""
    told = {name: tuple(one) if isinstance(one, list) else one for name, one in said.items()}
    for items in (
        [{**one, **said} for one in THINGS],
        [{**said, **one} for one in THINGS],
        [{**one, "answers": said} for one in THINGS],
    ):
        reading = read_reply(json.dumps({"boxes": items, "answers": said}))
        assert written(reading) == THINGS
        assert [one.answers for one in reading.detections] == [told] * 20
        assert (reading.answers, reading.image_answers) == (told, {})
    for text in (json.dumps(said), json.dumps({"boxes": [], **said})):
        assert (read_reply(text).answers, read_reply(text).image_answers) == (told, {})


def test_answers_are_never_searched_for_objects_of_uncertain_keys() -> None:
    said = {"object": "toy", "coordinates": [1, 2, 3, 4]}

    for answers in (said, [said]):
        reading = read_reply(json.dumps([{**one, "answers": answers} for one in THINGS]))
        assert written(reading) == THINGS


FIRST, SECOND = THINGS[:10], THINGS[10:]
OF_TWO = {
    **{
        f"under {one} and {two}": {one: FIRST, two: SECOND}
        for one, two in (
            *(("image 1", "image_2"), ("Image1", "IMAGE #2"), ("image-1", "image-2")),
            *(("page 1", "page 2"), ("1", "2"), ("0", "1"), ("image_0", "image_1")),
        )
    },
    "under a key of all": {"images": {"image 1": FIRST, "image 2": SECOND}},
    "wrapped once more": {"image 1": {"boxes": FIRST}, "image 2": {"boxes": SECOND}},
    "in order": [FIRST, SECOND],
    "in order under a key": {"boxes": [FIRST, SECOND]},
    **{
        f"each with its {key}": [{**one, key: 1 + (n > 9)} for n, one in enumerate(THINGS)]
        for key in ("image", "image_id", "imageId", "page", "page_number")
    },
    "as texts": [{**one, "image_id": str(1 + (n > 9))} for n, one in enumerate(THINGS)],
    "a page with its boxes": [{"page": 1, "boxes": FIRST}, {"page": 2, "boxes": SECOND}],
    "the surer key first": [
        {"page": 9, "image": 1 + (n > 9), **one} for n, one in enumerate(THINGS)
    ],
    "its own image before that of the list": [
        [{"image": 1, **one} for one in FIRST],
        [*({"image": 2, **one} for one in SECOND)],
    ],
}


@pytest.mark.parametrize("value", OF_TWO.values(), ids=OF_TWO)
def test_which_of_two_images(value: object) -> None:
    reading = read_reply(json.dumps(value))

    assert written(reading) == THINGS
    assert [one.image for one in reading.detections] == [1] * 10 + [2] * 10
    assert not reading.rejects


def test_an_image_without_objects_has_its_place_in_the_list() -> None:
    assert {one.image for one in read_reply(f"[[], {ALL}]").detections} == {2}


@pytest.mark.parametrize("value", [[THINGS], {"7": THINGS[0]}, [[THINGS[0]], THINGS[1]]], ids=str)
def test_no_image_is_guessed(value: object) -> None:
    assert {one.image for one in read_reply(json.dumps(value)).detections} == {None}


@pytest.mark.parametrize(
    "text",
    [
        *("null", "None", fenced("null"), "json null", '{"boxes": null}'),
        *(fenced('{"boxes": null}'), '{"boxes": null, "points": null}', '{"answers": null}'),
    ],
)
def test_null_says_that_there_is_nothing(text: str) -> None:
    assert read_reply(text) == read_reply("[]")


@pytest.mark.parametrize("text", ["nullify", "It is null.", "null null", "[null]"])
def test_null_in_words_says_nothing(text: str) -> None:
    with pytest.raises(ReplyError):
        read_reply(text)
