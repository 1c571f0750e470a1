"""The bodies of the generateContent API, to the letter."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue

from label_studio_gemini.emulator.strict import Flag, ProtoModel, Real, Text, Whole

Opaque: TypeAlias = dict[str, JsonValue]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Level: TypeAlias = Annotated[
    Literal["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"],
    BeforeValidator(_upper),  # the published REST examples write "low"
]
Tier: TypeAlias = Annotated[
    Literal["unspecified", "flex", "standard", "priority"], BeforeValidator(_lower)
]
Resolution: TypeAlias = Literal[
    "MEDIA_RESOLUTION_UNSPECIFIED",
    "MEDIA_RESOLUTION_LOW",
    "MEDIA_RESOLUTION_MEDIUM",
    "MEDIA_RESOLUTION_HIGH",
]
SchemaType: TypeAlias = Annotated[
    Literal[
        "TYPE_UNSPECIFIED",
        "STRING",
        "NUMBER",
        "INTEGER",
        "BOOLEAN",
        "ARRAY",
        "OBJECT",
        "NULL",
    ],
    BeforeValidator(_upper),
]
Category: TypeAlias = Literal[
    "HARM_CATEGORY_UNSPECIFIED",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
]
Threshold: TypeAlias = Literal[
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
]


class Blob(ProtoModel):
    """Bytes that travel inside the request."""

    mime_type: Text = ""
    data: Text = ""


class FileData(ProtoModel):
    """The address of a file."""

    file_uri: Text = ""
    mime_type: Text | None = None


class PartResolution(ProtoModel):
    """The resolution at which one part is looked at."""

    level: Resolution | Literal["MEDIA_RESOLUTION_ULTRA_HIGH"]
    num_tokens: Whole | None = None


class Part(ProtoModel):
    """One piece of a turn: exactly one kind of content."""

    text: Text | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: Opaque | None = None
    function_response: Opaque | None = None
    executable_code: Opaque | None = None
    code_execution_result: Opaque | None = None
    media_resolution: PartResolution | None = None
    thought: Flag | None = None
    thought_signature: Text | None = None
    video_metadata: Opaque | None = None
    part_metadata: Opaque | None = None

    def kinds(self) -> int:
        """Return how many kinds of content it has."""
        kinds = (
            self.text,
            self.inline_data,
            self.file_data,
            self.function_call,
            self.function_response,
            self.executable_code,
            self.code_execution_result,
        )
        return sum(kind is not None for kind in kinds)


class Content(ProtoModel):
    """One turn."""

    role: Text | None = None
    parts: list[Part] = Field(default_factory=list)


class Schema(ProtoModel):
    """The Schema message; its values are read again by `shape_from_schema`."""

    type: SchemaType | None = None
    format: Text | None = None
    title: Text | None = None
    description: Text | None = None
    nullable: Flag | None = None
    enum: list[Text] | None = None
    max_items: Whole | None = None
    min_items: Whole | None = None
    properties: dict[str, Schema] | None = None
    required: list[Text] | None = None
    min_properties: Whole | None = None
    max_properties: Whole | None = None
    min_length: Whole | None = None
    max_length: Whole | None = None
    pattern: Text | None = None
    example: JsonValue = None
    any_of: list[Schema] | None = None
    property_ordering: list[Text] | None = None
    default: JsonValue = None
    items: Schema | None = None
    minimum: Real | None = None
    maximum: Real | None = None
    additional_properties: JsonValue = None


class Thinking(ProtoModel):
    """How much the model may think."""

    include_thoughts: Flag | None = None
    thinking_budget: Whole | None = None
    thinking_level: Level | None = None


class GenerationConfig(ProtoModel):
    """How the answer is made."""

    temperature: Real | None = None
    top_p: Real | None = None
    top_k: Whole | None = None
    candidate_count: Whole | None = None
    max_output_tokens: Whole | None = None
    stop_sequences: list[Text] | None = None
    presence_penalty: Real | None = None
    frequency_penalty: Real | None = None
    seed: Whole | None = None
    response_logprobs: Flag | None = None
    logprobs: Whole | None = None
    response_mime_type: Literal["text/plain", "application/json", "text/x.enum"] | None = None
    response_schema: Schema | None = None
    response_json_schema: JsonValue = None
    response_modalities: list[Literal["TEXT", "IMAGE", "AUDIO"]] | None = None
    media_resolution: Resolution | None = None
    thinking_config: Thinking | None = None
    speech_config: Opaque | None = None
    image_config: Opaque | None = None
    enable_enhanced_civic_answers: Flag | None = None


class Safety(ProtoModel):
    """One safety setting."""

    category: Category
    threshold: Threshold


class CodeExecution(ProtoModel):
    """The tool that runs code; there is nothing to set."""


class Tool(ProtoModel):
    """Tools that the model may use."""

    code_execution: CodeExecution | None = None
    google_search: Opaque | None = None
    url_context: Opaque | None = None
    function_declarations: list[Opaque] | None = None


class Request(ProtoModel):
    """The body of a generateContent request."""

    model: Text | None = None
    contents: list[Content] = Field(default_factory=list)
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    tool_config: Opaque | None = None
    safety_settings: list[Safety] | None = None
    generation_config: GenerationConfig | None = None
    cached_content: Text | None = None
    service_tier: Tier | None = None
    store: Flag | None = None


class CountRequest(ProtoModel):
    """The body of a countTokens request, in either of its two forms."""

    contents: list[Content] = Field(default_factory=list)
    generate_content_request: Request | None = None
