"""What carries bytes: it does what httpx's own transport does, also where something goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

import httpx2
import pytest
import uvloop

from certificates import server_side, write_certificate
from label_studio_gemini.gemini.transport import Client, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from pathlib import Path

Run: TypeAlias = "Callable[[Coroutine[None, None, None]], None]"
Handler: TypeAlias = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]"

LARGE = bytes(range(256)) * 16_384  # 4 MB
TOO_LARGE = LARGE * 16  # for what the system keeps of a connection that nobody reads
NOBODY = ssl.create_default_context()


def ours(trust: ssl.SSLContext = NOBODY) -> httpx2.AsyncBaseTransport:
    return Transport(trust)


def theirs(trust: ssl.SSLContext = NOBODY) -> httpx2.AsyncBaseTransport:
    return httpx2.AsyncHTTPTransport(verify=trust)


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run something in either kind of loop: the server takes uvloop where it is there."""
    runner: Run = request.param
    return runner


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


async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer whatever comes first without TLS."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
def silence() -> Iterator[str]:
    """Yield where nobody reads and nobody answers, without a scheme."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield f"127.0.0.1:{one.getsockname()[1]}"


@each
def test_what_is_large_comes_whole_both_ways_over_tls(
    tmp_path: Path, run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    names: list[str | None] = []
    file = write_certificate(tmp_path / "c.pem", "localhost")
    trust = ssl.create_default_context(cafile=file)

    async def check() -> None:
        async with (
            serving(echoing, server_side(file, names)) as url,
            Client(transport(trust), 30) as client,
        ):
            for _ in range(2):
                answer = await client.request("POST", url, content=LARGE)
                assert hashlib.sha256(answer.content).digest() == hashlib.sha256(LARGE).digest()

    run(check())
    assert names == ["localhost"]  # there was one connection


@each
def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    file = write_certificate(tmp_path / "c.pem", "localhost")

    async def check() -> None:
        async with (
            serving(echoing, server_side(file, [])) as url,
            Client(transport(), 30) as client,
        ):
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.request("POST", url, content=b"key")

    run(check())


@each
def test_what_answers_no_tls_is_an_error(
    run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    async def check() -> None:
        async with serving(refusing) as url, Client(transport(), 30) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.request("POST", url.replace("http:", "https:"), content=b"key")

    run(check())


@each
@pytest.mark.parametrize(
    ("scheme", "content", "error"),
    [
        ("http", b"", httpx2.ReadTimeout),
        ("http", TOO_LARGE, httpx2.WriteTimeout),
        ("https", b"", httpx2.ConnectTimeout),
    ],
)
def test_a_time_limit_says_what_it_waited_for(
    silence: str,
    run: Run,
    transport: Callable[..., httpx2.AsyncBaseTransport],
    *,
    scheme: str,
    content: bytes,
    error: type[httpx2.TimeoutException],
) -> None:
    async def check() -> None:
        async with Client(transport(), 30) as client:
            with pytest.raises(error):
                await client.request("POST", f"{scheme}://{silence}", content=content, timeout=0.2)

    run(check())


@each
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://nobody.invalid", f"http://{'a' * 70}.com"]
)
def test_where_nobody_is_is_an_error(
    run: Run, transport: Callable[..., httpx2.AsyncBaseTransport], address: str
) -> None:
    async def check() -> None:
        async with Client(transport(), 30) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.request("POST", address, content=b"")

    run(check())


@each
def test_a_connection_that_breaks_off_is_an_error(
    run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    async def check() -> None:
        async with serving(resetting) as url, Client(transport(), 30) as client:
            with pytest.raises(httpx2.ReadError):
                await client.request("POST", url, content=b"")

    run(check())


@each
def test_what_nobody_reads_is_not_taken_in(
    run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    sent = 0

    async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(TOO_LARGE))
        for at in range(0, len(TOO_LARGE), 65_536):
            writer.write(TOO_LARGE[at : at + 65_536])
            await writer.drain()
            sent = at

    async def check() -> None:
        async with (
            serving(flooding) as url,
            Client(transport(), 30) as client,
            client.stream("GET", url) as answer,
        ):
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            assert 0 < sent < len(TOO_LARGE) // 2
            assert await answer.aread() == TOO_LARGE

    run(check())


@each
def test_what_comes_before_tls_is_no_answer(
    tmp_path: Path, run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    """Anyone on the way could have sent it; the certificate of what comes next is a good one."""
    file = write_certificate(tmp_path / "c.pem", "localhost")
    trust, own = ssl.create_default_context(cafile=file), server_side(file, [])

    async def injecting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
        await writer.drain()
        with suppress(OSError):
            await writer.start_tls(own)

    async def check() -> None:
        async with serving(injecting) as url, Client(transport(trust), 30) as client:
            for _ in range(20):
                with pytest.raises(httpx2.ConnectError):
                    await client.request(
                        "POST", url.replace("http://127.0.0.1", "https://localhost")
                    )

    run(check())


@each
def test_who_hangs_up_before_tls_is_not_there(
    run: Run,
    transport: Callable[..., httpx2.AsyncBaseTransport],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def leaving(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def check() -> None:
        async with serving(leaving) as url, Client(transport(), 30) as client:
            for _ in range(20):
                with pytest.raises(httpx2.ConnectError):
                    await client.request("POST", url.replace("http:", "https:"))

    run(check())
    assert not caplog.records


@each
@pytest.mark.parametrize("turns", range(6))
def test_a_kept_connection_that_ends_is_an_error_at_most(
    tmp_path: Path, run: Run, transport: Callable[..., httpx2.AsyncBaseTransport], turns: int
) -> None:
    """However many turns of the event loop it is since the other side broke it off."""
    file = write_certificate(tmp_path / "c.pem", "localhost")
    trust = ssl.create_default_context(cafile=file)
    ends: list[asyncio.StreamWriter] = []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        await echoing(reader, writer)

    async def check() -> None:
        async with (
            serving(answering, server_side(file, [])) as url,
            Client(transport(trust), 30) as client,
        ):
            await client.request("POST", url, content=b"1")
            ends[0].transport.abort()
            for _ in range(turns):
                await asyncio.sleep(0)
            with suppress(httpx2.HTTPError):
                await client.request("POST", url, content=b"2")
            assert (await client.request("POST", url, content=b"3")).content == b"3"

    run(check())


@each
def test_a_body_that_nobody_takes_meets_the_limit_for_sending_over_tls_too(
    tmp_path: Path, run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    file = write_certificate(tmp_path / "c.pem", "localhost")
    trust = ssl.create_default_context(cafile=file)

    async def check() -> None:
        over = asyncio.Event()

        async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.transport.abort()

        async with (
            serving(deaf, server_side(file, [])) as url,
            Client(transport(trust), 30) as client,
        ):
            with pytest.raises(httpx2.WriteTimeout):
                await client.request("POST", url, content=TOO_LARGE, timeout=0.5)
            over.set()

    run(check())


@each
def test_half_an_answer_is_none_where_this_side_hangs_up(
    run: Run, transport: Callable[..., httpx2.AsyncBaseTransport]
) -> None:
    """One without a length ends with its connection."""

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nhalf")
        await reader.read()

    async def check() -> None:
        async with (
            serving(half) as url,
            Client(transport(), 30) as client,
            client.stream("GET", url) as answer,
        ):
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"half"
            rest = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0.05)
            await client.aclose()
            with pytest.raises(httpx2.HTTPError):
                await rest

    run(check())
