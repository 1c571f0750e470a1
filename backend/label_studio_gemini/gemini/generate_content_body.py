"""A request in the words of generateContent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.genai import types as sdk

from label_studio_gemini.gemini.turns import (
    Turn,
    announced,
    sendable,
    thinking_from_options,
    turns_from_request,
)
from label_studio_gemini.gemini.types import (
    InlineImage,
    MediaResolution,
    ThinkingLevel,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from label_studio_gemini.gemini.types import (
        GeminiRequest,
        Options,
        RequestImage,
    )


def build_contents(request: GeminiRequest) -> list[sdk.Content]:
    """Return the turns: in each the images, then the prompt, as Google advises for this API.

    https://ai.google.dev/gemini-api/docs/image-understanding (the page has a version for each API)

    Raises:
        RequestError: If there are too many images.
    """
    general = request.options.resolution
    # The one resolution that only single parts can be given.
    each = general if general is MediaResolution.ULTRA_HIGH else None
    return [content for turn in turns_from_request(request) for content in _contents(turn, each)]


def _contents(turn: Turn, resolution: MediaResolution | None) -> Iterator[sdk.Content]:
    parts: list[sdk.Part] = []
    for name, image in announced(turn.images):
        if name is not None:
            parts.append(sdk.Part.from_text(text=name))
        parts.append(_part(image, resolution))
    yield sdk.Content(role="user", parts=[*parts, sdk.Part.from_text(text=turn.prompt)])
    if turn.answer is not None:
        yield sdk.Content(role="model", parts=[sdk.Part.from_text(text=turn.answer)])


def _part(image: RequestImage, each: MediaResolution | None) -> sdk.Part:
    wanted = image.resolution or each
    level = sdk.PartMediaResolutionLevel(_long(wanted)) if wanted else None
    if isinstance(image, InlineImage):
        return sdk.Part.from_bytes(
            data=image.data, mime_type=image.mime_type, media_resolution=level
        )
    return sdk.Part.from_uri(file_uri=image.uri, mime_type=image.mime_type, media_resolution=level)


def build_config(request: GeminiRequest, limit: sdk.HttpOptions) -> sdk.GenerateContentConfig:
    """Return the parameters; what the request leaves open is not in them.

    The answer is asked for raw. The SDK would parse the JSON that the model wrote, and raise for
    some that it writes when it repeats itself: a number of over 4,300 digits, 1,000 open brackets.

    Args:
        request: What is asked.
        limit: The time limit.
    """
    options, schema = request.options, request.schema
    return sdk.GenerateContentConfig(
        system_instruction=None if options.system is None else sendable(options.system),
        temperature=options.temperature,
        top_p=options.top_p,
        seed=options.seed,
        max_output_tokens=options.max_output_tokens,
        media_resolution=_general(options.resolution),
        thinking_config=_thinking(thinking_from_options(options)),
        safety_settings=_safety(options) or None,
        service_tier=sdk.ServiceTier(options.tier.value) if options.tier else None,
        tools=[sdk.Tool(code_execution=sdk.ToolCodeExecution())]
        if options.code_execution
        else None,
        response_mime_type=None if schema is None else "application/json",
        response_json_schema=None if schema is None else dict(schema),
        should_return_http_response=True,
        automatic_continuation=False,
        automatic_function_calling=sdk.AutomaticFunctionCallingConfig(disable=True),
        http_options=limit,
    )


def _long(resolution: MediaResolution) -> str:
    return f"MEDIA_RESOLUTION_{resolution.upper()}"


def _general(resolution: MediaResolution | None) -> sdk.MediaResolution | None:
    if resolution in {None, MediaResolution.ULTRA_HIGH}:
        return None
    return sdk.MediaResolution(_long(resolution))


def _thinking(thinking: ThinkingLevel | int | None) -> sdk.ThinkingConfig | None:
    if thinking is None:
        return None
    if isinstance(thinking, ThinkingLevel):
        return sdk.ThinkingConfig(thinking_level=sdk.ThinkingLevel(thinking.upper()))
    return sdk.ThinkingConfig(thinking_budget=thinking)


def _safety(options: Options) -> list[sdk.SafetySetting]:
    return [
        sdk.SafetySetting(
            category=sdk.HarmCategory(f"HARM_CATEGORY_{category.upper()}"),
            threshold=sdk.HarmBlockThreshold(threshold.upper()),
        )
        for category, threshold in options.safety
    ]
