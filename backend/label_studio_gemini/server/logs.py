"""One structured line for each request, and whose work every other line belongs to."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from label_studio_gemini.server.quiet import (
    MOST_FAILURES,
    FewFailures,
    NoCancellations,
    NoSocketsOnce,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from label_studio_gemini.environment import Environment

_log = logging.getLogger(__name__)

HEADER = "X-Request-ID"

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BARE = re.compile(r"[\w./:-]+", re.ASCII)
_LONGEST = 200
"""Characters of a path or a project's name; both may be anything."""

_LONGEST_MESSAGE = 3_000
"""Characters of a message, as it is written; with the fields, a line stays under 4 kB."""

_HUNG_UP = 499
"""The status of a request whose sender was gone before its end came; nginx logs it so too."""

_ROUTINE = frozenset({"/health", "/api/status", "/metrics"})
"""What is asked every few seconds: by Docker, each page of Label Studio, the status page."""

# They tell each request with its whole address, and at `debug` its headers: a key, a signed link.
_TOO_OPEN = ("httpx2", "httpcore2", "httpx", "httpcore", "google_genai", "google", "urllib3", "PIL")

Field: TypeAlias = str | int | float | bool


@dataclass(slots=True)
class RequestNotes:
    """What the line about a request will say; its handler fills in what it learns."""

    id: str
    project: str | None = None
    tasks: int | None = None
    failed: int | None = None
    failures_met: int = 0


_request: ContextVar[RequestNotes | None] = ContextVar("request", default=None)
_task: ContextVar[int | None] = ContextVar("task", default=None)


def request_id() -> str:
    """Return the id of the present request; "" outside any."""
    notes = _request.get()
    return notes.id if notes is not None else ""


def note_request(project: str | int | None, tasks: int | None = None) -> None:
    """Say whose request the present one is, and how many tasks it is about."""
    notes = _request.get()
    if notes is not None:
        notes.project = None if project is None else str(project)
        notes.tasks = tasks


def note_failed(failed: int) -> None:
    """Say how many tasks of the present request have no prediction."""
    notes = _request.get()
    if notes is not None:
        notes.failed = failed


def count_failure() -> int | None:
    """Count a failed task of the present request, and return how many there were; None outside."""
    notes = _request.get()
    if notes is None:
        return None
    notes.failures_met += 1
    return notes.failures_met


def note_task(task: int | None) -> None:
    """Say which task all further lines of this asyncio task are about."""
    _task.set(task)


# By the loggers whose lines they hold back.
_FILTERS: Mapping[str, logging.Filter] = {
    "asyncio": NoSocketsOnce(),
    "label_studio_gemini.pipeline.answering": FewFailures(count_failure),
    "uvicorn.error": NoCancellations(),
}


def configure_logging(environment: Environment) -> None:
    """Log to standard error as the environment says, unless somebody has set up logging before."""
    root = logging.getLogger()
    root.setLevel(environment.log_level.upper())
    for name in _TOO_OPEN:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, one in _FILTERS.items():
        logging.getLogger(name).addFilter(one)  # a second time does nothing
    if root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if environment.log_format == "json" else TextFormatter())
    root.addHandler(handler)


class TextFormatter(logging.Formatter):
    """`2026-01-31 12:00:00,000 INFO 42 logger [request task 7] message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows it."""
        line = super().format(record)
        fields = _fields_of(record)
        return f"{line} {_text(fields)}" if fields else line

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base's name
        """Return the line without fields or traceback."""
        notes, task = _request.get(), _task.get()
        origin = " ".join([*([notes.id] if notes else []), *([f"task {task}"] if task else [])])
        where = f"{record.name} [{origin}]" if origin else record.name
        when = self.formatTime(record)
        return f"{when} {record.levelname} {record.process} {where}: {_cut(record.message)}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines; a traceback is one of its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        notes, task = _request.get(), _task.get()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": _cut_json(record.getMessage()),
        }
        if notes is not None:
            line["request"] = notes.id
        if task is not None:
            line["task"] = task
        line |= _fields_of(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class RequestLog:
    """Gives each request an id, answers with it, and writes the line about it.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        notes = RequestNotes(_id_of(scope))
        status, complete, start = 0, False, time.perf_counter()

        async def noting_send(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                own = (HEADER.lower().encode(), notes.id.encode())
                message = {**message, "headers": [*message.get("headers", ()), own]}
            elif not message.get("more_body", False):
                complete = True
            await send(message)

        token = _request.set(notes)
        try:
            await self._app(scope, receive, noting_send)
            status = status or _HUNG_UP
        finally:
            if notes.failures_met > MOST_FAILURES:
                more = notes.failures_met - MOST_FAILURES
                _log.warning(
                    "%d more tasks of this request failed so far: see the status page", more
                )
            status = status or HTTPStatus.INTERNAL_SERVER_ERROR  # what raised is answered so
            _write_line(scope, notes, status, complete=complete, start=start)
            _request.reset(token)


def _write_line(
    scope: Scope, notes: RequestNotes, status: int, *, complete: bool, start: float
) -> None:
    fields: dict[str, Field] = {
        "method": scope["method"],
        "path": _shown_path(scope["path"]),
        "status": status,
        "seconds": round(time.perf_counter() - start, 3),
    }
    if notes.project is not None:
        fields["project"] = notes.project[:_LONGEST]
    if notes.tasks is not None:
        fields["tasks"] = notes.tasks
    if notes.failed is not None:
        fields["failed"] = notes.failed
    if not complete:
        fields["hung_up"] = True
    is_routine = scope["path"] in _ROUTINE and status == HTTPStatus.OK
    level = logging.DEBUG if is_routine else logging.INFO
    _log.log(level, "request", extra={"fields": fields})


def _cut(text: str, most: int = _LONGEST_MESSAGE) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _cut_json(text: str) -> str:
    """Cut a message whose escapes may make it six times as long."""
    cut = _cut(text)
    written = len(json.dumps(cut))
    return (
        cut
        if written <= _LONGEST_MESSAGE + 100
        else _cut(text, len(cut) * _LONGEST_MESSAGE // written)
    )


def _fields_of(record: logging.LogRecord) -> Mapping[str, Field]:
    fields: Mapping[str, Field] = getattr(record, "fields", {})
    return fields


def _text(fields: Mapping[str, Field]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _value(value: Field) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)


def _shown_path(path: str) -> str:
    """Return the path without the secret that may be in that of a webhook."""
    return "/webhook/…" if path.startswith("/webhook/") else path[:_LONGEST]


def _id_of(scope: Scope) -> str:
    """Return the id that a proxy gave the request, where it is fit for a log, or a new one."""
    name = HEADER.lower().encode()
    given = next((value for key, value in scope["headers"] if key == name), b"")
    text: str = given.decode("latin-1")
    return text if _SANE_ID.fullmatch(text) else uuid.uuid4().hex[:12]
