"""No more is spent in a day than the budget allows, by however many at once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from cache_kit import HIT, USAGE, Clock, Door, asked, caching, fake, ledger_of, until
from label_studio_gemini.cache import Budget, Kind
from label_studio_gemini.errors import BudgetError, GeminiError, ServiceError
from label_studio_gemini.gemini.types import GeminiReply, Usage

if TYPE_CHECKING:
    from pathlib import Path

COST = Decimal("0.0001")  # of a REPLY


async def outcomes(gemini: object, number: int) -> list[str]:
    """Ask so many different things at once; return `ok` or the error's name, sorted."""
    asking = (gemini.generate(asked(f"{one}")) for one in range(number))  # type: ignore[attr-defined]
    results = await asyncio.gather(*asking, return_exceptions=True)
    return sorted("ok" if isinstance(one, GeminiReply) else type(one).__name__ for one in results)


async def test_a_call_above_the_budget_is_refused_with_a_hint(tmp_path: Path) -> None:
    inner = fake()
    async with caching(tmp_path, inner, budget=2 * COST) as gemini:
        await gemini.generate(asked("1"))
        await gemini.generate(asked("2"))
        with pytest.raises(BudgetError) as caught:
            await gemini.generate(asked("3"))
        assert await gemini.generate(asked("1")) == HIT  # what is paid is served
    assert len(inner.asked) == 2
    assert "budget of $" in caught.value.message
    assert "per_day" in caught.value.hint
    assert not caught.value.retryable
    async with ledger_of(tmp_path) as ledger:
        (today,) = await ledger.by_day(1)
        assert (today.totals.calls, today.totals.refused, today.totals.hits) == (2, 1, 1)
        kinds = [(one.kind, one.outcome) for one in await ledger.last(2)]
    assert kinds == [(Kind.HIT, "ok"), (Kind.REFUSED, "BudgetError")]


async def test_what_was_spent_before_a_restart_counts(tmp_path: Path) -> None:
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked("before"))
    async with caching(tmp_path, fake(), budget=COST) as gemini:
        assert await outcomes(gemini, 3) == ["BudgetError"] * 3


async def test_blocked_answers_cost_too(tmp_path: Path) -> None:
    error = ServiceError("No.", hint="Wait.")
    error.bill = USAGE
    async with caching(tmp_path, fake(error), budget=COST) as gemini:
        assert await outcomes(gemini, 2) == ["BudgetError", "ServiceError"]


@pytest.mark.parametrize("estimate", [COST / 10, COST, 3 * COST, 100 * COST])
async def test_32_at_once_spend_no_more_than_the_budget(estimate: Decimal, tmp_path: Path) -> None:
    """Right or too high, an estimate costs nobody an answer that the budget has room for."""
    inner = fake()
    inner.seconds = 0.002
    budget = 5 * COST
    async with caching(tmp_path, inner, budget=budget, estimate=lambda _: estimate) as gemini:
        found = await outcomes(gemini, 32)
    assert found.count("ok") == len(inner.asked)
    if estimate < COST:  # as much too low, as much too many
        assert 5 <= len(inner.asked) <= 32
    else:
        assert len(inner.asked) == 5


async def test_a_call_waits_for_others_that_may_leave_it_something(tmp_path: Path) -> None:
    door = Door(GeminiReply("[]", Usage(1)))
    async with caching(tmp_path, door, budget=2 * COST, estimate=lambda _: 2 * COST) as gemini:
        first = asyncio.create_task(gemini.generate(asked("1")))
        await until(lambda: door.came == 1)
        second = asyncio.create_task(gemini.generate(asked("2")))
        await until(lambda: len(gemini._calls) == 2)
        door.open.set()
        assert (await first).text == (await second).text == "[]"
    assert door.came == 2


async def test_who_left_while_waiting_for_money_is_not_paid_for(tmp_path: Path) -> None:
    door = Door(GeminiReply("[]", Usage(1)))
    async with caching(tmp_path, door, budget=2 * COST, estimate=lambda _: 2 * COST) as gemini:
        first = asyncio.create_task(gemini.generate(asked("1")))
        await until(lambda: door.came == 1)
        second = asyncio.create_task(gemini.generate(asked("2")))
        await until(lambda: len(gemini._calls) == 2)
        second.cancel()
        await asyncio.wait([second])
        door.open.set()
        await first
        await until(lambda: not gemini._calls)
        assert door.came == 1
        assert (await gemini.generate(asked("2"))).text == "[]"


async def test_a_model_without_a_price_is_not_asked(tmp_path: Path) -> None:
    """Nobody could say when to stop."""
    inner = fake()
    async with caching(tmp_path, inner, budget=COST, estimate=lambda _: None) as gemini:
        with pytest.raises(BudgetError, match="gemini-9") as caught:
            await gemini.generate(asked())
    assert "prices" in caught.value.hint
    assert inner.asked == []


async def test_no_money_at_all_leaves_the_cache(tmp_path: Path) -> None:
    async with caching(tmp_path, fake()) as gemini:
        await gemini.generate(asked())
    async with caching(tmp_path, fake(), budget=Decimal(0)) as gemini:
        assert await gemini.generate(asked()) == HIT
        with pytest.raises(BudgetError):
            await gemini.generate(asked("2"))


async def test_what_waits_for_the_same_is_refused_with_it(tmp_path: Path) -> None:
    async with caching(tmp_path, fake(), budget=Decimal(0)) as gemini:
        asking = (gemini.generate(asked()) for _ in range(3))
        errors = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in errors] == [BudgetError] * 3


async def test_a_new_day_has_its_own_budget(tmp_path: Path) -> None:
    clock = Clock()
    async with ledger_of(tmp_path, clock=clock) as ledger:
        budget = Budget(COST, ledger, lambda _: COST)
        ledger.add(asked(), Kind.CALL, "ok", seconds=1.0, usage=USAGE)
        with pytest.raises(BudgetError):
            async with budget.place(asked()):
                pass
        clock.now += 86_400
        async with budget.place(asked()):
            pass


async def test_a_budget_holds_without_a_disk(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    async with caching(tmp_path, fake(), budget=3 * COST) as gemini:
        assert (await outcomes(gemini, 9)).count("ok") == 3


async def test_what_was_set_aside_is_free_again_whatever_became_of_it(tmp_path: Path) -> None:
    async with ledger_of(tmp_path) as ledger:
        budget = Budget(COST, ledger, lambda _: COST)
        for error in (asyncio.CancelledError(), GeminiError("No.", hint="Wait.")):
            with pytest.raises(type(error)):
                async with budget.place(asked()):
                    raise error
        async with asyncio.timeout(10.0), budget.place(asked()):
            pass


async def test_what_another_process_has_spent_counts_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row waits for others where a budget rests on it."""
    monkeypatch.setattr("label_studio_gemini.cache.ledger._PACE", 3600.0)
    async with ledger_of(tmp_path, guards_budget=True) as one, ledger_of(tmp_path) as two:
        for number in range(3):
            one.add(asked(f"{number}"), Kind.CALL, "ok", seconds=1, usage=USAGE)
        async with asyncio.timeout(10):
            while await two.spent_today() < 3 * COST:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
