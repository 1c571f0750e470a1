"""The command `predict`."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from label_studio_gemini.bulk import (
    build_import,
    digest_of_data,
    image_folders,
    predict_jobs,
    prediction_of,
    read_jobs,
)
from label_studio_gemini.cli.estimate import show_estimate
from label_studio_gemini.cli.money import cost_in_words
from label_studio_gemini.cli.progress import show_progress
from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError, UsageError
from label_studio_gemini.gemini import Usage
from label_studio_gemini.images import choose_login
from label_studio_gemini.pipeline import (
    Failure,
    Prediction,
    open_pipeline,
    total_notes,
)
from label_studio_gemini.plan import build_plan
from label_studio_gemini.results import ResultFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from label_studio_gemini.bulk import Done, Job
    from label_studio_gemini.config import Config
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.regions import PredictionJson

SOME_FAILED = 1
_FAILURES_SHOWN = 20


def run_predict(
    sources: Sequence[Path],
    label_config: str,
    config_file: Path | None,
    *,
    out: Path,
    document_root: Path | None,
    estimate: bool = False,
) -> int:
    """Predict the sources and write the import JSON; return the exit code.

    With `estimate`, say what that would cost, and send and write nothing.

    What is done is kept even when the rest is not: on Ctrl-C, or when the key is refused. What an
    earlier run of the same version wrote is taken over, not asked for again.

    Raises:
        BackendError: What makes all of it pointless, found before anything is paid for.
    """
    logging.getLogger("label_studio_gemini.pipeline").setLevel(logging.ERROR)  # the summary's task
    environment = read_environment(os.environ)
    config = read_config(config_file or environment.config_file)
    plan = build_plan(config, _read_label_config(label_config))
    jobs = read_jobs(sources, plan.label_config, document_root=document_root)
    results = ResultFile(out)
    results.check([job.exported for job in jobs])
    predictions = results.earlier()
    to_do = [job for job in jobs if not _is_done(job, predictions, plan)]
    console = Console(stderr=True, emoji=False)
    _say_before(console, plan, len(jobs) - len(to_do))
    if estimate:
        return show_estimate(
            console,
            to_do,
            plan=plan,
            config=config,
            environment=environment,
            document_root=document_root,
        )

    async def predict() -> None:
        login = choose_login(environment.label_studio_url, environment.label_studio_token, None)
        folders = (*image_folders(jobs), *([document_root] if document_root else ()))
        async with open_pipeline(
            config, environment, folders=folders, document_root=document_root
        ) as pipeline:
            with show_progress(console, total=len(to_do)) as report, results.journal():
                async for one in predict_jobs(to_do, pipeline, plan, login):
                    done.append(one)
                    prediction = prediction_of(one, plan.model_version)
                    if prediction is not None:
                        predictions[digest_of_data(one.job.exported["data"])] = prediction
                        results.note(one.job.exported, prediction)
                    report(one.job.name, one.outcome)

    done: list[Done] = []
    try:
        if to_do:
            asyncio.run(predict())
    finally:
        if done or not to_do:
            results.write(build_import(jobs, predictions))
            _summarise(console, config, _Run(len(jobs), len(to_do), done, out))
    return SOME_FAILED if _failures(done) else 0


def _is_done(job: Job, predictions: Mapping[str, PredictionJson], plan: Plan) -> bool:
    earlier = predictions.get(digest_of_data(job.exported["data"]))
    return earlier is not None and earlier.get("model_version") == plan.model_version


def _say_before(console: Console, plan: Plan, taken_over: int) -> None:
    for tag in plan.unfilled:
        console.print(f"left to people: {tag}", markup=False, highlight=False, soft_wrap=True)
    if taken_over:
        console.print(f"{taken_over} tasks are done already, by {plan.model_version}: taken over")


def _read_label_config(value: str) -> str:
    """Return the XML, whether the option holds it or names its file."""
    if value.lstrip().startswith("<"):
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The labelling config {value!r} cannot be read: {error}.",
            hint="--label-config takes an XML file, or the XML itself: '<View>…</View>'.",
        ) from error


def _failures(done: Sequence[Done]) -> list[tuple[Job, BackendError]]:
    return [(one.job, one.outcome.error) for one in done if isinstance(one.outcome, Failure)]


class _Run(NamedTuple):
    """What a summary is about: how many jobs there were, how many were not done yet, what came."""

    jobs: int
    to_do: int
    done: Sequence[Done]
    out: Path


def _summarise(console: Console, config: Config, run: _Run) -> None:
    failures = _failures(run.done)
    predictions = [one.outcome for one in run.done if isinstance(one.outcome, Prediction)]

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for job, error in failures[:_FAILURES_SHOWN]:
        say(f"failed: {job.name}: {error}", "red")
    if len(failures) > _FAILURES_SHOWN:
        say(f"… and {len(failures) - _FAILURES_SHOWN} more", "red")
    if notes := str(total_notes([prediction.notes for prediction in predictions])):
        say(f"left out: {notes}", "yellow")
    regions = sum(len(prediction.regions) for prediction in predictions)
    spent = [spent for one in run.done for spent in one.outcome.spent]
    tokens = sum((one.usage for one in spent), Usage())
    cached = sum(one.cached for one in spent)
    parts = [
        f"{len(predictions)} of {run.jobs} tasks predicted",
        f"{len(failures)} failed",
        *([f"{run.jobs - run.to_do} taken over"] if run.jobs > run.to_do else []),
        *([f"{run.to_do - len(run.done)} not tried"] if run.to_do > len(run.done) else []),
        f"{regions} result items",
        *([f"{cached} answers from the cache"] if cached else []),
        f"{tokens.total:,} tokens ({cost_in_words(spent, config)})",
    ]
    say(f"{', '.join(parts)} -> {run.out}")
