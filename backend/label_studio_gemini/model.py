"""The model class: Label Studio's convention for ML backends, over our pipeline.

It is for the stock servers of label-studio-ml, which call `predict` from several threads at once;
the YAML file and the keys come from the environment alone (`environment`). Our own server does
without: importing label-studio-ml takes 17 MB in each process.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import aclosing
from typing import TYPE_CHECKING

from label_studio_ml.model import LabelStudioMLBase

from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError
from label_studio_gemini.images import LabelStudioLogin, choose_login
from label_studio_gemini.pipeline import open_pipeline
from label_studio_gemini.plan import build_plan
from label_studio_gemini.predictor import Predictors, answer_from_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.predictor import AnswerJson

_log = logging.getLogger(__name__)


class GeminiModel(LabelStudioMLBase):  # type: ignore[misc] # the base has no types
    """Predicts the tasks of one project with Gemini.

    Args:
        label_config: The project's labelling config. It is read by our own reader, not the base's.
        base: Whatever the constructor of the installed label-studio-ml takes.
    """

    def __init__(self, *, label_config: str | None = None, **base: object) -> None:
        super().__init__(**base)
        # Not `self.label_config`: label-studio-ml 2.x has a property of that name.
        self._xml = label_config or ""
        self._login = _login_from_base(base)

    def predict(
        self, tasks: Sequence[object], context: object = None, **_kwargs: object
    ) -> list[AnswerJson]:
        """Predict tasks from a thread without an event loop: what a stock server calls.

        The predictions name no version: a stock server adds the one that its /setup told, and if
        they differed, each retrieval would store a duplicate.

        Args:
            tasks: Tasks as they came in.
            context: What a smart tool says about its prompts; None where no smart tool asks.
        """
        return asyncio.run(self._predict(tasks, context))

    async def _predict(self, tasks: Sequence[object], context: object) -> list[AnswerJson]:
        environment = read_environment(os.environ)
        login = choose_login(
            environment.label_studio_url, environment.label_studio_token, self._login
        )
        try:
            config = read_config(environment.config_file)
            plan = build_plan(config, self._xml)
            async with (
                open_pipeline(config, environment) as pipeline,
                aclosing(Predictors(pipeline, environment.state_folder)) as predictors,
            ):
                predictor = predictors.of(plan, login)
                outcomes = await asyncio.gather(
                    *(predictor.predict(task, context=context) for task in tasks)
                )
        except BackendError as error:
            _log.warning("none of %d tasks was predicted: %s", len(tasks), error)
            return [[] for _ in tasks]
        return [answer_from_outcome(outcome) for outcome in outcomes]


def _login_from_base(base: dict[str, object]) -> LabelStudioLogin | None:
    """Read what label-studio-ml 1.0.9 passes on of the project's /setup."""
    hostname, token = base.get("hostname"), base.get("access_token")
    if not isinstance(hostname, str) or not hostname:
        return None
    return LabelStudioLogin(hostname, token if isinstance(token, str) and token else None)
