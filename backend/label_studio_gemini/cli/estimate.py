"""`predict --estimate`: what a run would cost, before it is paid for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from label_studio_gemini.bulk import image_folders
from label_studio_gemini.cli.money import cost_in_words
from label_studio_gemini.estimates import estimate_jobs
from label_studio_gemini.gemini import Usage
from label_studio_gemini.images import choose_login
from label_studio_gemini.pipeline import open_asker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from label_studio_gemini.bulk import Job
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.estimates import Estimate
    from label_studio_gemini.plan import Plan

_FAILURES_SHOWN = 20


def show_estimate(
    console: Console,
    jobs: Sequence[Job],
    *,
    plan: Plan,
    config: Config,
    environment: Environment,
    document_root: Path | None,
) -> int:
    """Read the images, say what sending them would take, and send nothing.

    Returns:
        The exit code: 1 where a task's image cannot be read.
    """

    async def run() -> Estimate:
        login = choose_login(environment.label_studio_url, environment.label_studio_token, None)
        folders = (*image_folders(jobs), *([document_root] if document_root else ()))
        async with open_asker(config, folders=folders, document_root=document_root) as asker:
            return await estimate_jobs(jobs, asker, plan, config, login)

    estimate = asyncio.run(run())

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for job, error in estimate.failed[:_FAILURES_SHOWN]:
        say(f"cannot be asked about: {job.name}: {error}", "red")
    if len(estimate.failed) > _FAILURES_SHOWN:
        say(f"… and {len(estimate.failed) - _FAILURES_SHOWN} more", "red")
    tokens = sum((one.usage for one in estimate.spent), Usage())
    slowly = (
        f", each at {estimate.slowness:g} times the usual time" if estimate.slowness > 1 else ""
    )
    say(
        f"{len(jobs) - len(estimate.failed)} tasks, {len(estimate.spent)} requests to "
        f"{config.model}: about {tokens.input_tokens:,} tokens in ({tokens.image_tokens:,} of them "
        f"images), {tokens.output_tokens:,} out and {tokens.thought_tokens:,} of thought: "
        f"{cost_in_words(estimate.spent, config)}{slowly}. Nothing was sent."
    )
    return int(bool(estimate.failed))
