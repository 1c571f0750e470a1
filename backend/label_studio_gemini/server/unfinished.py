"""Why a task has no outcome in time, in words for people."""

from __future__ import annotations

from label_studio_gemini.errors import BackendError
from label_studio_gemini.server.jobs import Unfinished

WHY_NOT = {
    Unfinished.GOES_ON: BackendError(
        "The task is still being worked on.",
        hint="retrieve it again in a while: it goes on meanwhile, and is not paid twice.",
    ),
    Unfinished.STOPPED: BackendError(
        "The backend was told to stop before the task was done.",
        hint="retrieve it again when the backend has started again.",
    ),
    Unfinished.GIVEN_UP: BackendError(
        "The task was given up: nobody waited for it, and too many were queued.",
        hint="retrieve it again, with fewer at once.",
    ),
}
