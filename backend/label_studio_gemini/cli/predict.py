"""The command `predict`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from label_studio_gemini.bulk import build_import, image_folders, predict_jobs, read_jobs
from label_studio_gemini.cli.progress import show_progress
from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError, UsageError
from label_studio_gemini.images import choose_login
from label_studio_gemini.pipeline import (
    Failure,
    Prediction,
    open_pipeline,
    total_notes,
    total_usage,
)
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.bulk import Done, ImportTaskJson, Job

SOME_FAILED = 1
_FAILURES_SHOWN = 20
_STANDARD_OUTPUT = Path("-")


def run_predict(
    sources: Sequence[Path],
    label_config: str,
    config_file: Path | None,
    *,
    out: Path,
    document_root: Path | None,
) -> int:
    """Predict the sources and write the import JSON; return the exit code.

    What is done is written even when the rest is not: on Ctrl-C, or when the key is refused.

    Raises:
        BackendError: What makes all of it pointless, found before anything is paid for.
    """
    logging.getLogger("label_studio_gemini.pipeline").setLevel(logging.ERROR)  # the summary's task
    environment = read_environment(os.environ)
    config = read_config(config_file or environment.config_file)
    plan = build_plan(config, _read_label_config(label_config))
    jobs = read_jobs(sources, plan.label_config, document_root=document_root)
    _check_writable(out)
    console = Console(stderr=True)
    for tag in plan.label_config.unfilled:
        console.print(f"left to people: {tag}", markup=False, highlight=False)

    async def predict() -> None:
        login = choose_login(environment.label_studio_url, environment.label_studio_token, None)
        folders = (*image_folders(sources), *([document_root] if document_root else ()))
        async with open_pipeline(
            config, environment, folders=folders, document_root=document_root
        ) as pipeline:
            with show_progress(console, total=len(jobs)) as report:
                async for one in predict_jobs(jobs, pipeline, plan, login):
                    done.append(one)
                    report(one.job.name, one.outcome)

    done: list[Done] = []
    try:
        asyncio.run(predict())
    finally:
        if done:
            _write(out, build_import(jobs, done, plan.model_version))
            _summarise(console, jobs, done, out)
    return SOME_FAILED if _failures(done) else 0


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


def _check_writable(out: Path) -> None:
    """Find out before anything is paid for whether the result can be kept."""
    if out == _STANDARD_OUTPUT:
        return
    folder = out.resolve().parent
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(
            f"{str(out)!r} cannot be written.", hint="--out takes a file in a folder that exists."
        )


def _write(out: Path, tasks: Sequence[ImportTaskJson]) -> None:
    text = json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"
    if out == _STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    unfinished = out.with_name(out.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(out)  # so that a file that was there is never half overwritten


def _failures(done: Sequence[Done]) -> list[tuple[Job, BackendError]]:
    return [(one.job, one.outcome.error) for one in done if isinstance(one.outcome, Failure)]


def _summarise(console: Console, jobs: Sequence[Job], done: Sequence[Done], out: Path) -> None:
    failures = _failures(done)
    predictions = [one.outcome for one in done if isinstance(one.outcome, Prediction)]

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for job, error in failures[:_FAILURES_SHOWN]:
        say(f"failed: {job.name}: {error}", "red")
    if len(failures) > _FAILURES_SHOWN:
        say(f"… and {len(failures) - _FAILURES_SHOWN} more", "red")
    total = total_notes([prediction.notes for prediction in predictions])
    if notes := str(total):
        say(f"left out: {notes}", "yellow")
    regions = sum(len(prediction.regions) for prediction in predictions)
    tokens = total_usage([prediction.usage for prediction in predictions])
    say(
        f"{len(predictions)} of {len(jobs)} tasks predicted, {len(failures)} failed, "
        f"{regions} result items, {tokens.total:,} tokens -> {out}"
    )
