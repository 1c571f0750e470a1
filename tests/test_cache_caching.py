"""The same request is asked once, whoever asks, and is noted each time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cache_kit import (
    HIT,
    REPLY,
    USAGE,
    Door,
    ask,
    asked,
    caching,
    fake,
    ledger_of,
    noted,
    open_caching,
    until,
)
from label_studio_gemini.cache import Kind, Ledger
from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    OutOfTokensError,
    RateLimitError,
    RequestError,
    SafetyError,
    ServiceError,
    TransportError,
)
from label_studio_gemini.gemini.types import GeminiReply, InlineImage, Origin, Usage
from label_studio_gemini.gemini.urgency import Priority, Urgency

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_second_request_is_answered_without_a_call(tmp_path: Path) -> None:
    inner = fake()
    async with caching(tmp_path, inner) as gemini:
        assert await gemini.generate(asked()) == REPLY
        assert await gemini.generate(asked()) == HIT
    assert inner.closed
    async with caching(tmp_path, inner) as gemini:
        other = replace(asked(), urgency=Urgency(Priority.INTERACTIVE), origin=Origin("8", 2))
        assert await gemini.generate(other) == HIT
    assert len(inner.asked) == 1
    assert await noted(tmp_path) == [
        (Kind.CALL, "ok", USAGE.total),
        (Kind.HIT, "ok", 0),
        (Kind.HIT, "ok", 0),
    ]


async def test_nothing_is_asked_after_the_end(tmp_path: Path) -> None:
    """Not even what was being digested as it came."""
    inner = fake()
    gemini = open_caching(tmp_path, inner)
    undigested = replace(asked(), images=(InlineImage(b"a", "image/png"),))
    late = asyncio.create_task(gemini.generate(undigested))
    await asyncio.sleep(0)
    await gemini.aclose()
    for attempt in (late, gemini.generate(asked())):
        with pytest.raises(TransportError, match="The program was stopped"):
            await attempt
    assert inner.asked == []


@pytest.mark.parametrize("late", [False, True])
async def test_a_call_is_as_urgent_as_the_most_urgent_of_all_who_wait_for_it(
    tmp_path: Path,
    late: bool,  # noqa: FBT001 - pytest gives it
) -> None:
    """Also if a person comes to wait for one of them when it has joined already."""
    door = Door()
    first, second = asked(task=1), asked(task=2)
    async with caching(tmp_path, door) as gemini:
        calls = [asyncio.create_task(gemini.generate(first))]
        await until(lambda: door.came == 1)
        if not late:
            second.urgency.rise()
        calls.append(asyncio.create_task(gemini.generate(second)))
        for _ in range(5):  # no file is looked at: it needs no time
            await asyncio.sleep(0)
        assert first.urgency.is_waited_for is not late
        second.urgency.rise()
        assert first.urgency.is_waited_for
        door.open.set()
        await asyncio.gather(*calls)


async def test_the_other_api_is_asked_anew(tmp_path: Path) -> None:
    inner = fake()
    for api in ("interactions", "generate_content"):
        async with caching(tmp_path, inner, api=api) as gemini:
            assert await gemini.generate(asked()) == REPLY


async def test_images_without_a_digest_are_told_apart(tmp_path: Path) -> None:
    inner = fake()
    async with caching(tmp_path, inner) as gemini:
        for data in (b"a", b"b", b"a"):
            await gemini.generate(replace(asked(), images=(InlineImage(data, "image/png"),)))
    assert len(inner.asked) == 2


async def test_a_reply_that_is_cut_short_stays_so(tmp_path: Path) -> None:
    """Asked again it would be cut short again, and paid again."""
    inner = fake(GeminiReply("[", USAGE, truncated=True))
    async with caching(tmp_path, inner) as gemini:
        await gemini.generate(asked())
        assert await gemini.generate(asked()) == GeminiReply(
            "[", Usage(), truncated=True, cached=True
        )


async def test_without_a_store_all_is_asked_and_noted(tmp_path: Path) -> None:
    inner = fake()
    async with caching(tmp_path, inner, stores=False) as gemini:
        assert await gemini.generate(asked()) == REPLY
        assert await gemini.generate(asked()) == REPLY
    assert len(await noted(tmp_path)) == 2


async def test_requests_on_their_way_together_are_one_call(tmp_path: Path) -> None:
    door = Door()
    async with caching(tmp_path, door) as gemini:
        tasks = [asyncio.create_task(gemini.generate(asked())) for _ in range(20)]
        await until(lambda: door.came > 0)
        tasks += [asyncio.create_task(gemini.generate(asked())) for _ in range(20)]
        await asyncio.sleep(0)
        door.open.set()
        replies = await asyncio.gather(*tasks)
    assert door.came == 1
    assert replies == [REPLY] + [HIT] * 39
    assert sorted(await noted(tmp_path)) == [(Kind.CALL, "ok", 100)] + [(Kind.HIT, "ok", 0)] * 39


async def test_a_failure_is_shared_too_and_billed_once(tmp_path: Path) -> None:
    door = Door(RateLimitError("Not now.", hint="Wait.", retry_after=3.0))
    async with caching(tmp_path, door) as gemini:
        tasks = [asyncio.create_task(ask(gemini, asked())) for _ in range(3)]
        await until(lambda: door.came > 0)
        door.open.set()
        errors = await asyncio.gather(*tasks)
        assert [type(error) for error in errors] == [RateLimitError] * 3
        assert len({id(error) for error in errors}) == 3
        assert {error.retry_after for error in errors if isinstance(error, RateLimitError)} == {3.0}
        await ask(gemini, asked())
    assert door.came == 2  # it was not remembered


async def test_what_was_not_sent_is_no_call(tmp_path: Path) -> None:
    """A key that is known to be refused: neither who asks nor who asks for the same is a call."""
    error = AuthenticationError("A wrong key.", hint="Take another.")
    error.sent = False
    async with caching(tmp_path, fake(error)) as gemini:
        errors = await asyncio.gather(*(ask(gemini, asked()) for _ in range(3)))
    assert [type(error) for error in errors] == [AuthenticationError] * 3
    assert await noted(tmp_path) == [(Kind.REFUSED, "AuthenticationError", 0)] * 3
    async with ledger_of(tmp_path) as ledger:
        (today,) = await ledger.by_day(1)
    assert (today.totals.calls, today.totals.failed, today.totals.refused) == (0, 0, 3)


@pytest.mark.parametrize("bill", [Usage(40), None])
async def test_a_block_is_billed_once(bill: Usage | None, tmp_path: Path) -> None:
    inner = fake(SafetyError("It was blocked.", hint="Look at it.", bill=bill))
    async with caching(tmp_path, inner) as gemini:
        first, second = await ask(gemini, asked()), await ask(gemini, asked())
    assert isinstance(first, SafetyError)
    assert isinstance(second, SafetyError)
    assert (first.message, first.bill) == ("It was blocked.", bill)
    assert second.message.startswith("It was blocked. (Remembered since ")
    assert (second.hint, second.bill) == ("Look at it.", None)
    assert len(inner.asked) == 1
    total = 40 if bill else 0
    assert await noted(tmp_path) == [
        (Kind.CALL, "SafetyError", total),
        (Kind.HIT, "SafetyError", 0),
    ]


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (OutOfTokensError("No.", hint="Think less."), 1),
        (ServiceError("No.", hint="Wait."), 2),
        (RequestError("No.", hint="Change it."), 2),
        (TransportError("No.", hint="Wait."), 2),
    ],
)
async def test_only_what_will_not_change_is_remembered(
    error: GeminiError, calls: int, tmp_path: Path
) -> None:
    inner = fake(error)
    async with caching(tmp_path, inner) as gemini:
        assert await ask(gemini, asked()) is error
        assert type(await ask(gemini, asked())) is type(error)
    assert len(inner.asked) == calls


async def test_a_bug_inside_is_not_hidden_and_holds_nobody_up(tmp_path: Path) -> None:
    inner = fake(ZeroDivisionError("a bug"))
    async with caching(tmp_path, inner) as gemini:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await gemini.generate(asked())
    async with caching(tmp_path, fake()) as gemini:
        assert await gemini.generate(asked()) == REPLY


def test_a_ledger_is_not_made_before_it_is_needed(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.sqlite", lambda *_: None)
    assert list(tmp_path.iterdir()) == []
