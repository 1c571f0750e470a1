"""What a run will probably take, before anything is sent: its requests, its tokens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.errors import BackendError
from label_studio_gemini.gateway import options_from_config
from label_studio_gemini.gemini.estimate import (
    BOX_TOKENS,
    MASK_TOKENS,
    estimate_tokens,
    time_factor,
)
from label_studio_gemini.gemini.retry import time_limit
from label_studio_gemini.pipeline import Spent
from label_studio_gemini.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.bulk import Job
    from label_studio_gemini.config import Config
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.pipeline import Asked, Asker
    from label_studio_gemini.plan import Plan

_AT_ONCE = 8  # images in memory


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will probably take.

    Attributes:
        spent: What each of them takes, and its answer.
        slowness: How many times as long as a plain request the slowest of them takes.
        failed: The tasks that cannot be asked about, and why: nothing is sent for these.
    """

    spent: tuple[Spent, ...]
    slowness: float
    failed: tuple[tuple[Job, BackendError], ...]


async def estimate_jobs(
    jobs: Sequence[Job],
    asker: Asker,
    plan: Plan,
    config: Config,
    login: LabelStudioLogin | None = None,
) -> Estimate:
    """Read the images of all jobs, and estimate what is sent and answered; nothing is sent."""
    places = asyncio.Semaphore(_AT_ONCE)
    failed: list[tuple[Job, BackendError]] = []

    async def spent_on(job: Job) -> list[Spent]:
        try:
            async with places, time_limit(config.task_seconds):
                return [_spent(one) for one in await asker.ask(read_task(job.task), plan, login)]
        except BackendError as error:
            failed.append((job, error))
            return []

    found = await asyncio.gather(*map(spent_on, jobs))
    options = (options_from_config(question.options) for question in plan.questions)
    return Estimate(
        spent=tuple(one for of_job in found for one in of_job),
        slowness=max(time_factor(one) for one in options),
        failed=tuple(failed),
    )


def _spent(asked: Asked) -> Spent:
    question = asked.question
    tokens = MASK_TOKENS if question.masked else BOX_TOKENS if question.objects else 0
    sizes = [*asked.example_sizes, *(image.size for image in asked.images)]
    usage = estimate_tokens(asked.request, sizes, object_tokens=tokens)
    return Spent(usage, asked.request.options.tier)
