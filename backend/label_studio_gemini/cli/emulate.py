"""The command `emulate`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from label_studio_gemini.demo.photos import answer_key_path, sample_folder
from label_studio_gemini.emulator import EmulatorError, read_answer_key, serve_emulator
from label_studio_gemini.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def run_emulator_command(
    answers: Path | None, images: Path | None, *, host: str, port: int
) -> None:
    """Serve the emulator until stopped.

    Raises:
        UsageError: The key or the images cannot be used.
    """
    if (answers is None) != (images is None):
        raise UsageError(
            "--answers and --images go together: the key names files of that folder.",
            hint="give both, or neither for the bundled photos.",
        )
    with ExitStack() as stack:
        if answers is None or images is None:
            images = stack.enter_context(sample_folder())
            answers = answer_key_path(images)
        try:
            key = read_answer_key(answers, images)
            typer.echo(
                f"A local stand-in for Gemini, at http://{host}:{port}; Ctrl-C ends it.\n"
                f"  GOOGLE_GEMINI_BASE_URL=http://{host}:{port} GEMINI_API_KEY=any "
                "label-studio-gemini serve"
            )
            serve_emulator(key, host=host, port=port)
        except EmulatorError as error:  # its tree is its own: it shares no code with the core
            raise UsageError(error.message, hint=error.hint) from error
