"""The file that a bulk run writes: never half written, never poorer than it was, never paid twice.

Beside it, while a run goes on, stands a journal (`tasks.json.journal`): a line for each finished
task, written at once. Whatever ends the run (Ctrl-C, a kill, an empty battery), the next one with
the same `--out` takes over what is there: from the journal, and from the file itself.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from label_studio_gemini.bulk import digest_of_data
from label_studio_gemini.errors import UsageError
from label_studio_gemini.regions import PredictionJson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from label_studio_gemini.bulk import ImportTaskJson

STANDARD_OUTPUT = "-"


class _KeptTask(BaseModel):
    """What is read of a task that an earlier run wrote."""

    model_config = ConfigDict(extra="ignore")

    data: dict[str, object]
    predictions: list[PredictionJson] = Field(default_factory=list)


class _JournalLine(BaseModel):
    """A finished task: the digest of its data, and its prediction."""

    task: str
    prediction: PredictionJson


class ResultFile:
    """The file named by `--out`, and the journal beside it.

    Args:
        out: A file, `-` for standard output, or anything that can be written to. Only a regular
            file has a journal, and is taken over from.
    """

    def __init__(self, out: Path) -> None:
        self._is_standard_output = str(out) == STANDARD_OUTPUT
        self._out = out if self._is_standard_output else out.resolve()
        self._is_regular = not self._is_standard_output and (
            self._out.is_file() or not self._out.exists()
        )
        self._journal = self._out.with_name(self._out.name + ".journal")
        self._log: TextIO | None = None

    def check(self, tasks: Sequence[ImportTaskJson]) -> None:
        """Find out before anything is paid for whether the result can be kept.

        Raises:
            UsageError: It cannot be written, or holds what is no part of this run.
        """
        if not self._is_regular:
            return
        folder = self._out.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UsageError(
                f"{str(self._out)!r} cannot be written.",
                hint="--out takes a file in a folder that exists and can be written.",
            )
        if self._has_content():
            ours = {digest_of_data(task["data"]) for task in tasks}
            others = [task for task in self._kept_tasks() if digest_of_data(task.data) not in ours]
            if others:
                raise UsageError(
                    f"{str(self._out)!r} has {len(others)} tasks that are no part of this run; "
                    "they would be lost.",
                    hint="name another file with --out, or move this one away.",
                )

    def earlier(self) -> dict[str, PredictionJson]:
        """Return what earlier runs predicted, by the digest of their task; the journal is newer."""
        if not self._is_regular:
            return {}
        found: dict[str, PredictionJson] = {}
        if self._has_content():
            found = {
                digest_of_data(task.data): task.predictions[-1]
                for task in self._kept_tasks()
                if task.predictions
            }
        return found | {line.task: line.prediction for line in self._journal_lines()}

    @contextmanager
    def journal(self) -> Iterator[None]:
        """Keep the journal open; without one where the result is no regular file."""
        if not self._is_regular:
            yield
            return
        with _written(self._journal), self._journal.open("a", encoding="utf-8") as self._log:
            yield
        self._log = None

    def note(self, task: ImportTaskJson, prediction: PredictionJson) -> None:
        """Write a finished task into the journal, at once."""
        if self._log is None:
            return
        line = {"task": digest_of_data(task["data"]), "prediction": prediction}
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()

    def write(self, tasks: Sequence[ImportTaskJson]) -> None:
        """Write the result, whole or not at all; the journal has done its service then.

        Raises:
            UsageError: It cannot be written; the journal still has all of it.
        """
        text = json.dumps(tasks, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        # A lone surrogate is legal in JSON as an escape, and in UTF-8 not at all.
        content = text.encode("utf-8", "backslashreplace")
        with _written(self._out):
            if self._is_standard_output:
                sys.stdout.buffer.write(content)
                sys.stdout.buffer.flush()
            elif not self._is_regular:
                self._out.write_bytes(content)
            else:
                unfinished = self._out.with_name(self._out.name + ".part")
                unfinished.write_bytes(content)
                unfinished.replace(self._out)
                self._journal.unlink(missing_ok=True)

    def _has_content(self) -> bool:
        return self._out.exists() and self._out.stat().st_size > 0

    def _kept_tasks(self) -> list[_KeptTask]:
        try:
            # json and not pydantic's reader: that refuses the escape of a lone surrogate.
            return TypeAdapter(list[_KeptTask]).validate_python(json.loads(self._out.read_bytes()))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{str(self._out)!r} is there already, and is no list of tasks.",
                hint="name another file with --out: this one would be lost.",
            ) from error

    def _journal_lines(self) -> Iterator[_JournalLine]:
        """Read what a run that was ended left; its last line may be cut."""
        try:
            lines = self._journal.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            try:
                yield _JournalLine.model_validate_json(line)
            except ValidationError:
                continue


@contextmanager
def _written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{str(file)!r} cannot be written: {error.strerror}.",
            hint="what was predicted is in the journal beside --out, where that is a file.",
        ) from error
