"""What a generateContent request asks, or why it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from label_studio_gemini.emulator.ask import Ask, Picture, number_from_text
from label_studio_gemini.emulator.generate_content.models import (
    Blob,
    Content,
    CountRequest,
    GenerationConfig,
    Part,
    Request,
    Thinking,
)
from label_studio_gemini.emulator.refusals import Refusal, bad_field, bad_request_detail
from label_studio_gemini.emulator.schema import SchemaError, Shape, shape_from_schema
from label_studio_gemini.emulator.strict import (
    bytes_from_base64,
    check_range,
    path_from_loc,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails


def read_ask(body: JsonValue, model: str) -> Ask:
    """Read the body of a generateContent request.

    Args:
        body: The JSON that was sent.
        model: The model that the path names.

    Raises:
        Refusal: If the real service would refuse it.
    """
    try:
        request = Request.model_validate(body)
    except ValidationError as error:
        raise _refusal(error) from error
    return _ask(request, model)


def read_count_ask(body: JsonValue, model: str) -> Ask:
    """Read the body of a countTokens request, in either of its two forms.

    Raises:
        Refusal: If the real service would refuse it.
    """
    try:
        request = CountRequest.model_validate(body)
    except ValidationError as error:
        raise _refusal(error) from error
    return _ask(request.generate_content_request or Request(contents=request.contents), model)


def _ask(request: Request, model: str) -> Ask:
    _check_contents(request)
    if request.cached_content is not None:
        raise Refusal(
            "CachedContent not found (or permission denied)",
            status=403,
            rpc="PERMISSION_DENIED",
            code="permission_denied",
        )
    config = request.generation_config or GenerationConfig()
    _check_config(config)
    thinking = config.thinking_config or Thinking()
    level = thinking.thinking_level
    pictures = [
        _pictures(content, f"contents[{place}]", _resolution(config.media_resolution))
        for place, content in enumerate(request.contents)
    ]
    return Ask(
        model=model,
        prompt="\n".join(_texts(request, request.contents)),
        question="\n".join(_texts(request, request.contents[-1:])),
        pictures=pictures[-1],
        earlier=tuple(picture for turn in pictures[:-1] for picture in turn),
        shape=_shape(config),
        json_only=config.response_mime_type == "application/json",
        thinking_level=None
        if level in {None, "THINKING_LEVEL_UNSPECIFIED"}
        else str(level).lower(),
        thinking_budget=thinking.thinking_budget,
        show_thoughts=bool(thinking.include_thoughts),
        most_tokens=config.max_output_tokens,
        code_execution=any(tool.code_execution is not None for tool in request.tools or []),
        safety=tuple(
            (one.category.removeprefix("HARM_CATEGORY_").lower(), one.threshold.lower())
            for one in request.safety_settings or []
        ),
    )


def _check_contents(request: Request) -> None:
    if not request.contents:
        message = "* GenerateContentRequest.contents: contents is not specified\n"
        raise bad_field("contents", message)
    for place, content in enumerate(request.contents):
        if content.role not in {None, "user", "model"}:
            raise Refusal("Please use a valid role: user, model.")
        where = f"contents[{place}]"
        if not content.parts:
            message = f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.\n"
            raise bad_field(f"{where}.parts", message)
        for number, part in enumerate(content.parts):
            _check_part(part, f"{where}.parts[{number}]")


def _check_part(part: Part, where: str) -> None:
    if part.kinds() == 0:
        raise bad_field(
            f"{where}.data",
            f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one "
            "initialized field\n",
        )
    if part.kinds() > 1:
        message = f"Invalid value at '{where}' (oneof), oneof field 'data' is already set."
        raise bad_field(where, message)


def _check_config(config: GenerationConfig) -> None:
    check_range("temperature", config.temperature, 0, 2)
    check_range("top_p", config.top_p, 0, 1)
    check_range("top_k", config.top_k, 1, 1000)
    check_range("candidate_count", config.candidate_count, 1, 8)
    check_range("max_output_tokens", config.max_output_tokens, 1, 2**31 - 1)
    if config.response_schema is not None and config.response_json_schema is not None:
        raise Refusal("Only one of response_schema and response_json_schema may be set.")
    schema = config.response_schema or config.response_json_schema
    if schema is not None and config.response_mime_type in {None, "text/plain"}:
        raise Refusal(
            "A response schema requires `response_mime_type` to be `application/json` or "
            "`text/x.enum`."
        )


def _shape(config: GenerationConfig) -> Shape | None:
    schema: JsonValue = config.response_json_schema
    if config.response_schema is not None:
        schema = config.response_schema.model_dump(mode="json", exclude_none=True)
    try:
        return None if schema is None else shape_from_schema(schema)
    except SchemaError as error:
        raise Refusal(f"The response schema is invalid: {error}.") from error


def _texts(request: Request, turns: Sequence[Content]) -> Iterable[str]:
    system = [request.system_instruction] if request.system_instruction else []
    for content in (*system, *turns):
        yield from (part.text for part in content.parts if part.text)


def _pictures(content: Content, where: str, general: str | None) -> tuple[Picture, ...]:
    before = [None, *(part.text for part in content.parts)]
    return tuple(
        replace(
            _picture(part, f"{where}.parts[{place}]", general),
            number=number_from_text(before[place]),
        )
        for place, part in enumerate(content.parts)
        if part.inline_data is not None or part.file_data is not None
    )


def _picture(part: Part, where: str, general: str | None) -> Picture:
    own = _resolution(part.media_resolution.level) if part.media_resolution else None
    resolution = own or general
    if part.file_data is not None:
        file = part.file_data
        return Picture(where, uri=file.file_uri, mime_type=file.mime_type, resolution=resolution)
    blob = part.inline_data or Blob()
    field = f"{where}.inline_data.data"
    try:
        data = bytes_from_base64(blob.data, url_safe=True)
    except ValueError as error:
        raise bad_field(
            field,
            f"Invalid value at '{field}' (TYPE_BYTES), Base64 decoding failed for "
            f'"{blob.data[:40]}"',
        ) from error
    return Picture(where, data=data, mime_type=blob.mime_type, resolution=resolution)


def _resolution(level: str | None) -> str | None:
    if level is None or level.endswith("UNSPECIFIED"):
        return None
    return level.removeprefix("MEDIA_RESOLUTION_").lower()


def _refusal(error: ValidationError) -> Refusal:
    violations = [_violation(one) for one in error.errors(include_url=False)]
    return Refusal(
        "\n".join(description for _, description in violations),
        details=(bad_request_detail(violations),),
    )


def _violation(error: ErrorDetails) -> tuple[str, str]:
    if error["type"] == "extra_forbidden":
        place = path_from_loc(error["loc"][:-1], snake=True, tags=frozenset())
        at = f" at '{place}'" if place else ""
        name = error["loc"][-1]
        return place, (
            f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
        )
    path = path_from_loc(error["loc"], snake=True, tags=frozenset())
    if error["type"] == "missing":
        return path, f"* GenerateContentRequest.{path}: {path} is not specified\n"
    return path, f"Invalid value at '{path}' ({error['msg']}), {shown(error)}"
