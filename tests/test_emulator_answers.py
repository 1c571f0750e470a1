"""What the emulated model writes: the right objects, in the shape asked for, in each dialect."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emulator_kit import (
    BOX_SCHEMA,
    DOG,
    PERSON,
    encoded,
    generate,
    generate_body,
    generated_text,
    interact,
    interaction_body,
    interaction_text,
    picture,
    picture_file,
    schema_config,
    schema_format,
    serving_key,
    unfenced,
    write_key,
)
from label_studio_gemini.emulator import (
    BoxDialect,
    Container,
    Fault,
    MaskDialect,
    RunningEmulator,
    Wrapping,
)
from label_studio_gemini.emulator.masks import ENDLESS_LENGTH, PLACEHOLDER, SEGMENT_TOKENS

PARK = picture_file(1)
POLYGON = {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}


running_emulator = serving_key(write_key)


def item_schema(**properties: Any) -> dict[str, Any]:
    item = {"type": "object", "properties": properties, "required": [*properties]}
    return {"type": "array", "items": item}


def test_both_apis_answer_the_same(gemini: RunningEmulator) -> None:
    by_generate = generated_text(generate(gemini.url, generate_body(PARK)))
    by_interaction = interaction_text(interact(gemini.url, interaction_body(PARK)))
    assert unfenced(by_generate) == [PERSON, DOG]
    assert by_interaction == by_generate


def test_a_photo_that_is_not_in_the_key_has_nothing(gemini: RunningEmulator) -> None:
    text = generated_text(generate(gemini.url, generate_body(picture_file(8))))
    assert unfenced(text) == []


def test_a_turned_photo_gets_turned_answers(gemini: RunningEmulator) -> None:
    """A quarter to the left: what was at the top is at the left, what was right is at the top."""
    turned = encoded(picture(1).transpose(Image.Transpose.ROTATE_90))
    text = generated_text(generate(gemini.url, generate_body(turned, prompt="person mask")))
    item = unfenced(text)[0]
    assert item["box_2d"] == [600, 100, 900, 600]


def test_a_photo_sent_as_stored_is_answered_as_it_lies(gemini: RunningEmulator) -> None:
    """The model does not look at EXIF: a client that forgets to turn gets boxes that are turned."""
    upright = picture_file(2)
    lying = encoded(picture(2).transpose(Image.Transpose.ROTATE_90))
    boxes = [
        unfenced(generated_text(generate(gemini.url, generate_body(data))))[0]["box_2d"]
        for data in (upright, lying)
    ]
    assert boxes == [[0, 0, 250, 100], [900, 0, 1000, 250]]


def test_the_labels_of_the_schema_are_obeyed(gemini: RunningEmulator) -> None:
    schema = item_schema(
        box_2d=POLYGON["items"], label={"type": "string", "enum": ["Person walking", "cat"]}
    )
    text = generated_text(generate(gemini.url, generate_body(PARK, **schema_config(schema))))
    assert json.loads(text) == [{**PERSON, "label": "Person walking"}]


def test_the_labels_of_the_prompt_are_obeyed(gemini: RunningEmulator) -> None:
    body = interaction_body(PARK, prompt="Find all dogs.")
    assert unfenced(interaction_text(interact(gemini.url, body))) == [DOG]


@dataclass(frozen=True)
class Shaped:
    name: str
    schema: dict[str, Any]
    answer: Any


SHAPED = [
    Shaped("a list", BOX_SCHEMA, [PERSON, DOG]),
    Shaped(
        "under boxes",
        {"type": "object", "properties": {"boxes": BOX_SCHEMA}, "required": ["boxes"]},
        {"boxes": [PERSON, DOG]},
    ),
    Shaped(
        "beside another",
        {
            "type": "object",
            "properties": {
                "caption": {"type": "string"},
                "objects": BOX_SCHEMA,
                "extra": {"type": "string"},
            },
            "required": ["caption"],
        },
        {"caption": "", "objects": [PERSON, DOG]},
    ),
    Shaped("one object", BOX_SCHEMA["items"], PERSON),
    Shaped("at most one", {**BOX_SCHEMA, "maxItems": 1}, [PERSON]),
    Shaped("no objects at all", {"type": "string", "enum": ["yes", "no"]}, "yes"),
    Shaped(
        "points",
        item_schema(point=POLYGON["items"], label={"type": "string"}),
        [{"point": [350, 250], "label": "person"}, {"point": [750, 750], "label": "dog"}],
    ),
    Shaped(
        "an unknown property that is required",
        item_schema(label={"type": "string"}, box_2d=POLYGON["items"], sure={"type": "boolean"}),
        [
            {"label": "person", "box_2d": PERSON["box_2d"], "sure": False},
            {"label": "dog", "box_2d": DOG["box_2d"], "sure": False},
        ],
    ),
]


@pytest.mark.parametrize("case", SHAPED, ids=lambda case: case.name)
def test_the_schema_is_obeyed(case: Shaped, gemini: RunningEmulator) -> None:
    by_generate = generate(gemini.url, generate_body(PARK, **schema_config(case.schema)))
    by_interaction = interact(gemini.url, interaction_body(PARK, **schema_format(case.schema)))
    assert json.loads(generated_text(by_generate)) == case.answer
    assert json.loads(interaction_text(by_interaction)) == case.answer


def test_json_without_a_schema_is_not_fenced(gemini: RunningEmulator) -> None:
    body = generate_body(PARK, responseMimeType="application/json")
    assert json.loads(generated_text(generate(gemini.url, body))) == [PERSON, DOG]


def test_the_order_of_properties_is_obeyed(gemini: RunningEmulator) -> None:
    schema = {
        "type": "ARRAY",
        "items": {
            "type": "OBJECT",
            "properties": {
                "box_2d": {"type": "ARRAY", "items": {"type": "INTEGER"}},
                "label": {"type": "STRING"},
            },
            "propertyOrdering": ["label", "box_2d"],
        },
    }
    body = generate_body(PARK, responseMimeType="application/json", responseSchema=schema)
    assert generated_text(generate(gemini.url, body)).startswith('[{"label": "person", "box_2d"')


def test_a_mask_of_lists_is_a_polygon_over_the_whole_photo(gemini: RunningEmulator) -> None:
    schema = item_schema(box_2d=POLYGON["items"], mask=POLYGON, label={"type": "string"})
    text = generated_text(generate(gemini.url, generate_body(PARK, **schema_config(schema))))
    person, dog = json.loads(text)
    outline = [[100, 100], [400, 100], [400, 300], [200, 300], [200, 600], [100, 600]]
    assert person["mask"] == outline
    assert [500, 500] in dog["mask"]
    assert [875, 500] in dog["mask"]


def mask_pixels(uri: str) -> Any:
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        return np.asarray(image)


def test_a_mask_in_words_is_a_picture_of_the_box(gemini: RunningEmulator) -> None:
    """The person is an L: the upper 2/5 is full, of the rest the left third."""
    schema = item_schema(box_2d=POLYGON["items"], mask={"type": "string"})
    text = generated_text(generate(gemini.url, generate_body(PARK, **schema_config(schema))))
    pixels = mask_pixels(json.loads(text)[0]["mask"])
    height, width = pixels.shape
    expected = np.zeros(pixels.shape, bool)
    expected[: height * 2 // 5] = True
    expected[:, : width // 3] = True
    assert np.mean((pixels > 127) == expected) > 0.99


def test_a_prompt_for_masks_gets_pictures(gemini: RunningEmulator) -> None:
    body = generate_body(PARK, prompt="Give the segmentation masks.")
    person = unfenced(generated_text(generate(gemini.url, body)))[0]
    assert [*person] == ["box_2d", "mask", "label"]
    assert mask_pixels(person["mask"]).any()


@dataclass(frozen=True)
class Written:
    name: str
    fault: dict[str, Any]
    starts: str = "["
    box: Any = field(default_factory=lambda: PERSON["box_2d"])
    key: str = "box_2d"


BOXES = [
    Written("nested", {"boxes": BoxDialect.NESTED}, box=[[100, 100, 600, 400]]),
    Written("swapped", {"boxes": BoxDialect.SWAPPED}, box=[600, 400, 100, 100]),
    Written("strings", {"boxes": BoxDialect.STRINGS}, box=["100", "100", "600", "400"]),
    Written("floats", {"boxes": BoxDialect.FLOATS}, box=[100.0, 100.0, 600.0, 400.0]),
    Written("out of range", {"boxes": BoxDialect.OUT_OF_RANGE}, box=[100, 100, 1060, 1040]),
    Written("bbox", {"boxes": BoxDialect.BBOX_KEY}, key="bbox"),
    Written(
        "object",
        {"boxes": BoxDialect.OBJECT},
        box={"ymin": 100, "xmin": 100, "ymax": 600, "xmax": 400},
    ),
    Written("one string", {"boxes": BoxDialect.ONE_STRING}, box="100, 100, 600, 400"),
]


@pytest.mark.parametrize("case", BOXES, ids=lambda case: case.name)
def test_boxes_in_each_dialect(case: Written, gemini: RunningEmulator) -> None:
    gemini.script(Fault(**case.fault))
    body = generate_body(PARK, **schema_config(BOX_SCHEMA))
    person = json.loads(generated_text(generate(gemini.url, body)))[0]
    assert person[case.key] == case.box


WRAPPED = [
    (Wrapping.BARE, '[{"box_2d"', '"dog"}]'),
    (Wrapping.FENCED, "```json\n[", "]\n```"),
    (Wrapping.FENCED_PLAIN, "```\n[", "]\n```"),
    (Wrapping.FENCED_FOUR, "````json\n[", "]\n````"),
    (Wrapping.PROSE, "Here are the bounding box detections:\n```json\n[", "else."),
    (Wrapping.PROSE_BARE, "Sure! I found these: [", "else."),
]


@pytest.mark.parametrize(("wrapping", "start", "end"), WRAPPED)
def test_each_wrapping(wrapping: Wrapping, start: str, end: str, gemini: RunningEmulator) -> None:
    gemini.script(Fault(wrapping=wrapping))
    text = generated_text(generate(gemini.url, generate_body(PARK)))
    assert text.startswith(start)
    assert text.endswith(end)


@pytest.mark.parametrize(
    ("container", "answer"),
    [
        (Container.LIST, [PERSON, DOG]),
        (Container.BOXES, {"boxes": [PERSON, DOG]}),
        (Container.SINGLE, PERSON),
    ],
)
def test_each_container(container: Container, answer: Any, gemini: RunningEmulator) -> None:
    gemini.script(Fault(container=container))
    body = interaction_body(PARK, **schema_format(BOX_SCHEMA))
    assert json.loads(interaction_text(interact(gemini.url, body))) == answer


FLAT = [100, 100, 100, 400, 300, 400, 300, 200, 600, 200, 600, 100]
MASKS = [
    (MaskDialect.POLYGON_XY, [[x, y] for y, x in zip(FLAT[::2], FLAT[1::2], strict=True)]),
    (MaskDialect.POLYGON_YX, [[y, x] for y, x in zip(FLAT[::2], FLAT[1::2], strict=True)]),
    (MaskDialect.FLAT_YX, FLAT),
    (MaskDialect.CHUNKED_YX, [FLAT]),
    (MaskDialect.STRING_YX, ",".join(str(number) for number in FLAT)),
    (MaskDialect.SEGMENT_TOKENS, SEGMENT_TOKENS),
    (MaskDialect.PLACEHOLDER, PLACEHOLDER),
]


@pytest.mark.parametrize(("dialect", "mask"), MASKS)
def test_masks_in_each_dialect(dialect: MaskDialect, mask: Any, gemini: RunningEmulator) -> None:
    gemini.script(Fault(masks=dialect))
    body = generate_body(PARK, prompt="Give the segmentation masks of people.")
    assert unfenced(generated_text(generate(gemini.url, body)))[0]["mask"] == mask


def test_chunks_hold_a_part_each(gemini: RunningEmulator) -> None:
    gemini.script(Fault(masks=MaskDialect.CHUNKED_YX))
    body = generate_body(PARK, prompt="Mask of the dog.")
    left, right = unfenced(generated_text(generate(gemini.url, body)))[0]["mask"]
    assert left == [500, 500, 500, 625, 1000, 625, 1000, 500]
    assert right == [500, 875, 500, 1000, 1000, 1000, 1000, 875]


@pytest.mark.parametrize("dialect", [MaskDialect.PNG, MaskDialect.BASE64])
def test_picture_masks_come_with_and_without_prefix(
    dialect: MaskDialect, gemini: RunningEmulator
) -> None:
    gemini.script(Fault(masks=dialect))
    text = generated_text(generate(gemini.url, generate_body(PARK, prompt="dog mask")))
    mask = unfenced(text)[0]["mask"]
    assert mask.startswith("data:image/png;base64,") is (dialect is MaskDialect.PNG)
    assert mask_pixels(mask).shape == (256, 256)


def test_bare_tokens_make_the_reply_no_json(gemini: RunningEmulator) -> None:
    gemini.script(Fault(masks=MaskDialect.SEGMENT_TOKENS_BARE))
    text = generated_text(generate(gemini.url, generate_body(PARK, prompt="dog mask")))
    assert '"mask": <start_of_mask><seg_35>' in text


def test_an_endless_mask_is_cut_off(gemini: RunningEmulator) -> None:
    gemini.script(Fault(masks=MaskDialect.ENDLESS))
    response = generate(gemini.url, generate_body(PARK, prompt="dog mask"))
    text = generated_text(response)
    assert response.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert text.count("true") == ENDLESS_LENGTH // 2 - 1
    assert text.endswith("true, tr")
