"""The model class: Label Studio's convention for ML backends, over our pipeline.

Our own server makes one per request, with the pipeline of the process, and awaits `predict_async`
for each task.
The class also runs under the stock server of label-studio-ml 1.0.9, which calls `predict` from
several threads at once; then the YAML file and the keys come from the environment alone
(`environment`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Never, TypeAlias

from label_studio_ml.model import LabelStudioMLBase

from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError
from label_studio_gemini.gemini import Priority
from label_studio_gemini.images import LabelStudioLogin, choose_login
from label_studio_gemini.pipeline import Failure, open_pipeline
from label_studio_gemini.plan import build_plan
from label_studio_gemini.smart import SmartTools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.pipeline import Outcome, Pipeline
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.regions import PredictionJson

_log = logging.getLogger(__name__)

AnswerJson: TypeAlias = "PredictionJson | list[Never]"
"""The answer for one task; `[]` is that of one that failed."""


class GeminiModel(LabelStudioMLBase):  # type: ignore[misc] # the base has no types
    """Predicts the tasks of one project with Gemini.

    Args:
        label_config: The project's labelling config. It is read by our own reader, not the base's.
        pipeline: The pipeline of this process; without one, `predict` opens one for each call.
        login: The Label Studio that the tasks come from.
        base: Whatever the constructor of the installed label-studio-ml takes.
    """

    def __init__(
        self,
        *,
        label_config: str | None = None,
        pipeline: Pipeline | None = None,
        login: LabelStudioLogin | None = None,
        **base: object,
    ) -> None:
        super().__init__(**base)
        # Not `self.label_config`: label-studio-ml 2.x has a property of that name.
        self._xml = label_config or ""
        self._login = login or _login_from_base(base)
        self._pipeline = pipeline

    def predict(self, tasks: Sequence[object], **_kwargs: object) -> list[AnswerJson]:
        """Predict tasks from a thread without an event loop: what a stock server calls.

        The predictions name no version: a stock server adds the one that its /setup told, and if
        they differed, each retrieval would store a duplicate.
        """
        return asyncio.run(self._predict_alone(tasks))

    @property
    def plan(self) -> Plan:
        """What is done for each task of the project, and the model_version of its predictions.

        Raises:
            LabelConfigError, ConfigError: The project cannot be predicted at all.
        """
        return self._own_pipeline.plans.plan(self._xml)

    async def predict_async(
        self,
        task: object,
        priority: Priority = Priority.BATCH,
        *,
        context: object = None,
        project: str | None = None,
    ) -> Outcome:
        """Predict one task over the pipeline of this process.

        Args:
            task: A task as it came in.
            priority: Whether a person waits for it.
            context: What a smart tool says about its prompts; None where no smart tool asks.
            project: Label Studio's name of the project, for the ledger.

        Raises:
            LabelConfigError, ConfigError: The project cannot be predicted at all.
        """
        pipeline = self._own_pipeline
        if context is not None:
            tools = SmartTools(pipeline.config, pipeline.gemini, pipeline.images)
            return await tools.predict(task, context, self.plan, self._login, project)
        return await pipeline.predict(task, self.plan, self._login, priority, project)

    @property
    def _own_pipeline(self) -> Pipeline:
        if self._pipeline is None:
            raise ValueError("this needs the `pipeline` that the model was made with")
        return self._pipeline

    async def _predict_alone(self, tasks: Sequence[object]) -> list[AnswerJson]:
        environment = read_environment(os.environ)
        login = choose_login(
            environment.label_studio_url, environment.label_studio_token, self._login
        )
        try:
            config = read_config(environment.config_file)
            plan = build_plan(config, self._xml)
            async with open_pipeline(config, environment) as pipeline:
                outcomes = await pipeline.predict_all(tasks, plan, login)
        except BackendError as error:
            _log.warning("none of %d tasks was predicted: %s", len(tasks), error)
            return [[] for _ in tasks]
        return [answer_from_outcome(outcome) for outcome in outcomes]


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


def _login_from_base(base: dict[str, object]) -> LabelStudioLogin | None:
    """Read what label-studio-ml 1.0.9 passes on of the project's /setup."""
    hostname, token = base.get("hostname"), base.get("access_token")
    if not isinstance(hostname, str) or not hostname:
        return None
    return LabelStudioLogin(hostname, token if isinstance(token, str) and token else None)
