"""What a run will probably take, before anything is sent: its requests, its tokens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.errors import BackendError
from label_studio_gemini.gemini.estimate import BOX_TOKENS, MASK_TOKENS, estimate_tokens
from label_studio_gemini.gemini.retry import time_limit
from label_studio_gemini.pipeline import total_usage
from label_studio_gemini.tasks import read_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.bulk import Job
    from label_studio_gemini.config import Config
    from label_studio_gemini.gemini import Usage
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.pipeline import Asked, Asker
    from label_studio_gemini.plan import Plan

_AT_ONCE = 8  # images in memory


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will probably take.

    Attributes:
        requests: How many requests it sends, without those that are tried again.
        tokens: What all of them take, and their answers.
        failed: The tasks that cannot be asked about, and why: nothing is sent for these.
    """

    requests: int
    tokens: Usage
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

    async def usages_of(job: Job) -> list[Usage]:
        try:
            async with places, time_limit(config.task_seconds):
                return [_tokens(one) for one in await asker.ask(read_task(job.task), plan, login)]
        except BackendError as error:
            failed.append((job, error))
            return []

    found = await asyncio.gather(*map(usages_of, jobs))
    usages = [usage for one in found for usage in one]
    return Estimate(len(usages), total_usage(usages), tuple(failed))


def _tokens(asked: Asked) -> Usage:
    question = asked.question
    tokens = MASK_TOKENS if question.masked else BOX_TOKENS if question.objects else 0
    sizes = [*asked.example_sizes, *(image.size for image in asked.images)]
    return estimate_tokens(asked.request, sizes, object_tokens=tokens)
