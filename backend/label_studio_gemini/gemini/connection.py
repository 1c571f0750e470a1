"""What both adapters share: one SDK client, its connections, its time limit, its errors."""

from __future__ import annotations

import asyncio
import functools
import math
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.genai import types as sdk

from label_studio_gemini.gemini.refusals import Call
from label_studio_gemini.gemini.sdk_errors import sdk_errors
from label_studio_gemini.gemini.types import ServiceTier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2
    from google import genai

FLEX_SECONDS = 900.0
"""Flex answers within 1 to 15 minutes: https://ai.google.dev/gemini-api/docs/flex-inference."""


def time_limit(call: Call) -> sdk.HttpOptions:
    """Return the time limit of one call as the SDK wants it: in whole milliseconds.

    It also tells Google, in a header, how long an answer is waited for.
    """
    return _http_options(max(1, math.ceil(call.timeout * 1000)))


@functools.lru_cache(maxsize=10)  # pydantic takes its time, and all calls have one of two limits
def _http_options(milliseconds: int) -> sdk.HttpOptions:
    return sdk.HttpOptions(timeout=milliseconds)


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
        access_hint: How to come by a right to use Gemini, where that is not by a key.
    """

    client: genai.Client = field(repr=False)
    http: httpx2.AsyncClient = field(repr=False)
    timeout: float
    secret: str = field(repr=False)
    access_hint: str | None = None

    @asynccontextmanager
    async def call(self, model: str, tier: ServiceTier | None = None) -> AsyncIterator[Call]:
        """Enclose one call: it ends in time, and fails with our errors alone.

        The SDK's own limit counts anew for each piece that arrives, so a server that drips would
        never meet it: hence a second limit around the whole.

        Args:
            model: The model that is asked.
            tier: How soon it answers; flex is waited for at least 15 minutes.

        Raises:
            GeminiError: In place of what the SDK raises.
        """
        timeout = self.timeout
        if tier is ServiceTier.FLEX:
            timeout = max(timeout, FLEX_SECONDS)
        call = Call(model=model, timeout=timeout, secret=self.secret, access_hint=self.access_hint)
        with sdk_errors(call):
            async with asyncio.timeout(timeout):
                yield call

    async def aclose(self) -> None:
        """Close the client's asynchronous and synchronous halves, and the connections."""
        await self.client.aio.aclose()
        self.client.close()
        await self.http.aclose()
