"""The bodies of the interactions API, to the letter: snake_case names, words in small letters."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from label_studio_gemini.emulator.strict import Flag, Real, StrictModel, Text, Whole

Opaque: TypeAlias = dict[str, JsonValue]

CONTENT_TYPES = frozenset({"text", "image"})
STEP_TYPES = frozenset({"user_input", "model_output", "thought"})
TOOL_TYPES = frozenset({"code_execution", "google_search", "url_context", "function"})
FORMAT_TYPES = frozenset({"text", "image", "audio", "video"})
VARIANTS = CONTENT_TYPES | STEP_TYPES | TOOL_TYPES | FORMAT_TYPES

Level: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh"]
Resolution: TypeAlias = Literal["low", "medium", "high", "ultra_high"]
Tier: TypeAlias = Literal["flex", "standard", "priority", "deferred"]
Harm: TypeAlias = Literal[
    "hate_speech",
    "dangerous_content",
    "harassment",
    "sexually_explicit",
    "civic_integrity",
    "image_hate",
    "image_dangerous_content",
    "image_harassment",
    "image_sexually_explicit",
    "jailbreak",
]
Threshold: TypeAlias = Literal[
    "block_low_and_above", "block_medium_and_above", "block_only_high", "block_none", "off"
]


class TextContent(StrictModel):
    """A text."""

    type: Literal["text"]
    text: Text
    annotations: list[Opaque] | None = None


class ImageContent(StrictModel):
    """A picture: its bytes, or an address."""

    type: Literal["image"]
    data: Text | None = None
    uri: Text | None = None
    mime_type: Text | None = None
    resolution: Resolution | None = None


Content: TypeAlias = Annotated[TextContent | ImageContent, Field(discriminator="type")]


class UserInput(StrictModel):
    """A turn of the user."""

    type: Literal["user_input"]
    content: list[Content] = Field(default_factory=list)


class ModelOutput(StrictModel):
    """A turn of the model, sent back as history."""

    type: Literal["model_output"]
    content: list[Content] = Field(default_factory=list)
    error: Opaque | None = None


class Thought(StrictModel):
    """A thought of the model, sent back as history."""

    type: Literal["thought"]
    signature: Text | None = None
    summary: list[Opaque] | None = None


Step: TypeAlias = Annotated[UserInput | ModelOutput | Thought, Field(discriminator="type")]


def _as_steps(value: object) -> object:
    """Bring the four forms of `input` to one: a text, a content, contents, or steps."""
    if isinstance(value, str):
        value = {"type": "text", "text": value}
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and any(_type(item) not in STEP_TYPES for item in value):
        return [{"type": "user_input", "content": value}]
    return value


def _type(item: object) -> object:
    return item.get("type") if isinstance(item, dict) else None


class GenerationConfig(StrictModel):
    """How the answer is made; there is no thinking budget and no general media resolution here."""

    temperature: Real | None = None
    top_p: Real | None = None
    max_output_tokens: Whole | None = None
    seed: Whole | None = None
    stop_sequences: list[Text] | None = None
    thinking_level: Level | None = None
    thinking_summaries: Literal["auto", "none"] | None = None
    tool_choice: JsonValue = None
    image_config: Opaque | None = None
    speech_config: JsonValue = None


class TextFormat(StrictModel):
    """An answer in text, or in JSON that follows a schema."""

    type: Literal["text"]
    mime_type: Literal["text/plain", "application/json"] | None = None
    json_schema: Annotated[JsonValue, Field(alias="schema")] = None


class OtherFormat(StrictModel):
    """An answer that is no text."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["image", "audio", "video"]


Format: TypeAlias = Annotated[TextFormat | OtherFormat, Field(discriminator="type")]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class SafetySetting(StrictModel):
    """One safety setting."""

    type: Harm
    threshold: Threshold
    method: Literal["severity", "probability"] | None = None


class CodeExecution(StrictModel):
    """The tool that runs code; there is nothing to set."""

    type: Literal["code_execution"]


class OtherTool(StrictModel):
    """Another tool that the model may use."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["google_search", "url_context", "function"]


Tool: TypeAlias = Annotated[CodeExecution | OtherTool, Field(discriminator="type")]


class Request(StrictModel):
    """The body of a request for an interaction."""

    model: Text
    input: Annotated[list[Step], BeforeValidator(_as_steps)]
    system_instruction: Text | None = None
    generation_config: GenerationConfig | None = None
    response_format: Annotated[list[Format], BeforeValidator(_as_list)] | None = None
    response_mime_type: Text | None = None
    response_modalities: list[Literal["text", "image", "audio", "video", "document"]] | None = None
    safety_settings: list[SafetySetting] | None = None
    service_tier: Tier | None = None
    tools: list[Tool] | None = None
    store: Flag | None = None
    stream: Flag | None = None
    background: Flag | None = None
    previous_interaction_id: Text | None = None
    labels: dict[str, Text] | None = None
