"""One task for whoever asks: a batch, a person who opened it, a smart tool; and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Never, TypeAlias

from label_studio_gemini.pipeline import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.gemini import Urgency
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.pipeline import Outcome, Pipeline
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.regions import PredictionJson
    from label_studio_gemini.smart import PromptMemory, SmartTools

AnswerJson: TypeAlias = "PredictionJson | list[Never]"
"""The answer for one task; `[]` is that of one that failed."""


class Predictors:
    """What predicts in this process, for all projects.

    Args:
        pipeline: The pipeline of this process.
        state_folder: Where all processes keep in mind which regions were prompts.
    """

    def __init__(self, pipeline: Pipeline, state_folder: Path) -> None:
        self.pipeline = pipeline
        self._state_folder = state_folder
        self._memory: PromptMemory | None = None

    def of(
        self, plan: Plan, login: LabelStudioLogin | None = None, project: str | None = None
    ) -> Predictor:
        """Return what predicts the tasks of one project.

        Args:
            plan: What is done for each of its tasks.
            login: The Label Studio that they come from, where it is known.
            project: Label Studio's name of the project, for the ledger.
        """
        return Predictor(self, plan, login, project)

    @cached_property
    def tools(self) -> SmartTools:
        """The smart tools."""
        # Imported here: it loads numpy and shapely, 18 MB, and not every project has smart tools.
        from label_studio_gemini.smart import PromptMemory, SmartTools  # noqa: PLC0415

        self._memory = PromptMemory(self._state_folder / "prompts.sqlite")
        one = self.pipeline
        return SmartTools(one.config, one.gemini, one.images, self._memory)

    async def aclose(self) -> None:
        """Close what was opened for the smart tools; the pipeline is not closed."""
        if self._memory is not None:
            await self._memory.aclose()


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts the tasks of one project: see `Predictors.of`."""

    predictors: Predictors
    plan: Plan
    login: LabelStudioLogin | None
    project: str | None

    async def predict(
        self, task: object, urgency: Urgency | None = None, *, context: object = None
    ) -> Outcome:
        """Predict one task; nothing that is wrong with it is raised.

        Args:
            task: A task as it came in.
            urgency: Whether a person waits for it; by default nobody does.
            context: What a smart tool says about its prompts; None where no smart tool asks.
        """
        if context is not None:
            tools = self.predictors.tools
            return await tools.predict(task, context, self.plan, self.login, self.project)
        pipeline = self.predictors.pipeline
        return await pipeline.predict(task, self.plan, self.login, urgency, self.project)


def answer_from_outcome(outcome: Outcome, model_version: str | None = None) -> AnswerJson:
    """Return the answer for one task.

    `{"result": []}` is that of one that was looked at in vain: it is stored. `[]` is that of one
    that failed: Label Studio skips it, and may ask again.
    """
    if isinstance(outcome, Failure):
        return []
    answer: PredictionJson = {"result": list(outcome.regions)}
    if model_version is not None:
        answer["model_version"] = model_version
    return answer
