"""Many images at once, without a server: files or task JSON in, Label Studio import JSON out."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NotRequired, TypedDict, cast
from urllib.parse import quote

from label_studio_gemini.errors import AuthenticationError, ModelError, QuotaError, UsageError
from label_studio_gemini.pipeline import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.labels import LabelConfig
    from label_studio_gemini.pipeline import Outcome, Pipeline
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.regions import PredictionJson

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


class ImportTaskJson(TypedDict):
    """One task to import: as it came, with its prediction where there is one."""

    data: dict[str, object]
    id: NotRequired[int]
    meta: NotRequired[object]
    annotations: NotRequired[object]
    predictions: NotRequired[list[PredictionJson]]


_KEPT = ("id", "meta", "annotations")


@dataclass(frozen=True, slots=True)
class Job:
    """One task to do.

    Attributes:
        name: How progress and errors call it.
        task: What the pipeline gets: `{"id": …, "data": …}`, addresses as they can be read here.
        exported: What is written: the task as Label Studio is to import it.
        file: The image file that was named, where it is one.
    """

    name: str
    task: Mapping[str, object]
    exported: ImportTaskJson
    file: Path | None = None


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
    """Turn what the command line names into jobs; a file that is named twice is one.

    Args:
        sources: Image files, folders of images (searched through), Label Studio task JSON files.
        label_config: The project's labelling config, which says where a task keeps its image.
        document_root: What the addresses of image files are written relative to; without it, the
            folder that was named, or that of the file.

    Raises:
        UsageError: A source is not there, is empty, or cannot be used.
    """
    jobs: list[Job] = []
    files: dict[str, Path] = {}
    for job in (job for source in sources for job in _jobs(source, label_config, document_root)):
        if job.file is not None:
            known = files.setdefault(job.name, job.file)
            if known is not job.file and known.samefile(job.file):
                continue
            if known is not job.file:
                raise UsageError(
                    f"{str(known)!r} and {str(job.file)!r} would have one address: {job.name!r}.",
                    hint="give --document-root a folder that both are in.",
                )
        jobs.append(job)
    if not jobs:
        raise UsageError(
            f"There is no image in {', '.join(map(str, sources))}.",
            hint=f"the suffixes looked for are {' '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    return tuple(jobs)


def image_folders(jobs: Iterable[Job]) -> tuple[Path, ...]:
    """Return the folders of the image files that were named, and no others."""
    return tuple({job.file.resolve().parent for job in jobs if job.file is not None})


async def predict_jobs(
    jobs: Iterable[Job], pipeline: Pipeline, plan: Plan, login: LabelStudioLogin | None = None
) -> AsyncIterator[Done]:
    """Predict jobs, as many at once as the pipeline's limits allow; yield each as it is done.

    After an error that every later task would meet too, no more are begun; those that are under way
    are awaited and yielded, since they are paid for, and then it is raised.

    Raises:
        AuthenticationError, ModelError, QuotaError: No later task could fare better.
    """

    async def do(number: int, job: Job) -> Done:
        return Done(number, job, await pipeline.predict(job.task, plan, login))

    waiting = iter(enumerate(jobs))
    running: set[asyncio.Task[Done]] = set()
    fatal: BackendError | None = None
    try:
        while True:
            # As many as can run, so that none of the pipeline's places is ever empty.
            room = 0 if fatal else pipeline.config.tasks_at_once - len(running)
            running |= {asyncio.create_task(do(*next_job)) for next_job in islice(waiting, room)}
            if not running:
                break
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for done in sorted((task.result() for task in finished), key=lambda one: one.number):
                yield done
                fatal = fatal or _fatal_error(done.outcome)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    if fatal is not None:
        raise fatal


def _fatal_error(outcome: Outcome) -> BackendError | None:
    if isinstance(outcome, Failure) and isinstance(outcome.error, _FATAL):
        return outcome.error
    return None


def build_import(
    jobs: Sequence[Job], predictions: Mapping[str, PredictionJson]
) -> list[ImportTaskJson]:
    """Build the import JSON of all jobs, in their order; one that failed has no prediction.

    Args:
        jobs: All of the run.
        predictions: Those that there are, by the digest of their task.
    """
    tasks: list[ImportTaskJson] = []
    for job in jobs:
        task = job.exported.copy()
        prediction = predictions.get(digest_of_data(task["data"]))
        if prediction is not None:
            task["predictions"] = [prediction]
        tasks.append(task)
    return tasks


def digest_of_data(data: Mapping[str, object]) -> str:
    """Return what a task is known by from one run to the next: its data, and nothing else."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def prediction_of(done: Done, model_version: str) -> PredictionJson | None:
    """Return a finished job's prediction, or None where it failed."""
    if isinstance(done.outcome, Failure):
        return None
    return {"model_version": model_version, "result": list(done.outcome.regions)}


def _jobs(source: Path, label_config: LabelConfig, document_root: Path | None) -> Iterator[Job]:
    if not source.exists():
        raise UsageError(
            f"There is no file or folder {str(source)!r}.",
            hint="name image files, folders of images, or Label Studio task JSON files.",
        )
    if source.is_dir():
        for file in sorted(path for path in source.rglob("*") if _is_image(path)):
            yield _job_from_file(file, label_config, document_root or source)
    elif source.suffix.lower() == ".json":
        yield from _jobs_from_json(source)
    else:
        yield _job_from_file(source, label_config, document_root or source.parent)


def _is_image(path: Path) -> bool:
    """Say whether a file is one to take from a folder; `._a.jpg` is what macOS leaves behind."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden and path.is_file()


def _job_from_file(file: Path, label_config: LabelConfig, root: Path) -> Job:
    key = _image_key(label_config)
    try:
        # Links are not followed here: Label Studio addresses a file by the name that it has there.
        below = _named(file).relative_to(_named(root))
    except ValueError as error:
        raise UsageError(
            f"{str(file)!r} is not below the document root {str(root)!r}.",
            hint="--document-root takes the folder that Label Studio serves files from "
            "(its LOCAL_FILES_DOCUMENT_ROOT).",
        ) from error
    # A name that is no UTF-8 is none in JSON or on a terminal either: it is written escaped.
    return Job(
        name=below.as_posix().encode("utf-8", "backslashreplace").decode(),
        task={"data": {key: str(file.resolve())}},
        exported={"data": {key: LOCAL_FILES + quote(os.fsencode(below.as_posix()))}},
        file=file,
    )


def _named(path: Path) -> Path:
    """Return a path from the root, without `..`, and with the names of links as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links


def _image_key(label_config: LabelConfig) -> str:
    """Return the one key of `data` that takes an image."""
    keys = {tag.key for tag in label_config.images}
    key = keys.pop() if len(keys) == 1 else None
    if key is None:
        raise UsageError(
            "The labelling config has not just one <Image> tag with a value like `$image`: image "
            "files alone do not make its tasks.",
            hint='give task JSON instead: [{"data": {…}}, …].',
        )
    return key


def _jobs_from_json(file: Path) -> Iterator[Job]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
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
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise UsageError(
            f"{name} has a number that is none in JSON (NaN or infinite).",
            hint="Label Studio would refuse the whole import: take it out, or write null.",
        ) from error
    if not isinstance(value.get("data"), dict):
        return Job(name=name, task={"data": value}, exported={"data": value})
    kept = {key: value[key] for key in _KEPT if key in value}
    exported = cast("ImportTaskJson", {"data": value["data"], **kept})
    number = value.get("id")
    if type(number) is int:
        name = f"{name} (task {number})"
    return Job(name=name, task=value, exported=exported)
