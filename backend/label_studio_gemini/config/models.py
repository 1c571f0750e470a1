"""What the YAML file may say; each field's text is its description in the published schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, model_validator

from label_studio_gemini.config.places import Location, path_of, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODEL = "gemini-3-flash-preview"
"""The model of Google's own image-understanding documents."""

FLEX_TASK = 3600.0  # seconds
MAX_OBJECTS = 100
"""How many objects are asked for, where a recipe does not say."""

POINT_WIDTH = 0.5
"""How large key points are drawn, in percent of the image's width, where nothing else is said."""

Text: TypeAlias = Annotated[str, Field(min_length=1, pattern=r"\S")]
ThinkingName: TypeAlias = Literal["auto", "off", "minimal", "low", "medium", "high"]
Resolution: TypeAlias = Literal["low", "medium", "high", "ultra_high"]
Harm: TypeAlias = Literal[
    "harassment", "hate_speech", "sexually_explicit", "dangerous_content", "civic_integrity"
]
Threshold: TypeAlias = Literal[
    "off", "block_none", "block_only_high", "block_medium_and_above", "block_low_and_above"
]


_Kind = TypeVar("_Kind", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OptionsConfig(_Strict):
    """How Gemini answers. In a recipe, what is left out is as at the top of the file."""

    system: Text | None = None
    """A system instruction, in your words."""
    thinking: ThinkingName | Annotated[int, Field(ge=-1, le=65_536, strict=True)] | None = None
    """How long the model may think: `auto` (as little as it allows: Google advises that for
    detection), `off`, a level, or a budget in tokens (-1: as much as it likes). What a model
    refuses is corrected, once."""
    temperature: float | None = Field(default=None, ge=0, le=2, strict=True)
    """0 to 2; not sent unless it is set."""
    top_p: float | None = Field(default=None, ge=0, le=1, strict=True)
    """0 to 1; not sent unless it is set."""
    seed: int | None = Field(default=None, strict=True)
    """For answers that can be repeated, as far as the model can."""
    max_output_tokens: int | None = Field(default=None, ge=1, strict=True)
    """The most tokens of an answer, thoughts included."""
    media_resolution: Resolution | None = None
    """How closely images are looked at: with Gemini 3, 280, 560, 1120 or 2240 tokens each."""
    service_tier: Literal["standard", "flex", "priority"] | None = None
    """flex is half the price, and may take 15 minutes."""
    safety: dict[Harm, Threshold] = Field(default_factory=dict)
    """What is blocked: harm category -> threshold."""
    structured: bool | None = None
    """Whether the answer has to follow a JSON Schema with your labels as an enum: true, unless a
    model does worse with it."""
    agentic: bool | None = None
    """Whether the model may crop and look again by running code: others measured 10 to 16 % better
    boxes, at four times the time and more tokens."""
    masks: Literal["polygon", "png"] | None = None
    """How masks are asked for, where a control tag needs them: `polygon` (Gemini 3 and later, the
    default) or `png` (Gemini 2.5: a picture of the box, without a JSON Schema, since the model
    answers no pictures under one)."""

    def over(self, other: OptionsConfig) -> OptionsConfig:
        """Return these options, and those of `other` where these have none."""
        return _merged(OptionsConfig, self, other)


NO_OPTIONS = OptionsConfig()


class PolygonConfig(_Strict):
    """How a mask becomes polygons."""

    tolerance: float = Field(default=1.0, ge=0, le=100, strict=True)
    """How far an outline may be off the mask's, in pixels of the image: the more, the fewer
    points."""
    min_area: float = Field(default=16.0, ge=0, strict=True)
    """Parts smaller than this, in square pixels, are dropped; the largest part never is."""


class DrawingConfig(_Strict):
    """How regions are drawn. In a recipe, what is left out is as at the top of the file."""

    fallback: Literal["box", "drop"] | None = None
    """What becomes of an object whose mask is missing or unreadable, where the control tag needs
    one: a region of its `box` (the default), or none. Either way it is counted."""
    smooth: bool | None = None
    """Whether the ragged edges of a mask that Gemini drew as a picture are smoothed: true, unless
    they matter."""
    polygon: PolygonConfig | None = None
    """How masks become polygons."""
    point_width: float | None = Field(default=None, gt=0, le=100, strict=True)
    """How large key points are drawn, in percent of the image's width; 0.5, if it is left out."""

    def drawing_over(self, other: DrawingConfig) -> DrawingConfig:
        """Return these settings, and those of `other` where these have none."""
        return _merged(DrawingConfig, self, other)


def _merged(kind: type[_Kind], own: BaseModel, basis: BaseModel) -> _Kind:
    """Return a `kind` with what `own` says, down to the keys of its sections, over `basis`."""
    values = {name: getattr(basis, name) for name in kind.model_fields}
    for name in own.model_fields_set & values.keys():
        value, below = getattr(own, name), values[name]
        if isinstance(value, BaseModel) and isinstance(below, BaseModel):
            value = _merged(type(value), value, below)
        values[name] = value
    return kind.model_validate(values)


class WantedConfig(_Strict):
    """A label, and what is meant by it."""

    label: Text
    """The project's label."""
    description: Text | None = None
    """What is meant, for Gemini: "a car with a taxi sign on its roof"."""


class ExampleConfig(_Strict):
    """An image that was answered rightly: it is shown to Gemini before the question."""

    image: Text
    """Its file, relative to this file, or its http(s) address."""
    media_resolution: Resolution | None = None
    """How closely it is looked at, where that is not the recipe's."""
    answer: dict[str, JsonValue] | list[JsonValue]
    """What the right answer is, as Gemini would give it:
    `{boxes: [{box_2d: [ymin, xmin, ymax, xmax], label: car}]}`, from 0 to 1000."""


class RecipeConfig(DrawingConfig, OptionsConfig):
    """One prompt, and the labels that its answers become."""

    name: Text
    """A name of your own, unique in the file; logs and statistics use it."""
    prompt: Text | None = None
    """What Gemini is asked for, in your words; `{labels}` stands for the labels, and
    `{{ task.data.title }}` for a field of the task. Without it, a prompt is made of the labels."""
    labels: dict[Text, Text | WantedConfig] | list[Text] = Field(default_factory=dict)
    """What Gemini is asked for -> the project's label, with a description where that helps; or a
    list, where both are the same. Without it, all labels of the target."""
    target: Text | None = None
    """The name of the control tag to fill. It can be left out where only one has these labels."""
    relations: dict[Text, Text] | list[Text] = Field(default_factory=list)
    """What Gemini is asked for beside the objects: how they relate to each other; the values of
    the project's `<Relation>` tags, or value -> what is meant by it."""
    unknown_as: Text | None = None
    """The project's label for whatever Gemini calls by another name. Without it, that is dropped
    and counted."""
    examples: list[ExampleConfig] = Field(default_factory=list)
    """Images with their right answers. They cost their tokens in every request, and can make
    boxes worse as well as better: measure them on images of your own."""
    max_objects: int = Field(default=MAX_OBJECTS, ge=1, le=10_000, strict=True)
    """The most objects that are asked for: dense scenes lose or misplace some."""

    @property
    def label_map(self) -> Mapping[str, WantedConfig]:
        """What is asked for -> the project's label, whichever way the file has it."""
        if not isinstance(self.labels, dict):
            return {label: WantedConfig(label=label) for label in self.labels}
        return {
            asked: wanted if isinstance(wanted, WantedConfig) else WantedConfig(label=wanted)
            for asked, wanted in self.labels.items()
        }


class ImagesConfig(_Strict):
    """Where images may come from, how large they may be, and how closely they are looked at."""

    timeout: float = Field(default=30.0, gt=0, le=3600, strict=True)
    """Seconds that one image may take to arrive, redirects included."""
    max_megabytes: float = Field(default=100.0, gt=0, le=2000, strict=True)
    """The largest file that is fetched."""
    max_megapixels: float = Field(default=200.0, gt=0, le=2000, strict=True)
    """The largest image that is opened: protects against decompression bombs."""
    inline_megabytes: float = Field(default=14.0, gt=0, le=70, strict=True)
    """The most bytes of images inside one request. (Base64 makes 20 MB of 14.9 MB.) Above it,
    `auto` uploads, and `inline` sends a smaller JPEG."""
    allowed_hosts: list[Text] = Field(default_factory=list)
    """Hosts on private networks that images may be fetched from, as `host` or `host:port`.
    The Label Studio host always is allowed."""
    folders: list[Path] = Field(default_factory=list)
    """Folders of this machine that a task may name files of, by path. None by default."""
    resolutions: dict[Text, Resolution] = Field(default_factory=dict)
    """How closely the images of an Image tag are looked at, by its name, where that is not
    `media_resolution`."""


class VertexConfig(_Strict):
    """Gemini through Vertex AI, with the credentials of the machine."""

    project: Text
    """The Google Cloud project."""
    location: Text = "global"
    """The region."""


class PricesConfig(_Strict):
    """What a million tokens cost, in US dollars: for a model whose price is not known."""

    input: float = Field(ge=0, strict=True)
    """What is sent."""
    output: float = Field(ge=0, strict=True)
    """What is answered, thoughts included."""
    cached: float | None = Field(default=None, ge=0, strict=True)
    """What is read from a cache; as `input`, if it is left out."""


class CacheConfig(_Strict):
    """What is remembered of Gemini's answers, on this machine, so that none is paid for twice."""

    enabled: bool = True
    """Whether answers are remembered."""
    max_megabytes: float = Field(default=1000.0, gt=0, le=1_000_000, strict=True)
    """The most that they may take; those that were not used for longest go first."""
    max_days: float = Field(default=90.0, gt=0, le=3650, strict=True)
    """How long an answer is good for."""
    failures_minutes: float = Field(default=60.0, ge=0, le=525_600, strict=True)
    """How long a failure is remembered that would come again: an image that is blocked."""


class BudgetConfig(_Strict):
    """What may be spent."""

    per_day: float = Field(gt=0, strict=True)
    """US dollars from midnight to midnight; then nothing more is asked until the next day."""


class Config(DrawingConfig, OptionsConfig):
    """The whole file. Everything has a default: with no file at all, the project's labels do."""

    model: Text = DEFAULT_MODEL
    """Any model name; the API is the authority on which exist."""
    api: Literal["interactions", "generate_content"] = "interactions"
    """Which of Gemini's two APIs carries the requests."""
    base_url: Text | None = None
    """Another address of the API; else GOOGLE_GEMINI_BASE_URL, else Google's own."""
    api_version: Text = "v1"
    """The version of the API; names like `gemini-flash-latest` exist in v1beta only."""
    vertex: VertexConfig | None = None
    """Vertex AI, in the place of an API key."""
    recipes: list[RecipeConfig] = Field(default_factory=list)
    """What to ask for. Without recipes they are made of the project's labelling config."""
    concurrency: int = Field(default=32, ge=1, le=1024, strict=True)
    """How many requests one process has with Gemini at the same time; fewer while Gemini says that
    it is too much, and an eighth more where people wait, so that nobody waits for a batch to end.
    As many tasks again have their images read meanwhile."""
    requests_per_minute: int | None = Field(default=None, ge=1, strict=True)
    """The most requests to Gemini in a minute, by one process."""
    tokens_per_minute: int | None = Field(default=None, ge=1, strict=True)
    """The most tokens in a minute, by one process, as they are estimated beforehand."""
    timeout: float = Field(default=120.0, gt=0, le=3600, strict=True)
    """Seconds that one request to Gemini may take; with `service_tier: flex` at least 900."""
    task_timeout: float = Field(default=600.0, gt=0, le=86_400, strict=True)
    """Seconds that one task may take: its images, all requests, and all waiting between tries, but
    not for its turn among the limits above; 3600 with `service_tier: flex`, unless it is set."""
    attempts: int = Field(default=5, ge=1, le=20, strict=True)
    """How often a request is tried that fails for a passing reason (408, 429, 5xx, no answer)."""
    predict_deadline: float = Field(default=900.0, gt=0, le=86_400, strict=True)
    """Seconds that Label Studio waits for the answer to one request. What is not done by then goes
    on in the background, and is there when it is retrieved again."""
    stop_grace: float = Field(default=20.0, ge=0, le=3600, strict=True)
    """Seconds that tasks under way have to end, once the server is told to stop."""
    max_request_megabytes: float = Field(default=100.0, gt=0, le=2000, strict=True)
    """The largest request that the server takes."""
    image_transport: Literal["auto", "inline", "files", "url"] = "auto"
    """How images travel: inside the request; as files that are uploaded (kept by Google for 48
    hours); by their public address, where they have one; auto: inline, and what is too large for
    that or used again and again as files."""
    images: ImagesConfig = Field(default_factory=ImagesConfig)
    """Where images may come from, and how large they may be."""
    prices: PricesConfig | None = None
    """The model's price, where it is not known or another for you."""
    cache: CacheConfig = Field(default_factory=CacheConfig)
    """What is remembered of Gemini's answers."""
    budget: BudgetConfig | None = None
    """What may be spent."""
    ledger_days: int = Field(default=400, ge=1, le=36_500, strict=True)
    """How long each call is on record; the sums of days are kept for good."""

    _file: str = PrivateAttr(default="the config")
    _lines: dict[Location, int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [recipe.name for recipe in self.recipes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two recipes are called {twice!r}; give each a name of its own")
        return self

    @property
    def tasks_at_once(self) -> int:
        """How many tasks are worked on at the same time: asked about, or made ready for that."""
        return 2 * self.concurrency

    @property
    def task_seconds(self) -> float:
        """Seconds that one task may take; a request of the tier flex alone may take 900."""
        layers: tuple[OptionsConfig, ...] = (self, *self.recipes)
        flex = any(options.service_tier == "flex" for options in layers)
        return (
            FLEX_TASK if flex and "task_timeout" not in self.model_fields_set else self.task_timeout
        )

    def remember_places(self, file: str, lines: dict[Location, int]) -> None:
        """Note the file that this was read from, and the lines of its values, for `where`."""
        self._file, self._lines = file, lines

    @property
    def folder(self) -> Path:
        """The folder of the file: what the paths in it are relative to."""
        return Path(self._file).resolve().parent

    def where(self, *location: str | int) -> str:
        """Say where in the file a value is: `street.yaml:7: recipes[0].labels.car`."""
        return f"{place_of(self._file, self._lines, location)}: {path_of(location)}"
