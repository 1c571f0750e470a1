"""What tokens cost, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.gateway import given_price
from label_studio_gemini.gemini import ServiceTier
from label_studio_gemini.gemini.prices import price_of

if TYPE_CHECKING:
    from label_studio_gemini.config import Config
    from label_studio_gemini.gemini import Usage


def cost_in_words(tokens: Usage, config: Config) -> str:
    """Return `about $0.0123`, or that there is no known price."""
    tier = ServiceTier(config.service_tier) if config.service_tier else None
    price = price_of(tokens, config.model, tier=tier, given=given_price(config.prices))
    return "no known price" if price is None else f"about ${price.total:.4f}"
