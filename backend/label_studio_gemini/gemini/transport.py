"""The connections below the SDK: many at the same time, without one getting in another's way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.request import getproxies

import httpx2

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

_PER_POOL = 1
_IDLE = httpx2.Limits(max_connections=None, max_keepalive_connections=_PER_POOL)
_ANY_NUMBER = httpx2.Limits(max_connections=None, max_keepalive_connections=128)


def build_http(trust: ssl.SSLContext, timeout: float) -> httpx2.AsyncClient:
    """Build a client of ours for the SDK, for three reasons.

    As many connections as there are requests (the SDK's default, 100, makes the others wait; the
    caller limits concurrency), no redirects (the key's header would go along to any host), and no
    aiohttp, to which the SDK changes if it is installed.

    Args:
        trust: Whom to trust.
        timeout: Seconds for each part of a request.
    """
    if getproxies():  # which a transport of our own would pass by
        return httpx2.AsyncClient(
            verify=trust, limits=_ANY_NUMBER, timeout=timeout, follow_redirects=False
        )
    transport = SpreadTransport(lambda: httpx2.AsyncHTTPTransport(verify=trust, limits=_IDLE))
    return httpx2.AsyncClient(
        verify=trust, transport=transport, timeout=timeout, follow_redirects=False
    )


@dataclass(eq=False)
class _Pool:
    transport: httpx2.AsyncBaseTransport
    under_way: int = 0


class SpreadTransport(httpx2.AsyncBaseTransport):
    """Many small pools of connections, as one.

    For each request, a pool looks at all of its connections: with 128 of them that took 3 ms of
    the processor, a fourth of all that a task takes. The first pools are taken first, so that their
    connections are used again.

    Args:
        build: Makes a pool.
        per_pool: After so many requests under way at the same time, another pool is taken.
    """

    def __init__(
        self, build: Callable[[], httpx2.AsyncBaseTransport], *, per_pool: int = _PER_POOL
    ) -> None:
        self._build = build
        self._per_pool = per_pool
        self._pools: list[_Pool] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request through the first pool that has room for it."""
        pool = self._roomy()
        pool.under_way += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            pool.under_way -= 1
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Stream(response.stream, pool)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.transport.aclose()

    def _roomy(self) -> _Pool:
        for pool in self._pools:
            if pool.under_way < self._per_pool:
                return pool
        self._pools.append(_Pool(self._build()))
        return self._pools[-1]


class _Stream(httpx2.AsyncByteStream):
    """The body of a response, which makes room in its pool once it is closed."""

    def __init__(self, stream: httpx2.AsyncByteStream, pool: _Pool) -> None:
        self._stream = stream
        self._pool: _Pool | None = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        """Close it; as often as anyone likes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.under_way -= 1
        await self._stream.aclose()
