"""A local Gemini: for tests, for the demo without a key, and by `label-studio-gemini emulate`.

It answers from an answer key (COCO), refuses what the real service refuses, records what it was
sent, and goes wrong when it is told to. It shares no code with the rest of the package, so that one
mistake cannot hide in both. The key's format, with the answers that it may script, is told at
`read_answer_key`; how any other question of a schema is answered, in `values`::

    with run_emulator(read_answer_key(Path("instances.json"), Path("images"))) as gemini:
        gemini.script(Fault(problem=Problem.RATE_LIMIT, times=2))
        client = genai.Client(api_key="any", http_options={"base_url": gemini.url})
        ...
        assert gemini.requests[-1].photos == ("coffee.jpg",)
"""

from __future__ import annotations

from label_studio_gemini.emulator.api import GENERATION, Api
from label_studio_gemini.emulator.app import Emulator, build_emulator
from label_studio_gemini.emulator.errors import EmulatorError
from label_studio_gemini.emulator.faults import (
    GARBAGE_TEXT,
    Breakage,
    Container,
    Fault,
    Stop,
    Wrapping,
)
from label_studio_gemini.emulator.items import BoxDialect
from label_studio_gemini.emulator.key import AnswerKey, KeyObject, KeyPhoto, read_answer_key
from label_studio_gemini.emulator.masks import MaskDialect
from label_studio_gemini.emulator.recorder import RecordedRequest
from label_studio_gemini.emulator.refusals import Problem
from label_studio_gemini.emulator.server import RunningEmulator, run_emulator, serve_emulator
from label_studio_gemini.emulator.settings import EmulatorSettings

__all__ = [
    "GARBAGE_TEXT",
    "GENERATION",
    "AnswerKey",
    "Api",
    "BoxDialect",
    "Breakage",
    "Container",
    "Emulator",
    "EmulatorError",
    "EmulatorSettings",
    "Fault",
    "KeyObject",
    "KeyPhoto",
    "MaskDialect",
    "Problem",
    "RecordedRequest",
    "RunningEmulator",
    "Stop",
    "Wrapping",
    "build_emulator",
    "read_answer_key",
    "run_emulator",
    "serve_emulator",
]
