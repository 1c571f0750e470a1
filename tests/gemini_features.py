"""What a request can ask for, and where each API's body says it: tests and the README use this."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gemini_recorder import Answer, Recorded, recording
from label_studio_gemini.gemini import connect_gemini
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
    from collections.abc import Mapping

Api: TypeAlias = Literal["generate_content", "interactions"]
APIS: tuple[Api, ...] = ("generate_content", "interactions")

# Bytes whose base64 tells the two alphabets apart: "++//" and "--__".
PIXELS = b"\xfb\xef\xff"
OTHER = b"other"
URI = "https://generativelanguage.googleapis.com/v1beta/files/abc"
IMAGE = InlineImage(PIXELS, "image/png")
SCHEMA: dict[str, object] = {
    "type": "array",
    "items": {"type": "object", "properties": {"label": {"enum": ["car", "bus"]}}},
}
PLAIN = GeminiRequest("gemini-3-flash-preview", "Detect.", (IMAGE,), None)


def asked(**options: Any) -> GeminiRequest:
    return replace(PLAIN, options=Options(**options))


@dataclass(frozen=True)
class Feature:
    """One thing that can be asked for.

    Attributes:
        name: What it is called in the README.
        option: The field of the request, its options or its images that asks for it.
        request: A request that does.
        generate_content: Where its body says so: a path (as `a.b[0].c`) to the value there.
        interactions: Likewise; empty where this API cannot say it and nothing is sent.
        always: Whether every request says it.
    """

    name: str
    option: str
    request: GeminiRequest
    generate_content: Mapping[str, object] = field(default_factory=dict)
    interactions: Mapping[str, object] = field(default_factory=dict)
    always: bool = False

    def sent(self, api: Api) -> Mapping[str, object]:
        """Return what is to be found in the body."""
        return self.generate_content if api == "generate_content" else self.interactions


ASK, PARTS = "input[0].content", "contents[0].parts"
FEATURES = [
    Feature(
        "prompt",
        "prompt",
        PLAIN,
        {f"{PARTS}[1].text": "Detect."},
        {f"{ASK}[0].text": "Detect."},
        always=True,
    ),
    Feature(
        "inline image",
        "images",
        PLAIN,
        {f"{PARTS}[0].inlineData": {"data": "--__", "mime_type": "image/png"}},
        {f"{ASK}[1]": {"type": "image", "data": "++//", "mime_type": "image/png"}},
        always=True,
    ),
    Feature(
        "uploaded file or public address",
        "uri",
        replace(PLAIN, images=(UriImage(URI, "image/webp"),)),
        {f"{PARTS}[0].fileData": {"file_uri": URI, "mime_type": "image/webp"}},
        {f"{ASK}[1]": {"type": "image", "uri": URI, "mime_type": "image/webp"}},
    ),
    Feature(
        "several images",
        "images",
        replace(PLAIN, images=(IMAGE, InlineImage(OTHER, "image/jpeg"))),
        {
            f"{PARTS}[0].text": "Image 1:",
            f"{PARTS}[2].text": "Image 2:",
            f"{PARTS}[3].inlineData.data": base64.urlsafe_b64encode(OTHER).decode(),
            f"{PARTS}[4].text": "Detect.",
        },
        {
            f"{ASK}[1].text": "Image 1:",
            f"{ASK}[3].text": "Image 2:",
            f"{ASK}[4].data": base64.b64encode(OTHER).decode(),
        },
    ),
    Feature(
        "examples before the question",
        "examples",
        replace(PLAIN, examples=(Example("Detect cats.", (IMAGE,), '[{"label": "cat"}]'),)),
        {
            f"{PARTS}[1].text": "Detect cats.",
            "contents[1]": {"role": "model", "parts": [{"text": '[{"label": "cat"}]'}]},
            "contents[2].parts[1].text": "Detect.",
        },
        {
            f"{ASK}[0].text": "Detect cats.",
            "input[1]": {
                "type": "model_output",
                "content": [{"type": "text", "text": '[{"label": "cat"}]'}],
            },
            "input[2].content[0].text": "Detect.",
        },
    ),
    Feature(
        "labels as an enum in the schema",
        "schema",
        replace(PLAIN, schema=SCHEMA),
        {
            "generationConfig.responseMimeType": "application/json",
            "generationConfig.responseJsonSchema": SCHEMA,
        },
        {"response_format": {"type": "text", "mime_type": "application/json", "schema": SCHEMA}},
    ),
    Feature(
        "system instruction",
        "system",
        asked(system="Be exact."),
        {"systemInstruction": {"parts": [{"text": "Be exact."}], "role": "user"}},
        {"system_instruction": "Be exact."},
    ),
    Feature(
        "temperature",
        "temperature",
        asked(temperature=0.0),
        {"generationConfig.temperature": 0.0},
        {"generation_config.temperature": 0.0},
    ),
    Feature(
        "top_p",
        "top_p",
        asked(top_p=0.9),
        {"generationConfig.topP": 0.9},
        {"generation_config.top_p": 0.9},
    ),
    Feature(
        "seed", "seed", asked(seed=7), {"generationConfig.seed": 7}, {"generation_config.seed": 7}
    ),
    Feature(
        "most output tokens",
        "max_output_tokens",
        asked(max_output_tokens=8192),
        {"generationConfig.maxOutputTokens": 8192},
        {"generation_config.max_output_tokens": 8192},
    ),
    Feature(
        "thinking level",
        "thinking",
        asked(thinking=ThinkingLevel.MINIMAL),
        {"generationConfig.thinkingConfig": {"thinking_level": "MINIMAL"}},
        {"generation_config.thinking_level": "minimal"},
    ),
    Feature(
        "thinking budget",
        "thinking",
        asked(thinking=0),
        {"generationConfig.thinkingConfig": {"thinking_budget": 0}},
    ),
    Feature(
        "code execution",
        "code_execution",
        asked(code_execution=True),
        {"tools": [{"codeExecution": {}}]},
        {"tools": [{"type": "code_execution"}]},
    ),
    Feature(
        "media resolution",
        "resolution",
        asked(resolution=MediaResolution.LOW),
        {"generationConfig.mediaResolution": "MEDIA_RESOLUTION_LOW"},
        {f"{ASK}[1].resolution": "low"},
    ),
    Feature(
        "media resolution ultra_high",
        "resolution",
        asked(resolution=MediaResolution.ULTRA_HIGH),
        {f"{PARTS}[0].mediaResolution.level": "MEDIA_RESOLUTION_ULTRA_HIGH"},
        {f"{ASK}[1].resolution": "ultra_high"},
    ),
    Feature(
        "media resolution of one image",
        "resolution",
        replace(
            asked(resolution=MediaResolution.LOW),
            images=(replace(IMAGE, resolution=MediaResolution.HIGH),),
        ),
        {
            "generationConfig.mediaResolution": "MEDIA_RESOLUTION_LOW",
            f"{PARTS}[0].mediaResolution.level": "MEDIA_RESOLUTION_HIGH",
        },
        {f"{ASK}[1].resolution": "high"},
    ),
    Feature(
        "safety settings",
        "safety",
        asked(safety=(("hate_speech", "block_none"), ("dangerous_content", "off"))),
        {
            "safetySettings": [
                {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"},
                {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "OFF"},
            ]
        },
        {
            "safety_settings": [
                {"type": "hate_speech", "threshold": "block_none"},
                {"type": "dangerous_content", "threshold": "off"},
            ]
        },
    ),
    *(
        Feature(
            f"service tier {tier}",
            "tier",
            asked(tier=tier),
            {"serviceTier": tier.value},
            {"service_tier": tier.value},
        )
        for tier in ServiceTier
    ),
    Feature("nothing is stored", "model", PLAIN, {}, {"store": False}, always=True),
]
MISSING = object()
KEY = "K-secret-key"
ANSWERS: dict[Api, object] = {
    "generate_content": {
        "candidates": [{"content": {"parts": [{"text": "[]"}]}, "finishReason": "STOP"}]
    },
    "interactions": {
        "status": "completed",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": "[]"}]}],
    },
}


def found(body: Any, path: str) -> Any:
    """Return what stands at a path such as `a.b[0].c`, or `MISSING`."""
    for step in path.replace("[", ".[").split("."):
        try:
            body = body[int(step[1:-1])] if step.startswith("[") else body[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return body


async def recorded(api: Api, *requests: GeminiRequest, limit: float = 9) -> list[Recorded]:
    """Send each request, and return what came in."""
    async with recording(Answer(ANSWERS[api])) as recorder:
        gemini = connect_gemini(api=api, api_key=KEY, base_url=recorder.url, timeout=limit)
        for request in requests:
            await gemini.generate(request)
        await gemini.aclose()
    return recorder.requests
