"""What an interactions request asks, or why it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from label_studio_gemini.emulator.ask import Ask, Picture, number_from_text
from label_studio_gemini.emulator.interactions.models import (
    VARIANTS,
    CodeExecution,
    GenerationConfig,
    ImageContent,
    ModelOutput,
    Request,
    TextContent,
    TextFormat,
    UserInput,
)
from label_studio_gemini.emulator.refusals import Refusal, not_found, not_offered
from label_studio_gemini.emulator.schema import SchemaError, Shape, shape_from_schema
from label_studio_gemini.emulator.strict import (
    bytes_from_base64,
    check_range,
    path_from_loc,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pydantic_core import ErrorDetails

    from label_studio_gemini.emulator.interactions.models import Step


def read_ask(body: JsonValue, known: Collection[str]) -> Ask:
    """Read the body of a request for an interaction.

    Args:
        body: The JSON that was sent.
        known: The interactions that are kept, to which this one may be a sequel.

    Raises:
        Refusal: If the real service would refuse it, or the emulator does not offer it.
    """
    try:
        request = Request.model_validate(body)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from error
    if request.stream:
        raise not_offered("streaming")
    previous = request.previous_interaction_id
    if previous is not None and previous not in known:
        raise not_found(f"Interaction {previous}")
    config = request.generation_config or GenerationConfig()
    check_range("temperature", config.temperature, 0, 2)
    check_range("top_p", config.top_p, 0, 1)
    check_range("max_output_tokens", config.max_output_tokens, 1, 2**31 - 1)
    turns = _turns(request)
    formats = [f for f in request.response_format or [] if isinstance(f, TextFormat)]
    return Ask(
        model=request.model.removeprefix("models/"),
        prompt="\n".join(_texts(request, request.input)),
        question="\n".join(_texts(request, _last_turn(request))),
        pictures=turns[-1] if turns else (),
        earlier=tuple(picture for turn in turns[:-1] for picture in turn),
        shape=_shape(formats),
        json_only=any(f.mime_type == "application/json" for f in formats),
        thinking_level=config.thinking_level,
        show_thoughts=config.thinking_summaries == "auto",
        most_tokens=config.max_output_tokens,
        code_execution=any(isinstance(tool, CodeExecution) for tool in request.tools or []),
        safety=tuple((one.type, one.threshold) for one in request.safety_settings or []),
        store=request.store is not False,
    )


def _last_turn(request: Request) -> list[UserInput]:
    return [step for step in request.input if isinstance(step, UserInput)][-1:]


def _texts(request: Request, steps: Sequence[Step]) -> Iterable[str]:
    if request.system_instruction:
        yield request.system_instruction
    for step in steps:
        if isinstance(step, UserInput | ModelOutput):
            yield from (part.text for part in step.content if isinstance(part, TextContent))


def _turns(request: Request) -> list[tuple[Picture, ...]]:
    if not any(isinstance(step, UserInput) and step.content for step in request.input):
        raise Refusal("The 'input' must not be empty.")
    return [
        _pictures(step, f"input[{place}]")
        for place, step in enumerate(request.input)
        if isinstance(step, UserInput)
    ]


def _pictures(step: UserInput, where: str) -> tuple[Picture, ...]:
    before = [None, *(p.text if isinstance(p, TextContent) else None for p in step.content)]
    return tuple(
        replace(_picture(part, f"{where}.content[{place}]"), number=number_from_text(before[place]))
        for place, part in enumerate(step.content)
        if isinstance(part, ImageContent)
    )


def _picture(part: ImageContent, where: str) -> Picture:
    if (part.data is None) == (part.uri is None):
        raise Refusal(f"Exactly one of 'data' and 'uri' is required at '{where}'.")
    if part.data is None:
        return Picture(where, uri=part.uri, mime_type=part.mime_type, resolution=part.resolution)
    if part.mime_type is None:
        raise Refusal(f"The required parameter 'mime_type' is missing at '{where}'.")
    try:
        data = bytes_from_base64(part.data, url_safe=False)
    except ValueError as error:
        raise Refusal(f"Invalid base64 in 'data' at '{where}': {error}.") from error
    return Picture(where, data=data, mime_type=part.mime_type, resolution=part.resolution)


def _shape(formats: list[TextFormat]) -> Shape | None:
    wanted = next((f for f in formats if f.json_schema is not None), None)
    if wanted is None:
        return None
    if wanted.mime_type == "text/plain":
        raise Refusal("A 'schema' at 'response_format' needs the mime_type 'application/json'.")
    try:
        return shape_from_schema(wanted.json_schema)
    except SchemaError as error:
        raise Refusal(f"Invalid schema at 'response_format': {error}.") from error


def _refusal(error: ErrorDetails) -> Refusal:
    parent = path_from_loc(error["loc"][:-1], snake=False, tags=VARIANTS)
    path = path_from_loc(error["loc"], snake=False, tags=VARIANTS)
    name = error["loc"][-1] if error["loc"] else ""
    at = f" at '{parent}'" if parent else ""
    if error["type"] == "extra_forbidden":
        return Refusal(f"Unknown parameter '{name}'{at}.", code="parameter_unknown")
    if error["type"] == "missing":
        return Refusal(f"The required parameter '{name}' is missing{at}.")
    if error["type"].startswith("union_tag"):
        tag = error.get("ctx", {}).get("tag")
        return Refusal(f"The value '{tag}' is not supported for 'type' at '{path}'.")
    if error["type"] == "literal_error":
        value = shown(error).strip('"')
        return Refusal(f"The value '{value}' is not supported for '{name}'{at}.")
    return Refusal(f"Invalid value for '{path}': {error['msg']}. Got {shown(error)}.")
