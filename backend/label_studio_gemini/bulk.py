"""Many images at once, without a server: files or task JSON in, Label Studio import JSON out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NotRequired, TypedDict
from urllib.parse import quote

from label_studio_gemini.errors import AuthenticationError, ModelError, QuotaError, UsageError
from label_studio_gemini.pipeline import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.labels import LabelConfig
    from label_studio_gemini.pipeline import Outcome, Pipeline
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.regions import RegionJson

LOCAL_FILES = "/data/local-files/?d="
"""How Label Studio addresses a file below its LOCAL_FILES_DOCUMENT_ROOT."""

IMAGE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp"),
        *(".heic", ".heif", ".bmp", ".tif", ".tiff", ".gif"),
    }
)
"""What counts as an image in a folder; a file that is named itself is always tried."""

_FATAL = (AuthenticationError, ModelError, QuotaError)  # the same for every task that would follow


class ImportPredictionJson(TypedDict):
    """One prediction of a task to import."""

    model_version: str
    result: list[RegionJson]


class ImportTaskJson(TypedDict):
    """One task to import, with its prediction where there is one."""

    data: dict[str, object]
    id: NotRequired[int]
    predictions: NotRequired[list[ImportPredictionJson]]


@dataclass(frozen=True, slots=True)
class Job:
    """One task to do.

    Attributes:
        name: How progress and errors call it.
        task: What the pipeline gets: `{"id": …, "data": …}`, addresses as they can be read here.
        exported: What is written: the task as Label Studio is to import it.
    """

    name: str
    task: Mapping[str, object]
    exported: ImportTaskJson


class Done(NamedTuple):
    """One job, done; `number` is its place among all, from 0."""

    number: int
    job: Job
    outcome: Outcome


def read_jobs(
    sources: Sequence[Path],
    label_config: LabelConfig,
    *,
    document_root: Path | None = None,
) -> tuple[Job, ...]:
    """Turn what the command line names into jobs.

    Args:
        sources: Image files, folders of images (searched through), Label Studio task JSON files.
        label_config: The project's labelling config, which says where a task keeps its image.
        document_root: What the addresses of image files are written relative to; without it, the
            folder that was named, or that of the file.

    Raises:
        UsageError: A source is not there, is empty, or cannot be used.
    """
    jobs = tuple(job for source in sources for job in _jobs(source, label_config, document_root))
    if not jobs:
        raise UsageError(
            f"There is no image in {', '.join(map(str, sources))}.",
            hint=f"the suffixes looked for are {' '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    return jobs


def image_folders(sources: Iterable[Path]) -> tuple[Path, ...]:
    """Return the folders that the named sources open: those named, and those of named images."""
    return tuple(
        source if source.is_dir() else source.parent
        for source in sources
        if source.suffix.lower() != ".json"
    )


async def predict_jobs(
    jobs: Sequence[Job], pipeline: Pipeline, plan: Plan, login: LabelStudioLogin | None = None
) -> AsyncIterator[Done]:
    """Predict all jobs at once, as far as the pipeline's limits go; yield each as it is done.

    Raises:
        AuthenticationError, ModelError, QuotaError: No later task could fare better, so the rest
            is not tried.
    """

    async def do(number: int, job: Job) -> Done:
        return Done(number, job, await pipeline.predict(job.task, plan, login))

    running = [asyncio.create_task(do(number, job)) for number, job in enumerate(jobs)]
    try:
        for next_done in asyncio.as_completed(running):
            done = await next_done
            yield done
            if isinstance(done.outcome, Failure) and isinstance(done.outcome.error, _FATAL):
                raise done.outcome.error
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def build_import(
    jobs: Sequence[Job], done: Iterable[Done], model_version: str
) -> list[ImportTaskJson]:
    """Build the import JSON of all jobs, in their order; one that failed has no prediction."""
    outcomes = {one.number: one.outcome for one in done}
    tasks: list[ImportTaskJson] = []
    for number, job in enumerate(jobs):
        task = job.exported.copy()
        outcome = outcomes.get(number)
        if outcome is not None and not isinstance(outcome, Failure):
            task["predictions"] = [
                {"model_version": model_version, "result": list(outcome.regions)}
            ]
        tasks.append(task)
    return tasks


def _jobs(source: Path, label_config: LabelConfig, document_root: Path | None) -> Iterator[Job]:
    if not source.exists():
        raise UsageError(
            f"There is no file or folder {str(source)!r}.",
            hint="name image files, folders of images, or Label Studio task JSON files.",
        )
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        for file in files:
            yield _job_from_file(file, label_config, document_root or source)
    elif source.suffix.lower() == ".json":
        yield from _jobs_from_json(source)
    else:
        yield _job_from_file(source, label_config, document_root or source.parent)


def _job_from_file(file: Path, label_config: LabelConfig, root: Path) -> Job:
    key = _image_key(label_config)
    try:
        below = file.resolve().relative_to(root.resolve())
    except ValueError as error:
        raise UsageError(
            f"{str(file)!r} is not below the document root {str(root)!r}.",
            hint="--document-root takes the folder that Label Studio serves files from "
            "(its LOCAL_FILES_DOCUMENT_ROOT).",
        ) from error
    return Job(
        name=str(below),
        task={"data": {key: str(file.resolve())}},
        exported={"data": {key: LOCAL_FILES + quote(below.as_posix())}},
    )


def _image_key(label_config: LabelConfig) -> str:
    """Return the one key of `data` that takes an image."""
    keys = dict.fromkeys(tag.value.removeprefix("$") for tag in label_config.images)
    if len(keys) != 1 or not next(iter(keys)).isidentifier():
        raise UsageError(
            "The labelling config has not just one <Image> tag with a value like `$image`: image "
            "files alone do not make its tasks.",
            hint='give task JSON instead: [{"data": {…}}, …].',
        )
    return next(iter(keys))


def _jobs_from_json(file: Path) -> Iterator[Job]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The task file {str(file)!r} cannot be read: {error}.",
            hint="it takes JSON in UTF-8, as Label Studio exports and imports it.",
        ) from error
    for number, value in enumerate(content if isinstance(content, list) else [content], start=1):
        yield _job_from_value(value, f"{file.name} #{number}")


def _job_from_value(value: object, name: str) -> Job:
    """Read a task, or the bare data of one, which Label Studio imports as well."""
    if not isinstance(value, dict):
        raise UsageError(
            f"{name} is {type(value).__name__}, not a task.",
            hint='a task looks like {"data": {"image": "https://…/a.jpg"}}.',
        )
    data = value.get("data")
    if not isinstance(data, dict):
        data = value
    exported: ImportTaskJson = {"data": data}
    number = value.get("id")
    if isinstance(value.get("data"), dict) and type(number) is int:
        exported["id"] = number
        name = f"{name} (task {number})"
    return Job(name=name, task=exported, exported=exported)
