"""What a reply cost, in US dollars, by the tables of genai-prices or by a price that is given.

Amounts are `Decimal`: prices are decimal fractions, tokens are whole, and a million small amounts
have to add up to the limit that was set, to the cent. genai-prices reckons in it too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.gemini.types import ServiceTier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from genai_prices.types import MatchLogic, PriceCalculation

    from label_studio_gemini.gemini.types import Usage

    _Context: TypeAlias = Mapping[str, str]

_MILLION = Decimal(1_000_000)
_HALF = Decimal("0.5")
_PRIORITY = Decimal("1.8")  # https://ai.google.dev/gemini-api/docs/pricing
_BATCH_CONTEXT = {"processing": "batch"}
# What one model is called at different times: `-preview`, `-001`, `-09-2025`, `-preview-04-17`.
_VERSION = re.compile(r"(?:-(?:preview|exp|latest|\d{3}|\d{2}-(?:\d{4}|\d{2})))+$")


@dataclass(frozen=True, slots=True)
class GivenPrice:
    """The price of a model that the tables do not know: US dollars for a million tokens.

    Attributes:
        input: What is sent, at the standard tier: other tiers and batches are derived from it.
        output: What is written, thoughts included.
        cached: The part of the input that was read from a cache; None where it costs as much.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in US dollars.

    Attributes:
        input: For all that was sent.
        output: For all that was written, thoughts included.
    """

    input: Decimal
    output: Decimal

    @property
    def total(self) -> Decimal:
        """The whole amount."""
        return self.input + self.output


def price_of(
    usage: Usage,
    model: str,
    *,
    tier: ServiceTier | None = None,
    batch: bool = False,
    when: datetime | None = None,
    given: GivenPrice | None = None,
) -> Price | None:
    """Return what tokens cost, or None for a model whose price is not known.

    The first call imports genai-prices (0.3 s, or 0.1 s after the SDK); it opens no address.

    Args:
        usage: The tokens; thoughts cost as much as output.
        model: The model's name, also with `models/` before it.
        tier: How soon; None for standard. A batch has no other tier.
        batch: Whether it was a batch.
        when: When it was sent, as prices change; None for now.
        given: The price that the user gives for this model; it wins over the tables.
    """
    if given is not None:
        return _scaled(_price_from_given(usage, given), _factor(tier, batch=batch))
    name = model.rpartition("/")[2].lower()
    standard = _calculated(usage, name, when, {})
    if standard is None:
        return None
    for context in _contexts(tier, batch=batch):
        special = _calculated(usage, name, when, context)
        # Where a table has nothing for a context, it answers with the standard price.
        if special is not None and special.model_price != standard.model_price:
            return Price(special.input_price, special.output_price)
    price = Price(standard.input_price, standard.output_price)
    return _scaled(price, _factor(tier, batch=batch))


def _price_from_given(usage: Usage, given: GivenPrice) -> Price:
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_price = given.input if given.cached is None else given.cached
    fresh = usage.input_tokens - cached
    written = usage.output_tokens + usage.thought_tokens
    return Price(
        (fresh * given.input + cached * cached_price) / _MILLION,
        written * given.output / _MILLION,
    )


def _factor(tier: ServiceTier | None, *, batch: bool) -> Decimal:
    if batch or tier is ServiceTier.FLEX:
        return _HALF
    return _PRIORITY if tier is ServiceTier.PRIORITY else Decimal(1)


def _contexts(tier: ServiceTier | None, *, batch: bool) -> tuple[_Context, ...]:
    """Return under which words a table may have the price, the best first."""
    if batch:
        return (_BATCH_CONTEXT,)
    if tier is ServiceTier.FLEX:
        # Google's page has the same rates in both columns; the tables often have the one alone.
        return {"service_tier": "flex"}, _BATCH_CONTEXT
    if tier is ServiceTier.PRIORITY:
        return ({"service_tier": "priority"},)
    return ()


def _scaled(price: Price, factor: Decimal) -> Price:
    return Price(price.input * factor, price.output * factor)


def _calculated(
    usage: Usage, name: str, when: datetime | None, context: _Context
) -> PriceCalculation | None:
    # Imported here: its tables are not needed for any prediction.
    import genai_prices  # noqa: PLC0415

    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        output_tokens=usage.output_tokens + usage.thought_tokens,
    )
    try:
        found = genai_prices.calc_price(
            tokens,
            name,
            provider_id="google",
            genai_request_timestamp=when,
            price_context=context,
        )
    except LookupError:
        return None
    exact = _is_called(found.model.match, name) or _core(found.model.id) == _core(name)
    return found if exact else None


def _core(name: str) -> str:
    return _VERSION.sub("", name)


def _is_called(match: MatchLogic, name: str) -> bool:
    """Return whether the table has this very name.

    It also matches by beginnings and parts of names: `gemini-3.8-flash-ultra`, which nobody has
    seen, would cost as much as `gemini-3.8-flash`.
    """
    from genai_prices.types import ClauseEquals, ClauseOr  # noqa: PLC0415

    if isinstance(match, ClauseOr):
        return any(_is_called(clause, name) for clause in match.or_)
    return isinstance(match, ClauseEquals) and match.equals.lower() == name
