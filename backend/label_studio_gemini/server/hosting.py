"""What answers is loaded while the server already serves /health, and closed when it stops."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from label_studio_gemini.errors import BackendError
from label_studio_gemini.server.bodies import A_BUG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.server.engine import Engine
    from label_studio_gemini.server.records import Records

_log = logging.getLogger(__name__)

_OBJECTS = 10_000
"""Made since the last look for circles of garbage; Python's 700 are there several times a task."""


class Host:
    """Loads the records, then the engine, which may be a second later, or never: without a key.

    Args:
        config: The YAML.
        environment: The keys, and where state is kept.
        alone: Whether the process is there for this alone.
    """

    def __init__(self, config: Config, environment: Environment, *, alone: bool) -> None:
        self._alone = alone
        self._config = config
        self._environment = environment
        self._records: asyncio.Future[Records | None]
        self._engine: asyncio.Future[Engine]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load, and hold open until the block ends."""
        self._records = asyncio.get_running_loop().create_future()
        self._engine = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        task = asyncio.create_task(self._run(closing))
        try:
            yield
        finally:
            closing.set()
            await task

    async def records(self) -> Records | None:
        """Return the records as soon as they are open; None where a bug prevents that."""
        return await asyncio.shield(self._records)

    async def engine(self) -> Engine:
        """Return the engine as soon as it is there.

        Raises:
            BackendError: It could not be opened.
        """
        return await asyncio.shield(self._engine)

    def stop(self) -> None:
        """Tell the engine, where there is one, that it is to stop."""
        if self.is_ready:
            self._engine.result().stop()

    @property
    def is_ready(self) -> bool:
        """Whether the engine is there."""
        return self._engine.done() and self._engine.exception() is None

    @property
    def trouble(self) -> BackendError | None:
        """Why the engine could not be opened, or None."""
        error = self._engine.exception() if self._engine.done() else None
        return error if error is None or isinstance(error, BackendError) else A_BUG

    async def _run(self, closing: asyncio.Event) -> None:
        try:
            records = await asyncio.to_thread(_load_records, self._config, self._environment)
        except Exception as error:  # noqa: BLE001 - the edge: the server says so, and stays
            self._records.set_result(None)
            self._fail(error)
            return
        self._records.set_result(records)
        records.activity.probe()
        if self._config.budget is not None:
            records.books.ledger.probe()
        try:
            await self._run_engine(records, closing)
        finally:
            await records.activity.aclose()

    async def _run_engine(self, records: Records, closing: asyncio.Event) -> None:
        try:
            opened = await asyncio.to_thread(_load_engine, self._config, self._environment, records)
            async with opened as engine:
                self._engine.set_result(engine)
                # The tables of prices take a second to load: not that of the first batch.
                await asyncio.to_thread(_load_prices, self._config.model)
                if self._alone:
                    _spare_the_collector()
                await closing.wait()
        except Exception as error:
            if self._engine.done():
                raise
            self._fail(error)
            await closing.wait()
            await records.books.aclose()  # the engine would have done so

    def _fail(self, error: Exception) -> None:
        known = isinstance(error, BackendError)
        _log.error("nothing can be predicted: %s", error, exc_info=None if known else error)
        self._engine.set_exception(error)
        self._engine.exception()  # it is told to whoever asks; nobody may


def _load_records(config: Config, environment: Environment) -> Records:
    from label_studio_gemini.server.records import open_records  # noqa: PLC0415 - takes a while

    return open_records(config, environment)


def _load_prices(model: str) -> None:
    from label_studio_gemini.gemini import Usage  # noqa: PLC0415 - as above
    from label_studio_gemini.gemini.prices import price_of  # noqa: PLC0415

    price_of(Usage(input_tokens=1), model)


def _spare_the_collector() -> None:
    """Let the garbage collector pass over what was loaded, which stays for good.

    These are 150,000 objects, most of them Google's SDK's: a look through all of them took 76 ms,
    every few hundred tasks, in which nobody was answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


def _load_engine(
    config: Config, environment: Environment, records: Records
) -> AbstractAsyncContextManager[Engine]:
    importlib.import_module(f"label_studio_gemini.gemini.{config.api}")  # Google's SDK
    from label_studio_gemini.server.engine import open_engine  # noqa: PLC0415 - takes a second

    return open_engine(config, environment, records)
