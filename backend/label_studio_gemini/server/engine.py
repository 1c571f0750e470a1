"""What answers: the projects' plans, the logins and the pipeline.

Importing it takes a second (Google's SDK above all): the server loads it while it already
answers /health.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.images import LabelStudioLogin, LoginStore, choose_login
from label_studio_gemini.pipeline import Failure, open_pipeline
from label_studio_gemini.predictor import Predictors, answer_from_outcome
from label_studio_gemini.server.bodies import read_task_id
from label_studio_gemini.server.jobs import Unfinished, Work
from label_studio_gemini.server.logs import note_task
from label_studio_gemini.server.noting import following, note_outcome, note_plan, task_key
from label_studio_gemini.server.unfinished import WHY_NOT
from label_studio_gemini.versions import VersionStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractContextManager

    from label_studio_gemini.activity import Activity
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.gemini import Urgency
    from label_studio_gemini.pipeline import Outcome
    from label_studio_gemini.predictor import Predictor
    from label_studio_gemini.server.bodies import PredictBody, PredictJson, SetupBody
    from label_studio_gemini.server.records import Records

_log = logging.getLogger(__name__)

Result: TypeAlias = "Outcome | Unfinished"
"""What comes of a task in time."""


class Engine:
    """Answers for all projects. What it remembers of them is on disk, shared by all processes.

    Args:
        environment: Where that is, and which Label Studio is trusted.
        predictors: What predicts.
        activity: What is told of all that is done.
    """

    def __init__(
        self, environment: Environment, predictors: Predictors, activity: Activity
    ) -> None:
        self._environment = environment
        self._plans = predictors.pipeline.plans
        self._predictors = predictors
        self._activity = activity
        self._logins = LoginStore(environment.state_folder / "logins")
        self._versions = VersionStore(environment.state_folder / "versions")

    def stop(self) -> None:
        """Ask Gemini about nothing more that was only made ready for that."""
        self._predictors.pipeline.stop()

    async def versions(self) -> list[str]:
        """List the versions that projects were told of, the last one first."""
        return await asyncio.to_thread(self._versions.list)

    async def setup(self, body: SetupBody) -> str:
        """Remember how to reach the project's images, and return its model_version.

        Raises:
            LabelConfigError, ConfigError: The project cannot be predicted at all.
        """
        if body.hostname and body.project is not None:
            login = LabelStudioLogin(body.hostname, body.access_token or None)
            await asyncio.to_thread(self._logins.save, str(body.project), login)
        plan = await self._plans.plan(body.label_config or "")
        if plan.unfilled:
            left = "; ".join(map(str, plan.unfilled))
            _log.warning("project %r: left to people: %s", body.project, left)
        note_plan(self._activity, body.project_name, plan, body.hostname)
        await asyncio.to_thread(self._versions.note, plan.model_version)
        return plan.model_version

    async def predictor(self, body: PredictBody) -> Predictor:
        """Return what predicts the tasks of the request's project.

        Raises:
            LabelConfigError, ConfigError: The project cannot be predicted at all.
        """
        plan = await self._plans.plan(body.label_config or "")
        return self._predictors.of(plan, self._login(body.project), body.project_name)

    def following(
        self, predictor: Predictor, body: PredictBody
    ) -> AbstractContextManager[Callable[[int, Result | None], None]]:
        """Note a request while the block lasts, and what comes of its tasks for longer."""
        return following(self._activity, body, predictor)

    def works(self, predictor: Predictor, body: PredictBody) -> list[Work[Outcome]]:
        """Return what is to be done for each task of a request."""
        return [self._work(predictor, task, body) for task in body.tasks]

    def answer(
        self, predictor: Predictor, body: PredictBody, results: Sequence[Result]
    ) -> PredictJson:
        """Return the answer to a request; what failed or is unfinished is `[]`, and listed."""
        outcomes = [
            Failure(WHY_NOT[one]) if isinstance(one, Unfinished) else one for one in results
        ]
        version = predictor.plan.model_version
        return {
            "results": [answer_from_outcome(outcome, version) for outcome in outcomes],
            "model_version": version,
            "errors": [
                {"error": one.error.message, "hint": one.error.hint, "task": read_task_id(task)}
                for task, one in zip(body.tasks, outcomes, strict=True)
                if isinstance(one, Failure)
            ],
        }

    def _work(self, predictor: Predictor, task: object, body: PredictBody) -> Work[Outcome]:
        number, key = read_task_id(task), task_key(task)

        async def run(urgency: Urgency) -> Outcome:
            note_task(number)
            outcome = await predictor.predict(task, urgency, context=body.context)
            smart = body.context is not None
            note_outcome(self._activity, predictor.project, key, outcome, smart=smart)
            return outcome

        text = identity_of(task, body, predictor.plan.model_version)
        return Work(
            run,
            key=hashlib.sha256(text).hexdigest() if text else None,
            urgent=body.is_waited_for,
            size=len(text),
        )

    def _login(self, project: str | int | None) -> LabelStudioLogin | None:
        remembered = None
        if project is not None:
            remembered = self._logins.load(str(project))
        url, token = self._environment.label_studio_url, self._environment.label_studio_token
        return choose_login(url, token, remembered)


@asynccontextmanager
async def open_engine(
    config: Config, environment: Environment, records: Records
) -> AsyncIterator[Engine]:
    """Open the pipeline, and close it afterwards, and the books with it.

    Raises:
        AuthenticationError: There is no key.
        ConfigError: The address of the API is none.
    """
    async with (
        open_pipeline(config, environment, books=records.books) as pipeline,
        aclosing(Predictors(pipeline, environment.state_folder)) as predictors,
    ):
        yield Engine(environment, predictors, records.activity)


def identity_of(task: object, body: PredictBody, version: str) -> bytes:
    """Return what makes two tasks one; b"" for a task that is like no other."""
    number = read_task_id(task)
    if number is None or not isinstance(task, dict):
        return b""
    # A smart tool also looks at what is on the image already.
    told = task.get("data") if body.context is None else task
    what = [body.project, number, told, version, body.context]
    try:
        return json.dumps(what, sort_keys=True).encode("ascii")
    except RecursionError:
        return b""
