"""What one emulator holds while it runs, and what each request is about."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.faults import FaultBoard
from label_studio_gemini.emulator.files import FileStore
from label_studio_gemini.emulator.recorder import Recorder
from label_studio_gemini.emulator.sight import Eye

if TYPE_CHECKING:
    from starlette.requests import Request

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.key import AnswerKey
    from label_studio_gemini.emulator.recorder import RecordedRequest
    from label_studio_gemini.emulator.settings import EmulatorSettings

_KEPT_INTERACTIONS = 10_000


class State:
    """The key, the files, the faults, the records and the interactions of one emulator."""

    def __init__(self, key: AnswerKey, settings: EmulatorSettings) -> None:
        self.settings = settings
        self.files = FileStore()
        self.eye = Eye(key, self.files)
        self.faults = FaultBoard()
        self.recorder = Recorder(keep=settings.keep_requests, keep_bytes=settings.keep_bytes)
        self.interactions: dict[str, JsonObject] = {}
        self.stopping = asyncio.Event()

    def keep(self, identity: str, interaction: JsonObject) -> None:
        """Keep an interaction, and let go of the oldest where there are too many."""
        self.interactions[identity] = interaction
        if len(self.interactions) > _KEPT_INTERACTIONS:
            del self.interactions[next(iter(self.interactions))]


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose body has come: as Starlette has it, as it is recorded, and the bytes."""

    request: Request
    record: RecordedRequest
    raw: bytes

    @property
    def version(self) -> str:
        """Return the version segment of the path."""
        return str(self.request.path_params.get("version", ""))

    @property
    def name(self) -> str:
        """Return the last part of the path: a model, a file or an interaction."""
        return str(self.request.path_params.get("name", ""))

    def base_url(self) -> str:
        """Return where the emulator was addressed."""
        return str(self.request.base_url).rstrip("/")
