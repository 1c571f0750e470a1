"""Answers that outlive a time limit.

Label Studio gives up when no byte has come for 100 s (`ML_TIMEOUT_PREDICT`); white space ahead of
JSON means nothing to a reader of JSON, and is bytes all the same.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

BEAT = 1.0
"""Seconds between two signs of life. Label Studio's limit is in whole seconds, 1 at least."""

_JSON = "application/json"


async def respond_patiently(work: Coroutine[None, None, bytes]) -> Response:
    """Answer with the JSON that `work` returns; with a space a second while it is not done.

    Where it is done within a second, the answer is as plain as any. Afterwards its status is on
    the way, 200, so `work` has to have an answer for everything. It is cancelled when the client
    hangs up.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=BEAT)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return Response(task.result(), media_type=_JSON)
    return StreamingResponse(_stream(task), media_type=_JSON)


async def _stream(task: asyncio.Task[bytes]) -> AsyncIterator[bytes]:
    try:
        while not task.done():
            yield b" "
            await asyncio.wait({task}, timeout=BEAT)
        yield task.result()
    finally:
        task.cancel()
