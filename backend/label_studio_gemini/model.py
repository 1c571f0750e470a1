"""The model class: Label Studio's convention for ML backends, over our pipeline.

Our own server makes one per request, with the pipeline of the process, and awaits `predict_async`.
The class also runs under the stock server of label-studio-ml 1.0.9, which calls `predict` from a
thread; then the YAML file and the keys come from the environment alone (`environment`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, NotRequired, TypedDict

from label_studio_ml.model import LabelStudioMLBase

from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError
from label_studio_gemini.images import LabelStudioLogin, choose_login
from label_studio_gemini.pipeline import Failure, open_pipeline
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.pipeline import Outcome, Pipeline
    from label_studio_gemini.regions import RegionJson

_log = logging.getLogger(__name__)


class PredictionJson(TypedDict):
    """One prediction as Label Studio stores it; a score is given only where it was earned."""

    result: list[RegionJson]
    model_version: str
    score: NotRequired[float]


class NoPrediction(list[PredictionJson]):
    """`[]`: the answer for a task that failed; Label Studio skips it and may ask again."""


AnswerJson = PredictionJson | NoPrediction


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
        self.label_config = label_config or ""
        self.login = login or _login_from_base(base)
        self._pipeline = pipeline

    def predict(self, tasks: Sequence[object], **_kwargs: object) -> list[AnswerJson]:
        """Predict tasks from a thread without an event loop: what a stock server calls."""
        return asyncio.run(self._predict_alone(tasks))

    async def predict_async(self, tasks: Sequence[object]) -> tuple[list[Outcome], str]:
        """Predict tasks over the pipeline of this process.

        Returns:
            One outcome per task, in their order, and the model_version of all of them.

        Raises:
            LabelConfigError, ConfigError: The project cannot be predicted at all.
        """
        if self._pipeline is None:
            raise ValueError("predict_async needs the `pipeline` that the model was made with")
        plan = build_plan(self._pipeline.config, self.label_config)
        outcomes = await self._pipeline.predict_all(tasks, plan, self.login)
        return outcomes, plan.model_version

    async def _predict_alone(self, tasks: Sequence[object]) -> list[AnswerJson]:
        environment = read_environment(os.environ)
        self.login = choose_login(
            environment.label_studio_url, environment.label_studio_token, self.login
        )
        try:
            config = read_config(environment.config_file)
            async with open_pipeline(config, environment) as self._pipeline:
                outcomes, model_version = await self.predict_async(tasks)
        except BackendError as error:
            _log.warning("none of %d tasks was predicted: %s", len(tasks), error)
            return [NoPrediction() for _ in tasks]
        finally:
            self._pipeline = None
        return [answer_from_outcome(outcome, model_version) for outcome in outcomes]


def answer_from_outcome(outcome: Outcome, model_version: str) -> AnswerJson:
    """Return the answer for one task: `{"result": []}` where it was looked at in vain."""
    if isinstance(outcome, Failure):
        return NoPrediction()
    return {"result": list(outcome.regions), "model_version": model_version}


def _login_from_base(base: dict[str, object]) -> LabelStudioLogin | None:
    """Read what label-studio-ml 1.0.9 passes on of the project's /setup."""
    hostname, token = base.get("hostname"), base.get("access_token")
    if not isinstance(hostname, str) or not hostname:
        return None
    return LabelStudioLogin(hostname, token if isinstance(token, str) and token else None)
