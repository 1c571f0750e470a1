"""Many small pools of connections: what is reused, what makes room, what is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from label_studio_gemini.gemini.transport import SpreadTransport, build_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Body(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"


class Pool(httpx2.AsyncBaseTransport):
    def __init__(self) -> None:
        self.requests = 0
        self.closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        if request.url.path == "/broken":
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, stream=Body())

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def pools() -> list[Pool]:
    return []


@pytest.fixture
async def client(pools: list[Pool]) -> AsyncIterator[httpx2.AsyncClient]:
    def build() -> Pool:
        pools.append(Pool())
        return pools[-1]

    async with httpx2.AsyncClient(
        transport=SpreadTransport(build, per_pool=2), base_url="http://gemini"
    ) as client:
        yield client
    assert all(pool.closed for pool in pools)


async def test_one_after_the_other_use_one_pool(
    client: httpx2.AsyncClient, pools: list[Pool]
) -> None:
    for _ in range(5):
        assert (await client.get("/")).text == "ab"
    assert [pool.requests for pool in pools] == [5]


async def test_a_pool_is_full_until_a_body_is_closed(
    client: httpx2.AsyncClient, pools: list[Pool]
) -> None:
    async with client.stream("GET", "/"), client.stream("GET", "/") as second:
        assert (await client.get("/")).text == "ab"
        assert [pool.requests for pool in pools] == [2, 1]
        await second.aclose()
        await second.aclose()
        await client.get("/")
        assert [pool.requests for pool in pools] == [3, 1]


async def test_what_fails_makes_room(client: httpx2.AsyncClient, pools: list[Pool]) -> None:
    for _ in range(5):
        with pytest.raises(httpx2.ConnectError):
            await client.get("/broken")
    assert [pool.requests for pool in pools] == [5]


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
    http = build_http(httpx2.create_ssl_context(), 10)
    async with http:
        transport = http._transport_for_url(httpx2.URL("https://gemini"))
        assert isinstance(transport, SpreadTransport) is not proxied
