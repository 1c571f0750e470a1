"""The handlers for who looks on: people, and Prometheus. They answer whatever state it is in."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from fastapi.responses import Response

from label_studio_gemini.server.bodies import json_bytes
from label_studio_gemini.server.page import page_response

if TYPE_CHECKING:
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.server.hosting import Host

MEMORY_SECONDS = 1.0
"""For which an answer of /api/status is given again: as many may look on as like to."""

_NO_STORE = {"Cache-Control": "no-store"}


class Monitor:
    """Shows how things stand.

    Args:
        config: The YAML.
        environment: Where Label Studio is.
        host: Knows the records, and whether tasks can be predicted.
    """

    def __init__(self, config: Config, environment: Environment, host: Host) -> None:
        self._config = config
        self._environment = environment
        self._host = host
        self._status: asyncio.Task[bytes] | None = None
        self._asked = 0.0  # by the clock of the event loop

    async def page(self) -> Response:
        """Show people how things stand."""
        return await asyncio.to_thread(page_response)

    async def status(self) -> Response:
        """Say how things stand: projects, progress, failures, spend; made for the status page."""
        body = await self._recent()
        return Response(body, headers=_NO_STORE, media_type="application/json")

    async def _recent(self) -> bytes:
        """Return the answer, which many who look on share for a second."""
        now = asyncio.get_running_loop().time()
        if self._status is None or now - self._asked >= MEMORY_SECONDS:
            self._asked, self._status = now, asyncio.create_task(self._build())
        return await asyncio.shield(self._status)

    async def _build(self) -> bytes:
        records = await self._host.records()
        await asyncio.to_thread(_load)
        from label_studio_gemini.server.status import Found, build_status, find  # noqa: PLC0415

        found = Found() if records is None else await find(records)
        ready, trouble = self._host.is_ready, self._host.trouble

        def build() -> bytes:
            status = build_status(
                self._config, self._environment, found, ready=ready, trouble=trouble
            )
            return json_bytes(status.model_dump())

        return await asyncio.to_thread(build)

    async def metrics(self) -> Response:
        """Say in numbers how things stand, in the text format of Prometheus."""
        records = await self._host.records()
        await asyncio.to_thread(_load)
        from label_studio_gemini.server import metrics  # noqa: PLC0415

        measured = await metrics.measure(records, ready=self._host.is_ready)
        body = await asyncio.to_thread(metrics.render, measured, self._config)
        return Response(body, headers=_NO_STORE, media_type=metrics.CONTENT_TYPE)


def _load() -> None:
    """Import what only a few backends ever need, the first time that it is."""
    for name in ("metrics", "status"):
        importlib.import_module(f"label_studio_gemini.server.{name}")
