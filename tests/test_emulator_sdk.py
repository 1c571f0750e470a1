"""Google's own SDK, sync and async, against the emulator, by both APIs and with uploaded files."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from google.genai.interactions import Interaction
from PIL import Image
from pydantic import BaseModel, Field

from emulator_kit import (
    ASKED,
    DOG,
    MODEL,
    PERSON,
    encoded,
    picture,
    picture_file,
    serving_key,
    unfenced,
    write_key,
)
from label_studio_gemini.emulator import (
    Fault,
    Problem,
    RunningEmulator,
    Stop,
)

PARK = picture_file(1)


class Thing(BaseModel):
    box_2d: list[int]
    mask: list[list[int]]
    label: str = Field(description="what it is")


class Things(BaseModel):
    boxes: list[Thing]


running_emulator = serving_key(write_key)


def parts(*of: Any) -> list[Any]:
    return [*of]


def contents(data: bytes = PARK) -> list[Any]:
    return [types.Part.from_bytes(data=data, mime_type="image/png"), ASKED]


def inputs(data: bytes = PARK) -> list[Any]:
    text = base64.b64encode(data).decode()
    return [
        {"type": "text", "text": ASKED},
        {"type": "image", "data": text, "mime_type": "image/png"},
    ]


def made(client: genai.Client, **fields: Any) -> Interaction:
    interaction = client.interactions.create(model=MODEL, **fields)
    assert isinstance(interaction, Interaction)
    return interaction


def test_generate_content(client: genai.Client, gemini: RunningEmulator) -> None:
    response = client.models.generate_content(model=MODEL, contents=contents())
    assert response.text is not None
    assert unfenced(response.text) == [PERSON, DOG]
    usage = response.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count == 1120 + len(ASKED) // 4 + 1
    assert response.model_version == MODEL
    record = gemini.requests[0]
    assert record.images == (PARK,)
    assert record.photos == ("park.png",)
    assert record.prompt == ASKED
    assert record.headers["x-goog-api-key"] == "any"
    assert (record.status, record.api, record.model) == (200, "generate_content", MODEL)
    assert record.finished is not None
    assert record.finished > record.arrived


@pytest.mark.parametrize("by_json_schema", [False, True])
def test_generate_content_with_a_schema(client: genai.Client, by_json_schema: bool) -> None:  # noqa: FBT001
    schema: dict[str, Any] = (
        {"response_json_schema": Things.model_json_schema()}
        if by_json_schema
        else {"response_schema": Things}
    )
    response = client.models.generate_content(
        model=MODEL,
        contents=contents(),
        config=types.GenerateContentConfig(response_mime_type="application/json", **schema),
    )
    things = Things.model_validate_json(response.text or "")
    assert [thing.label for thing in things.boxes] == ["person", "dog"]
    assert things.boxes[0].mask[0] == [100, 100]


def test_a_pillow_image_as_the_docs_have_it(client: genai.Client) -> None:
    response = client.models.generate_content(
        model=MODEL,
        contents=parts(Image.open(io.BytesIO(PARK)), ASKED),
        config=types.GenerateContentConfig(response_mime_type="application/json"),
    )
    assert json.loads(response.text or "") == [PERSON, DOG]


def test_interactions(client: genai.Client) -> None:
    interaction = made(
        client,
        input=inputs(),
        response_format={
            "type": "text",
            "mime_type": "application/json",
            "schema": Things.model_json_schema(),
        },
        generation_config={"thinking_level": "minimal"},
        store=False,
    )
    things = Things.model_validate_json(interaction.output_text or "")
    assert [thing.label for thing in things.boxes] == ["person", "dog"]
    assert interaction.steps is not None
    assert [step.type for step in interaction.steps] == ["thought", "model_output"]
    assert interaction.usage is not None
    assert interaction.usage.total_input_tokens == 1120 + len(ASKED) // 4 + 1
    assert interaction.usage.total_thought_tokens == 0


async def test_both_apis_asynchronously(gemini: RunningEmulator) -> None:
    client = genai.Client(
        api_key="any", http_options=types.HttpOptions(base_url=gemini.url, api_version="v1alpha")
    )
    async with client.aio as aio:
        response, interaction = await asyncio.gather(
            aio.models.generate_content(model=MODEL, contents=contents()),
            aio.interactions.create(model=MODEL, input=inputs(), store=False),
        )
    client.close()
    assert isinstance(interaction, Interaction)
    assert response.text == interaction.output_text
    assert {record.path.split("/")[1] for record in gemini.requests} == {"v1alpha"}


def test_an_interaction_is_kept_unless_it_should_not_be(client: genai.Client) -> None:
    kept = made(client, input="x")
    lost = made(client, input="x", store=False)
    assert client.interactions.get(id=kept.id or "").output_text == kept.output_text
    made(client, input="again", previous_interaction_id=kept.id)
    client.interactions.delete(id=kept.id or "")
    for gone in (kept, lost):
        with pytest.raises(Exception, match="is not found"):
            client.interactions.get(id=gone.id or "")


def test_an_uploaded_file_is_seen_by_both_apis(
    client: genai.Client, gemini: RunningEmulator
) -> None:
    file = client.files.upload(
        file=io.BytesIO(PARK), config={"mime_type": "image/png", "display_name": "ein Übungsbild"}
    )
    response = client.models.generate_content(model=MODEL, contents=parts(file, ASKED))
    interaction = made(
        client,
        input=[
            {"type": "text", "text": ASKED},
            {"type": "image", "uri": file.uri, "mime_type": "image/png"},
        ],
    )
    assert unfenced(response.text or "") == unfenced(interaction.output_text or "")
    assert gemini.requests[-1].images == (PARK,)


def test_files_are_listed_and_deleted(client: genai.Client) -> None:
    names = [
        client.files.upload(file=io.BytesIO(PARK), config={"mime_type": "image/png"}).name
        for _ in range(3)
    ]
    listed = [file.name for file in client.files.list(config={"page_size": 2})]
    assert listed[:3] == names[::-1]
    file = client.files.get(name=names[0] or "")
    assert (file.size_bytes, file.mime_type) == (len(PARK), "image/png")
    client.files.delete(name=names[0] or "")
    with pytest.raises(errors.ClientError, match="may not exist"):
        client.files.get(name=names[0] or "")
    with pytest.raises(errors.ClientError, match="may not exist"):
        client.models.generate_content(model=MODEL, contents=parts(file, ASKED))


def test_a_large_file_comes_in_pieces(client: genai.Client, gemini: RunningEmulator) -> None:
    data = PARK + bytes(9 * 2**20)
    file = client.files.upload(file=io.BytesIO(data), config={"mime_type": "image/png"})
    assert file.size_bytes == len(data)
    pieces = [record.body_length for record in gemini.requests[1:]]
    assert pieces == [8 * 2**20, len(data) - 8 * 2**20]


def test_a_published_address_is_seen(client: genai.Client, gemini: RunningEmulator) -> None:
    gemini.publish("https://example.com/park.png", PARK, "image/png")
    part = types.Part.from_uri(file_uri="https://example.com/park.png", mime_type="image/png")
    response = client.models.generate_content(model=MODEL, contents=parts(part, ASKED))
    assert unfenced(response.text or "") == [PERSON, DOG]


def test_models_and_tokens(client: genai.Client) -> None:
    assert f"models/{MODEL}" in [model.name for model in client.models.list()]
    assert client.models.get(model=MODEL).input_token_limit == 1_048_576
    with pytest.raises(errors.ClientError, match="is not found"):
        client.models.get(model="gpt")
    counted = client.models.count_tokens(model=MODEL, contents=contents())
    assert counted.total_tokens == 1120 + len(ASKED) // 4 + 1


@pytest.mark.parametrize(
    ("model", "resolution", "tokens"),
    [
        (MODEL, None, 1120),
        (MODEL, "MEDIA_RESOLUTION_LOW", 280),
        (MODEL, "MEDIA_RESOLUTION_ULTRA_HIGH", 2240),
        ("gemini-2.5-flash", None, 258),
    ],
)
def test_pictures_cost_by_the_published_rules(
    model: str, resolution: str | None, tokens: int, client: genai.Client
) -> None:
    level = None if resolution is None else types.PartMediaResolutionLevel(resolution)
    part = types.Part.from_bytes(data=PARK, mime_type="image/png", media_resolution=level)
    response = client.models.generate_content(model=model, contents=parts(part))
    assert response.usage_metadata is not None
    assert response.usage_metadata.prompt_token_count == tokens


def test_a_large_picture_of_an_older_model_is_cut_into_tiles(client: genai.Client) -> None:
    large = encoded(picture(5, (960, 540)))
    response = client.models.generate_content(
        model="gemini-2.5-flash",
        contents=parts(types.Part.from_bytes(data=large, mime_type="image/png")),
    )
    assert response.usage_metadata is not None
    assert response.usage_metadata.prompt_token_count == 6 * 258


def test_the_limit_of_tokens_is_obeyed(client: genai.Client) -> None:
    response = client.models.generate_content(
        model=MODEL,
        contents=contents(),
        config=types.GenerateContentConfig(max_output_tokens=10, response_mime_type="text/plain"),
    )
    assert len(response.text or "") == 40
    assert response.candidates is not None
    assert response.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


def test_thoughts_are_shown_where_asked_for(client: genai.Client) -> None:
    response = client.models.generate_content(
        model=MODEL,
        contents=contents(),
        config=types.GenerateContentConfig(
            thinking_config=types.ThinkingConfig(include_thoughts=True)
        ),
    )
    assert response.parts is not None
    assert [part.thought for part in response.parts] == [True, None]
    interaction = made(client, input=inputs(), generation_config={"thinking_summaries": "auto"})
    assert "Looking for" in json.dumps(interaction.model_dump(mode="json"))


@pytest.mark.parametrize("problem", [Problem.RATE_LIMIT, Problem.OVERLOADED, Problem.BAD_KEY])
def test_problems_arrive_as_the_errors_of_the_sdk(
    problem: Problem, client: genai.Client, gemini: RunningEmulator
) -> None:
    gemini.script(Fault(problem=problem))
    with pytest.raises(errors.APIError) as caught:
        client.models.generate_content(model=MODEL, contents=contents())
    assert caught.value.code == gemini.requests[0].status


@pytest.mark.parametrize(
    "stop",
    [Stop.PROMPT_BLOCKED, Stop.SAFETY, Stop.RECITATION, Stop.OUT_OF_TOKENS, Stop.FAILED],
)
def test_stops_leave_no_text(stop: Stop, client: genai.Client, gemini: RunningEmulator) -> None:
    gemini.script(Fault(stop=stop, times=2))
    assert client.models.generate_content(model=MODEL, contents=contents()).text is None
    interaction = made(client, input=inputs())
    assert not interaction.output_text
    assert interaction.status == ("incomplete" if stop is Stop.OUT_OF_TOKENS else "failed")
