"""The YAML -> a Gemini that obeys it: an adapter, and the wrappers around it.

From the outside in: what a model refuses is learnt (`learning`), images travel as is best for them
(`uploads`), passing failures are tried again (`retry`), all requests of the process keep within its
limits (`limits`), and an adapter speaks one of the two APIs.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from label_studio_gemini.errors import ConfigError
from label_studio_gemini.gemini import (
    LeastThinking,
    MediaResolution,
    Options,
    ServiceTier,
    ThinkingLevel,
    VertexProject,
    connect_gemini,
)
from label_studio_gemini.gemini.estimate import estimate_tokens
from label_studio_gemini.gemini.learning import LearningGemini
from label_studio_gemini.gemini.limits import LimitedGemini
from label_studio_gemini.gemini.prices import GivenPrice
from label_studio_gemini.gemini.retry import RetryingGemini
from label_studio_gemini.gemini.uploads import Files, SqliteUploadStore, UploadingGemini
from label_studio_gemini.geometry import ImageSize

if TYPE_CHECKING:
    from label_studio_gemini.config import Config, OptionsConfig, PricesConfig
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.gemini import Gemini, GeminiRequest, Thinking

# What an image costs does not depend on its size with Gemini 3; with older models this is one
# of common size: the limit is corrected by what each reply says it cost.
_USUAL_SIZE = ImageSize(1536, 1024)
_MEGABYTE = 1_000_000
# While a model is new, one request goes ahead, and the others wait so many seconds for its refusal.
# It may spare them theirs; it is not waited for longer, since refused requests cost nothing.
_PATIENCE = 0.03
_LEAST = LeastThinking()


def open_gemini(config: Config, environment: Environment) -> Gemini:
    """Connect to Gemini as the YAML says; nothing is sent yet.

    Raises:
        AuthenticationError: There is no key.
        ConfigError: The address of the API is none, or files are to be uploaded to Vertex AI.
    """
    vertex = None
    if config.vertex is not None:
        vertex = VertexProject(config.vertex.project, config.vertex.location)
    adapter = connect_gemini(
        api=config.api,
        api_key=environment.api_key,
        base_url=_checked_url(config.base_url or environment.base_url),
        timeout=config.timeout,
        api_version=config.api_version,
        vertex=vertex,
    )
    limited = LimitedGemini(
        adapter,
        concurrency=config.concurrency,
        requests_per_minute=config.requests_per_minute,
        tokens_per_minute=config.tokens_per_minute,
        estimate=_estimate,
    )
    uploading = UploadingGemini(
        RetryingGemini(limited, attempts=config.attempts),
        Files(adapter.connection),
        transport=config.images.transport,
        inline_bytes=int(config.images.inline_megabytes * _MEGABYTE * 4 / 3),
        store=SqliteUploadStore(environment.state_folder / "uploads.sqlite"),
    )
    return LearningGemini(uploading, patience=_PATIENCE)


def options_from_config(options: OptionsConfig) -> Options:
    """Return what the YAML says of how Gemini answers; what it leaves out is not sent."""
    return Options(
        system=options.system,
        temperature=options.temperature,
        top_p=options.top_p,
        seed=options.seed,
        max_output_tokens=options.max_output_tokens,
        thinking=_thinking(options.thinking),
        resolution=MediaResolution(options.media_resolution) if options.media_resolution else None,
        tier=ServiceTier(options.service_tier) if options.service_tier else None,
        safety=tuple(sorted(options.safety.items())),
        code_execution=bool(options.agentic),
    )


def given_price(prices: PricesConfig | None) -> GivenPrice | None:
    """Return the price that the YAML gives, in US dollars per million tokens, or None."""
    if prices is None:
        return None
    cached = None if prices.cached is None else Decimal(str(prices.cached))
    return GivenPrice(Decimal(str(prices.input)), Decimal(str(prices.output)), cached)


def _thinking(value: str | int | None) -> Thinking | None:
    """Return how long the model may think; as little as it can, unless the YAML says more."""
    if value is None or value == "auto":
        return _LEAST
    if value == "off":
        return 0
    return value if isinstance(value, int) else ThinkingLevel(value)


def _estimate(request: GeminiRequest) -> int:
    images = sum(len(example.images) for example in request.examples) + len(request.images)
    return estimate_tokens(request, [_USUAL_SIZE] * images).total


def _checked_url(url: str | None) -> str | None:
    if url is None or re.match(r"https?://[^/\s]", url):
        return url
    raise ConfigError(
        f"The address of the Gemini API, {url!r}, is none.",
        hint="`base_url` and GOOGLE_GEMINI_BASE_URL take http(s)://host[:port]; leave both out for "
        "Google's own.",
    )
