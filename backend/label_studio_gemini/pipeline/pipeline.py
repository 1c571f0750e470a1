"""Pipeline: tasks in, outcomes out."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.errors import BackendError, ReplyError
from label_studio_gemini.gateway import open_gemini
from label_studio_gemini.gemini import Priority
from label_studio_gemini.gemini.stops import cut_short_error
from label_studio_gemini.gemini.time_limits import time_limit
from label_studio_gemini.pipeline.asking import open_asker
from label_studio_gemini.pipeline.outcomes import Answered, Failure, outcome_from_answers
from label_studio_gemini.plan import Plans
from label_studio_gemini.regions import build_regions
from label_studio_gemini.replies import read_reply
from label_studio_gemini.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from label_studio_gemini.config import Config
    from label_studio_gemini.detections import Reading
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.gemini import Gemini, GeminiReply
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.pipeline.asking import Asked, Asker
    from label_studio_gemini.pipeline.outcomes import Outcome
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.questions import Question

_log = logging.getLogger(__name__)


class Pipeline:
    """Makes predictions. One per process and event loop; its parts are given, none is global."""

    def __init__(self, config: Config, gemini: Gemini, asker: Asker) -> None:
        self.config = config
        self.plans = Plans(config)
        self.gemini = gemini
        self.images = asker.images
        self._asker = asker
        self._places = asyncio.Semaphore(config.concurrency)

    async def predict_all(
        self,
        tasks: Sequence[object],
        plan: Plan,
        login: LabelStudioLogin | None,
        priority: Priority = Priority.BATCH,
    ) -> list[Outcome]:
        """Predict all tasks of a request at once; one outcome for each, in their order.

        Args:
            tasks: Tasks as they came in, unread: one that is none is a `Failure` of its own.
            plan: The project's plan.
            login: The Label Studio that the tasks come from, where it is known.
            priority: Whether a person waits for them.
        """
        return await asyncio.gather(*(self.predict(task, plan, login, priority) for task in tasks))

    async def predict(
        self,
        value: object,
        plan: Plan,
        login: LabelStudioLogin | None,
        priority: Priority = Priority.BATCH,
        project: str | None = None,
    ) -> Outcome:
        """Predict one task; whatever goes wrong is its own `Failure`.

        Args:
            value: The task as it came in, unread.
            plan: The project's plan.
            login: The Label Studio that it comes from, where it is known.
            priority: Whether a person waits for it.
            project: Label Studio's name of the project, for the ledger.
        """
        name = "a task"
        try:
            task = read_task(value)
            name = task.name
            async with AsyncExitStack() as stack:
                if priority is Priority.BATCH:  # a person does not queue behind a batch
                    await stack.enter_async_context(self._places)
                await stack.enter_async_context(time_limit(self.config.task_seconds))
                start = time.perf_counter()
                asked = await self._asker.ask(task, plan, login, priority, project)
                outcome = await self._answer_all(asked, start)
        except BackendError as error:
            _log.warning("%s failed: %s", name, error)
            return Failure(error)
        except Exception:  # noqa: BLE001 - the edge: a defect of ours costs this task alone
            _log.exception("%s failed in a way that is a bug", name)
            return Failure(
                BackendError(
                    "An unexpected error; it is a bug.",
                    hint="the log has its traceback: report it.",
                )
            )
        if isinstance(outcome, Failure):
            _log.warning("%s failed: %s", name, outcome.error)
        else:
            notes = str(outcome.notes)
            _log.info("%s: %d result items%s", name, len(outcome.regions), notes and f"; {notes}")
        return outcome

    async def _answer_all(self, asked: Sequence[Asked], start: float) -> Outcome:
        # All are awaited, whichever fails: what was asked is paid for, and none runs on unwatched.
        results = await asyncio.gather(*map(self._answer, asked), return_exceptions=True)
        answers = [
            (_answer_or_raise(result), one.request.options.tier)
            for one, result in zip(asked, results, strict=True)
        ]
        return outcome_from_answers(answers, seconds=time.perf_counter() - start)

    async def _answer(self, asked: Asked) -> Answered:
        reply = await self.gemini.generate(asked.request)
        try:
            reading = _usable_reading(reply, asked.question)
        except ReplyError:
            if not reply.cached:
                raise
            # It was of no use before, and would never be again: another one may.
            reply = await self.gemini.generate(replace(asked.request, fresh=True))
            reading = _usable_reading(reply, asked.question)
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
) -> AsyncIterator[Pipeline]:
    """Connect what a pipeline needs, and close it afterwards.

    Args:
        config: The YAML.
        environment: The key, and another address of the API where there is one.
        folders: Folders whose files a task may name, besides those of the YAML.
        document_root: What `/data/local-files/?d=` is relative to, where the files are at hand.

    Raises:
        AuthenticationError: There is no key.
        ConfigError: The address of the API is none.
    """
    gemini = open_gemini(config, environment)
    try:
        async with open_asker(config, folders=folders, document_root=document_root) as asker:
            yield Pipeline(config, gemini, asker)
    finally:
        await gemini.aclose()


def _usable_reading(reply: GeminiReply, question: Question) -> Reading:
    """Read a reply.

    Raises:
        OutOfTokensError: It was cut off before there was anything in it that can be used.
        ReplyError: There is nothing in it that can be used.
    """
    try:
        reading = read_reply(reply.text)
    except ReplyError as error:
        if reply.truncated:
            raise cut_short_error(reply) from None
        error.bill = reply.usage
        raise
    if reply.truncated:
        reading = replace(reading, truncated=True)
    why = _why_useless(reading, question, reply.text)
    if why is None:
        return reading
    if reply.truncated:
        raise cut_short_error(reply)
    raise ReplyError(
        f"Nothing in Gemini's reply could be used ({why}): {reply.text[:200]!r}.",
        hint="try again; if it stays so, try another model or a simpler prompt.",
        bill=reply.usage,
    )


def _why_useless(reading: Reading, question: Question, text: str) -> str | None:
    """Say why a reply is no answer, or None where it is one: an empty list is."""
    said = {*reading.answers, *(name for one in reading.image_answers.values() for name in one)}
    asked = {recipe.target.name for recipe in question.answers}
    if reading.detections or said & asked:
        return None
    if reading.rejects:
        return reading.rejects[0].reason
    if reading.truncated:
        return "it is cut short"
    # `{"message": "…"}`: what was not asked for, and no list, not even an empty one.
    return "it says something else" if said and "[" not in text else None


def _answer_or_raise(result: Answered | BaseException) -> Answered | BackendError:
    if isinstance(result, Answered | BackendError):
        return result
    raise result
