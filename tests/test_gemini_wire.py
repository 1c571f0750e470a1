"""What the adapters send is what the SDK was seen to send, and what it would send."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from google import genai
from google.genai.types import HttpOptions

from gemini_features import ANSWERS, KEY, PLAIN, recorded
from gemini_recorder import Answer, recording
from label_studio_gemini.gemini.interactions_body import build_body
from label_studio_gemini.gemini.json_body import write_json
from label_studio_gemini.gemini.types import (
    Example,
    GeminiRequest,
    InlineImage,
    MediaResolution,
    Options,
    ServiceTier,
    ThinkingLevel,
    UriImage,
)

if TYPE_CHECKING:
    from pathlib import Path


FULL = Options(
    system="sys",
    temperature=0.5,
    top_p=0.9,
    seed=1,
    max_output_tokens=8192,
    thinking=ThinkingLevel.MINIMAL,
    tier=ServiceTier.FLEX,
    safety=(("harassment", "block_none"),),
)


def wire(shared: Path, name: str) -> tuple[dict[str, Any], str]:
    [exchange] = json.loads((shared / "gemini" / "wire" / f"{name}.json").read_text("utf-8"))
    return exchange["body"], exchange["request_line"]


def pixels(text: str) -> bytes:
    """Read either alphabet of base64."""
    return base64.b64decode(text.translate(str.maketrans("-_", "+/")))


async def test_generate_content_is_the_recorded_one(shared: Path) -> None:
    """The SDK's own bytes, but for what is never sent here (`topK`) and the schema's other form."""
    theirs, line = wire(shared, "gc_schema_full")
    image = theirs["contents"][0]["parts"][0]["inlineData"]["data"]
    config = theirs["generationConfig"]
    del config["topK"], config["responseSchema"]
    request = GeminiRequest(
        "gemini-3-flash-preview",
        "Detect",
        (InlineImage(pixels(image), "image/png"),),
        {"type": "array"},
        replace(FULL, seed=7, thinking=0, resolution=MediaResolution.HIGH),
    )
    [sent] = await recorded("generate_content", request)
    assert sent.body["generationConfig"].pop("responseJsonSchema") == {"type": "array"}
    assert sent.line == line
    assert sent.body == theirs


async def test_a_json_schema_a_level_and_a_part_s_resolution_are_the_recorded_ones(
    shared: Path,
) -> None:
    theirs, _ = wire(shared, "gc_json_schema_thinking_level_part_res")
    config = theirs["generationConfig"]
    del config["thinkingConfig"]["include_thoughts"]
    image = theirs["contents"][0]["parts"][0]["inlineData"]["data"]
    request = GeminiRequest(
        "gemini-3-flash-preview",
        "Detect",
        (InlineImage(pixels(image), "image/png"),),
        config["responseJsonSchema"],
        Options(thinking=ThinkingLevel.MINIMAL, resolution=MediaResolution.ULTRA_HIGH),
    )
    [sent] = await recorded("generate_content", request)
    assert sent.body == theirs


@pytest.mark.parametrize("name", ["gc_uri_multi", "gc_with_File_object"])
async def test_files_are_the_recorded_ones(name: str, shared: Path) -> None:
    """But for the text, which goes last and announces each of several images."""
    theirs = [part for part in wire(shared, name)[0]["contents"][0]["parts"] if "text" not in part]
    images = tuple(
        UriImage(part["fileData"]["file_uri"], part["fileData"]["mime_type"])
        if "fileData" in part
        else InlineImage(pixels(part["inlineData"]["data"]), part["inlineData"]["mime_type"])
        for part in theirs
    )
    [sent] = await recorded("generate_content", replace(PLAIN, images=images))
    [content] = sent.body["contents"]
    assert [part for part in content["parts"] if "text" not in part] == theirs


async def test_an_interaction_is_the_recorded_one(shared: Path) -> None:
    """But for the announcements of its two images, and that thoughts are not summed up."""
    theirs, line = wire(shared, "inter_full")
    del theirs["generation_config"]["thinking_summaries"]
    _, inline, linked = theirs["input"][0]["content"]
    request = GeminiRequest(
        "gemini-3-flash-preview",
        "Detect",
        (
            InlineImage(pixels(inline["data"]), "image/png", resolution=MediaResolution.ULTRA_HIGH),
            UriImage(linked["uri"], linked["mime_type"]),
        ),
        theirs["response_format"]["schema"],
        FULL,
    )
    [sent] = await recorded("interactions", request)
    content = sent.body["input"][0]["content"]
    assert [content.pop(3)["text"], content.pop(1)["text"]] == ["Image 2:", "Image 1:"]
    assert sent.line == line
    assert sent.body == theirs


EVERYTHING = replace(
    PLAIN,
    images=(InlineImage(b"1", "image/png"), UriImage("https://example.com/2", "image/jpeg")),
    schema={"type": "array"},
    options=replace(FULL, resolution=MediaResolution.MEDIUM, code_execution=True),
    examples=(Example("Cats?", (InlineImage(b"0", "image/png"),), "[]"),),
)


async def test_an_interaction_is_what_the_sdk_would_send() -> None:
    """The adapter passes over the SDK's own method, which is slow; both must say the same."""
    async with recording(Answer(ANSWERS["interactions"])) as recorder:
        options = HttpOptions(base_url=recorder.url, timeout=9000)
        sdk = genai.Client(api_key=KEY, http_options=options)
        body: Any = json.loads(write_json(build_body(EVERYTHING)))
        await sdk.aio.interactions.create(**body)
        await sdk.aio.aclose()
        sdk.close()
    [theirs] = recorder.requests
    [ours] = await recorded("interactions", EVERYTHING)
    assert (ours.line, ours.body) == (theirs.line, theirs.body)
    own = {"accept", "content-length", "host"}  # JSON's white space; `*/*`; another port
    assert {name for name, _ in set(theirs.headers.items()) - set(ours.headers.items())} <= own
