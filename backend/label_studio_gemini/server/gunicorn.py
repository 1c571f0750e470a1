"""For gunicorn, with uvicorn-worker: `-k label_studio_gemini.server.gunicorn.Worker`."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from label_studio_gemini.server.connections import PatientProtocol


class Worker(UvicornWorker):  # type: ignore[misc] # it has no types
    """Uvicorn's worker, with the connections that `label-studio-gemini serve` has."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        **UvicornWorker.CONFIG_KWARGS,
        "http": PatientProtocol,
        "ws": "none",
    }
