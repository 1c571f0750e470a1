"""Places that tasks wait for, but for those that a person waits for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from label_studio_gemini.gemini import Urgency


@asynccontextmanager
async def place(places: asyncio.Semaphore, urgency: Urgency) -> AsyncIterator[None]:
    """Hold one of `places`; whoever a person waits for goes on without, also if that comes late."""
    if not await _taken(places, urgency):
        yield
        return
    try:
        yield
    finally:
        places.release()


async def _taken(places: asyncio.Semaphore, urgency: Urgency) -> bool:
    """Wait until a place is taken (True), or none is needed."""
    if urgency.is_waited_for:
        return False
    if not places.locked():
        return await places.acquire()  # at once
    taking = asyncio.create_task(places.acquire())
    with urgency.heard(taking.cancel):
        try:
            await asyncio.wait([taking])
        except asyncio.CancelledError:
            if not taking.cancel() and not taking.cancelled():  # it was taken at the same moment
                places.release()
            raise
    return not taking.cancelled()
