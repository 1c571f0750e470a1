"""A web server for the tests of images: scripted, on a loopback port, and it remembers requests."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from label_studio_gemini.images import ImageReader, LabelStudioLogin

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came in; the names of headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered. With `drip`, a little more follows every so many seconds, for ever."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    drip: float | None = None


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": location})


@dataclass(slots=True)
class Site:
    """A running server: an answer, or what makes one, for each path."""

    host: str = "127.0.0.1"
    port: int = 0
    scheme: str = "http"
    routes: dict[str, Answer | Callable[[Seen], Answer]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def tokens(self) -> list[str | None]:
        """The Authorization header of each request."""
        return [request.headers.get("authorization") for request in self.seen]

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.seen]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            self.seen.append(request)
            self.asked.set()
            route = self.routes.get(request.path, Answer(status=404))
            await _write(writer, route if isinstance(route, Answer) else route(request))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has seen enough
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.strip().split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {"Connection": "close", **answer.headers}
    if answer.length is not None or answer.drip is None:
        headers.setdefault("Content-Length", str(answer.length or len(answer.body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} Scripted\r\n{lines}\r\n".encode("latin-1"))
    writer.write(answer.body)
    await writer.drain()
    while answer.drip is not None:
        await asyncio.sleep(answer.drip)
        writer.write(b"x" * 100)
        await writer.drain()


@asynccontextmanager
async def serving(
    routes: dict[str, Answer | Callable[[Seen], Answer]] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Site]:
    """Serve on a free loopback port until the block ends."""
    site = Site(routes=routes or {}, scheme="https" if tls else "http")
    open_tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_tasks.add(task)
        try:
            await site.answer(reader, writer)
        finally:
            open_tasks.discard(task)

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in list(open_tasks):
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)


def png(width: int = 6, height: int = 4, color: str = "red") -> bytes:
    """Return a small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "PNG")
    return buffer.getvalue()


KEY = "0123456789abcdef0123456789abcdef01234567"
PNG = png()
IMAGE = Answer(PNG, headers={"Content-Type": "image/png"})


@dataclass(slots=True)
class Names:
    """A resolver with a table; a list of lists answers differently each time, then the last."""

    table: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.table[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@asynccontextmanager
async def reading(**arguments: object) -> AsyncIterator[ImageReader]:
    reader = ImageReader(**arguments)  # type: ignore[arg-type]
    try:
        yield reader
    finally:
        await reader.aclose()


def login(site: Site, token: str | None = KEY, path: str = "") -> LabelStudioLogin:
    return LabelStudioLogin(site.url + path, token)


async def fetch(reader: ImageReader, address: str, who: LabelStudioLogin | None) -> bytes:
    return (await reader.read(address, login=who, task_id=7)).data
