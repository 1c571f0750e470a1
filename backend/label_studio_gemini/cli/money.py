"""What tokens cost, in words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from label_studio_gemini.gateway import given_price
from label_studio_gemini.gemini.prices import price_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from label_studio_gemini.config import Config
    from label_studio_gemini.pipeline import Spent


def cost_in_words(spent: Iterable[Spent], config: Config) -> str:
    """Return `about $0.0123`, or that there is no known price; each request has its own tier."""
    given = given_price(config.prices)
    total = Decimal(0)
    for one in spent:
        price = price_of(one.usage, config.model, tier=one.tier, given=given)
        if price is None:
            return "no known price"
        total += price.total
    return f"about ${total:.4f}"
