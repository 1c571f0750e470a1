"""What carries bytes: it does what httpx's own transport does, also where something goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import httpx2
import pytest

from certificates import server_side, write_certificate
from label_studio_gemini.gemini.transport import Client, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

Handler: TypeAlias = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]"

LARGE = bytes(range(256)) * 16_384  # 4 MB
TOO_LARGE = LARGE * 16  # for what the system keeps of a connection that nobody reads
NOBODY = ssl.create_default_context()


def ours(trust: ssl.SSLContext = NOBODY) -> httpx2.AsyncBaseTransport:
    return Transport(trust)


def theirs(trust: ssl.SSLContext = NOBODY) -> httpx2.AsyncBaseTransport:
    return httpx2.AsyncHTTPTransport(verify=trust)


each = pytest.mark.parametrize("transport", [ours, theirs])


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve with `handler`; yield the address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"


async def echoing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its body."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.split("content-length: ")[1].split()[0]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break off half way through an answer."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await writer.drain()
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.fixture
def silence() -> Iterator[str]:
    """Yield where nobody reads and nobody answers, without a scheme."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield f"127.0.0.1:{one.getsockname()[1]}"


@each
async def test_what_is_large_comes_whole_both_ways_over_tls(
    tmp_path: Path, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    names: list[str | None] = []
    file = write_certificate(tmp_path / "c.pem", "localhost")
    trust = ssl.create_default_context(cafile=file)
    async with (
        serving(echoing, server_side(file, names)) as url,
        Client(transport(trust), 30) as client,
    ):
        answers = [await client.request("POST", url, content=LARGE) for _ in range(2)]
    for answer in answers:
        assert hashlib.sha256(answer.content).digest() == hashlib.sha256(LARGE).digest()
    assert names == ["localhost"]


@each
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    file = write_certificate(tmp_path / "c.pem", "localhost")
    async with (
        serving(echoing, server_side(file, [])) as url,
        Client(transport(), 30) as client,
    ):
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.request("POST", url, content=b"key")


@each
@pytest.mark.parametrize(
    ("scheme", "content", "error"),
    [
        ("http", b"", httpx2.ReadTimeout),
        ("http", TOO_LARGE, httpx2.WriteTimeout),
        ("https", b"", httpx2.ConnectTimeout),
    ],
)
async def test_a_time_limit_says_what_it_waited_for(
    silence: str,
    transport: Callable[..., httpx2.AsyncBaseTransport],
    scheme: str,
    content: bytes,
    error: type[httpx2.TimeoutException],
) -> None:
    async with Client(transport(), 30) as client:
        with pytest.raises(error):
            await client.request("POST", f"{scheme}://{silence}", content=content, timeout=0.2)


@each
async def test_a_connection_that_breaks_off_is_an_error(
    transport: Callable[..., httpx2.AsyncBaseTransport],
) -> None:
    async with serving(resetting) as url, Client(transport(), 30) as client:
        with pytest.raises(httpx2.ReadError):
            await client.request("POST", url, content=b"")
