"""A pipeline, asked for many tasks at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.pipeline import Outcome, Pipeline
    from label_studio_gemini.plan import Plan


async def predict_all(pipeline: Pipeline, tasks: Sequence[object], plan: Plan) -> list[Outcome]:
    """Return one outcome for each task, in their order."""
    return await asyncio.gather(*(pipeline.predict(task, plan, None) for task in tasks))
