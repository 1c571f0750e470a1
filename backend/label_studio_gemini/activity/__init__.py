"""What the backend did: for the people who wait for it, and for those who keep it running.

Projects, the requests that are being worked on, what failed and why, and what was left out, in a
SQLite file that all processes share. Nobody waits for it, and no prediction fails for it.

types.py      what is noted, and what is shown      activity.py  the file, and what is not in it yet
shortening.py  texts of any size             progress.py  a request that is being worked on
schema.py     the tables       writing.py, failing.py, omitting.py, trimming.py, reading.py   SQL
patterns.py   what messages have in common
"""

from __future__ import annotations

from label_studio_gemini.activity.activity import Activity
from label_studio_gemini.activity.progress import Progress
from label_studio_gemini.activity.types import (
    Batch,
    BatchState,
    CommonReason,
    Count,
    Counts,
    Done,
    Failed,
    LeftOut,
    Project,
    Reason,
    Result,
    Scope,
    Singles,
    Snapshot,
)
from label_studio_gemini.activity.writing import LEFT_OUT, OTHERS, PREDICTIONS, SMART_ANSWERS
from label_studio_gemini.cache.texts import short_name

__all__ = [
    "LEFT_OUT",
    "OTHERS",
    "PREDICTIONS",
    "SMART_ANSWERS",
    "Activity",
    "Batch",
    "BatchState",
    "CommonReason",
    "Count",
    "Counts",
    "Done",
    "Failed",
    "LeftOut",
    "Progress",
    "Project",
    "Reason",
    "Result",
    "Scope",
    "Singles",
    "Snapshot",
    "short_name",
]
