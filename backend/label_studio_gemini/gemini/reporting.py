"""Each attempt that is sent is reported to whoever asked."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from label_studio_gemini.errors import GeminiError, TransportError
from label_studio_gemini.gemini.types import Attempt

if TYPE_CHECKING:
    from label_studio_gemini.gemini.types import Gemini, GeminiReply, GeminiRequest


class ReportingGemini:
    """Tells a request's `on_attempt` what came of it: each time that it was sent, so each retry.

    It goes next to the adapter: every wrapper that may ask more than once is around it. What is
    given up while it is on its way (the program ends) is an attempt without an answer.

    Args:
        inner: What sends.
    """

    def __init__(self, inner: Gemini) -> None:
        self._inner = inner

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        """Answer `request`, and report it.

        Raises:
            GeminiError: As the inner one does.
        """
        start = time.perf_counter()
        try:
            reply = await self._inner.generate(request)
        except GeminiError as error:
            _report(request, error, start)
            raise
        except asyncio.CancelledError:
            lost = TransportError("It was given up.", hint="Ask again.")
            _report(request, lost, start)
            raise
        _report(request, reply, start)
        return reply

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()


def _report(request: GeminiRequest, outcome: GeminiReply | GeminiError, start: float) -> None:
    if request.on_attempt is not None:
        request.on_attempt(Attempt(request, outcome, time.perf_counter() - start))
