"""Connections: which are used again, which are not, and which are closed. Over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import httpx2
import pytest

from label_studio_gemini.gemini.transport import KEPT, Client, Transport, build_http

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator


@dataclass
class Counting:
    """A server that answers each request with the number of its connection, from 1.

    `/bye` is answered too, and then the connection ends; `/hang` is never answered, and `/twice`
    is once too often.

    Attributes:
        url: Where it is.
        made: How many connections there were.
        open: Those that neither side has closed.
        hangs: Set when `/hang` was asked.
    """

    url: str = ""
    made: int = 0
    open: set[int] = field(default_factory=set)
    hangs: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until_open(self, count: int) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.open) == count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        number = self.made
        self.open.add(number)
        try:
            path = ""
            while path != "/bye":
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split()[1]
                if path == "/hang":
                    self.hangs.set()
                    await reader.read()
                text = f"{number:03}"
                answer = f"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{text}".encode()
                writer.write(answer * 2 if path == "/twice" else answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        self.open.discard(number)
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def counting() -> AsyncIterator[Counting]:
    one = Counting()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield one


@pytest.fixture
async def server() -> AsyncIterator[Counting]:
    async with counting() as one:
        yield one


@cache
def trust() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def client_of(server: Counting, *, kept: float = KEPT) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=Transport(trust(), kept=kept), base_url=server.url)


async def numbers(client: httpx2.AsyncClient, count: int) -> list[str]:
    """Ask so often at the same time, and return which connections have answered."""
    streams = [client.stream("GET", "/") for _ in range(count)]
    answers = await asyncio.gather(*(one.__aenter__() for one in streams))
    texts = [(await answer.aread()).decode() for answer in answers]
    await asyncio.gather(*(one.__aexit__(None, None, None) for one in streams))
    return sorted(texts)


async def test_one_after_the_other_use_one_connection(server: Counting) -> None:
    async with client_of(server) as client:
        assert [(await client.get("/")).text for _ in range(5)] == ["001"] * 5


async def test_each_of_many_at_once_has_its_own_and_leaves_it_to_the_next(server: Counting) -> None:
    async with client_of(server) as client:
        all_of_them = [f"{number:03}" for number in range(1, 129)]
        assert await numbers(client, 128) == all_of_them
        assert await numbers(client, 128) == all_of_them
        await server.until_open(128)
    await server.until_open(0)


async def test_a_connection_is_free_when_its_answer_is_closed(server: Counting) -> None:
    async with client_of(server) as client, client.stream("GET", "/") as first:
        assert (await client.get("/")).text == "002"
        await first.aread()
        await first.aclose()
        await first.aclose()
        assert (await client.get("/")).text == "001"
        assert await numbers(client, 3) == ["001", "002", "003"]


async def test_an_answer_that_is_not_read_to_its_end_closes_the_connection(
    server: Counting,
) -> None:
    async with client_of(server) as client:
        async with client.stream("GET", "/"):
            pass
        await server.until_open(0)
        assert (await client.get("/")).text == "002"


async def test_what_the_server_has_closed_is_not_used(server: Counting) -> None:
    async with client_of(server) as client:
        assert (await client.get("/bye")).text == "001"
        await server.until_open(0)
        assert (await client.get("/")).text == "002"


async def test_who_gives_up_closes_the_connection(server: Counting) -> None:
    async with client_of(server) as client:
        asked = asyncio.create_task(client.get("/hang", timeout=60))
        await server.hangs.wait()
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()
        await server.until_open(0)
        assert (await client.get("/")).text == "002"


async def test_time_limits_and_refused_connections_are_httpx_errors(server: Counting) -> None:
    async with client_of(server) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.get("/hang", timeout=0.05)
        await server.until_open(0)
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://127.0.0.1:1/")
        assert (await client.get("/")).text == "002"


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/", "wss://127.0.0.1/", "127.0.0.1/"])
async def test_an_address_of_something_else_is_an_httpx_error(address: str) -> None:
    async with httpx2.AsyncClient(transport=Transport(trust())) as client:
        with pytest.raises(httpx2.UnsupportedProtocol):
            await client.get(address)


async def test_what_comes_back_after_the_end_is_closed(server: Counting) -> None:
    client = client_of(server)
    async with client.stream("GET", "/") as answer:
        await client.aclose()
        with suppress(httpx2.HTTPError):
            await answer.aread()
    await server.until_open(0)


async def test_connections_are_closed_though_the_closing_is_cancelled(server: Counting) -> None:
    client = client_of(server)
    await numbers(client, 8)
    closing = asyncio.create_task(client.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await server.until_open(0)


async def test_what_comes_behind_an_answer_is_not_that_to_the_next_request(
    server: Counting,
) -> None:
    async with client_of(server) as client:
        answers = [(await client.get(path)).text for path in ("/", "/twice", "/", "/")]
    assert answers == ["001", "001", "002", "002"]


async def test_what_nobody_uses_is_closed_in_time(server: Counting) -> None:
    async with client_of(server, kept=0.0) as client:
        assert (await client.get("/")).text == "001"
        assert (await client.get("/")).text == "002"
        await numbers(client, 8)
        await server.until_open(1)  # the last one: nothing came after it


async def test_two_servers_have_their_own(server: Counting) -> None:
    async with counting() as other, client_of(server) as client:
        for _ in range(3):
            assert (await client.get("/")).text == "001"
            assert (await client.get(f"{other.url}/")).text == "001"
        assert (server.made, other.made) == (1, 1)


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, *, proxied: bool
) -> None:
    """A transport of our own would pass it by."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if proxied:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with build_http(trust(), 10) as http:
        transport = http._transport_for_url(httpx2.URL("https://gemini"))
        assert isinstance(transport, Transport) is not proxied


