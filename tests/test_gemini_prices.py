"""Prices reckoned by hand from Google's page, and models whose price nobody knows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from label_studio_gemini.gemini.prices import GivenPrice, price_of
from label_studio_gemini.gemini.types import ServiceTier, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

AUTUMN = datetime(2026, 11, 20, tzinfo=UTC)
MILLION = 1_000_000


@dataclass(frozen=True)
class Case:
    """Tokens of a reply, and by hand what they cost in dollars."""

    model: str
    usage: Usage
    input: str
    output: str
    tier: ServiceTier | None = None
    batch: bool = False
    when: datetime = AUTUMN


FLASH_3 = "gemini-3-flash-preview"  # 0.50 in, 3.00 out, 0.05 cached
FLASH_25 = "gemini-2.5-flash"  # 0.30 in, 2.50 out, 0.03 cached
PRO_25 = "gemini-2.5-pro"  # 1.25 in, 10 out, 0.125 cached; above 200,000: 2.50, 15, 0.25
FLASH_38 = "gemini-3.8-flash"  # 0.75 in, 3.75 out, 0.075 cached; twice that from 2027 on
FLASH_37 = "gemini-3.7-flash"  # the same, without special prices in the tables

PHOTO = Usage(1500, 400, 200)
CACHED = Usage(10_000, 0, 0, cached_tokens=4000)

CASES = [
    Case(FLASH_3, PHOTO, "0.00075", "0.0018"),
    Case(FLASH_3, CACHED, "0.0032", "0"),  # 6,000 x 0.50 + 4,000 x 0.05
    Case(FLASH_3, Usage(1500, 400, 200, image_tokens=1120), "0.00075", "0.0018"),
    Case(FLASH_25, PHOTO, "0.00045", "0.0015"),
    Case(FLASH_25, CACHED, "0.00192", "0"),
    Case(PRO_25, PHOTO, "0.001875", "0.006"),
    Case(PRO_25, CACHED, "0.008", "0"),
    Case(PRO_25, Usage(300_000, 1000, 1000), "0.75", "0.03"),
    Case(FLASH_38, PHOTO, "0.001125", "0.00225"),
    Case(FLASH_38, PHOTO, "0.00225", "0.0045", when=datetime(2027, 1, 1, tzinfo=UTC)),
    Case(FLASH_3, PHOTO, "0.000375", "0.0009", batch=True),
    Case(FLASH_3, CACHED, "0.0017", "0", batch=True),  # cached costs the same: 6,000 x 0.25 + …
    Case(FLASH_38, CACHED, "0.0024", "0", batch=True),  # here it is half too
    Case(FLASH_3, PHOTO, "0.000375", "0.0009", tier=ServiceTier.FLEX),
    Case(FLASH_37, PHOTO, "0.0005625", "0.001125", tier=ServiceTier.FLEX),
    Case(FLASH_37, PHOTO, "0.0005625", "0.001125", batch=True),
    Case(FLASH_38, PHOTO, "0.002025", "0.00405", tier=ServiceTier.PRIORITY),
    Case(FLASH_38, PHOTO, "0.0005625", "0.001125", tier=ServiceTier.PRIORITY, batch=True),
    Case(FLASH_38, PHOTO, "0.001125", "0.00225", tier=ServiceTier.STANDARD),
    Case(FLASH_3, PHOTO, "0.000375", "0.0009", batch=True, when=datetime(2026, 2, 1, tzinfo=UTC)),
    Case(FLASH_3, Usage(), "0", "0"),
    Case(FLASH_3, Usage(100, 0, 0, cached_tokens=200), "0.000005", "0"),  # more than there was
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_prices(case: Case) -> None:
    price = price_of(case.usage, case.model, tier=case.tier, batch=case.batch, when=case.when)
    assert price is not None
    assert (price.input, price.output) == (Decimal(case.input), Decimal(case.output))
    assert price.total == Decimal(case.input) + Decimal(case.output)


@pytest.mark.parametrize(
    "model",
    [
        "models/gemini-3-flash-preview",
        "publishers/google/models/gemini-3-flash-preview",
        "Gemini-3-Flash-Preview",
        "gemini-3-flash-preview-12-2025",
    ],
)
def test_a_model_has_several_names(model: str) -> None:
    assert price_of(PHOTO, model, when=AUTUMN) == price_of(PHOTO, FLASH_3, when=AUTUMN)


@pytest.mark.parametrize(
    "model",
    [
        "gemini-9-flash",
        "gemini-3.8-flash-ultra",
        "gemini-3.7-flash-nano",
        "gemini-2.5-pro-vision",
        "gemini-1.5-flash-8b",
        "gemini-3.5-flash-lite-next",
        "my-gemini-2.5-flash-0",
        "tunedModels/gemini-2.5-pro-of-ours",
        "gpt-5",
        "gemini",
        "-preview",
        "models/",
        "",
    ],
)
def test_an_unknown_model_has_no_price(model: str) -> None:
    """Also where the tables would match it by a part of its name."""
    assert price_of(PHOTO, model, when=AUTUMN) is None


def test_the_price_of_now_is_one() -> None:
    assert price_of(PHOTO, FLASH_3) is not None


GIVEN = GivenPrice(Decimal("0.30"), Decimal("2.50"), Decimal("0.03"))


@pytest.mark.parametrize(
    ("tier", "batch", "total"),
    [
        (None, False, "0.001950"),
        (ServiceTier.FLEX, False, "0.000975"),
        (ServiceTier.PRIORITY, False, "0.003510"),
        (None, True, "0.000975"),
    ],
)
def test_a_given_price_is_used(tier: ServiceTier | None, batch: bool, total: str) -> None:  # noqa: FBT001
    price = price_of(PHOTO, "gemini-9-flash", tier=tier, batch=batch, given=GIVEN)
    assert price is not None
    assert price.total == Decimal(total)


def test_a_given_price_wins_and_may_have_none_for_cached_tokens() -> None:
    plain = GivenPrice(Decimal(1), Decimal(2))
    assert price_of(CACHED, FLASH_3, given=plain) == price_of(Usage(10_000), "x", given=plain)
    reduced = price_of(CACHED, FLASH_3, given=GIVEN)
    assert reduced is not None
    assert reduced.input == Decimal("0.00192")


@any_of(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_any_counts_have_a_price(sent: int, out: int, thoughts: int, cached: int) -> None:
    """And it is exact: the same as by whole numbers of a ten-millionth of a cent."""
    price = price_of(Usage(sent, out, thoughts, cached), FLASH_3, when=AUTUMN)
    assert price is not None
    cached = min(sent, cached)
    cents = (sent - cached) * 50 + cached * 5 + (out + thoughts) * 300
    assert price.total * MILLION * 100 == cents


def test_the_tables_are_imported_by_the_first_price_alone(measured: Callable[[str], None]) -> None:
    code = (
        "import sys, time, label_studio_gemini.gemini.prices as p\n"
        "from label_studio_gemini.gemini.types import Usage\n"
        "assert 'genai_prices' not in sys.modules\n"
        "start = time.perf_counter(); p.price_of(Usage(1), 'gemini-2.5-flash')\n"
        "print(f'{time.perf_counter() - start:.2f}')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    measured(f"the first price, with the import of genai-prices: {run.stdout.strip()} s")


def test_no_address_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the program is told to keep its prices fresh by other programs' settings."""
    import socket  # noqa: PLC0415

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert price_of(PHOTO, FLASH_3) is not None
