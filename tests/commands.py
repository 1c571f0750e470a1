"""The commands as typed, in the process of the test: what they write, say and return.

A process of its own takes a second or two of a processor to load everything: `services` starts
those, for what only they can show.
"""

from __future__ import annotations

import io
import logging
import os
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import pytest

from label_studio_gemini.cli import main
from services import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ended(NamedTuple):
    """A command that has ended: its exit code, what it wrote, and what it would have served with.

    Attributes:
        served: The options that uvicorn was started with; None where it was not.
    """

    returncode: int
    stdout: str
    stderr: str
    served: dict[str, Any] | None


def run_here(*arguments: str | Path, **settings: str) -> Ended:
    """Run `label-studio-gemini` with these arguments, and these variables of the environment.

    `serve` goes as far as uvicorn. What a command leaves behind in its process is put back.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with ExitStack() as stack:
        variables = clean_environment(**settings)
        stack.enter_context(mock.patch.dict(os.environ, variables, clear=True))
        uvicorn = stack.enter_context(mock.patch("uvicorn.run"))
        stack.enter_context(_log_levels_kept())
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        code = _exit_code([str(argument) for argument in arguments])
    said, wrong = (stream.buffer.getvalue().decode() for stream in (out, err))
    return Ended(code, said, wrong, dict(uvicorn.call_args.kwargs) if uvicorn.called else None)


def _exit_code(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@contextmanager
def _log_levels_kept() -> Iterator[None]:
    before = {logger: logger.level for logger in _loggers()}
    try:
        yield
    finally:
        for logger in _loggers():
            logger.setLevel(before.get(logger, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]
