"""What the tests of the activity share."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from label_studio_gemini.activity import Activity
from label_studio_gemini.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BROKEN = FetchError("The image answered 404.", hint="Look at its address.")


@asynccontextmanager
async def activity_of(folder: Path, **options: Any) -> AsyncIterator[Activity]:
    """Open the activity of a folder, beside whoever else has it open."""
    activity = Activity(folder / "activity.sqlite", **options)
    try:
        yield activity
    finally:
        await activity.aclose()
