"""What both adapters share: one SDK client, its connections, its time limit, its errors."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from label_studio_gemini.gemini.refusals import Call
from label_studio_gemini.gemini.sdk_errors import sdk_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2
    from google import genai


@dataclass(frozen=True, slots=True)
class Connection:
    """An SDK client and what keeps it in bounds.

    Attributes:
        client: The SDK's client, referenced here for as long as calls run: a client that is
            garbage collected closes itself in the middle of them.
        http: The connections below it, which the SDK leaves for us to close. They belong to the
            event loop that first uses them.
        timeout: Seconds that one call may take in all.
        secret: The API key, so that no error repeats it.
    """

    client: genai.Client = field(repr=False)
    http: httpx2.AsyncClient = field(repr=False)
    timeout: float
    secret: str = field(repr=False)

    @asynccontextmanager
    async def call(self, model: str) -> AsyncIterator[Call]:
        """Enclose one call: it ends in time, and fails with our errors alone.

        The SDK's own limit counts anew for each piece that arrives, so a server that drips would
        never meet it: hence a second limit around the whole.

        Raises:
            GeminiError: In place of what the SDK raises.
        """
        call = Call(model=model, timeout=self.timeout, secret=self.secret)
        with sdk_errors(call):
            async with asyncio.timeout(self.timeout):
                yield call

    async def aclose(self) -> None:
        """Close the client's asynchronous and synchronous halves, and the connections."""
        await self.client.aio.aclose()
        self.client.close()
        await self.http.aclose()
