"""Each attempt is told to whoever asked, and is a row of the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cache_kit import REPLY, USAGE, Door, ask, asked, caching, fake, ledger_of, noted, until
from label_studio_gemini.cache import Kind
from label_studio_gemini.errors import AuthenticationError, GeminiError, SafetyError, ServiceError
from label_studio_gemini.gemini.reporting import ReportingGemini
from label_studio_gemini.gemini.retry import RetryingGemini
from label_studio_gemini.gemini.types import ServiceTier, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from gemini_fakes import FakeGemini
    from label_studio_gemini.gemini.types import Attempt, Gemini

LATER = ServiceError("Not now.", hint="Wait.", retry_after=0.0)


def retrying(inner: FakeGemini) -> Gemini:
    return RetryingGemini(ReportingGemini(inner), attempts=3, uniform=lambda _low, _high: 0.0)


@pytest.mark.parametrize("answer", [REPLY, LATER])
async def test_an_attempt_is_reported_with_what_came_of_it(answer: object) -> None:
    told: list[Attempt] = []
    inner = fake(answer)  # type: ignore[arg-type]
    request = replace(asked(), on_attempt=told.append)
    try:
        came: object = await ReportingGemini(inner).generate(request)
    except GeminiError as error:
        came = error
    assert came is answer
    ((sent, outcome, seconds),) = told
    assert (sent, outcome) == (request, answer)
    assert seconds >= 0


async def test_nobody_has_to_listen() -> None:
    inner = fake()
    gemini = ReportingGemini(inner)
    assert await gemini.generate(asked()) is REPLY
    await gemini.aclose()
    assert inner.closed


async def test_each_attempt_is_a_call_of_the_ledger(tmp_path: Path) -> None:
    async with caching(tmp_path, retrying(fake(LATER, LATER, REPLY))) as gemini:
        assert await gemini.generate(asked()) == REPLY
    assert await noted(tmp_path) == [
        (Kind.CALL, "ServiceError", 0),
        (Kind.CALL, "ServiceError", 0),
        (Kind.CALL, "ok", USAGE.total),
    ]
    async with ledger_of(tmp_path) as ledger:
        (today,) = await ledger.by_day(1)
    assert (today.totals.calls, today.totals.failed, today.totals.usage) == (3, 2, USAGE)


async def test_what_ends_in_a_failure_is_billed_by_attempt(tmp_path: Path) -> None:
    blocked = SafetyError("Blocked.", hint="Look at it.", bill=Usage(40))
    async with caching(tmp_path, retrying(fake(LATER, blocked))) as gemini:
        assert isinstance(await ask(gemini, asked()), SafetyError)
    assert await noted(tmp_path) == [(Kind.CALL, "ServiceError", 0), (Kind.CALL, "SafetyError", 40)]


async def test_what_no_attempt_was_made_for_is_no_call(tmp_path: Path) -> None:
    """The key is known to be refused: nothing comes so far as to be sent."""
    error = AuthenticationError("A wrong key.", hint="Take another.")
    error.sent = False
    async with caching(tmp_path, RetryingGemini(fake(error), attempts=3)) as gemini:
        await ask(gemini, asked())
    assert await noted(tmp_path) == [(Kind.REFUSED, "AuthenticationError", 0)]


async def test_the_ledger_has_what_was_sent_not_what_was_asked_for(tmp_path: Path) -> None:
    """A model may not take a service tier: then it is not what has to be paid."""

    class Plain(ReportingGemini):
        async def generate(self, request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            sent = replace(request, options=replace(request.options, tier=None))
            return await super().generate(sent)

    request = asked()
    flex = replace(request, options=replace(request.options, tier=ServiceTier.FLEX))
    async with caching(tmp_path, Plain(fake())) as gemini:
        await gemini.generate(flex)
    async with ledger_of(tmp_path) as ledger:
        (entry,) = await ledger.last(10)
    assert entry.tier is None


async def test_what_is_given_up_on_its_way_is_on_record(tmp_path: Path) -> None:
    door = Door()
    async with caching(tmp_path, ReportingGemini(door), grace=0.0) as gemini:
        task = asyncio.create_task(ask(gemini, asked()))
        await until(lambda: door.came > 0)
    assert isinstance(await task, GeminiError)
    assert await noted(tmp_path) == [(Kind.CALL, "TransportError", 0)]
