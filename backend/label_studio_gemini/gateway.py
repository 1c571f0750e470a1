"""The YAML -> a Gemini that obeys it: an adapter, and the wrappers around it.

From the outside in: replies are remembered and calls recorded (`cache`), what a model refuses is
learnt (`learning`), images travel as is best for them (`uploads`), passing failures are tried again
(`retry`), all requests of the process keep within its limits and stop at a wrong key or a used-up
day (`limits`, `halts`), what was sent is reported for the record (`reporting`), and an adapter
speaks one of the two APIs.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from label_studio_gemini.cache import Budget, CachingGemini, Ledger, Limits, ReplyStore
from label_studio_gemini.errors import ConfigError, ReplyError
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
from label_studio_gemini.gemini.halts import Halts
from label_studio_gemini.gemini.learning import LearningGemini
from label_studio_gemini.gemini.limits import LimitedGemini
from label_studio_gemini.gemini.prices import GivenPrice, price_of
from label_studio_gemini.gemini.reporting import ReportingGemini
from label_studio_gemini.gemini.retry import RetryingGemini
from label_studio_gemini.gemini.uploads import Files, SqliteUploadStore, UploadingGemini
from label_studio_gemini.geometry import ImageSize
from label_studio_gemini.replies import read_reply

if TYPE_CHECKING:
    from label_studio_gemini.config import Config, OptionsConfig, PricesConfig
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.gemini import Gemini, GeminiRequest, Thinking, Usage

# What an image costs does not depend on its size with Gemini 3; with older models this is one
# of common size: the limit is corrected by what each reply says it cost.
_USUAL_SIZE = ImageSize(1536, 1024)
_MEGABYTE = 1_000_000
_MINUTE, _DAY = 60, 86_400  # seconds
# While a model is new, one request goes ahead, and the others wait so many seconds for its refusal.
# It may spare them theirs; it is not waited for longer, since refused requests cost nothing.
_PATIENCE = 0.03
# While the key is new, likewise: it is refused sooner than a model answers. The two run together.
_KEY_PATIENCE = 0.1
_LEAST = LeastThinking()


class Books(NamedTuple):
    """What is kept of requests: their cost, and their replies where these are remembered."""

    ledger: Ledger
    replies: ReplyStore | None

    async def aclose(self) -> None:
        """Write what is not written yet, and close both files."""
        await self.ledger.aclose()
        if self.replies is not None:
            await self.replies.aclose()


def open_gemini(config: Config, environment: Environment, books: Books | None = None) -> Gemini:
    """Connect to Gemini as the YAML says; nothing is sent yet.

    Args:
        config: The YAML.
        environment: The key, and where state is kept.
        books: What is kept of requests, where it is open already; what is returned closes it.

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
    halts = Halts(patience=_KEY_PATIENCE)
    limited = LimitedGemini(
        ReportingGemini(adapter),
        concurrency=config.concurrency,
        requests_per_minute=config.requests_per_minute,
        tokens_per_minute=config.tokens_per_minute,
        estimate=_estimate,
        halts=halts,
    )
    uploading = UploadingGemini(
        RetryingGemini(limited, attempts=config.attempts),
        Files(adapter.connection),
        transport=config.image_transport,
        inline_bytes=int(config.images.inline_megabytes * _MEGABYTE * 4 / 3),
        store=SqliteUploadStore(environment.state_folder / "uploads.sqlite"),
        attempts=config.attempts,
        halts=halts,
    )
    learning = LearningGemini(uploading, patience=_PATIENCE, is_empty=_holds_nothing)
    where = vertex.location if vertex else (config.base_url or environment.base_url or "")
    ledger, store = books or open_books(config, environment)
    return CachingGemini(
        learning,
        store=store,
        ledger=ledger,
        api=config.api,
        where=f"{where}/{config.api_version}",
        budget=_budget(config, ledger),
    )


def open_books(config: Config, environment: Environment) -> Books:
    """Open what is kept of requests; no file is made yet."""
    store = open_replies(config, environment) if config.cache.enabled else None
    return Books(open_ledger(config, environment), store)


def open_ledger(config: Config, environment: Environment) -> Ledger:
    """Open the record of all calls; no file is made yet."""
    given = given_price(config.prices)

    def price(usage: Usage, model: str, tier: ServiceTier | None) -> Decimal | None:
        found = price_of(usage, model, tier=tier, given=given)
        return None if found is None else found.total

    return Ledger(
        environment.state_folder / "ledger.sqlite",
        price,
        days=config.ledger_days,
        guards_budget=config.budget is not None,
    )


def open_replies(config: Config, environment: Environment) -> ReplyStore:
    """Open what is remembered of replies; no file is made yet."""
    limits = Limits(
        max_bytes=int(config.cache.max_megabytes * _MEGABYTE),
        max_age=config.cache.max_days * _DAY,
        failures_for=config.cache.failures_minutes * _MINUTE,
    )
    return ReplyStore(environment.state_folder / "replies.sqlite", limits)


def _budget(config: Config, ledger: Ledger) -> Budget | None:
    if config.budget is None:
        return None
    given = given_price(config.prices)

    def estimate(request: GeminiRequest) -> Decimal | None:
        tier = request.options.tier
        found = price_of(_estimated(request), request.model, tier=tier, given=given)
        return None if found is None else found.total

    return Budget(Decimal(str(config.budget.per_day)), ledger, estimate)


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


def _holds_nothing(text: str) -> bool:
    """Return whether a reply that was cut off ends before its first whole item."""
    try:
        reading = read_reply(text)
    except ReplyError:
        return True
    return not (reading.detections or reading.answers or reading.image_answers)


def _estimate(request: GeminiRequest) -> int:
    return _estimated(request).total


def _estimated(request: GeminiRequest) -> Usage:
    images = sum(len(example.images) for example in request.examples) + len(request.images)
    return estimate_tokens(request, [_USUAL_SIZE] * images)


def _checked_url(url: str | None) -> str | None:
    if url is None or (re.match(r"https?://[^/\s]", url) and _has_possible_port(url)):
        return url
    raise ConfigError(
        f"The address of the Gemini API, {url!r}, is none.",
        hint="`base_url` and GOOGLE_GEMINI_BASE_URL take http(s)://host[:port]; leave both out for "
        "Google's own.",
    )


def _has_possible_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:  # the system would take 99999 for 34463
        return False
