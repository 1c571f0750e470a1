"""The one way through: a task -> its images -> Gemini -> a prediction, or the reason why not.

The only module that knows all stages. It never raises for a task: one bad task harms no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.errors import BackendError, ReplyError
from label_studio_gemini.gateway import open_gemini, options_from_config
from label_studio_gemini.gemini import GeminiRequest, InlineImage, Usage
from label_studio_gemini.gemini.retry import time_limit
from label_studio_gemini.images import ImageLimits, ImageReader, is_elsewhere
from label_studio_gemini.labels import read_image_address
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.regions import build_regions
from label_studio_gemini.replies import read_reply
from label_studio_gemini.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from label_studio_gemini.config import Config
    from label_studio_gemini.detections import Reading
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.gemini import Gemini
    from label_studio_gemini.geometry import ImageSize
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.labels import ImageTag
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.recipes import Recipe
    from label_studio_gemini.regions import RegionJson, Regions
    from label_studio_gemini.tasks import Task

_log = logging.getLogger(__name__)

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Notes:
    """What was left out of a prediction, by reason, so that nothing is dropped silently.

    Attributes:
        rejects: Items of the replies that could not be read.
        unmatched: Labels that Gemini used and the recipe does not have.
        dropped: Regions that failed the check.
        masks_unreadable: Masks that could not be read; their boxes are kept.
        clamped: Boxes that reached outside the image and were cut back to it.
        truncated: Replies that end in the middle of an item.
    """

    rejects: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    masks_unreadable: int = 0
    clamped: int = 0
    truncated: int = 0

    def __str__(self) -> str:
        parts = [
            *(f"{count} rejected ({reason})" for reason, count in self.rejects.items()),
            *(
                f"{count} without a matching label ({name!r})"
                for name, count in self.unmatched.items()
            ),
            *(f"{count} dropped ({reason})" for reason, count in self.dropped.items()),
            *([f"{self.masks_unreadable} masks unreadable"] if self.masks_unreadable else []),
            *([f"{self.clamped} cut back to the image"] if self.clamped else []),
            *([f"{self.truncated} replies cut short"] if self.truncated else []),
        ]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A task's regions; none where it was looked at and nothing was found.

    Attributes:
        regions: Its result items.
        notes: What was left out.
        usage: The tokens of all its replies.
        seconds: How long it took, from reading its image to the last region.
    """

    regions: tuple[RegionJson, ...]
    notes: Notes
    usage: Usage
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no prediction. It stays retriable in Label Studio."""

    error: BackendError


Outcome = Prediction | Failure


class _ShownImage(NamedTuple):
    """An image of a task: the name of its tag, what is sent of it, its natural size."""

    name: str
    image: InlineImage
    size: ImageSize


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one request gave."""

    reading: Reading
    regions: Regions
    usage: Usage


