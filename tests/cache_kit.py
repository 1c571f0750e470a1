"""What the tests of the cache share: files in a folder, requests, and a Gemini behind a door."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gemini_fakes import FakeGemini
from label_studio_gemini.cache import Budget, CachingGemini, Kind, Ledger, ReplyStore
from label_studio_gemini.errors import GeminiError
from label_studio_gemini.gemini.types import GeminiReply, GeminiRequest, Origin, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from label_studio_gemini.gemini.types import Gemini, ServiceTier

PRICE = Decimal("0.000001")  # dollars a token
USAGE = Usage(input_tokens=90, output_tokens=7, thought_tokens=3)  # 0.0001 dollars
REPLY = GeminiReply("[]", USAGE)
HIT = GeminiReply("[]", Usage(), cached=True)
PATIENCE = 30.0  # seconds until a test gives up


def price(usage: Usage, _model: str = "", _tier: ServiceTier | None = None) -> Decimal | None:
    return usage.total * PRICE


def asked(prompt: str = "Detect.", project: str = "7", task: int = 1) -> GeminiRequest:
    return GeminiRequest(
        model="gemini-9", prompt=prompt, images=(), schema=None, origin=Origin(project, task)
    )


@dataclass
class Clock:
    """A time that passes when it is told to."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass(eq=False)
class Door:
    """A Gemini that counts who came, and answers when `open` is set."""

    answer: GeminiReply | Exception = REPLY
    open: asyncio.Event = field(default_factory=asyncio.Event)
    came: int = 0
    done: int = 0
    closed: bool = False

    async def generate(self, _request: GeminiRequest) -> GeminiReply:
        self.came += 1
        await self.open.wait()
        self.done += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def aclose(self) -> None:
        self.closed = True


def fake(*answers: GeminiReply | Exception) -> FakeGemini:
    """Return a Gemini that answers at once: these in turn, the last for ever."""
    left = list(answers or (REPLY,))
    return FakeGemini(lambda _: left.pop(0) if len(left) > 1 else left[0], seconds=0)


def open_caching(
    folder: Path,
    inner: Gemini,
    *,
    store: dict[str, Any] | None = None,
    stores: bool = True,
    budget: Decimal | None = None,
    estimate: Callable[[GeminiRequest], Decimal | None] = lambda _: Decimal("0.0001"),
    api: str = "interactions",
    **options: Any,
) -> CachingGemini:
    """Return a `CachingGemini` on the files of a folder."""
    ledger = Ledger(folder / "ledger.sqlite", price)
    return CachingGemini(
        inner,
        store=ReplyStore(folder / "replies.sqlite", **(store or {})) if stores else None,
        ledger=ledger,
        api=api,
        where="https://gemini.example/v1",
        budget=None if budget is None else Budget(budget, ledger, estimate),
        **options,
    )


@asynccontextmanager
async def caching(folder: Path, inner: Gemini, **options: Any) -> AsyncIterator[CachingGemini]:
    """Open a `CachingGemini`, and close it."""
    gemini = open_caching(folder, inner, **options)
    try:
        yield gemini
    finally:
        await gemini.aclose()


@asynccontextmanager
async def ledger_of(folder: Path, **options: Any) -> AsyncIterator[Ledger]:
    """Open the ledger of a folder, beside whoever else has it open."""
    ledger = Ledger(folder / "ledger.sqlite", price, **options)
    try:
        yield ledger
    finally:
        await ledger.aclose()


@asynccontextmanager
async def store_of(folder: Path, *given: Any, **options: Any) -> AsyncIterator[ReplyStore]:
    """Open the store of a folder."""
    store = ReplyStore(folder / "replies.sqlite", *given, **options)
    try:
        yield store
    finally:
        await store.aclose()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - whatever the condition is about
            await asyncio.sleep(0.002)


async def ask(gemini: CachingGemini, request: GeminiRequest) -> GeminiReply | GeminiError:
    try:
        return await gemini.generate(request)
    except GeminiError as error:
        return error


async def noted(folder: Path) -> list[tuple[Kind, str, int]]:
    """Return the kind, the outcome and the tokens of all entries, the oldest first."""
    async with ledger_of(folder) as ledger:
        return [
            (one.kind, one.outcome, one.usage.total) for one in reversed(await ledger.last(100))
        ]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Be in the middle of a write that does not end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")