async def test_the_client_sends_what_that_of_httpx_would(server: Counting) -> None:
    """And does not follow, and keeps no cookie."""
    heads = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append([*sorted(head.lower().split(b"\r\n")), await reader.readexactly(4)])
            answer = f"location: {server.url}/\r\nset-cookie: a=b\r\ncontent-length: 3\r\n\r\nnow"
            writer.write(f"HTTP/1.1 302 Found\r\n{answer}".encode())
        writer.close()

    other = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with (
        other,
        Client(Transport(trust()), 10) as ours,
        httpx2.AsyncClient(transport=Transport(trust())) as theirs,
    ):
        url = "http://{}:{}/v1/x?y=1".format(*other.sockets[0].getsockname())
        for client in (ours, theirs):
            for _ in range(2):
                client.cookies.clear()
                answer = await client.request(
                    "POST", url, content=b"body", headers={"User-Agent": "u", "x-key": "k"}
                )
                assert (answer.status_code, answer.text) == (302, "now")
    assert len(heads) == 4
    assert heads[0] == heads[1] == heads[2] == heads[3]
    assert not ours.cookies
    assert server.made == 0


async def test_a_client_that_is_closed_sends_nothing(server: Counting) -> None:
    client = Client(Transport(trust()), 10)
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.request("POST", server.url)
    assert server.made == 0


async def test_a_login_in_the_address_is_sent() -> None:
    """A gateway may want one."""
    heads = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    gateway = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = gateway.sockets[0].getsockname()[1]
    async with gateway, Client(Transport(trust()), 10) as client:
        await client.request("POST", f"http://user:pw@127.0.0.1:{port}/", content=b"")
    assert "Authorization: Basic dXNlcjpwdw==" in heads[0]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("application/json", "ä"), ("text/html; charset=latin-1", "Ã¤"), ("text/html", "ä")],
)
async def test_json_is_utf_8_and_a_page_what_it_says(kind: str, text: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 2\r\n\r\n"
        writer.write(head.encode() + "ä".encode())
        writer.close()

    site = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = site.sockets[0].getsockname()[1]
    async with site, Client(Transport(trust()), 10) as client:
        answer = await client.request("POST", f"http://127.0.0.1:{port}/", content=b"")
    assert answer.text == text
