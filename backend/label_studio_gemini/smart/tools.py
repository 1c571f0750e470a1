"""SmartTools: an interactive request in, one prediction out, by one call of Gemini."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from label_studio_gemini.errors import TaskError
from label_studio_gemini.gateway import options_from_config
from label_studio_gemini.gemini import GeminiRequest, InlineImage, Origin, Priority, Urgency
from label_studio_gemini.gemini.retry import time_limit
from label_studio_gemini.images import is_elsewhere
from label_studio_gemini.labels import read_image_addresses
from label_studio_gemini.pipeline.answering import failure_from, generate_usable, log_outcome
from label_studio_gemini.pipeline.outcomes import Answered, outcome_from_answers
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.regions import RegionJson, Regions, ShownImage, build_regions
from label_studio_gemini.smart.asking import build_focus, build_smart_question, stored_labels
from label_studio_gemini.smart.choosing import choose
from label_studio_gemini.smart.crops import area_to_send, reading_from_crop
from label_studio_gemini.smart.items import PREDICTED, ids_of, kind_of
from label_studio_gemini.smart.known import KnownRegion, known_regions, read_saved
from label_studio_gemini.smart.prompts import TextPrompt, read_context
from label_studio_gemini.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from label_studio_gemini.config import Config
    from label_studio_gemini.detections import Reading
    from label_studio_gemini.gemini import Gemini
    from label_studio_gemini.geometry import ImageSize, PixelArea
    from label_studio_gemini.images import ImageReader, LabelStudioLogin
    from label_studio_gemini.labels import PageAddress
    from label_studio_gemini.pipeline.outcomes import Outcome
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.questions import Question
    from label_studio_gemini.smart.items import Item
    from label_studio_gemini.smart.memory import PromptMemory
    from label_studio_gemini.smart.prompts import Drawn, Prompts
    from label_studio_gemini.tasks import Task

_log = logging.getLogger(__name__)


class _Suggestion(RegionJson):
    """A region that says where it comes from: once it is accepted, that tells it from a prompt."""

    origin: str


@dataclass(frozen=True, slots=True)
class _Call:
    """An interactive request: the task, what is saved with it, and all that came beside."""

    task: Task
    saved: tuple[Item, ...]
    context: object
    plan: Plan
    login: LabelStudioLogin | None
    project: str | None


@dataclass(frozen=True, slots=True)
class _Look:
    """What is asked about an image, once that is read.

    Attributes:
        prompts: What the annotator means.
        question: What is asked.
        size: The whole image's.
        area: What is sent of it, in its pixels.
        known: What is there already.
    """

    prompts: Prompts
    question: Question
    size: ImageSize
    area: PixelArea
    known: tuple[KnownRegion, ...]

    @property
    def told(self) -> tuple[KnownRegion, ...]:
        """What Gemini is told of `known`.

        It hears nothing of it about a box or a point: they say which object is meant, and the same
        question is the same request then, and paid once, whatever else has been labelled meanwhile.
        """
        return self.known if self.prompts.text is not None else ()


class SmartTools:
    """Answers interactive requests. One per process and event loop; its parts are given.

    Args:
        config: The YAML.
        gemini: What answers.
        images: Reads the images of tasks.
        memory: Knows which regions were prompts.
    """

    def __init__(
        self, config: Config, gemini: Gemini, images: ImageReader, memory: PromptMemory
    ) -> None:
        self._config = config
        self._gemini = gemini
        self._images = images
        self._memory = memory

    async def predict(
        self,
        value: object,
        context: object,
        plan: Plan,
        login: LabelStudioLogin | None,
        project: str | None = None,
    ) -> Outcome:
        """Answer one interactive request; whatever goes wrong is a `Failure`.

        Args:
            value: The task as it came in, with its `drafts` and `annotations`.
            context: The `context` of the request's `params`, as it came in.
            plan: The project's plan.
            login: The Label Studio that the task comes from, where it is known.
            project: The project's name, for the ledger.

        Returns:
            The regions to suggest, none where nothing was found; their ids are new.
        """
        name = "a smart tool"
        try:
            task = read_task(value)
            name = f"a smart tool on {task.name}"
            call = _Call(task, read_saved(value), context, plan, login, project)
            async with time_limit(self._config.task_seconds):
                outcome = await self._predict(call)
        except Exception as error:  # noqa: BLE001 - the edge: it costs this request alone
            return failure_from(name, error)
        log_outcome(name, outcome)
        return outcome

    async def _predict(self, call: _Call) -> Outcome:
        start = time.perf_counter()
        label_config, saved_ids = call.plan.label_config, ids_of(call.saved)
        prompted = await self._memory.known(saved_ids)
        prompts = read_context(call.context, label_config, saved_ids - prompted)
        if prompts is None:
            return outcome_from_answers([], seconds=time.perf_counter() - start)
        await self._remember(prompts)
        question = build_smart_question(prompts, call.plan, self._config)
        page = _page_of(prompts, call.task)
        crop = await self._images.read_crop(
            page.address,
            lambda size: area_to_send(prompts, size),
            login=call.login,
            task_id=call.task.id,
        )
        size = crop.image.size
        known = await asyncio.to_thread(_known, prompts, question, call.saved, size)
        look = _Look(prompts, question, size, crop.area, known)
        public = crop.image.public and is_elsewhere(page.address, call.login)
        sent = InlineImage(
            crop.image.data,
            crop.image.mime_type,
            digest=crop.image.digest,
            address=page.address if public else None,
        )
        request = self._request(look, sent, call)
        reply, reading = await generate_usable(self._gemini, request, question)
        shown = ShownImage(prompts.image.name, size, page.page)
        # Pixels take time: the event loop goes on meanwhile.
        regions = await asyncio.to_thread(_build_regions, reading, look, shown, saved_ids)
        answered = Answered(reading, regions, reply.usage, reply.cached)
        seconds = time.perf_counter() - start
        return outcome_from_answers([(answered, request.options.tier)], seconds=seconds)

    async def _remember(self, prompts: Prompts) -> None:
        """Keep in mind that a region is a prompt: soon it may be saved as one like any other."""
        newest = prompts.prompts[-1]
        if not isinstance(newest, TextPrompt) and newest.region.id:
            await self._memory.add(newest.region.id)

    def _request(self, look: _Look, sent: InlineImage, call: _Call) -> GeminiRequest:
        question = look.question
        focus = build_focus(look.prompts, question, look.area, look.size, look.told)
        return GeminiRequest(
            model=self._config.model,
            prompt=build_prompt(question, call.task.data, focus=focus),
            images=(sent,),
            schema=build_schema(question) if question.structured else None,
            options=options_from_config(question.options),
            urgency=Urgency(Priority.INTERACTIVE),
            origin=Origin(call.project, call.task.id),
        )


def _page_of(prompts: Prompts, task: Task) -> PageAddress:
    """Return the address of the image that the annotator looks at.

    Raises:
        TaskError: The task has no such image, or not so many pages.
    """
    pages = read_image_addresses(prompts.image, task.data)
    number = prompts.page or 0
    if number >= len(pages):
        raise TaskError(
            f"The smart tool was used on page {number + 1} of <Image name={prompts.image.name!r}>; "
            f"the task has {len(pages)}.",
            hint="open the task again: its data may have changed.",
        )
    return pages[number]


def _known(
    prompts: Prompts, question: Question, saved: Sequence[Item], size: ImageSize
) -> tuple[KnownRegion, ...]:
    """Return what is there already and not to be suggested again.

    For a text that is all that is saved. For a box or a point it is what the editor has sent with
    it: what is saved may be a moment old, and an annotator who points at an object means it.
    """
    labels = stored_labels(question)
    if prompts.text is not None:
        return known_regions((*saved, *prompts.accepted), prompts, labels, size)
    return known_regions(prompts.accepted, prompts, labels, size)


def _build_regions(
    reading: Reading, look: _Look, shown: ShownImage, saved_ids: frozenset[str]
) -> Regions:
    whole = reading_from_crop(reading, look.area, look.size)
    chosen = choose(whole, look.prompts, look.question, look.size, look.known)
    ids = look.prompts.ids | ids_of(look.prompts.accepted) | saved_ids
    there = (*sorted(ids), look.prompts.prompts)
    parts = [
        _suggested(build_regions(part.reading, look.question, [shown]), part.prompt, (at, there))
        for at, part in enumerate(chosen.parts)
    ]
    return Regions(
        items=tuple(item for part in parts for item in part.items),
        unmatched=_total(part.unmatched for part in parts),
        dropped=_total([chosen.dropped, *(part.dropped for part in parts)]),
        fallbacks=sum(part.fallbacks for part in parts),
    )


def _total(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    return sum((Counter(one) for one in counts), Counter[str]())


def _suggested(regions: Regions, prompt: Drawn, there: object) -> Regions:
    """Return regions as suggestions.

    The first that is drawn as its prompt was has that one's id: where it is accepted, Label Studio
    puts it in its place, and no loose rectangle stays behind. The ids of the others are new: those
    with one id take each other's place, and where the shapes differ, Label Studio's undo breaks.
    """
    # No relations are asked for.
    items = [cast("RegionJson", item) for item in regions.items]
    ids = {old: _new_id(old, there) for old in dict.fromkeys(item["id"] for item in items)}
    alike = (item["id"] for item in items if kind_of(item["type"]) == prompt.kind)
    first = next(alike, None)
    if prompt.id and first is not None:
        ids[first] = prompt.id
    suggested = (_suggestion(item, ids[item["id"]]) for item in items)
    return replace(regions, items=tuple(suggested))


def _suggestion(item: RegionJson, new_id: str) -> _Suggestion:
    return {**item, "id": new_id, "origin": PREDICTED}


def _new_id(old: str, there: object) -> str:
    text = repr((old, there))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:10]
