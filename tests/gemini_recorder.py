"""A raw HTTP server on the loopback that records what the SDK sends and answers as scripted.

It knows nothing of Gemini: what goes out is asserted on, what comes back is the test's own.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

Fault = Literal["reset", "hang", "cut", "drip"]


@dataclass(frozen=True)
class Answer:
    """One answer, or what goes wrong in its place."""

    body: object = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    fault: Fault | None = None

    def bytes(self) -> bytes:
        body = self.body if isinstance(self.body, bytes | str) else json.dumps(self.body)
        content = body.encode() if isinstance(body, str) else body
        lines = [
            f"HTTP/1.1 {self.status} Scripted",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(content)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass(frozen=True)
class Recorded:
    """One request as it came in."""

    line: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Recorder:
    """What came in, and what is to be answered: each answer once, the last one for ever."""

    answers: list[Answer]
    together: asyncio.Barrier | None = None
    requests: list[Recorded] = field(default_factory=list)
    url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def closed(self) -> None:
        """Wait until the other side has closed each connection."""
        await asyncio.gather(*self.tasks)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:]) if k}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Recorded(head[0], headers, json.loads(content or b"null")))
        self.arrived.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.together:
            await self.together.wait()
        return await self._answer(answer, writer)

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        content = answer.bytes()
        if answer.fault == "reset":
            writer.transport.abort()
            return False
        if answer.fault == "hang":
            await asyncio.Event().wait()
        if answer.fault == "cut":
            writer.write(content[:-5])
            await writer.drain()
            return False
        if answer.fault == "drip":
            for byte in content:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.03)
        writer.write(content)
        await writer.drain()
        return True


@asynccontextmanager
async def recording(*answers: Answer, together: int = 0) -> AsyncIterator[Recorder]:
    """Serve `answers`; with `together`, none before that many requests have come in."""
    recorder = Recorder(list(answers), asyncio.Barrier(together) if together else None)

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recorder.tasks.add(asyncio.ensure_future(recorder.serve(reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    host, port = server.sockets[0].getsockname()
    recorder.url = f"http://{host}:{port}"
    try:
        yield recorder
    finally:
        server.close()
        for task in recorder.tasks:
            task.cancel()
        await asyncio.gather(*recorder.tasks, return_exceptions=True)
        await server.wait_closed()
