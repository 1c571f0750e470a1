"""A request in the words of the Interactions API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.errors import RequestError
from label_studio_gemini.gemini.turns import (
    Turn,
    announced,
    sendable,
    thinking_from_options,
    turns_from_request,
)
from label_studio_gemini.gemini.types import InlineImage, ThinkingLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from label_studio_gemini.gemini.types import (
        GeminiRequest,
        MediaResolution,
        Options,
        RequestImage,
    )

_BUDGET_HINT = (
    "Take a thinking level (minimal, low, medium, high), or the API generate_content, which has "
    "budgets."
)


def build_body(request: GeminiRequest) -> dict[str, object]:
    """Return the whole request, its images as `bytes`; what it leaves open is not in it.

    The prompt goes before the images, as Google advises for this API:
    https://ai.google.dev/gemini-api/docs/image-understanding (the page has a version for each API)

    Raises:
        RequestError: If it has too many images, or a thinking budget, which this API does not take.
    """
    options = request.options
    fields: dict[str, object] = {
        "model": request.model,
        "input": [
            step
            for turn in turns_from_request(request)
            for step in _steps(turn, options.resolution)
        ],
        "system_instruction": None if options.system is None else sendable(options.system),
        "generation_config": _generation_config(options) or None,
        "response_format": _format(request.schema),
        "safety_settings": [
            {"type": category, "threshold": threshold} for category, threshold in options.safety
        ]
        or None,
        "service_tier": options.tier,
        "tools": [{"type": "code_execution"}] if options.code_execution else None,
        "store": False,
    }
    return _said(fields)


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _steps(turn: Turn, resolution: MediaResolution | None) -> Iterator[dict[str, object]]:
    content = [_text(turn.prompt)]
    for name, image in announced(turn.images):
        if name is not None:
            content.append(_text(name))
        content.append(_image(image, resolution))
    yield {"type": "user_input", "content": content}
    if turn.answer is not None:
        yield {"type": "model_output", "content": [_text(turn.answer)]}


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def _image(image: RequestImage, general: MediaResolution | None) -> dict[str, object]:
    """Return an image; this API has no resolution for all of them, so each says its own."""
    where: dict[str, object] = (
        {"data": image.data} if isinstance(image, InlineImage) else {"uri": image.uri}
    )
    fields = {"mime_type": image.mime_type, "resolution": image.resolution or general}
    return {"type": "image", **where, **_said(fields)}


def _format(schema: Mapping[str, object] | None) -> dict[str, object] | None:
    if schema is None:
        return None
    return {"type": "text", "mime_type": "application/json", "schema": dict(schema)}


def _generation_config(options: Options) -> dict[str, object]:
    return _said(
        {
            "temperature": options.temperature,
            "top_p": options.top_p,
            "seed": options.seed,
            "max_output_tokens": options.max_output_tokens,
            "thinking_level": _level(thinking_from_options(options)),
        }
    )


def _level(thinking: ThinkingLevel | int | None) -> ThinkingLevel | None:
    if thinking is None or isinstance(thinking, ThinkingLevel):
        return thinking
    # Without the number: it is not this budget that is refused, but any.
    raise RequestError("The Interactions API takes no `thinking_budget`.", hint=_BUDGET_HINT)
