"""Pipeline: tasks in, outcomes out."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from label_studio_gemini.errors import BackendError
from label_studio_gemini.gateway import open_gemini
from label_studio_gemini.gemini import Urgency
from label_studio_gemini.gemini.time_limits import stopped_clock, time_limit
from label_studio_gemini.pipeline.answering import failure_from, generate_usable, log_outcome
from label_studio_gemini.pipeline.asking import open_asker
from label_studio_gemini.pipeline.outcomes import Answered, outcome_from_answers
from label_studio_gemini.pipeline.places import place
from label_studio_gemini.plan import Plans
from label_studio_gemini.regions import build_regions
from label_studio_gemini.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.gateway import Books
    from label_studio_gemini.gemini import Gemini
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.pipeline.asking import Asked, Asker
    from label_studio_gemini.pipeline.outcomes import Outcome
    from label_studio_gemini.plan import Plan


class Pipeline:
    """Makes predictions. One per process and event loop; its parts are given, none is global."""

    def __init__(self, config: Config, gemini: Gemini, asker: Asker) -> None:
        self.config = config
        self.plans = Plans(config)
        self.gemini = gemini
        self.images = asker.images
        self._asker = asker
        self._places = asyncio.Semaphore(config.tasks_at_once)
        self._turns = asyncio.Semaphore(config.concurrency)
        self._stopping = False

    async def predict(
        self,
        value: object,
        plan: Plan,
        login: LabelStudioLogin | None,
        urgency: Urgency | None = None,
        project: str | None = None,
    ) -> Outcome:
        """Predict one task; whatever goes wrong is its own `Failure`.

        Args:
            value: The task as it came in, unread.
            plan: The project's plan.
            login: The Label Studio that it comes from, where it is known.
            urgency: Whether a person waits for it; by default nobody does.
            project: Label Studio's name of the project, for the ledger.

        Raises:
            asyncio.CancelledError: Its turn to be asked about came after `stop`.
        """
        name = "a task"
        urgency = urgency or Urgency()
        try:
            task = read_task(value)
            name = task.name
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(place(self._places, urgency))
                await stack.enter_async_context(time_limit(self.config.task_seconds))
                start = time.perf_counter()
                asked = await self._asker.ask(task, plan, login, urgency, project)
                await stack.enter_async_context(self._turn(urgency))
                outcome = await self._answer_all(asked, start)
        except Exception as error:  # noqa: BLE001 - the edge: one task's failure harms no other
            return failure_from(name, error)
        log_outcome(name, outcome)
        return outcome

    def stop(self) -> None:
        """Ask about nothing more but what a person waits for; what was asked is answered."""
        self._stopping = True

    @asynccontextmanager
    async def _turn(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait, with the task made ready, until fewer are asked about."""
        async with AsyncExitStack() as stack:
            with stopped_clock():
                await stack.enter_async_context(place(self._turns, urgency))
            if self._stopping and not urgency.is_waited_for:
                raise asyncio.CancelledError
            yield

    async def _answer_all(self, asked: Sequence[Asked], start: float) -> Outcome:
        # All are awaited, whichever fails: what was asked is paid for, and none runs on unwatched.
        results = await asyncio.gather(*map(self._answer, asked), return_exceptions=True)
        answers = [
            (_answer_or_raise(result), one.request.options.tier)
            for one, result in zip(asked, results, strict=True)
        ]
        return outcome_from_answers(answers, seconds=time.perf_counter() - start)

    async def _answer(self, asked: Asked) -> Answered:
        reply, reading = await generate_usable(self.gemini, asked.request, asked.question)
        if asked.question.masked:  # pixels take time: the event loop goes on meanwhile
            regions = await asyncio.to_thread(build_regions, reading, asked.question, asked.images)
        else:
            regions = build_regions(reading, asked.question, asked.images)
        return Answered(reading, regions, reply.usage, reply.cached)


@asynccontextmanager
async def open_pipeline(
    config: Config,
    environment: Environment,
    *,
    folders: Sequence[Path] = (),
    document_root: Path | None = None,
    books: Books | None = None,
) -> AsyncIterator[Pipeline]:
    """Connect what a pipeline needs, and close it afterwards.

    Args:
        config: The YAML.
        environment: The key, and another address of the API where there is one.
        folders: Folders whose files a task may name, besides those of the YAML.
        document_root: What `/data/local-files/?d=` is relative to, where the files are at hand.
        books: What is kept of requests, where it is open already; it is closed with the pipeline.

    Raises:
        AuthenticationError: There is no key.
        ConfigError: The address of the API is none.
    """
    gemini = open_gemini(config, environment, books)
    try:
        async with open_asker(config, folders=folders, document_root=document_root) as asker:
            yield Pipeline(config, gemini, asker)
    finally:
        await gemini.aclose()


def _answer_or_raise(result: Answered | BaseException) -> Answered | BackendError:
    if isinstance(result, Answered | BackendError):
        return result
    raise result