class Pipeline:
    """Makes predictions. One per process and event loop; its parts are given, none is global."""

    def __init__(self, config: Config, gemini: Gemini, images: ImageReader) -> None:
        self.config = config
        self._gemini = gemini
        self._images = images
        self._places = asyncio.Semaphore(config.concurrency)

    async def predict_all(
        self, tasks: Sequence[object], plan: Plan, login: LabelStudioLogin | None
    ) -> list[Outcome]:
        """Predict all tasks of a request at once; one outcome for each, in their order.

        Args:
            tasks: Tasks as they came in, unread: one that is none is a `Failure` of its own.
            plan: The project's plan.
            login: The Label Studio that the tasks come from, where it is known.
        """
        return await asyncio.gather(*(self.predict(task, plan, login) for task in tasks))

    async def predict(self, value: object, plan: Plan, login: LabelStudioLogin | None) -> Outcome:
        """Predict one task; whatever goes wrong is its own `Failure`."""
        name = "a task"
        try:
            task = read_task(value)
            name = task.name
            async with self._places, time_limit(self.config.task_seconds):
                prediction = await self._predict(task, plan, login)
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
        notes = str(prediction.notes)
        _log.info("%s: %d result items%s", name, len(prediction.regions), notes and f"; {notes}")
        return prediction

    async def _predict(self, task: Task, plan: Plan, login: LabelStudioLogin | None) -> Prediction:
        start = time.perf_counter()
        names = dict.fromkeys(name for recipe in plan.recipes for name in recipe.target.image_names)
        shown = {
            name: await self._show(plan.label_config.image(name), task, login) for name in names
        }
        questions = [
            self._ask(recipe, task, shown[name])
            for recipe in plan.recipes
            for name in recipe.target.image_names
        ]
        # All are awaited, whichever fails: what was asked is paid for, and none runs on unwatched.
        results = await asyncio.gather(*questions, return_exceptions=True)
        answers = [_answer_or_raise(result) for result in results]
        return _prediction_from_answers(answers, seconds=time.perf_counter() - start)

    async def _show(self, tag: ImageTag, task: Task, login: LabelStudioLogin | None) -> _ShownImage:
        address = read_image_address(tag, task.data)
        image = await self._images.read(address, login=login, task_id=task.id)
        public = image.untouched and is_elsewhere(address, login)
        sent = InlineImage(
            image.data, image.mime_type, digest=image.digest, address=address if public else None
        )
        return _ShownImage(tag.name, sent, image.size)

    async def _ask(self, recipe: Recipe, task: Task, shown: _ShownImage) -> _Answer:
        request = GeminiRequest(
            model=self.config.model,
            prompt=build_prompt(recipe, task.data),
            images=(shown.image,),
            schema=None if recipe.options.structured is False else build_schema(recipe),
            options=options_from_config(recipe.options),
        )
        reply = await self._gemini.generate(request)
        reading = read_reply(reply.text)
        if reply.truncated:
            reading = replace(reading, truncated=True)
        found = reading.detections or reading.answers or reading.image_answers
        if not found and (reading.rejects or reading.truncated):
            why = reading.rejects[0].reason if reading.rejects else "it is cut short"
            raise ReplyError(
                f"Nothing in Gemini's reply could be used ({why}): {reply.text[:200]!r}.",
                hint="try again; if it stays so, try another model or a simpler prompt.",
            )
        regions = build_regions(reading.detections, recipe, image_name=shown.name, size=shown.size)
        return _Answer(reading, regions, reply.usage)


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
    # What is uploaded need not be small; what travels inside the request has to be.
    uploads = config.images.transport in {"auto", "files"} and config.vertex is None
    megabytes = config.images.max_megabytes if uploads else config.images.inline_megabytes
    limits = ImageLimits(
        seconds=config.images.timeout,
        bytes=int(config.images.max_megabytes * _MEGABYTE),
        pixels=int(config.images.max_megapixels * _MEGABYTE),
        inline_bytes=int(megabytes * _MEGABYTE),
    )
    gemini = open_gemini(config, environment)
    images = ImageReader(
        limits=limits,
        allowed_hosts=frozenset(config.images.allowed_hosts),
        allowed_folders=(*config.images.folders, *folders),
        document_root=document_root,
    )
    try:
        yield Pipeline(config, gemini, images)
    finally:
        await images.aclose()
        await gemini.aclose()


def _answer_or_raise(result: _Answer | BaseException) -> _Answer:
    if isinstance(result, BaseException):
        raise result
    return result


def total_notes(notes: Sequence[Notes]) -> Notes:
    """Return the sum of several predictions' notes."""
    rejects: Counter[str] = Counter()
    unmatched: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for one in notes:
        rejects.update(one.rejects)
        unmatched.update(one.unmatched)
        dropped.update(one.dropped)
    return Notes(
        rejects=dict(rejects),
        unmatched=dict(unmatched),
        dropped=dict(dropped),
        masks_unreadable=sum(one.masks_unreadable for one in notes),
        clamped=sum(one.clamped for one in notes),
        truncated=sum(one.truncated for one in notes),
    )


def total_usage(usages: Sequence[Usage]) -> Usage:
    """Return the sum of several replies' tokens."""
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        thought_tokens=sum(usage.thought_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
    )


def _prediction_from_answers(answers: Sequence[_Answer], *, seconds: float) -> Prediction:
    return Prediction(
        seconds=seconds,
        regions=tuple(item for answer in answers for item in answer.regions.items),
        notes=total_notes([_notes_from_answer(answer) for answer in answers]),
        usage=total_usage([answer.usage for answer in answers]),
    )


def _notes_from_answer(answer: _Answer) -> Notes:
    return Notes(
        rejects=Counter(str(reject.reason) for reject in answer.reading.rejects),
        unmatched=answer.regions.unmatched,
        dropped=answer.regions.dropped,
        masks_unreadable=answer.reading.masks_unreadable,
        clamped=answer.reading.clamped,
        truncated=int(answer.reading.truncated),
    )
